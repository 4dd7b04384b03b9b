//! The report on a book with one of everything, and the corrections that mend it.

use std::sync::Arc;

use super::*;
use crate::clock::SystemClock;
use crate::directory::import::{Import, Options};
use crate::directory::{ImportSummary, SqliteDirectory};

struct Shop {
    _folder: tempfile::TempDir,
    store: SqliteDirectory,
    book: Book,
    runtime: tokio::runtime::Runtime,
}

impl Shop {
    fn with(csv: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteDirectory::open(&folder.path().join("calldex.db"), Arc::new(SystemClock)).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let book = runtime.block_on(store.open_book("customers", &Numbering::of_country("RO"))).unwrap();
        let shop = Self { _folder: folder, store, book, runtime };
        shop.import(csv);
        shop
    }

    fn import(&self, csv: &str) -> ImportSummary {
        let import = Import::open(csv.as_bytes(), &Options::default()).unwrap();
        let session = self.store.begin_import(&self.book, import.covers()).unwrap();
        import.run(&self.book.numbering, &|_, _| None, session).unwrap().contacts
    }

    fn check(&self) -> (Quality, String) {
        let mut fixes = Vec::new();
        let quality = check(&self.store, &self.book, Some(&mut fixes)).unwrap();
        (quality, String::from_utf8(fixes).unwrap())
    }

    fn numbers(&self, id: &str) -> Vec<String> {
        let contact = self.runtime.block_on(self.store.get(&self.book, &ContactId::from_text(id))).unwrap().unwrap();
        contact.numbers.into_iter().map(|number| number.written).collect()
    }

    fn put(&self, id: &str, name: &str, written: &[&str]) {
        let number = |written: &&str| ContactNumber { written: (*written).to_owned(), ..ContactNumber::default() };
        let mut contact = Contact { id: ContactId::from_text(id), ..Contact::default() };
        contact.numbers = written.iter().map(number).collect();
        contact.set(Field::Name, name);
        self.runtime.block_on(self.store.put(&self.book, contact)).unwrap();
    }
}

/// Two times Ana, the family Pop, three of Acme, two strangers, and one of everything else that can be wrong.
const BOOK: &str = "\
id,name,company,telephone
1,Ana Pop,,0722 111 222
2,Pop Ana,,+40 722 111 222
3,Ion Marin,,0733 222 333
4,Maria Marin,,0733 222 333
5,Dan,Acme,021 312 34 56
6,Eva,Acme,021 312 34 56
7,Gheorghe Stan,,0744 555 666
8,Vlad Luca,,0744 555 666
9,,,0755 666 777
10,Nobody,,
11,Short,,0722 111 2
12,Excel,,4.07221E+10
13,Inner,,0766 777 888 ext. 5
";

#[test]
fn everything_that_is_wrong_is_counted() {
    let shop = Shop::with(BOOK);
    shop.put("14", "Two", &["0777 888 999 / 0788 999 000", "0799 000 111"]);
    let (quality, _) = shop.check();
    assert_eq!((quality.contacts, quality.numbers), (14, 11));
    for (finding, count) in [
        (Finding::Shared(Sharing::SamePerson), 1),
        (Finding::Shared(Sharing::Family), 1),
        (Finding::Shared(Sharing::Switchboard), 1),
        (Finding::Shared(Sharing::Unclear), 1),
        (Finding::NoName, 1),
        (Finding::NoNumber, 1),
        (Finding::Never(Reason::Several), 1),
        (Finding::Never(Reason::Scientific), 1),
        (Finding::Extension, 1),
    ] {
        assert_eq!(quality.count(finding), count, "{finding:?}: {}", quality.text("customers"));
    }
    let text = quality.text("customers");
    assert!(text.lines().count() <= 30, "one screen: {text}");
    assert!(text.contains("        1  one number, names with a word in common: a family\n           3, 4: +40733222333: Ion Marin, Maria Marin\n"), "{text}");
    let json = quality.json("customers");
    let codes: Vec<&str> =
        json["findings"].as_array().unwrap().iter().map(|it| it["finding"].as_str().unwrap()).collect();
    assert!(codes.contains(&"never_several") && codes.contains(&"shared_same_person"), "{codes:?}");
}

#[test]
fn a_number_that_could_be_read_two_ways_is_found_and_gets_its_country() {
    let shop = Shop::with("id,name,telephone\n1,Ana,0722111222\n");
    // Nine digits that are a national number of one country and an international one of another.
    let candidates = (2..=9).flat_map(|first| (0..100_000).map(move |rest| format!("{first}{:08}", rest * 997)));
    let two_ways = candidates.into_iter().find(|text| {
        let number = ContactNumber { written: text.clone(), ..ContactNumber::default() };
        matches!(Verdict::of(&number, &shop.book.numbering), Verdict::TwoWays { .. })
    });
    let written = two_ways.unwrap();
    shop.put("2", "Two ways", &[&written]);
    let (quality, fixes) = shop.check();
    assert_eq!(quality.count(Finding::TwoWays), 1, "{}", quality.text("customers"));
    shop.import(&fixes);
    let (after, _) = shop.check();
    assert_eq!(after.count(Finding::TwoWays), 0);
    assert_eq!(after.numbers, quality.numbers);
}

#[test]
fn corrections_that_are_imported_unchanged_mend_what_is_beyond_doubt_and_leave_the_rest() {
    let shop = Shop::with(BOOK);
    shop.put("14", "=Two", &["0777 888 999 / 0788 999 000", "0799 000 111"]);
    let (before, fixes) = shop.check();
    assert!(fixes.starts_with("id,name,telephone,telephone_label,telephone_country,# was,# problem\n"), "{fixes}");
    assert!(!fixes.contains("Ana Pop"), "only what is wrong: {fixes}");
    assert_eq!(before.corrections, fixes.lines().count() as u64 - 1);
    let summary = shop.import(&fixes);
    assert_eq!((summary.added, summary.changed), (0, 1), "only the number that was taken apart changes");
    assert_eq!(shop.numbers("14"), ["0777 888 999", "0788 999 000", "0799 000 111"]);
    let (after, _) = shop.check();
    assert_eq!(after.count(Finding::Never(Reason::Several)), 0);
    assert_eq!(after.contacts, before.contacts);
    assert_eq!(after.numbers, before.numbers + 2);
}

#[test]
fn a_number_that_is_possible_but_in_no_plan_is_doubtful() {
    let shop = Shop::with("id,name,telephone\n1,Ana,0733 222\n2,Ion,0733 222 333\n");
    let (quality, fixes) = shop.check();
    assert_eq!((quality.count(Finding::Doubtful), quality.numbers), (1, 2));
    assert!(fixes.contains("1,Ana,0733 222,") && !fixes.contains("Ion"), "{fixes}");
}

#[test]
fn corrections_can_be_edited() {
    let shop = Shop::with(BOOK);
    let (_, fixes) = shop.check();
    assert!(fixes.contains("11,Short,0722 111 2,telephone,,0722 111 2,"), "{fixes}");
    shop.import(&fixes.replace("11,Short,0722 111 2,", "11,Short,0722 123 456,"));
    assert_eq!(shop.numbers("11"), ["0722 123 456"]);
}

#[test]
fn a_book_without_faults_says_so() {
    let shop = Shop::with("id,name,telephone\n1,Ana,0722111222\n");
    let (quality, fixes) = shop.check();
    assert_eq!(
        quality.text("customers"),
        "customers: 1 contacts, 1 numbers that a call can match\n  nothing to mend\n"
    );
    assert_eq!(fixes.lines().count(), 1);
}
