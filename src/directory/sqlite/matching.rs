//! Which stored contact a new one is.
//!
//! An id decides alone. Without one, a number and the name do: people who share a number (a family, a company) have
//! different names and stay different contacts. Only an import may take a new name for a correction, and only when a
//! single contact has the number, calldex made its id, and no other row of the file was that contact.

use rusqlite::{Connection, OptionalExtension};

use super::content::{DERIVED, derived_id, fold, fold_name};
use super::keys::{self, Pending};
use super::rows::{Record, contact_id};
use super::seen::Seen;
use super::write::row_of;
use crate::model::ContactId;

/// What can be matched with: one book as it is seen in a generation.
pub(super) struct Scope<'a> {
    pub(super) connection: &'a Connection,
    pub(super) directory: i64,
    pub(super) generation: i64,
}

/// The result of matching.
pub(super) enum Match {
    /// This stored contact.
    Existing {
        /// The version that is seen.
        row: i64,
        /// The id that the contact keeps.
        id: ContactId,
    },
    /// None; the new contact gets this id.
    New(ContactId),
}

/// What an import has met already.
pub(super) struct Met<'a> {
    /// The contacts that its rows were.
    pub(super) seen: &'a Seen,
    /// Keys of its contacts that are not in the table yet.
    pub(super) pending: &'a mut Pending,
    /// The highest id of the book that is a number, also of versions that are not seen.
    pub(super) highest: Option<u32>,
}

impl Met<'_> {
    /// Whether nobody can have the id: most files count their contacts, and then nothing needs to be looked for.
    fn is_above_all(&self, id: &ContactId) -> bool {
        matches!(id, ContactId::Integer(number) if Some(*number) > self.highest)
    }
}

/// Most contacts with one number that are compared.
const MOST_SHARING: usize = 100;

/// Finds the stored contact that `record` is.
pub(super) fn find(scope: &Scope<'_>, record: &Record, mut met: Option<Met<'_>>) -> rusqlite::Result<Match> {
    let id = &record.contact.id;
    if *id != ContactId::default() {
        if met.as_ref().is_some_and(|met| met.is_above_all(id)) {
            return Ok(Match::New(id.clone()));
        }
        let row = row_of(scope.connection, scope.directory, id, scope.generation)?;
        return Ok(row.map_or_else(|| Match::New(id.clone()), |row| Match::Existing { row, id: id.clone() }));
    }
    let name = fold_name(record);
    let candidates = scope.with_a_number_of(record, met.as_mut().map(|met| &mut *met.pending))?;
    let chosen = candidates.iter().find(|one| one.name == name).or(match (&candidates[..], met) {
        ([only], _) if name.is_empty() => Some(only),
        (_, Some(met)) => the_only(candidates.iter().filter(|one| one.is_derived() && !met.seen.contains(one.row))),
        _ => None,
    });
    match chosen {
        Some(one) => Ok(Match::Existing { row: one.row, id: one.id.clone() }),
        None => scope.by_derived_id(record, &name),
    }
}

fn the_only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}

/// A stored contact that shares a number.
struct Candidate {
    row: i64,
    id: ContactId,
    name: String,
}

impl Candidate {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let name = fold(row.get_ref(2)?.as_str_or_null()?.unwrap_or_default());
        Ok(Self { row: row.get(0)?, id: contact_id(row.get_ref(1)?)?, name })
    }

    fn is_derived(&self) -> bool {
        matches!(&self.id, ContactId::Text(text) if text.starts_with(DERIVED))
    }
}

impl Scope<'_> {
    /// The contacts that share a number, oldest first.
    fn with_a_number_of(&self, record: &Record, mut pending: Option<&mut Pending>) -> rusqlite::Result<Vec<Candidate>> {
        let sql = "SELECT c.row, c.id, c.name FROM number_key n CROSS JOIN contact c ON c.row = n.contact \
                   WHERE n.key = ?1 AND n.directory = ?2 AND n.extension = ?4 \
                   AND c.since <= ?3 AND (c.until IS NULL OR c.until > ?3) LIMIT 100";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut add = |candidate: Candidate| {
            if !candidates.iter().any(|known| known.row == candidate.row) {
                candidates.push(candidate);
            }
        };
        for (key, extension) in record.keys.iter().filter_map(keys::stored) {
            let mut rows = statement.query((&key, self.directory, self.generation, &extension))?;
            while let Some(row) = rows.next()? {
                add(Candidate::read(row)?);
            }
            if let Some(pending) = &mut pending {
                for row in pending.contacts(&key, &extension, MOST_SHARING) {
                    self.candidate(row)?.into_iter().for_each(&mut add);
                }
            }
        }
        candidates.sort_by_key(|candidate| candidate.row);
        Ok(candidates)
    }

    /// What is known of a version; `None` when it is not seen.
    fn candidate(&self, row: i64) -> rusqlite::Result<Option<Candidate>> {
        let sql = "SELECT row, id, name FROM contact WHERE row = ?1 AND since <= ?2 AND (until IS NULL OR until > ?2)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query((row, self.generation))?;
        rows.next()?.map(Candidate::read).transpose()
    }

    /// A contact without usable numbers is known again by its derived id; any other gets a new id, with a counter when
    /// somebody who has meanwhile changed holds it.
    fn by_derived_id(&self, record: &Record, name: &str) -> rusqlite::Result<Match> {
        let derived = derived_id(record);
        let mut text = derived.clone();
        for counter in 2_u32.. {
            let id = ContactId::Text(text.as_str().into());
            let Some(row) = row_of(self.connection, self.directory, &id, self.generation)? else {
                return Ok(Match::New(id));
            };
            if record.matchable() == 0 && self.name_of(row)? == name {
                return Ok(Match::Existing { row, id });
            }
            text = format!("{derived}-{counter}");
        }
        Ok(Match::New(ContactId::Text(text.into())))
    }

    fn name_of(&self, row: i64) -> rusqlite::Result<String> {
        let mut statement = self.connection.prepare_cached("SELECT name FROM contact WHERE row = ?1")?;
        let name: Option<Option<String>> = statement.query_row([row], |row| row.get(0)).optional()?;
        Ok(fold(&name.flatten().unwrap_or_default()))
    }
}
