//! Plan history: a number that had one more or one less digit before its country changed the plan.
//!
//! Phones, contracts and CRMs keep the old form for years. Mexico dropped the `1` behind +52 in 2019, Argentina's
//! mobiles have a `9` behind +54 from abroad only, Brazil's mobiles got a ninth digit by 2016 (its landlines never
//! did). A form counts only when the number in force is valid, so that no stranger can be met.

use super::{Key, parser};

/// The other forms of a number.
pub(super) fn of(key: Key) -> Vec<Key> {
    let digits = key.get().to_string();
    let other = former_to_current(&digits).or_else(|| {
        let former = current_to_former(&digits)?;
        is_valid(&digits).then_some(former)
    });
    other.and_then(|digits| Key::from_digits(&digits)).into_iter().collect()
}

/// Whether this is the former form of a number that is valid today.
pub(super) fn is_former(key: Key) -> bool {
    former_to_current(&key.get().to_string()).is_some()
}

/// The valid number in force for a former form. Argentina's two forms are both in force.
fn former_to_current(digits: &str) -> Option<String> {
    let current = if let Some(rest) = behind(digits, "521", 10) {
        format!("52{rest}")
    } else if let Some(rest) = behind(digits, "549", 10) {
        format!("54{rest}")
    } else if let Some(rest) = behind(digits, "54", 10) {
        format!("549{rest}")
    } else {
        let (area, subscriber) = behind(digits, "55", 10)?.split_at(2);
        if !is_brazilian_mobile(subscriber) {
            return None;
        }
        format!("55{area}9{subscriber}")
    };
    is_valid(&current).then_some(current)
}

/// The former form of a number that is in force.
fn current_to_former(digits: &str) -> Option<String> {
    if let Some(rest) = behind(digits, "52", 10) {
        return Some(format!("521{rest}"));
    }
    let (area, subscriber) = behind(digits, "55", 11)?.split_at(2);
    let former = subscriber.strip_prefix('9').filter(|former| is_brazilian_mobile(former))?;
    Some(format!("55{area}{former}"))
}

/// Mobiles of eight digits began with 6 to 9, landlines begin with 2 to 5.
fn is_brazilian_mobile(subscriber: &str) -> bool {
    subscriber.starts_with(['6', '7', '8', '9'])
}

/// What stands behind the prefix, when it has that many digits.
fn behind<'a>(digits: &'a str, prefix: &str, length: usize) -> Option<&'a str> {
    digits.strip_prefix(prefix).filter(|rest| rest.len() == length)
}

fn is_valid(digits: &str) -> bool {
    parser::read_international(digits).is_some_and(|reading| reading.valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn others(digits: u64) -> Vec<u64> {
        of(Key::new(digits).unwrap()).into_iter().map(Key::get).collect()
    }

    #[test]
    fn old_and_new_forms_find_each_other() {
        for (one, other) in [
            (525_512_345_678, 5_215_512_345_678),
            (541_123_456_789, 5_491_123_456_789),
            (551_187_654_321, 5_511_987_654_321),
        ] {
            assert_eq!(others(one), [other]);
            assert_eq!(others(other), [one]);
        }
    }

    #[test]
    fn landlines_and_other_countries_have_no_other_form() {
        for digits in [551_123_456_789, 5_511_923_456_789, 40_722_111_222, 12_125_550_123, 525_500_000] {
            assert_eq!(others(digits), [0_u64; 0], "{digits}");
        }
    }
}
