//! The ladder: in which ways a contact can be the caller, from certain to guessed.
//!
//! [`Wanted`] says what to look for; a store returns [`Row`]s for it; [`choose`] decides who the caller is. The first
//! rung with a hit wins. It never compares ends of numbers, except on the last rung, which is off by default.

use super::{Key, Number, Phone, alias, block, indexed::TAIL_DIGITS};

/// A step of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rung {
    /// The number, with its extension or without, is the contact's.
    Exact,
    /// The other reading of a number without plus is the contact's.
    Alternate,
    /// The source says so and gives no numbers to verify.
    Asserted,
    /// An extension, short number or SIP user of the project's address books.
    Local,
    /// The number is the contact's in an older numbering plan.
    Alias,
    /// A range of numbers that somebody entered holds the number.
    Block,
    /// The last digits are those of a number that could not be read.
    Tail,
}

impl Rung {
    /// All of them, the surest first.
    pub const ALL: [Self; 7] =
        [Self::Exact, Self::Alternate, Self::Asserted, Self::Local, Self::Alias, Self::Block, Self::Tail];

    /// Certain rungs are one class; the others are guesses.
    #[must_use]
    pub fn is_certain(self) -> bool {
        matches!(self, Self::Exact | Self::Alternate | Self::Asserted | Self::Local)
    }

    /// Name in explanations, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Alternate => "alternate",
            Self::Asserted => "asserted",
            Self::Local => "local",
            Self::Alias => "alias",
            Self::Block => "block",
            Self::Tail => "tail",
        }
    }
}

/// What to look for: every key under which the caller may be stored, by rung.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Wanted {
    /// The number and the extension behind it.
    pub exact: Option<(Key, Option<String>)>,
    /// The other reading.
    pub alternate: Option<Key>,
    /// The number in older numbering plans.
    pub aliases: Vec<Key>,
    /// An extension, short number or SIP user.
    pub local: Option<String>,
    /// The last nine digits, when the project tries them.
    pub tail: Option<u64>,
    /// First digits of the number under which a block may hold it, longest first.
    pub blocks: Vec<u64>,
}

impl Wanted {
    /// What to look for when this number calls. `tail` switches the last rung on.
    #[must_use]
    pub fn of(number: &Number, tail: bool) -> Self {
        match number {
            Number::Phone { phone, extension, alternate } => {
                let alternate = alternate.map(|other| other.key);
                Self { alternate, ..Self::of_phone(phone, extension.clone(), tail) }
            }
            Number::Withheld { reading: Some(phone) } => Self::of_phone(phone, None, false),
            Number::Local(text) => Self { local: Some(text.clone()), ..Self::default() },
            Number::Withheld { reading: None } | Number::Unusable => Self::default(),
        }
    }

    fn of_phone(phone: &Phone, extension: Option<String>, tail: bool) -> Self {
        Self {
            exact: Some((phone.key, extension)),
            aliases: alias::of(phone.key),
            tail: if tail { tail_of(phone.key) } else { None },
            blocks: block::prefixes(phone.key),
            ..Self::default()
        }
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exact.is_none() && self.local.is_none()
    }

    /// Every key of the first rungs, without repetition, for one question to the store.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.exact.iter().map(|(key, _)| *key).chain(self.alternate).collect();
        keys.extend(&self.aliases);
        keys.dedup();
        keys
    }
}

/// The last nine digits of a number that has more.
fn tail_of(key: Key) -> Option<u64> {
    let modulus = 10_u64.pow(u32::try_from(TAIL_DIGITS).ok()?);
    (key.get() >= modulus).then_some(key.get() % modulus).filter(|tail| *tail > 0)
}

/// What a row of the store was found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Its key is one of [`Wanted::keys`].
    Number(Key),
    /// It is the local text.
    Local,
    /// It is a block with this prefix of the number.
    Block(block::Block),
    /// Its last nine digits are the tail; the text is the number as written.
    Tail(String),
}

/// A stored number that may be the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<T> {
    /// What it was found by.
    pub by: By,
    /// The extension that it was stored with.
    pub extension: Option<String>,
    /// Whose it is.
    pub contact: T,
}

