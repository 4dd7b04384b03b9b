//! What an import leaves without a row, and what it does to single contacts: `--replace` and `--preview`.
//!
//! Contacts that no row was are found by walking the rows of the table once, with the bits of [`Seen`](super::seen);
//! they are ended in short transactions like everything else that is staged.

use rusqlite::Connection;

use super::rows::Record;
use super::staging::Staging;
use super::write::row_of;
use crate::directory::breath;
use crate::directory::{Difference, Removal};

/// Rows of one book that a generation sees, from one row on.
const SEEN_ROWS: &str = "SELECT row FROM contact WHERE row > ?1 AND +directory = ?2 AND since <= ?3 \
    AND (until IS NULL OR until > ?3) ORDER BY row";

/// Most staged rows that are looked at for added contacts.
const LOOKED_AT: i64 = 10_000;

impl Staging {
    /// How many contacts of the book as it is now no row was.
    pub(super) fn unnamed(&self, connection: &Connection) -> rusqlite::Result<Removal> {
        let mut removal = Removal::default();
        let mut statement = connection.prepare_cached(SEEN_ROWS)?;
        let mut rows = statement.query((i64::MIN, self.directory, self.target - 1))?;
        while let Some(row) = rows.next()? {
            removal.of += 1;
            removal.removed += u64::from(!self.seen.contains(row.get(0)?));
        }
        Ok(removal)
    }

    /// Ends the next contacts that no row was, at most `most`, behind the row `after`; returns where to go on.
    pub(super) fn end_unnamed(
        &mut self,
        connection: &Connection,
        after: i64,
        most: usize,
    ) -> rusqlite::Result<Option<i64>> {
        let mut found = Vec::new();
        let mut statement = connection.prepare_cached(SEEN_ROWS)?;
        let mut rows = statement.query((after, self.directory, self.target))?;
        while let Some(row) = rows.next()? {
            let row: i64 = row.get(0)?;
            if !self.seen.contains(row) {
                found.push(row);
            }
            if found.len() == most {
                break;
            }
        }
        drop(rows);
        for &row in &found {
            if let Some(record) = Record::load(connection, row)? {
                self.end(connection, row, &record)?;
                self.summary.removed += 1;
                breath::row_done();
            }
        }
        Ok(found.last().copied().filter(|_| found.len() == most))
    }

    /// Contacts as they are and would be: changed and removed ones first, then added ones.
    pub(super) fn differences(&self, connection: &Connection, most: usize) -> rusqlite::Result<Vec<Difference>> {
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let sql = "SELECT row FROM contact WHERE directory = ?1 AND until = ?2 ORDER BY row LIMIT ?3";
        let ended: Vec<i64> = connection
            .prepare_cached(sql)?
            .query_map((self.directory, self.target, limit), |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut differences = Vec::new();
        for row in ended {
            let Some(before) = Record::load(connection, row)? else { continue };
            let after = match row_of(connection, self.directory, &before.contact.id, self.target)? {
                Some(row) => Record::load(connection, row)?.map(|record| record.contact),
                None => None,
            };
            differences.push(Difference { before: Some(before.contact), after });
        }
        self.add_added(connection, most, &mut differences)?;
        Ok(differences)
    }

    fn add_added(&self, connection: &Connection, most: usize, out: &mut Vec<Difference>) -> rusqlite::Result<()> {
        let sql = "SELECT row FROM contact WHERE row >= (SELECT first_row FROM import WHERE directory = ?1) \
                   AND +directory = ?1 AND since = ?2 ORDER BY row LIMIT ?3";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query((self.directory, self.target, LOOKED_AT))?;
        while out.len() < most {
            let Some(row) = rows.next()? else { break };
            let Some(record) = Record::load(connection, row.get(0)?)? else { continue };
            if row_of(connection, self.directory, &record.contact.id, self.target - 1)?.is_none() {
                out.push(Difference { before: None, after: Some(record.contact) });
            }
        }
        Ok(())
    }
}
