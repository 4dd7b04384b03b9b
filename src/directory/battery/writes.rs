//! Single contacts: stored, changed, removed, and seen by everybody at once.

use super::*;

pub(super) const ALL: &[(&str, Test)] = &[
    ("a contact comes back as it was given", a_contact_comes_back_as_it_was_given),
    ("an id keeps its type", an_id_keeps_its_type),
    ("the same contact again changes nothing", the_same_contact_again_changes_nothing),
    ("numbers that are added at the same time are all there", numbers_added_at_once_are_all_there),
    ("a number is added once, to a contact that is there", a_number_is_added_once),
    ("every write raises the revision of its book alone", every_write_raises_the_revision),
    ("a write of another process is seen in the next answer", another_process_is_seen),
    ("a contact without an id is known again", a_contact_without_an_id_is_known_again),
    ("people who share a number stay apart", people_who_share_a_number_stay_apart),
    ("contacts are searched by number, id and any part of a name", contacts_are_searched),
    ("the totals count what is stored", the_totals_count),
    ("a book keeps its contacts when it is opened again", a_book_is_opened_again),
];

fn a_contact_comes_back_as_it_was_given(bench: &Bench) {
    let book = bench.book("customers");
    let mut given = contact("003A", "Ștefan \"O'Neill\" 李", &["0722 111 222", "not a number"]);
    for field in Field::ALL {
        given.set(field, format!("value of {}", field.as_str()));
    }
    given.custom.insert("cod fiscal; DROP TABLE".to_owned(), "'--\u{1f600}".to_owned());
    given.numbers[0].country = "DE".to_owned();
    given.numbers[0].label = "mobile".to_owned();
    given.blocks = vec!["+40 21 312 34xx".to_owned(), "+40 21 555 1000-1299".to_owned()];
    given.primary = true;
    given.updated = 1_700_000_000_123;
    let stored = bench.put(&book, given.clone());
    assert_eq!(stored, Stored { id: given.id.clone(), change: Change::Added });
    assert_eq!(bench.get(&book, "003A"), Some(given));
    assert_eq!(bench.get(&book, "003B"), None);
}

fn an_id_keeps_its_type(bench: &Bench) {
    let book = bench.book("customers");
    for id in ["7", "007", "2147483648", "5000000001", "x"] {
        bench.put(&book, contact(id, id, &["0722 111 222"]));
    }
    for id in ["7", "007", "2147483648", "5000000001", "x"] {
        let found = bench.get(&book, id).unwrap();
        assert_eq!(found.id, ContactId::from_text(id));
        assert_eq!(found.get(Field::Name), Some(id));
    }
    assert_eq!(bench.contacts(&book), 5);
}

fn the_same_contact_again_changes_nothing(bench: &Bench) {
    let book = bench.book("customers");
    let ana = contact("5", "Ana", &["0722 111 222"]);
    bench.put(&book, ana.clone());
    let before = bench.revision(&book);
    assert_eq!(bench.put(&book, ana.clone()).change, Change::Unchanged);
    assert_eq!(bench.revision(&book), before);
    assert_eq!(bench.put(&book, contact("5", "Ana Pop", &["0722 111 222"])).change, Change::Changed);
    assert_eq!(bench.put(&book, contact("5", "Ana Pop", &[])).change, Change::Changed);
    assert!(bench.caller(&book, "0722 111 222").is_empty());
    assert_eq!(bench.contacts(&book), 1);
}

/// By two processes, all at once.
fn numbers_added_at_once_are_all_there(bench: &Bench) {
    const EACH: usize = 40;
    let book = bench.book("customers");
    bench.put(&book, contact("5", "Ana", &["0722 111 222"]));
    let id = ContactId::Integer(5);
    let other = (bench.open)();
    let numbers: Vec<String> = (0..2 * EACH).map(|last| format!("+4073310{last:04}")).collect();
    let adding = numbers.iter().enumerate().map(|(place, number)| {
        let through = if place % 2 == 0 { &bench.directory } else { &other };
        through.add_number(&book, &id, ContactNumber { written: number.clone(), ..ContactNumber::default() })
    });
    let stored = bench.runtime.block_on(futures_util::future::join_all(adding));
    assert!(stored.into_iter().all(|stored| stored.unwrap().is_some_and(|it| it.change == Change::Changed)));
    let mut written: Vec<String> = bench.get(&book, "5").unwrap().numbers.into_iter().map(|it| it.written).collect();
    written.sort();
    let mut expected = [&["0722 111 222".to_owned()], numbers.as_slice()].concat();
    expected.sort();
    assert_eq!(written, expected);
    assert_eq!(bench.caller(&book, &numbers[2 * EACH - 1]), ["Ana exact"]);
    assert_eq!(bench.contacts(&book), 1);
}

fn a_number_is_added_once(bench: &Bench) {
    let book = bench.book("customers");
    let mut ana = contact("5", "Ana", &["0722 111 222"]);
    ana.blocks = vec!["+40 21 312 34xx".to_owned()];
    ana.updated = 7;
    bench.put(&book, ana);
    let add = |id: &str, written: &str| {
        let number = ContactNumber { written: written.to_owned(), ..ContactNumber::default() };
        bench.wait(bench.directory.add_number(&book, &ContactId::from_text(id), number)).unwrap()
    };
    assert_eq!(add("5", "+40722111222").unwrap().change, Change::Unchanged);
    assert_eq!(bench.get(&book, "5").unwrap().updated, 7);
    assert_eq!(add("5", "+40733222333").unwrap().change, Change::Changed);
    let stored = bench.get(&book, "5").unwrap();
    assert_eq!(stored.numbers.len(), 2);
    assert!(stored.updated > 7, "it is newer now");
    assert_eq!(bench.caller(&book, "021 312 3455"), ["Ana block"], "the rest stays");
    assert_eq!(add("6", "+40733222333"), None);
    assert_eq!(bench.contacts(&book), 1);
}

