//! Which contacts an import has met: one bit for each, so that ten million rows cost little more than a megabyte.

use std::collections::HashMap;

/// Rows in one page of bits.
const PAGE: i64 = 4096;

/// Words of a page.
const WORDS: usize = 64;

/// A set of contact rows.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<i64, Box<[u64; WORDS]>>);

impl Seen {
    pub(super) fn insert(&mut self, row: i64) {
        let (page, word, bit) = place(row);
        self.0.entry(page).or_insert_with(|| Box::new([0; WORDS]))[word] |= bit;
    }

    pub(super) fn contains(&self, row: i64) -> bool {
        let (page, word, bit) = place(row);
        self.0.get(&page).is_some_and(|bits| bits[word] & bit != 0)
    }
}

/// The page, the word in it and the bit in that.
fn place(row: i64) -> (i64, usize, u64) {
    let offset = row.rem_euclid(PAGE).cast_unsigned();
    (row.div_euclid(PAGE), (offset / 64) as usize, 1 << (offset % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_seen_once_it_was_put_in() {
        let mut seen = Seen::default();
        let rows = [0, 1, 63, 64, 4095, 4096, 10_000_000, i64::MAX];
        for row in rows {
            assert!(!seen.contains(row));
            seen.insert(row);
        }
        for row in rows {
            assert!(seen.contains(row), "{row}");
        }
        assert!(!seen.contains(2) && !seen.contains(4097));
    }
}
