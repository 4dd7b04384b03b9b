//! Eighth step: what number digits are. The numbering plans decide, the settings of the project say what comes first.
//!
//! Digits without a plus have more than one meaning: 85 % of the valid foreign numbers, written so, are a valid German
//! number as well. The first valid reading wins; the other one is kept, and the directory decides between them.

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};

use super::body::Digits;
use super::parser::{self, Reading};
use super::{Numbering, WithoutPlus};

/// International prefixes that arrive in countries where they are not in use, longest first.
const FOREIGN_PREFIXES: [&str; 4] = ["0011", "0015", "810", "011"];

/// The international prefix of most countries (ITU-T E.164); trunks send it everywhere.
const USUAL_PREFIX: &str = "00";

/// The first reading and the other valid one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Readings {
    /// The number.
    pub(super) first: Option<Reading>,
    /// What it may be instead.
    pub(super) alternate: Option<Reading>,
}

impl Readings {
    /// Whether the first reading is a number of its plan.
    pub(super) fn is_valid(&self) -> bool {
        self.first.is_some_and(|reading| reading.valid)
    }

    /// Orders readings: the first valid one, with the next valid one beside it; else the first possible one alone.
    fn rank<const N: usize>(readings: [Option<Reading>; N]) -> Self {
        let mut valid = readings.into_iter().flatten().filter(|reading| reading.valid);
        if let Some(first) = valid.next() {
            return Self { first: Some(first), alternate: valid.find(|other| other.key != first.key) };
        }
        Self { first: readings.into_iter().flatten().find(|reading| reading.possible), alternate: None }
    }

    /// The same without the alternate.
    fn alone(self) -> Self {
        Self { alternate: None, ..self }
    }
}

/// How digits are to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    numbering: &'a Numbering,
    region: Option<Region>,
    lost_plus: bool,
}

impl<'a> Reader<'a> {
    /// Reads as the settings say. A country code from a URI stands above the country of the settings.
    pub(super) fn new(numbering: &'a Numbering, context: Option<&str>, lost_plus: bool) -> Self {
        let home = numbering.country.as_deref().and_then(parser::region);
        let region = match context.and_then(|code| code.parse().ok()) {
            Some(code) if home.and_then(|home| PHONE_NUMBER_UTIL.get_country_code_for_region(home)) != Some(code) => {
                PHONE_NUMBER_UTIL.get_region_for_country_code(code).or(home)
            }
            _ => home,
        };
        Self { numbering, region, lost_plus }
    }

    /// Reads a written number, with and without the zero of `(0)`: plans like Italy's keep it before landlines.
    pub(super) fn read(&self, written: &str) -> Readings {
        let digits = Digits::collect(written);
        let readings = self.read_digits(&digits.digits, digits.plus);
        let Some(shorter) = digits.without_bracketed_zero else { return readings };
        let without = self.read_digits(&shorter, digits.plus);
        match (readings.first, without.first) {
            (Some(kept), _) if kept.valid && parser::is_fixed_line(kept.key) => readings,
            (Some(kept), Some(left_out)) if kept.valid && !left_out.valid => readings,
            (_, Some(_)) => without,
            _ => readings,
        }
    }

    fn read_digits(&self, digits: &str, plus: bool) -> Readings {
        if plus {
            return self.read_with_plus(digits);
        }
        if self.lost_plus {
            let readings = self.read_with_plus(digits);
            if readings.is_valid() {
                return readings;
            }
        }
        self.read_behind_outside_prefix(digits).unwrap_or_else(|| self.read_without_plus(digits))
    }

    /// A plus before a trunk zero (`+0722…`) was put there by a PBX that puts it before everything.
    fn read_with_plus(&self, digits: &str) -> Readings {
        match digits.strip_prefix('0') {
            Some(rest) => Readings::rank([self.national(digits), parser::read_international(rest)]).alone(),
            None => Readings::rank([parser::read_international(digits)]),
        }
    }

