//! Reads the numbers of an import's rows, unless the store has exactly that row already.
//!
//! It runs in a thread of its own beside the one that stages, and only reads what lookups see; what earlier rows of the
//! same import have staged is the business of [`Staging`](super::staging). Snapshots last for one batch, so that the
//! write-ahead log can be emptied.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::content::{ALL_MATCH, Digester};
use super::rows::IdValue;
use crate::directory::breath;
use crate::directory::prepared::{Digest, MatchKey};
use crate::directory::{Prepared, Preparer};
use crate::error::Result;
use crate::model::{Contact, ContactId};
use crate::number::Numbering;
use crate::store::failure;

const DOING: &str = "look for rows that are stored already";

/// Reads or recognises the rows of one import.
pub(super) struct Recogniser {
    /// `None` when nothing can be recognised: the book is empty, or somebody was erased from it and is to be noticed.
    pub(super) connection: Option<Connection>,
    pub(super) directory: i64,
    /// What lookups see.
    pub(super) generation: i64,
    pub(super) numbering: Arc<Numbering>,
    pub(super) digester: Digester,
}

impl Preparer for Recogniser {
    fn prepare(&mut self, contacts: Vec<Contact>) -> Result<Vec<Prepared>> {
        let digest = |contact| self.digester.digest(contact, true);
        let digests: Vec<Digest> = contacts.iter().map(digest).inspect(|_| breath::row_done()).collect();
        let known = self.known(&contacts, &digests).map_err(|error| failure(DOING, error))?;
        let rows = contacts.into_iter().zip(digests).zip(known);
        rows.map(|((contact, digest), known)| match known {
            Some(version) => Ok(Prepared::recognised(contact, version)),
            None => self.read(contact, digest),
        })
        .collect()
    }
}

impl Recogniser {
    fn read(&self, contact: Contact, mut digest: Digest) -> Result<Prepared> {
        let mut prepared = Prepared::read(contact, &self.numbering)?;
        if !prepared.readings().iter().all(|reading| MatchKey::of(reading).is_certain()) {
            digest = self.digester.digest(prepared.contact(), false);
        }
        prepared.digest = Some(digest);
        breath::row_done();
        Ok(prepared)
    }

    /// The version that each row is, in one snapshot.
    fn known(&self, contacts: &[Contact], digests: &[Digest]) -> rusqlite::Result<Vec<Option<i64>>> {
        let Some(connection) = &self.connection else { return Ok(vec![None; contacts.len()]) };
        let transaction = connection.unchecked_transaction()?;
        let sql = "SELECT row, digest FROM contact \
                   WHERE directory = ?1 AND id = ?2 AND since <= ?3 AND (until IS NULL OR until > ?3)";
        let mut statement = transaction.prepare_cached(sql)?;
        let rows = contacts.iter().zip(digests).map(|(contact, digest)| {
            if contact.id == ContactId::default() {
                return Ok(None);
            }
            debug_assert_eq!(digest.last(), Some(&ALL_MATCH));
            let values = (self.directory, IdValue(&contact.id), self.generation);
            let found = statement.query_row(values, |row| {
                Ok((row.get_ref(1)?.as_blob_or_null()? == Some(&digest[..])).then_some(row.get(0)?))
            });
            breath::row_done();
            Ok(found.optional()?.flatten())
        });
        rows.collect()
    }
}