/// Decides which of the rows are the caller: those of the first rung with a hit, in the order of the rows, each contact
/// once. When both readings of a number hit different contacts, both are returned, each with its own rung.
#[must_use]
pub fn choose<T: Clone + PartialEq>(wanted: &Wanted, rows: &[Row<T>]) -> Vec<(Rung, T)> {
    let mut found = Vec::new();
    if let Some((key, extension)) = &wanted.exact {
        add(&mut found, Rung::Exact, on_key(rows, *key, extension.as_deref()));
    }
    if let Some(key) = wanted.alternate {
        add(&mut found, Rung::Alternate, on_key(rows, key, extension_of(wanted)));
    }
    if wanted.local.is_some() {
        add(&mut found, Rung::Local, rows.iter().filter(|row| row.by == By::Local));
    }
    if found.is_empty() {
        for key in &wanted.aliases {
            add(&mut found, Rung::Alias, on_key(rows, *key, extension_of(wanted)));
        }
    }
    if found.is_empty() {
        add(&mut found, Rung::Block, on_block(rows, wanted));
    }
    if found.is_empty() {
        add(&mut found, Rung::Tail, on_tail(rows, wanted));
    }
    found
}

fn add<'a, T: Clone + PartialEq + 'a>(
    found: &mut Vec<(Rung, T)>,
    rung: Rung,
    rows: impl IntoIterator<Item = &'a Row<T>>,
) {
    for row in rows {
        if !found.iter().any(|(_, contact)| *contact == row.contact) {
            found.push((rung, row.contact.clone()));
        }
    }
}

fn extension_of(wanted: &Wanted) -> Option<&str> {
    wanted.exact.as_ref().and_then(|(_, extension)| extension.as_deref())
}

/// The rows with number and extension; else those with the number alone; else, when no extension was asked for, the one
/// contact on the number that is stored with an extension.
fn on_key<'a, T: PartialEq>(rows: &'a [Row<T>], key: Key, extension: Option<&str>) -> Vec<&'a Row<T>> {
    let on_number: Vec<&Row<T>> = rows.iter().filter(|row| row.by == By::Number(key)).collect();
    for wanted in [extension, None] {
        let hits: Vec<&Row<T>> = on_number.iter().filter(|row| row.extension.as_deref() == wanted).copied().collect();
        if !hits.is_empty() {
            return hits;
        }
    }
    if extension.is_none() && is_one_contact(&on_number) { on_number } else { Vec::new() }
}

/// The rows of the longest block that holds the number.
fn on_block<'a, T>(rows: &'a [Row<T>], wanted: &Wanted) -> Vec<&'a Row<T>> {
    let digits = wanted.exact.as_ref().map(|(key, _)| key.get().to_string().len());
    let holds = |row: &Row<T>, prefix: u64| {
        matches!(&row.by, By::Block(block) if block.prefix == prefix
            && block.length.is_none_or(|length| Some(usize::from(length)) == digits))
    };
    let at = |prefix: &u64| rows.iter().filter(|row| holds(row, *prefix)).collect::<Vec<_>>();
    wanted.blocks.iter().map(at).find(|hits| !hits.is_empty()).unwrap_or_default()
}

/// The one contact whose unread number ends the caller's; a country code in it must be the caller's.
fn on_tail<'a, T: PartialEq>(rows: &'a [Row<T>], wanted: &Wanted) -> Vec<&'a Row<T>> {
    let (Some((key, _)), Some(_)) = (&wanted.exact, wanted.tail) else { return Vec::new() };
    let caller = key.get().to_string();
    let ends_caller = |written: &str| {
        let digits: String = written.chars().filter(char::is_ascii_digit).collect();
        let digits = digits.trim_start_matches('0');
        digits.len() >= TAIL_DIGITS && caller.ends_with(digits)
    };
    let hits: Vec<&Row<T>> =
        rows.iter().filter(|row| matches!(&row.by, By::Tail(written) if ends_caller(written))).collect();
    if is_one_contact(&hits) { hits } else { Vec::new() }
}

