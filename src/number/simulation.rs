//! A simulated company: does everybody who is known get his name, and nobody else?
//!
//! Contacts of one country with some foreign ones, written in the formats that real files mix; calls of customers,
//! strangers, colleagues and people who hide their number, in the formats that trunks send. All numbers are made up.
//! The tests run it small, `examples/numbers_simulation.rs` with a million contacts.

use std::collections::{HashMap, HashSet};

use super::indexed::{Indexed, indexed};
use super::ladder::{By, Row, Wanted, choose};
use super::{Forms, Key, Number, Numbering, Phone, forms, parse, parser};

/// Beginnings (country code and first digits) and lengths of the numbers of a country's companies.
const PLANS: [(&str, &[(&str, usize)]); 3] = [
    ("RO", &[("4021", 11), ("4031", 11), ("40264", 11), ("4072", 11), ("4074", 11), ("4075", 11)]),
    ("US", &[("1212", 11), ("1312", 11), ("1415", 11), ("1646", 11), ("1702", 11)]),
    ("DE", &[("4930", 12), ("4989", 11), ("4940", 11), ("49221", 12), ("491512", 13), ("49176", 13)]),
];

/// The same for customers abroad.
const ABROAD: [(&str, usize); 7] =
    [("431", 11), ("331", 11), ("3902", 12), ("4420", 12), ("361", 10), ("4822", 11), ("431", 9)];

/// One in so many customers and strangers is abroad.
const ABROAD_SHARE: u64 = 7;

/// What came of the calls, as counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Calls of customers.
    pub known: u64,
    /// Of these, calls that found the customer, alone or beside the other reading.
    pub found: u64,
    /// Of these, calls that found nobody else.
    pub found_alone: u64,
    /// Calls of strangers.
    pub strangers: u64,
    /// Of these, calls that got somebody's name.
    pub strangers_named: u64,
    /// Calls of extensions and short numbers.
    pub extensions: u64,
    /// Of these, calls that got somebody's name.
    pub extensions_named: u64,
    /// Calls without a number.
    pub hidden: u64,
    /// Of these, calls that got somebody's name.
    pub hidden_named: u64,
}

/// Runs `calls` calls against `contacts` contacts of a company in `RO`, `US` or `DE`; `None` for another country. The
/// same seed gives the same outcome.
#[must_use]
pub fn simulate(country: &str, contacts: u32, calls: u32, seed: u64) -> Option<Outcome> {
    let (_, plan) = PLANS.iter().find(|(name, _)| *name == country)?;
    let mut random = Random(seed | 1);
    let numbering = Numbering::of_country(country);
    let mut book = Book { numbering, by_key: HashMap::new(), numbers: Vec::new() };
    let mut taken = HashSet::new();
    while book.numbers.len() < contacts as usize {
        let number = random.number(plan);
        if taken.insert(number) {
            book.add(number, &mut random);
        }
    }
    let mut outcome = Outcome::default();
    for _ in 0..calls {
        match random.below(100) {
            0..45 => book.call_of_customer(&mut random, &mut outcome),
            45..90 => {
                let number = random.number(plan);
                if !taken.contains(&number) {
                    book.call_of_stranger(number, &mut random, &mut outcome);
                }
            }
            90..97 => book.call_of_extension(&mut random, &mut outcome),
            _ => book.hidden_call(&mut random, &mut outcome),
        }
    }
    Some(outcome)
}

/// The address book: what was stored, by key, and the true number of every contact.
struct Book {
    numbering: Numbering,
    by_key: HashMap<Key, Vec<usize>>,
    numbers: Vec<Key>,
}

impl Book {
    fn add(&mut self, number: Key, random: &mut Random) {
        let contact = self.numbers.len();
        self.numbers.push(number);
        let home = self.numbering.country.as_deref();
        let written = random.as_stored(&forms(&Phone { key: number, valid: true }, home));
        if let Indexed::Number { key, .. } = indexed(&written, "", "", &self.numbering) {
            self.by_key.entry(key).or_default().push(contact);
        }
    }

    /// Who the caller is, as a lookup finds out.
    fn ask(&self, telephone: &str) -> Vec<usize> {
        let number = parse(telephone, &self.numbering);
        if matches!(number, Number::Withheld { .. }) {
            return Vec::new();
        }
        let wanted = Wanted::of(&number, false);
        let rows: Vec<Row<usize>> = wanted
            .keys()
            .into_iter()
            .flat_map(|key| self.by_key.get(&key).into_iter().flatten().map(move |contact| (key, *contact)))
            .map(|(key, contact)| Row { by: By::Number(key), extension: None, contact })
            .collect();
        choose(&wanted, &rows).into_iter().map(|(_, contact)| contact).collect()
    }