    /// Without the digits for an outside line, when what follows is valid; the whole number is the alternate.
    fn read_behind_outside_prefix(&self, digits: &str) -> Option<Readings> {
        let prefix = self.numbering.outside_prefix.as_deref().filter(|prefix| !prefix.is_empty())?;
        let inner = self.read_without_plus(digits.strip_prefix(prefix)?);
        let inner_first = inner.first.filter(|reading| reading.valid)?;
        let whole = self.read_without_plus(digits).first;
        Some(Readings::rank([Some(inner_first), whole, inner.alternate]))
    }

    fn read_without_plus(&self, digits: &str) -> Readings {
        let national = self.national(digits);
        match self.numbering.without_plus {
            WithoutPlus::Auto => {
                let international = parser::read_international(digits);
                if self.begins_with_own_code(digits, national) {
                    return Readings::rank([international, national]);
                }
                let international = international.filter(|reading| reading.valid && is_as_written(reading, digits));
                let usual = behind_usual_prefix(digits);
                let readings = match self.is_at_home(national, digits) {
                    true => Readings::rank([usual, national, international]),
                    false => Readings::rank([national, usual, international]),
                };
                if readings.is_valid() {
                    readings
                } else {
                    Readings::rank([behind_foreign_prefix(digits), readings.first])
                }
            }
            WithoutPlus::National => {
                Readings::rank([national, behind_usual_prefix(digits), behind_foreign_prefix(digits)]).alone()
            }
            WithoutPlus::International => {
                let international = parser::read_international(digits).or_else(|| behind_usual_prefix(digits));
                Readings::rank([international, behind_foreign_prefix(digits), national]).alone()
            }
        }
    }

    /// Whether a national reading is a number of the country itself, not one behind its international prefix.
    fn is_at_home(&self, national: Option<Reading>, digits: &str) -> bool {
        let (Some(code), Some(national)) = (self.code(), national) else { return false };
        let key = national.key.get().to_string();
        key.starts_with(&code) && !digits.ends_with(&key)
    }

    /// Whether the address names another country than the settings; its short numbers are not ours.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.region != self.numbering.country.as_deref().and_then(parser::region)
    }

    /// The digits of the country's own code.
    fn code(&self) -> Option<String> {
        let code = PHONE_NUMBER_UTIL.get_country_code_for_region(self.region?)?;
        Some(code.to_string())
    }

    /// Digits that begin with the country's own code, and that nobody there would write for the national number that
    /// they may also be: its trunk prefix is missing. Trunks that leave the plus away send every number so.
    fn begins_with_own_code(&self, digits: &str, national: Option<Reading>) -> bool {
        let begins = self.code().is_some_and(|code| digits.starts_with(&code));
        begins && national.is_some_and(|national| parser::national_digits(national.key) != digits)
    }

    fn national(&self, digits: &str) -> Option<Reading> {
        parser::read_national(digits, self.region?)
    }
}

/// Whether a reading is digit for digit what was written. Machines that leave the plus away of a foreign number write
/// it so; one with a trunk zero in its middle is a national number of some other country.
fn is_as_written(reading: &Reading, digits: &str) -> bool {
    reading.key.get().to_string() == digits
}

/// Reads `0040…`. In countries that dial another prefix it comes before a national reading: there two zeros begin the
/// number of a carrier, which a caller's number never holds.
fn behind_usual_prefix(digits: &str) -> Option<Reading> {
    parser::read_international(digits.strip_prefix(USUAL_PREFIX)?).filter(|reading| reading.valid)
}

/// Reads `01140…` and the like in countries that dial another prefix; only a valid number counts.
fn behind_foreign_prefix(digits: &str) -> Option<Reading> {
    FOREIGN_PREFIXES
        .iter()
        .filter_map(|prefix| digits.strip_prefix(prefix))
        .filter_map(parser::read_international)
        .find(|reading| reading.valid)
}