fn is_one_contact<T: PartialEq>(rows: &[&Row<T>]) -> bool {
    rows.windows(2).all(|pair| pair[0].contact == pair[1].contact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::block::Block;
    use crate::number::{Numbering, parse};

    fn key(digits: u64) -> Key {
        Key::new(digits).unwrap()
    }

    fn row(by: By, extension: Option<&str>, contact: u32) -> Row<u32> {
        Row { by, extension: extension.map(str::to_owned), contact }
    }

    fn wanted(text: &str, country: &str) -> Wanted {
        Wanted::of(&parse(text, &Numbering::of_country(country)), true)
    }

    const SWITCHBOARD: u64 = 40_213_123_456;

    #[test]
    fn the_extension_decides_between_contacts_of_one_number() {
        let number = || By::Number(key(SWITCHBOARD));
        let rows = [row(number(), None, 1), row(number(), Some("5"), 2), row(number(), Some("6"), 3)];
        assert_eq!(choose(&wanted("021 312 3456 x5", "RO"), &rows), [(Rung::Exact, 2)]);
        assert_eq!(choose(&wanted("021 312 3456", "RO"), &rows), [(Rung::Exact, 1)]);
        assert_eq!(choose(&wanted("021 312 3456 x7", "RO"), &rows), [(Rung::Exact, 1)]);
    }

    #[test]
    fn a_contact_with_an_extension_answers_the_bare_number_only_when_alone() {
        let number = || By::Number(key(SWITCHBOARD));
        let alone = [row(number(), Some("5"), 2)];
        assert_eq!(choose(&wanted("021 312 3456", "RO"), &alone), [(Rung::Exact, 2)]);
        assert_eq!(choose(&wanted("021 312 3456 x6", "RO"), &alone), []);
        let two = [row(number(), Some("5"), 2), row(number(), Some("6"), 3)];
        assert_eq!(choose(&wanted("021 312 3456", "RO"), &two), []);
        let same = [row(number(), Some("5"), 2), row(number(), Some("6"), 2)];
        assert_eq!(choose(&wanted("021 312 3456", "RO"), &same), [(Rung::Exact, 2)]);
    }

    #[test]
    fn both_readings_are_returned_when_they_hit_different_contacts() {
        let question = wanted("4312345678", "DE");
        let (national, austrian) = (question.exact.clone().unwrap().0, question.alternate.unwrap());
        let rows = [row(By::Number(national), None, 1), row(By::Number(austrian), None, 2)];
        assert_eq!(choose(&question, &rows), [(Rung::Exact, 1), (Rung::Alternate, 2)]);
        assert_eq!(choose(&question, &rows[1..]), [(Rung::Alternate, 2)]);
        let same = [row(By::Number(national), None, 1), row(By::Number(austrian), None, 1)];
        assert_eq!(choose(&question, &same), [(Rung::Exact, 1)]);
    }

    #[test]
    fn a_lower_rung_speaks_only_when_the_higher_ones_are_silent() {
        let question = wanted("+5491123456789", "RO");
        let rows = [
            row(By::Tail("011 2345 6789".to_owned()), None, 3),
            row(By::Block(Block { prefix: 549_112_345, length: None }), None, 2),
            row(By::Number(question.aliases[0]), None, 1),
        ];
        assert_eq!(choose(&question, &rows), [(Rung::Alias, 1)]);
        assert_eq!(choose(&question, &rows[..2]), [(Rung::Block, 2)]);
        assert_eq!(choose(&question, &rows[..1]), [(Rung::Tail, 3)]);
    }

    #[test]
    fn the_longest_block_of_the_right_length_wins() {
        let question = wanted("021 312 3456", "RO");
        let block = |prefix, length| By::Block(Block { prefix, length });
        let rows = [
            row(block(4_021_312, None), None, 1),
            row(block(402_131_234, Some(11)), None, 2),
            row(block(4_021_312_345, Some(12)), None, 3),
        ];
        assert_eq!(choose(&question, &rows), [(Rung::Block, 2)]);
    }

    #[test]
    fn a_tail_needs_one_contact_and_no_other_country() {
        let question = wanted("0722 111 222", "RO");
        assert_eq!(question.tail, Some(722_111_222));
        let tail = |written: &str, contact| row(By::Tail(written.to_owned()), None, contact);
        assert_eq!(choose(&question, &[tail("0722 111 222", 1)]), [(Rung::Tail, 1)]);
        assert_eq!(choose(&question, &[tail("0722 111 222", 1), tail("722111222", 2)]), []);
        assert_eq!(choose(&question, &[tail("0049 722 111 222", 1)]), []);
        assert_eq!(choose(&question, &[tail("0040 722 111 222", 1)]), [(Rung::Tail, 1)]);
    }

    #[test]
    fn a_hidden_number_asks_for_its_keypad_spelling_only() {
        assert!(wanted("anonymous", "RO").is_empty());
        let typed = wanted("266696687", "RO");
        assert_eq!(typed.exact, Some((key(40_266_696_687), None)));
        assert_eq!(typed.tail, None);
    }

    #[test]
    fn an_extension_asks_for_itself_only() {
        let question = wanted("101", "RO");
        assert_eq!(question, Wanted { local: Some("101".to_owned()), ..Wanted::default() });
        assert_eq!(choose(&question, &[row(By::Local, None, 1)]), [(Rung::Local, 1)]);
    }
}
