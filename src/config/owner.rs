//! Ids of owners, so that two ways to write one are one.

/// The letters of a checksum, each for five bits.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// An id as it is compared. Salesforce writes one with 15 characters, whose case counts, or with three more behind them
/// that say which of these are capitals; its pages show the short one and its interface the long one. An id with another end is
/// left as it is.
pub(crate) fn plain_owner(id: &str) -> &str {
    match id.split_at_checked(15) {
        Some((short, end)) if end.len() == 3 && checksum(short).eq(end.bytes()) => short,
        _ => id,
    }
}

/// What stands behind a short id in the long one: a letter for every five characters.
fn checksum(short: &str) -> impl Iterator<Item = u8> {
    short.as_bytes().chunks(5).map(|five| {
        let capitals = five.iter().rev().fold(0, |bits, byte| bits << 1 | usize::from(byte.is_ascii_uppercase()));
        LETTERS[capitals]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_id_is_its_short_one_when_its_end_says_so() {
        for (long, short) in [
            ("001D000000IqhSLIAZ", "001D000000IqhSL"),
            ("005000000000001AAA", "005000000000001"),
            ("001D000000IqhSL", "001D000000IqhSL"),
        ] {
            assert_eq!(plain_owner(long), short);
        }
        for other in ["001D000000iqhSLIAZ", "005000000000001AAB", "005000000000001aaa", "005000000000001AAAA", "7", ""]
        {
            assert_eq!(plain_owner(other), other);
        }
        for other in ["ăâîșțăâîșțăâîșțAAA", "00500000000000ăAAA"] {
            assert_eq!(plain_owner(other), other, "no characters of one byte");
        }
    }
}
