//! The key of a number: what the directory is indexed by and what two numbers are compared by.

use std::fmt;

/// The digits of an E.164 number as an integer: `+40 722 111 222` is 40722111222.
///
/// Up to 19 digits: the 15 of the ITU are not a safe bound, numbers of Japan and Germany are longer. It never starts
/// with a zero, so no digit is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u64);

impl Key {
    /// Most digits of a key.
    pub const MAX_DIGITS: usize = 19;

    /// Smallest integer that has too many digits.
    const BOUND: u64 = 10_u64.pow(19);

    /// The key with these digits, of which there are 1 to 19; `None` for zero and for longer ones.
    #[must_use]
    pub const fn new(digits: u64) -> Option<Self> {
        if digits == 0 || digits >= Self::BOUND { None } else { Some(Self(digits)) }
    }

    /// Reads ASCII digits that do not start with a zero.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        let readable = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
        if readable { digits.parse().ok().and_then(Self::new) } else { None }
    }

    /// The digits as an integer.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The same bits as SQLite holds them: keys of 19 digits above 2^63 become negative.
    #[must_use]
    pub const fn to_i64(self) -> i64 {
        self.0.cast_signed()
    }

    /// Takes back what [`Key::to_i64`] gave; `None` for bits that are no key.
    #[must_use]
    pub const fn from_i64(bits: i64) -> Option<Self> {
        Self::new(bits.cast_unsigned())
    }
}

impl fmt::Display for Key {
    /// Writes the number with its plus: `+40722111222`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "+{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_to_nineteen_digits() {
        assert_eq!(Key::new(0), None);
        assert_eq!(Key::new(9_999_999_999_999_999_999).map(Key::get), Some(9_999_999_999_999_999_999));
        assert_eq!(Key::new(10_000_000_000_000_000_000), None);
        assert_eq!(Key::from_digits("0722"), None);
        assert_eq!(Key::from_digits("+40"), None);
        assert_eq!(Key::from_digits("40722111222").map(|key| key.to_string()).as_deref(), Some("+40722111222"));
    }

    #[test]
    fn sqlite_gives_back_the_key_that_it_was_given() {
        for digits in [1, 40_722_111_222, i64::MAX as u64, 9_300_000_000_000_000_000] {
            let key = Key::new(digits).unwrap();
            assert_eq!(Key::from_i64(key.to_i64()), Some(key));
        }
        assert_eq!(Key::from_i64(0), None);
        assert_eq!(Key::from_i64(-1), None, "2^64-1 has twenty digits");
    }
}
