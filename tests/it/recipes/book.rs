//! Who is in every CRM, and how much of it a search gives: what was looked for, everybody, or many before it.

/// A person in every CRM, with the number as somebody typed it.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) phone: String,
}

/// Ana, Dan and Eva are customers. The number of the one between them only contains the digits of a Romanian one.
const PEOPLE: [(u64, &str, &str); 4] = [
    (42, "Ana Pop", "+40722111222"),
    (43, "Dan Ionescu", "0722333444"),
    (44, "Somebody Else", "+49 722555666"),
    (45, "Eva Marin", "+40722777888"),
];

/// Strangers of an over-wide answer.
const STRANGERS: usize = 3;

/// How a CRM answers a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mood {
    /// With what was looked for.
    #[default]
    Usual,
    /// With everybody, strangers first.
    Wide,
    /// With so many strangers first that whoever was looked for stands on a later page.
    Long,
    /// With nobody, where the index of a search is some minutes behind the records.
    Late,
}

/// The people of a CRM at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Book {
    pub(crate) mood: Mood,
    /// How many fit on a page.
    pub(crate) page: usize,
}

impl Book {
    /// The people whose number, as somebody typed it, is exactly this.
    pub(crate) fn exactly(self, number: &str) -> Vec<Person> {
        self.give(|person| person.phone == number)
    }

    /// The people whose digits hold these.
    pub(crate) fn containing(self, wanted: &str) -> Vec<Person> {
        self.give(|person| digits(&person.phone).contains(wanted))
    }

    /// The people whose name holds a text.
    pub(crate) fn named(self, wanted: &str) -> Vec<Person> {
        self.give(|person| person.name.contains(wanted))
    }

    /// The people who fulfil a condition.
    pub(crate) fn give(self, fits: impl Fn(&Person) -> bool) -> Vec<Person> {
        let people = PEOPLE.map(|(id, name, phone)| Person { id, name, phone: phone.to_owned() });
        let kept = people.into_iter().filter(|person| self.mood == Mood::Wide || fits(person));
        strangers(match self.mood {
            Mood::Usual | Mood::Late => 0,
            Mood::Wide => STRANGERS,
            Mood::Long => self.page + 1,
        })
        .chain(kept)
        .collect()
    }

    /// One page of them, counted from 0, and whether there are more.
    pub(crate) fn page(self, people: Vec<Person>, page: usize) -> (Vec<Person>, bool) {
        let more = people.len() > (page + 1) * self.page;
        (people.into_iter().skip(page * self.page).take(self.page).collect(), more)
    }
}

fn strangers(count: usize) -> impl Iterator<Item = Person> {
    (0..count).map(|index| Person {
        id: 1000 + index as u64,
        name: "A Stranger",
        phone: format!("+40 733 000 {index:03}"),
    })
}

/// The digits of a text.
pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
