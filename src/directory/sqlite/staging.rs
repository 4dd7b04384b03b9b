//! What an import stages: new versions of contacts, and marks on those that they replace.
//!
//! Everything here runs inside a transaction of the session. Staged versions have the generation after the one that
//! lookups see; matching looks through the eyes of that generation, so a contact is met again in the same import.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::blocklist::Blocklist;
use super::content::{Digester, add, replace, same};
use super::keys::Pending;
use super::matching::{self, Match, Met, Scope};
use super::reading;
use super::rows::{self, Insert, Place, Record, Size};
use super::seen::Seen;
use super::write::{count, next_row, row_of};
use crate::directory::prepared::Digest;
use crate::directory::{Book, Change, Covers, ImportSummary, Prepared, Revision};
use crate::model::ContactId;
use crate::number::Numbering;

/// The import so far.
pub(super) struct Staging {
    pub(super) directory: i64,
    pub(super) digester: Digester,
    numbering: Arc<Numbering>,
    /// Whether every file so far has columns for numbers, and for blocks.
    speaks_for_numbers: bool,
    speaks_for_blocks: bool,
    /// Who must not come back.
    pub(super) erased: Blocklist,
    /// The generation that will show the staged versions.
    pub(super) target: i64,
    /// The contacts that rows of this import were.
    pub(super) seen: Seen,
    /// Keys of staged versions that are not in the table yet.
    pub(super) pending: Pending,
    /// The highest id that is a number, of every version there is.
    highest: Option<u32>,
    difference: Size,
    /// Numbers of the staged versions that a call can be matched with.
    matchable: i64,
    pub(super) summary: ImportSummary,
}

/// What one transaction starts from.
struct Round<'c> {
    connection: &'c Connection,
    insert: Insert<'c>,
    next_row: i64,
    now: i64,
}

/// A stored version that a row was matched with.
struct Version {
    row: i64,
    since: i64,
    digest: Option<Vec<u8>>,
}

impl Version {
    fn load(connection: &Connection, row: i64) -> rusqlite::Result<Option<Self>> {
        let mut statement = connection.prepare_cached("SELECT since, digest FROM contact WHERE row = ?1")?;
        statement.query_row([row], |found| Ok(Self { row, since: found.get(0)?, digest: found.get(1)? })).optional()
    }
}

impl Staging {
    /// Nothing staged; lookups see the generation before `target`.
    pub(super) fn new(book: &Book, covers: Covers, target: i64, erased: Blocklist, highest: Option<u32>) -> Self {
        let (directory, numbering) = (book.id, Arc::clone(&book.numbering));
        let (speaks_for_numbers, speaks_for_blocks) = (covers.numbers, covers.blocks);
        let digester = Digester::new(covers, &numbering);
        let (seen, pending) = (Seen::default(), Pending::default());
        let (difference, summary) = (Size::default(), ImportSummary::default());
        Self {
            directory,
            digester,
            numbering,
            speaks_for_numbers,
            speaks_for_blocks,
            erased,
            target,
            seen,
            pending,
            highest,
            difference,
            matchable: 0,
            summary,
        }
    }

    /// What the import did, in contacts.
    pub(super) fn summary(&self) -> ImportSummary {
        ImportSummary { numbers: u64::try_from(self.matchable).unwrap_or(0), ..self.summary }
    }

    /// For which parts of a contact the next rows speak.
    pub(super) fn speak_for(&mut self, covers: Covers) {
        self.speaks_for_numbers &= covers.numbers;
        self.speaks_for_blocks &= covers.blocks;
        self.digester = Digester::new(covers, &self.numbering);
    }

    /// Stages rows inside a transaction; what each did is added to `changes`.
    pub(super) fn apply(
        &mut self,
        connection: &Connection,
        rows: Vec<Prepared>,
        now: i64,
        changes: &mut Vec<Change>,
    ) -> rusqlite::Result<()> {
        let insert = Insert::prepare(connection)?;
        let mut round = Round { connection, insert, next_row: next_row(connection)?, now };
        for row in rows {
            changes.push(self.apply_row(&mut round, row)?);
        }
        Ok(())
    }

