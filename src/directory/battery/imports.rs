//! Imports: nothing is seen before the switch, everything after it, and the same file again changes nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::error::Kind;

pub(super) const ALL: &[(&str, Test)] = &[
    ("rows that are stored exactly so are recognised", rows_are_recognised),
    ("an import is invisible until the switch", an_import_is_invisible_until_the_switch),
    ("an import that is dropped has done nothing", a_dropped_import_has_done_nothing),
    ("the same file again changes nothing", the_same_file_again_changes_nothing),
    ("rows of one id are one contact", rows_of_one_id_are_one_contact),
    ("a row that is gone from the file takes its number with it", a_row_less_takes_its_number),
    ("a file speaks only for its columns", a_file_speaks_only_for_its_columns),
    ("rows without ids are known again", rows_without_ids_are_known_again),
    ("a new name in a file corrects the contact", a_new_name_corrects_the_contact),
    ("contacts that the file does not name stay", contacts_not_named_stay),
    ("two imports into one book are refused, into two they run", one_import_in_a_book),
    ("a single write is refused while an import runs", a_single_write_is_refused_during_an_import),
    ("lookups during an import see the old or the new book, whole", lookups_see_old_or_new),
    ("an import of many rows counts them all", an_import_of_many_rows),
];

const ANA: &str = "0722 111 222";

fn an_import_is_invisible_until_the_switch(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("1", "Old", &[ANA]));
    let before = bench.revision(&book);
    let mut session = bench.directory.begin_import(&book, covers()).unwrap();
    let changes =
        session.apply(prepare(vec![contact("1", "New", &["0733 222 333"]), contact("2", "Ion", &[ANA])])).unwrap();
    assert_eq!(changes, [Change::Changed, Change::Added]);
    assert_eq!(bench.caller(&book, ANA), ["Old exact"]);
    assert!(bench.caller(&book, "0733 222 333").is_empty());
    assert_eq!(bench.get(&book, "1").unwrap().get(Field::Name), Some("Old"));
    assert_eq!(bench.get(&book, "2"), None);
    assert_eq!((bench.revision(&book), bench.contacts(&book)), (before, 1));
    let summary = session.finish().unwrap();
    assert_eq!((summary.added, summary.changed, summary.unchanged, summary.numbers), (1, 1, 0, 2));
    assert_eq!(summary.revision.0, bench.revision(&book));
    assert_eq!(bench.caller(&book, ANA), ["Ion exact"]);
    assert_eq!(bench.caller(&book, "0733 222 333"), ["New exact"]);
    assert!(bench.wait(bench.directory.statistics(&book)).unwrap().imported_at.is_some());
}

fn a_dropped_import_has_done_nothing(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("1", "Old", &[ANA]));
    let before = bench.revision(&book);
    let mut session = bench.directory.begin_import(&book, covers()).unwrap();
    session.apply(prepare(vec![contact("1", "New", &[ANA]), contact("2", "Ion", &[ANA])])).unwrap();
    drop(session);
    assert_eq!(bench.caller(&book, ANA), ["Old exact"]);
    assert_eq!(bench.revision(&book), before);
    let summary = bench.import(&book, vec![contact("2", "Ion", &["0733 222 333"])]);
    assert_eq!((summary.added, summary.changed), (1, 0));
    assert_eq!(bench.caller(&book, ANA), ["Old exact"]);
    assert_eq!(bench.put(&book, contact("1", "Newer", &[ANA])).change, Change::Changed);
}

fn sample() -> Vec<Contact> {
    let mut contacts = vec![
        contact("1", "Ana", &[ANA]),
        contact("2", "Ion", &["0733 222 333"]),
        contact("", "Without Id", &["0744 333 444"]),
        contact("", "Without Number", &[]),
        contact("1", "Ana", &["0755 444 555"]),
        contact("", "Family", &["0744 333 444"]),
        contact("", "Without Id", &["0766 555 666", "0744 333 444"]),
        contact("", "", &["0777 666 777"]),
    ];
    contacts[1].custom.insert("city".to_owned(), "Iași".to_owned());
    contacts[1].blocks.push("+40 21 312 34xx".to_owned());
    contacts
}

