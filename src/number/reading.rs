//! Eighth step: what number digits are. The numbering plans decide, the settings of the project say what comes first.
//!
//! Digits without a plus have more than one meaning: 85 % of the valid foreign numbers, written so, are a valid German
//! number as well. The first valid reading wins; the other one is kept, and the directory decides between them.

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};

use super::body::Digits;
use super::parser::{self, Reading};
use super::{Numbering, WithoutPlus};

/// International prefixes that arrive in countries where they are not in use, longest first.
const FOREIGN_PREFIXES: [&str; 5] = ["0011", "810", "011", "00", "0015"];

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

    /// Reads a written number, with and without the zero of `(0)`: some plans keep it.
    pub(super) fn read(&self, written: &str) -> Readings {
        let digits = Digits::collect(written);
        let readings = self.read_digits(&digits.digits, digits.plus);
        match digits.without_bracketed_zero {
            Some(shorter) if !readings.is_valid() => {
                let without = self.read_digits(&shorter, digits.plus);
                if without.first.is_some() { without } else { readings }
            }
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
                Readings::rank([national, parser::read_international(digits), behind_foreign_prefix(digits)])
            }
            WithoutPlus::National => Readings::rank([national, behind_foreign_prefix(digits)]).alone(),
            WithoutPlus::International => {
                Readings::rank([parser::read_international(digits), behind_foreign_prefix(digits), national]).alone()
            }
        }
    }

    fn national(&self, digits: &str) -> Option<Reading> {
        parser::read_national(digits, self.region?)
    }
}

/// Reads `0040…`, `01140…` and the like in countries that dial another prefix; only a valid number counts.
fn behind_foreign_prefix(digits: &str) -> Option<Reading> {
    FOREIGN_PREFIXES
        .iter()
        .filter_map(|prefix| digits.strip_prefix(prefix))
        .filter_map(parser::read_international)
        .find(|reading| reading.valid)
}