fn every_write_raises_the_revision(bench: &Bench) {
    let (book, other) = (bench.book("customers"), bench.book("suppliers"));
    let mut last = bench.revision(&book);
    let untouched = bench.revision(&other);
    let mut rises = |what: &str| {
        let now = bench.revision(&book);
        assert!(now > last, "{what}");
        last = now;
    };
    bench.put(&book, contact("5", "Ana", &["0722 111 222"]));
    rises("put");
    bench.put(&book, contact("5", "Ion", &["0722 111 222"]));
    rises("change");
    assert!(bench.wait(bench.directory.remove(&book, &ContactId::Integer(5))).unwrap());
    rises("remove");
    bench.import(&book, vec![contact("5", "Ana", &["0722 111 222"])]);
    rises("import");
    assert!(!bench.wait(bench.directory.remove(&book, &ContactId::Integer(6))).unwrap());
    assert_eq!(bench.revision(&book), last);
    assert_eq!(bench.revision(&other), untouched);
}

fn another_process_is_seen(bench: &Bench) {
    let book = bench.book("customers");
    let other = (bench.open)();
    for round in 1..20 {
        let name = format!("Ana {round}");
        let before = bench.revision(&book);
        bench.wait(other.put(&book, contact("5", &name, &["0722 111 222"]))).unwrap();
        assert!(bench.revision(&book) > before);
        assert_eq!(bench.caller(&book, "0722 111 222"), [format!("{name} exact")]);
    }
}

fn a_contact_without_an_id_is_known_again(bench: &Bench) {
    let book = bench.book("customers");
    let first = bench.put(&book, contact("", "Ana Pop", &["0722 111 222", "0733 222 333"]));
    assert_eq!(first.change, Change::Added);
    assert_ne!(first.id, ContactId::default());
    let again = bench.put(&book, contact("", "ana  POP", &["+40 733 222 333"]));
    assert_eq!(again, Stored { id: first.id, change: Change::Changed });
    assert_eq!(bench.contacts(&book), 1);
    let empty = bench.put(&book, contact("", "No Number", &[]));
    assert_eq!(bench.put(&book, contact("", "No Number", &[])), Stored { id: empty.id, change: Change::Unchanged });
}

fn people_who_share_a_number_stay_apart(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("", "Ana Pop", &["0722 111 222"]));
    assert_eq!(bench.put(&book, contact("", "Ion Pop", &["0722 111 222"])).change, Change::Added);
    let mut callers = bench.caller(&book, "0722 111 222");
    callers.sort();
    assert_eq!(callers, ["Ana Pop exact", "Ion Pop exact"]);
}

fn contacts_are_searched(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("5", "Ștefan Pop", &["0722 111 222"]));
    bench.put(&book, contact("x-6", "Ana Popescu", &["0733 222 333", "101"]));
    let other = bench.book("suppliers");
    bench.put(&other, contact("7", "Popa", &["0722 111 222"]));
    let found = |text: &str, limit| -> Vec<String> {
        let contacts = bench.wait(bench.directory.search(&book, text, limit)).unwrap();
        contacts.iter().map(|contact| contact.id.to_string()).collect()
    };
    assert_eq!(found("pop", 10), ["5", "x-6"]);
    assert_eq!(found("pop", 1), ["5"]);
    assert_eq!(found("șTEFAN", 10), ["5"]);
    assert_eq!(found("+40 722 111 222", 10), ["5"]);
    assert_eq!(found("101", 10), ["x-6"]);
    assert_eq!(found("x-6", 10), ["x-6"]);
    assert_eq!(found("%", 10), Vec::<String>::new());
    assert_eq!(found("", 10), Vec::<String>::new());
}

fn the_totals_count(bench: &Bench) {
    let book = bench.book("customers");
    let totals = || {
        let found = bench.wait(bench.directory.statistics(&book)).unwrap();
        (found.contacts, found.numbers)
    };
    assert_eq!(totals(), (0, 0));
    bench.put(&book, contact("5", "Ana", &["0722 111 222", "x"]));
    bench.put(&book, contact("6", "Ion", &["0722 111 222"]));
    assert_eq!(totals(), (2, 3));
    bench.put(&book, contact("5", "Ana", &[]));
    assert_eq!(totals(), (2, 1));
    bench.wait(bench.directory.remove(&book, &ContactId::Integer(6))).unwrap();
    assert_eq!(totals(), (1, 0));
    bench.import(&book, vec![contact("5", "Ana", &["0722 111 222"]), contact("7", "Dan", &["101"])]);
    assert_eq!(totals(), (2, 2));
}

fn a_book_is_opened_again(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("5", "Ana", &["0722 111 222"]));
    let other = (bench.open)();
    let again = bench.wait(other.open_book("customers", &Numbering::of_country("RO"))).unwrap();
    assert_eq!(again.id, book.id);
    bench.book("acme/customers");
    let names = bench.wait(other.books()).unwrap();
    assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), ["acme/customers", "customers"]);
}