fn the_same_file_again_changes_nothing(bench: &Bench) {
    let book = bench.book("customers");
    let first = bench.import(&book, sample());
    assert_eq!((first.added, first.changed, first.unchanged), (6, 0, 0));
    for _ in 0..2 {
        let again = bench.import(&book, sample());
        assert_eq!((again.added, again.changed, again.unchanged), (0, 0, 6));
        assert_eq!(again.revision, first.revision);
    }
    assert_eq!(bench.contacts(&book), 6);
    let mut callers = bench.caller(&book, "0744 333 444");
    callers.sort();
    assert_eq!(callers, ["Family exact", "Without Id exact"]);
}

fn rows_of_one_id_are_one_contact(bench: &Bench) {
    let book = bench.book("customers");
    let mut second = contact("1", "Another Spelling", &["0733 222 333", "+40722111222"]);
    second.set(Field::Company, "Acme");
    let summary = bench.import(&book, vec![contact("1", "Ana", &[ANA]), second]);
    assert_eq!((summary.added, summary.numbers), (1, 2));
    let stored = bench.get(&book, "1").unwrap();
    assert_eq!((stored.get(Field::Name), stored.get(Field::Company)), (Some("Ana"), Some("Acme")));
    assert_eq!(stored.numbers.len(), 2);
    assert_eq!(bench.caller(&book, "0733 222 333"), ["Ana exact"]);
}

fn a_row_less_takes_its_number(bench: &Bench) {
    let book = bench.book("customers");
    bench.import(&book, vec![contact("1", "Ana", &[ANA]), contact("1", "Ana", &["0733 222 333"])]);
    for left in [ANA, "0733 222 333"] {
        let summary = bench.import(&book, vec![contact("1", "Ana", &[left])]);
        assert_eq!((summary.changed, summary.unchanged), (1, 0), "{left}");
        assert_eq!(bench.get(&book, "1").unwrap().numbers.len(), 1);
        assert_eq!(bench.caller(&book, left), ["Ana exact"]);
        bench.import(&book, vec![contact("1", "Ana", &[ANA]), contact("1", "Ana", &["0733 222 333"])]);
    }
}

fn a_file_speaks_only_for_its_columns(bench: &Bench) {
    let book = bench.book("customers");
    let mut given = contact("1", "Ana", &[ANA]);
    given.set(Field::Owner, "ion");
    given.custom.insert("city".to_owned(), "Cluj".to_owned());
    given.custom.insert("note".to_owned(), "by hand".to_owned());
    bench.put(&book, given);
    let email = Covers { fields: BTreeSet::from([Field::Email, Field::Owner]), ..Covers::default() };
    let mut session = bench.directory.begin_import(&book, email).unwrap();
    let mut row = contact("1", "", &[]);
    row.set(Field::Email, "ana@example.com");
    session.apply(prepare(vec![row])).unwrap();
    session.finish().unwrap();
    let stored = bench.get(&book, "1").unwrap();
    assert_eq!(stored.get(Field::Email), Some("ana@example.com"));
    assert_eq!(stored.get(Field::Owner), None, "the column is there and empty");
    assert_eq!((stored.get(Field::Name), stored.custom.len()), (Some("Ana"), 2));
    assert_eq!(bench.caller(&book, ANA), ["Ana exact"]);
}

fn rows_without_ids_are_known_again(bench: &Bench) {
    let book = bench.book("customers");
    let ids = || -> Vec<ContactId> {
        let contacts = bench.wait(bench.directory.search(&book, "a", 10)).unwrap();
        let mut ids: Vec<_> = contacts.into_iter().map(|contact| contact.id).collect();
        ids.sort();
        ids
    };
    bench.import(&book, vec![contact("", "Ana", &[ANA]), contact("", "Dana", &[ANA])]);
    let before = ids();
    assert_eq!(before.len(), 2);
    let moved = vec![contact("", "Dana", &[ANA]), contact("", "Ana", &["0733 222 333", ANA])];
    let summary = bench.import(&book, moved);
    assert_eq!((summary.added, summary.changed, summary.unchanged), (0, 1, 1));
    assert_eq!(ids(), before);
}