    fn apply_row(&mut self, round: &mut Round<'_>, row: Prepared) -> rusqlite::Result<Change> {
        let connection = round.connection;
        let row = match self.recognised(row)? {
            Ok(change) => return Ok(change),
            Err(row) => row,
        };
        let given = row.digest;
        let mut record = Record::from(row);
        let digest = given.unwrap_or_else(|| self.digester.digest(&record.contact, record.all_match()));
        if self.erased.refuses(connection, &record)? {
            self.summary.erased += 1;
            return Ok(Change::Erased);
        }
        let scope = Scope { connection, directory: self.directory, generation: self.target };
        let met = Met { seen: &self.seen, pending: &mut self.pending, highest: self.highest };
        match matching::find(&scope, &record, Some(met))? {
            Match::New(id) => {
                record.contact.id = id;
                self.stage(round, record, Some(&digest))?;
                self.summary.added += 1;
                Ok(Change::Added)
            }
            Match::Existing { row, id } => {
                record.contact.id = id;
                let Some(version) = Version::load(connection, row)? else { return Ok(Change::Unchanged) };
                if self.seen.contains(row) {
                    self.add(round, version, record)
                } else {
                    self.replace(round, version, (record, digest))
                }
            }
        }
    }

    /// Notes a row that is stored exactly so; else gives it back, its numbers read.
    fn recognised(&mut self, row: Prepared) -> rusqlite::Result<std::result::Result<Change, Prepared>> {
        match row.known {
            None => Ok(Err(row)),
            Some(version) if !self.seen.contains(version) => {
                self.seen.insert(version);
                self.summary.unchanged += 1;
                Ok(Ok(Change::Unchanged))
            }
            // An earlier row of this import was the same contact: what it made of the contact is to be looked at.
            Some(_) => {
                let read = Prepared::read(row.contact, &self.numbering);
                read.map(Err).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
            }
        }
    }

    /// The first row of a stored contact.
    fn replace(
        &mut self,
        round: &mut Round<'_>,
        old: Version,
        (record, digest): (Record, Digest),
    ) -> rusqlite::Result<Change> {
        let connection = round.connection;
        self.seen.insert(old.row);
        let unchanged = old.digest.as_deref() == Some(&digest[..]);
        let stored = if unchanged { None } else { Record::load(connection, old.row)? };
        let Some(stored) = stored else {
            self.summary.unchanged += 1;
            return Ok(Change::Unchanged);
        };
        let dated = record.contact.updated != 0;
        let mut merged = replace(&stored, record, self.digester.covers());
        if same(&stored, &merged, dated) {
            // Whatever made it before, from now on this row is known again.
            let sql = "UPDATE contact SET digest = ?2 WHERE row = ?1";
            connection.prepare_cached(sql)?.execute((old.row, digest))?;
            self.summary.unchanged += 1;
            return Ok(Change::Unchanged);
        }
        if !dated {
            merged.contact.updated = round.now;
        }
        self.end(connection, old.row, &stored)?;
        self.stage(round, merged, Some(&digest))?;
        self.summary.changed += 1;
        Ok(Change::Changed)
    }

    /// A further row of a contact that this import has met.
    fn add(&mut self, round: &mut Round<'_>, old: Version, record: Record) -> rusqlite::Result<Change> {
        let connection = round.connection;
        let Some(stored) = Record::load(connection, old.row)? else { return Ok(Change::Unchanged) };
        let merged = add(&stored, record);
        if same(&stored, &merged, true) {
            return Ok(Change::Unchanged);
        }
        if old.since < self.target {
            self.end(connection, old.row, &stored)?;
            self.stage(round, merged, None)?;
            self.summary.unchanged -= 1;
            self.summary.changed += 1;
            return Ok(Change::Changed);
        }
        self.forget(connection, old.row, &stored)?;
        if let Some(before) = self.version_before(connection, &merged)?
            && self.take_back(connection, before, &merged)?
        {
            self.summary.changed -= 1;
            self.summary.unchanged += 1;
            return Ok(Change::Unchanged);
        }
        self.stage(round, merged, None)?;
        Ok(Change::Changed)
    }