    fn dial(&self, number: Key, random: &mut Random) -> Vec<usize> {
        let home = self.numbering.country.as_deref();
        self.ask(&random.as_sent(&forms(&Phone { key: number, valid: true }, home)))
    }

    fn call_of_customer(&self, random: &mut Random, outcome: &mut Outcome) {
        let contact = random.below(self.numbers.len() as u64) as usize;
        let found = self.dial(self.numbers[contact], random);
        outcome.known += 1;
        outcome.found += u64::from(found.contains(&contact));
        outcome.found_alone += u64::from(found == [contact]);
    }

    fn call_of_stranger(&self, number: Key, random: &mut Random, outcome: &mut Outcome) {
        outcome.strangers += 1;
        outcome.strangers_named += u64::from(!self.dial(number, random).is_empty());
    }

    fn call_of_extension(&self, random: &mut Random, outcome: &mut Outcome) {
        let extension = match random.below(4) {
            0 => random.below(900) + 100,
            1 => random.below(90) + 10,
            2 => random.below(9_000) + 1_000,
            _ => return outcome.count_extension(&self.ask("112")),
        };
        outcome.count_extension(&self.ask(&extension.to_string()));
    }

    fn hidden_call(&self, random: &mut Random, outcome: &mut Outcome) {
        let sent = random.pick(&["anonymous", "", "Restricted", "266696687", "0000000000", "sip:x@anonymous.invalid"]);
        outcome.hidden += 1;
        outcome.hidden_named += u64::from(!self.ask(sent).is_empty());
    }
}

impl Outcome {
    fn count_extension(&mut self, found: &[usize]) {
        self.extensions += 1;
        self.extensions_named += u64::from(!found.is_empty());
    }
}

/// Numbers that look random and are the same for the same seed (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound.max(1)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    /// A valid number of the plan or from abroad.
    fn number(&mut self, plan: &[(&str, usize)]) -> Key {
        loop {
            let plan = if self.below(ABROAD_SHARE) == 0 { &ABROAD[..] } else { plan };
            let (beginning, length) = plan[self.below(plan.len() as u64) as usize];
            let mut digits = beginning.to_owned();
            while digits.len() < length {
                digits.push(char::from(b'0' + self.below(10) as u8));
            }
            if let Some(reading) = parser::read_international(&digits).filter(|reading| reading.valid) {
                return reading.key;
            }
        }
    }

    /// A number as files hold it: numbers from abroad with their country code.
    fn as_stored(&mut self, forms: &Forms) -> String {
        if !forms.at_home {
            return self.pick(&[&forms.e164, &forms.international, &forms.double_zero]).to_owned();
        }
        let slashed = forms.national.replace([' ', '-'], "/");
        self.pick(&[
            &forms.national,
            &forms.national_compact,
            &forms.e164,
            &forms.international,
            &forms.double_zero,
            &slashed,
        ])
        .to_owned()
    }

    /// A number as trunks send it: with plus, with 00, without plus, national, without trunk prefix, plus as a space.
    fn as_sent(&mut self, forms: &Forms) -> String {
        let space = format!(" {}", forms.digits);
        let sip = format!("sip:{}@trunk.example.com", forms.e164);
        let mut spellings = vec![forms.e164.as_str(), &forms.double_zero, &forms.digits, &space, &sip];
        if forms.at_home {
            spellings.extend([forms.national_compact.as_str(), &forms.national_significant]);
        }
        self.pick(&spellings).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_who_is_known_gets_his_name_and_nobody_else() {
        for country in ["RO", "US", "DE"] {
            let outcome = simulate(country, 20_000, 5_000, 20_261_123).unwrap();
            println!("{country}: {outcome:?}");
            let share = outcome.found as f64 / outcome.known as f64;
            assert!(outcome.known > 2_000 && outcome.strangers > 2_000 && outcome.extensions > 200);
            assert!(share >= 0.999, "{country}: {share}");
            assert_eq!(outcome.strangers_named, 0, "{country}");
            assert_eq!(outcome.extensions_named, 0, "{country}");
            assert_eq!(outcome.hidden_named, 0, "{country}");
        }
    }

    #[test]
    fn only_countries_with_a_plan_here_are_simulated() {
        assert_eq!(simulate("XX", 1, 1, 1), None);
    }
}