fn a_new_name_corrects_the_contact(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("77", "Real Id", &["0733 222 333"]));
    bench.import(&book, vec![contact("", "Ana Pop", &[ANA])]);
    let summary =
        bench.import(&book, vec![contact("", "Ana Popescu", &[ANA]), contact("", "Other", &["0733 222 333"])]);
    assert_eq!((summary.added, summary.changed), (1, 1));
    assert_eq!(bench.caller(&book, ANA), ["Ana Popescu exact"]);
    assert_eq!(
        bench.get(&book, "77").unwrap().get(Field::Name),
        Some("Real Id"),
        "a given id is never renamed by number"
    );
}

fn contacts_not_named_stay(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("1", "Ana", &[ANA]));
    bench.import(&book, vec![contact("2", "Ion", &["0733 222 333"])]);
    assert_eq!(bench.caller(&book, ANA), ["Ana exact"]);
    assert_eq!(bench.contacts(&book), 2);
}

fn one_import_in_a_book(bench: &Bench) {
    let (book, other_book) = (bench.book("customers"), bench.book("suppliers"));
    let other = (bench.open)();
    let mut session = bench.directory.begin_import(&book, covers()).unwrap();
    for directory in [&bench.directory, &other] {
        let refused = directory.begin_import(&book, covers()).err().unwrap();
        assert_eq!(refused.kind(), Kind::Busy);
        let message = refused.to_string();
        assert!(message.starts_with("an import into customers has been running since 2"), "{message}");
        assert!(message.ends_with("): wait for it, or end it"), "{message}");
    }
    let mut second = other.begin_import(&other_book, covers()).unwrap();
    second.apply(prepare(vec![contact("1", "Supplier", &[ANA])])).unwrap();
    session.apply(prepare(vec![contact("1", "Ana", &[ANA])])).unwrap();
    second.apply(prepare(vec![contact("1", "Supplier", &["0733 222 333"])])).unwrap();
    drop(second);
    session.finish().unwrap();
    assert_eq!(bench.caller(&book, ANA), ["Ana exact"]);
    assert!(bench.caller(&other_book, ANA).is_empty());
    other.begin_import(&book, covers()).unwrap();
}

fn a_single_write_is_refused_during_an_import(bench: &Bench) {
    let (book, other) = (bench.book("customers"), bench.book("suppliers"));
    bench.put(&book, contact("1", "Ana", &[ANA]));
    let session = bench.directory.begin_import(&book, covers()).unwrap();
    let refused = bench.wait(bench.directory.put(&book, contact("2", "Ion", &[]))).unwrap_err();
    assert_eq!(refused.kind(), Kind::Busy);
    assert!(refused.to_string().starts_with("an import into customers has been running since 2"), "{refused}");
    let refused = bench.wait(bench.directory.remove(&book, &ContactId::Integer(1))).unwrap_err();
    assert_eq!(refused.kind(), Kind::Busy);
    assert_eq!(bench.put(&other, contact("2", "Ion", &[])).change, Change::Added);
    drop(session);
    assert_eq!(bench.put(&book, contact("2", "Ion", &[])).change, Change::Added);
}