    /// Writes a version that the switch will show.
    fn stage(&mut self, round: &mut Round<'_>, mut record: Record, digest: Option<&[u8]>) -> rusqlite::Result<()> {
        if record.contact.updated == 0 {
            record.contact.updated = round.now;
        }
        let place = Place { directory: self.directory, row: round.next_row, since: self.target };
        round.next_row += 1;
        round.insert.write(&record, place, digest)?;
        if let ContactId::Integer(number) = record.contact.id {
            self.highest = self.highest.max(Some(number));
        }
        self.seen.insert(place.row);
        self.pending.add(&record, place.row);
        self.difference += record.size();
        self.matchable += record.matchable();
        Ok(())
    }

    /// Marks a version that the switch will hide.
    pub(super) fn end(&mut self, connection: &Connection, row: i64, record: &Record) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached("UPDATE contact SET until = ?2 WHERE row = ?1")?;
        statement.execute((row, self.target))?;
        self.difference -= record.size();
        Ok(())
    }

    /// Removes a version that this import staged.
    fn forget(&mut self, connection: &Connection, row: i64, record: &Record) -> rusqlite::Result<()> {
        rows::delete(connection, row)?;
        self.pending.remove(record, row);
        self.difference -= record.size();
        self.matchable -= record.matchable();
        Ok(())
    }

    /// The version that this import has ended, of the contact with this id.
    fn version_before(&self, connection: &Connection, record: &Record) -> rusqlite::Result<Option<i64>> {
        row_of(connection, self.directory, &record.contact.id, self.target - 1)
    }

    /// Shows an ended version again when all rows together say what it said.
    fn take_back(&mut self, connection: &Connection, row: i64, merged: &Record) -> rusqlite::Result<bool> {
        let Some(before) = Record::load(connection, row)? else { return Ok(false) };
        if !same(&before, merged, false) {
            return Ok(false);
        }
        connection.prepare_cached("UPDATE contact SET until = NULL WHERE row = ?1")?.execute([row])?;
        self.difference += before.size();
        Ok(true)
    }

    /// Whether every number and block of the book was in this import.
    fn has_read_all(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let ImportSummary { added, changed, unchanged, .. } = self.summary;
        let named = i64::try_from(added + changed + unchanged).unwrap_or(i64::MAX);
        let sql = "SELECT contacts = ?2 AND (?3 OR blocks = 0) FROM directory WHERE id = ?1";
        let all = connection.query_row(sql, (self.directory, named, self.speaks_for_blocks), |row| row.get(0))?;
        Ok(all && self.speaks_for_numbers)
    }

    /// Shows everything, inside a transaction.
    pub(super) fn switch(&mut self, connection: &Connection, now: i64) -> rusqlite::Result<()> {
        reading::note_first(connection, self.directory, &self.numbering)?;
        if self.summary.added + self.summary.changed + self.summary.removed > 0 {
            connection.execute("UPDATE directory SET generation = ?2 WHERE id = ?1", (self.directory, self.target))?;
            count(connection, self.directory, self.difference)?;
        }
        if self.has_read_all(connection)? {
            reading::note(connection, self.directory, &self.numbering)?;
        }
        connection.execute("UPDATE directory SET imported_at = ?2 WHERE id = ?1", (self.directory, now))?;
        connection.execute("DELETE FROM import WHERE directory = ?1", [self.directory])?;
        let sql = "SELECT revision FROM directory WHERE id = ?1";
        let revision: i64 = connection.query_row(sql, [self.directory], |row| row.get(0))?;
        self.summary.revision = Revision(revision.cast_unsigned());
        Ok(())
    }
}