fn lookups_see_old_or_new(bench: &Bench) {
    let book = bench.book("customers");
    let people =
        |name: &str| -> Vec<Contact> { (0..300).map(|place| contact(&place.to_string(), name, &[ANA])).collect() };
    bench.import(&book, people("0"));
    let stop = AtomicBool::new(false);
    let wanted = Wanted::of(&parse(ANA, &Numbering::of_country("RO")), false);
    std::thread::scope(|scope| {
        let looker = scope.spawn(|| {
            let runtime = Runtime::new().unwrap();
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) || rounds < 3 {
                let hits = runtime
                    .block_on(bench.directory.find(std::slice::from_ref(&book), &wanted))
                    .unwrap()
                    .remove(0)
                    .hits;
                assert_eq!(hits.len(), 300);
                let names: BTreeSet<_> = hits.iter().map(|hit| hit.contact.get(Field::Name).unwrap()).collect();
                assert_eq!(names.len(), 1, "two imports in one answer: {names:?}");
                rounds += 1;
            }
            rounds
        });
        for round in 1..8 {
            assert_eq!(bench.import(&book, people(&round.to_string())).changed, 300);
        }
        stop.store(true, Ordering::Relaxed);
        assert!(looker.join().unwrap() >= 3);
    });
}

fn an_import_of_many_rows(bench: &Bench) {
    let book = bench.book("customers");
    let people = |first: u32| -> Vec<Contact> {
        (first..first + 5_000).map(|place| contact(&place.to_string(), "Ana", &[&format!("07221{place:05}")])).collect()
    };
    let summary = bench.import(&book, people(0));
    assert_eq!((summary.added, summary.numbers), (5_000, 5_000));
    let summary = bench.import(&book, people(2_500));
    assert_eq!((summary.added, summary.unchanged), (2_500, 2_500));
    assert_eq!(bench.contacts(&book), 7_500);
    assert_eq!(bench.caller(&book, "0722107499"), ["Ana exact"]);
}

/// Imports rows as an importer does, with the session's own preparer; how many were recognised.
fn import_prepared(bench: &Bench, book: &Book, rows: Vec<Contact>, replace: bool) -> (usize, ImportSummary) {
    let mut session = bench.directory.begin_import(book, covers()).unwrap();
    let prepared = session.preparer().unwrap().prepare(rows).unwrap();
    let recognised = prepared.iter().filter(|row| row.is_recognised()).count();
    session.apply(prepared).unwrap();
    if replace {
        session.remove_unnamed(None).unwrap();
    }
    (recognised, session.finish().unwrap())
}

fn rows_are_recognised(bench: &Bench) {
    let book = bench.book("customers");
    let rows = || {
        let never = contact("3", "Eva", &["no number"]);
        vec![contact("1", "Ana", &["0722 111 222"]), contact("2", "Ion", &["0733 222 333"]), never]
    };
    assert_eq!(import_prepared(bench, &book, rows(), false).0, 0);
    let (recognised, summary) = import_prepared(bench, &book, rows(), true);
    assert_eq!(recognised, 2, "a number that can never match is reported every time");
    assert_eq!((summary.added, summary.changed, summary.unchanged, summary.removed), (0, 0, 3, 0));
    let mut again = vec![contact("1", "Ana Maria", &["0744 333 444"])];
    again.extend(rows());
    let (recognised, summary) = import_prepared(bench, &book, again, false);
    assert_eq!((recognised, summary.changed, summary.unchanged), (2, 1, 2));
    assert_eq!(bench.caller(&book, "0744 333 444"), ["Ana Maria exact"], "the first row of the file");
    assert_eq!(bench.caller(&book, "0722 111 222"), ["Ana Maria exact"], "a further row adds its numbers");
    bench.import(&book, vec![contact("2", "Ion Pop", &["0733 222 333"])]);
    assert_eq!(
        import_prepared(bench, &book, rows(), false).1.changed,
        2,
        "what others wrote meanwhile is not recognised"
    );
    assert_eq!(bench.caller(&book, "0733 222 333"), ["Ion exact"]);
    let who = [Selected { book: book.clone(), id: ContactId::Integer(2) }];
    bench.wait(bench.directory.erase(&who, Reach::Everywhere)).unwrap();
    let (_, summary) = import_prepared(bench, &book, rows(), true);
    assert_eq!((summary.erased, summary.unchanged, summary.removed), (1, 2, 0));
}
