//! Looking after a book: read whole, erase for good, remove.

use super::*;
use crate::error::Kind;
use crate::number::Number;

pub(super) const ALL: &[(&str, Test)] = &[
    ("a scan gives every contact once in each pass", a_scan_gives_every_contact),
    ("shared numbers come with their contacts", shared_numbers_come_with_their_contacts),
    ("holders of a number are found in every spelling", holders_are_found),
    ("an erased person is gone and does not come back", an_erased_person_does_not_come_back),
    ("a family keeps the number of one who was erased", a_family_keeps_its_number),
    ("an erasure in one book says nothing about the others", an_erasure_in_one_book),
    ("a number of nobody is kept out of every book", a_number_of_nobody_is_kept_out),
    ("an erased person comes back when somebody says so", an_erased_person_may_come_back),
    ("a removed book is empty at once and may begin anew", a_removed_book),
    ("other settings are noticed and the numbers read anew", other_settings_are_noticed_and_the_numbers_read_anew),
    ("nothing is erased while an import runs", nothing_is_erased_during_an_import),
];

const ANA: &str = "0722 111 222";

fn number(text: &str) -> Number {
    parse(text, &Numbering::of_country("RO"))
}

fn erase(bench: &Bench, books: &[&Book], id: &str, reach: Reach) -> Erasure {
    let who: Vec<Selected> =
        books.iter().map(|book| Selected { book: (*book).clone(), id: ContactId::from_text(id) }).collect();
    bench.wait(bench.directory.erase(&who, reach)).unwrap()
}

fn a_scan_gives_every_contact(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&bench.book("suppliers"), contact("9", "Other", &[ANA]));
    bench.import(&book, (0..50).map(|id| contact(&id.to_string(), "Old", &[ANA])).collect());
    bench.import(&book, (0..10).map(|id| contact(&id.to_string(), "New", &[ANA])).collect());
    let mut seen = Vec::new();
    let scanned = bench.directory.scan(&book, 2, &mut |pass, contact| {
        seen.push((pass, contact.id.to_string(), contact.get(Field::Name).unwrap().to_owned()));
        Ok(())
    });
    scanned.unwrap();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 100);
    assert_eq!(seen.iter().filter(|(pass, _, name)| *pass == 1 && name == "New").count(), 10);
    let ended = bench.directory.scan(&book, 1, &mut |_, _| Err(crate::error::Error::new(Kind::Full, "enough")));
    assert_eq!(ended.unwrap_err().kind(), Kind::Full);
}

fn shared_numbers_come_with_their_contacts(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&bench.book("suppliers"), contact("9", "Other", &[ANA]));
    bench.put(&book, contact("1", "Ana", &[ANA, "+40722111222"]));
    bench.put(&book, contact("2", "Ion", &["0733 222 333", "101"]));
    bench.put(&book, contact("3", "Dan", &["0722.111.222", "101", "0733 222 333 ext. 5"]));
    let mut found = Vec::new();
    let read = bench.directory.shared_numbers(&book, &mut |shared| {
        let ids: Vec<String> = shared.contacts.iter().map(|contact| contact.id.to_string()).collect();
        found.push((shared.number, ids.join(" "), shared.count));
        Ok(())
    });
    read.unwrap();
    found.sort();
    assert_eq!(found, [("+40722111222".to_owned(), "1 3".to_owned(), 2), ("101".to_owned(), "2 3".to_owned(), 2)]);
}

fn holders_are_found(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("1", "Ana", &["+40 722 111 222"]));
    bench.put(&book, contact("2", "Ion", &["0722 111 222 ext. 5"]));
    bench.put(&book, contact("3", "Dan", &["0733 222 333"]));
    bench.put(&book, contact("4", "Eva", &["101"]));
    let holders = |text: &str| -> Vec<String> {
        let found = bench.wait(bench.directory.holders(&book, &number(text))).unwrap();
        found.iter().map(|contact| contact.id.to_string()).collect()
    };
    assert_eq!(holders(ANA), ["1", "2"]);
    assert_eq!(holders("101"), ["4"]);
    assert_eq!(holders("0799 999 999"), Vec::<String>::new());
}

fn an_erased_person_does_not_come_back(bench: &Bench) {
    let (book, other) = (bench.book("customers"), bench.book("suppliers"));
    bench.put(&book, contact("5", "Ana", &[ANA, "not a number"]));
    let before = bench.revision(&book);
    let erasure = erase(bench, &[&book], "5", Reach::Everywhere);
    assert_eq!(erasure.removed.len(), 1);
    assert_eq!((erasure.removed[0].numbers, erasure.removed[0].fields), (2, 1));
    assert!(erasure.log_truncated && erasure.blocks == 3, "{erasure:?}");
    assert!(bench.revision(&book) > before);
    assert!(bench.caller(&book, ANA).is_empty());
    assert_eq!(bench.contacts(&book), 0);
    let rows =
        || vec![contact("5", "Ana", &["0733 222 333"]), contact("6", "Ana", &[ANA]), contact("7", "Ion", &["101"])];
    let summary = bench.import(&book, rows());
    assert_eq!((summary.added, summary.erased), (1, 2), "by id and by number");
    let summary = bench.import(&other, rows());
    assert_eq!((summary.added, summary.erased), (2, 1), "an id means nobody in another book");
    let refused = bench.wait(bench.directory.put(&book, contact("8", "Ana", &["+40722111222"]))).unwrap_err();
    assert_eq!(refused.kind(), Kind::Refused, "{refused}");
    assert!(erase(bench, &[&book], "5", Reach::Everywhere).removed.is_empty());
}

fn a_family_keeps_its_number(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("1", "Ana Pop", &[ANA]));
    bench.put(&book, contact("2", "Ion Pop", &[ANA]));
    erase(bench, &[&book], "1", Reach::Everywhere);
    assert_eq!(bench.caller(&book, ANA), ["Ion Pop exact"]);
    let summary = bench.import(&book, vec![contact("2", "Ion Pop", &[ANA]), contact("", "ANA  pop", &[ANA])]);
    assert_eq!((summary.unchanged, summary.added, summary.erased), (1, 0, 1));
    assert_eq!(bench.caller(&book, ANA), ["Ion Pop exact"]);
}

fn other_settings_are_noticed_and_the_numbers_read_anew(bench: &Bench) {
    let book = bench.book("customers");
    let people = || vec![contact("1", "Ana", &["030 123456"]), contact("2", "Ion", &["+40 722 111 222"])];
    bench.import(&book, people());
    let before = |book: &Book| bench.wait(bench.directory.statistics(book)).unwrap().read_otherwise;
    assert_eq!(before(&book), None);
    let german = bench.wait(bench.directory.open_book("customers", &Numbering::of_country("DE"))).unwrap();
    assert_eq!(before(&german).as_deref(), Some("country RO, numbers_without_plus auto"));
    assert!(bench.caller(&german, "+49 30 123456").is_empty());
    let read = reread(bench.directory.as_ref(), &german).unwrap();
    assert_eq!((read.added, read.changed, read.unchanged, read.removed), (0, 1, 1, 0));
    assert_eq!(bench.caller(&german, "+49 30 123456"), ["Ana exact"]);
    assert_eq!(bench.caller(&german, "+40 722 111 222"), ["Ion exact"]);
    assert_eq!((before(&german), before(&book).is_some()), (None, true));
    assert_eq!(reread(bench.directory.as_ref(), &german).unwrap().changed, 0, "once is enough");
    bench.import(&book, people().into_iter().take(1).collect());
    assert!(before(&book).is_some(), "a part of the contacts");
    bench.import(&book, people());
    assert_eq!(before(&book), None, "the whole file again reads all anew");
    assert!(bench.caller(&book, "+49 30 123456").is_empty());
}

fn an_erasure_in_one_book(bench: &Bench) {
    let (book, other) = (bench.book("customers"), bench.book("suppliers"));
    bench.put(&book, contact("1", "Ana", &[ANA]));
    bench.put(&other, contact("1", "Ana", &[ANA]));
    erase(bench, &[&book], "1", Reach::TheirBooks);
    assert_eq!(bench.caller(&other, ANA), ["Ana exact"]);
    assert_eq!(bench.import(&other, vec![contact("2", "Ana M", &[ANA])]).added, 1);
    assert_eq!(bench.import(&book, vec![contact("2", "Ana M", &[ANA])]).erased, 1);
}

fn a_number_of_nobody_is_kept_out(bench: &Bench) {
    let book = bench.book("customers");
    let Number::Phone { phone, .. } = number(ANA) else { unreachable!() };
    assert_eq!(bench.wait(bench.directory.keep_out(&[phone.key])).unwrap(), 1);
    assert_eq!(bench.wait(bench.directory.keep_out(&[phone.key])).unwrap(), 0, "once");
    let (rows, other) = (vec![contact("1", "Ana", &[ANA]), contact("2", "Ion", &["101"])], bench.book("suppliers"));
    let summary = bench.import(&book, rows);
    assert_eq!((summary.added, summary.erased), (1, 1));
    let put = |book: &Book| bench.wait(bench.directory.put(book, contact("1", "Ana", &[ANA])));
    assert_eq!(put(&other).unwrap_err().kind(), Kind::Refused);
    assert_eq!(bench.wait(bench.directory.forget_erased(&other, contact("", "", &[ANA]))).unwrap(), 1);
    assert_eq!(put(&other).unwrap().change, Change::Added);
}

fn an_erased_person_may_come_back(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("1", "Ana", &[ANA]));
    erase(bench, &[&book], "1", Reach::Everywhere);
    let (directory, other) = (&bench.directory, (bench.open)());
    assert_eq!(bench.wait(other.forget_erased(&book, contact("", "", &["0733 222 333"]))).unwrap(), 0);
    assert_eq!(bench.wait(other.forget_erased(&book, contact("1", "", &[ANA]))).unwrap(), 2);
    assert_eq!(bench.wait(directory.put(&book, contact("1", "Ana", &[ANA]))).unwrap().change, Change::Added);
}

fn a_removed_book(bench: &Bench) {
    let (book, other) = (bench.book("customers"), bench.book("suppliers"));
    bench.import(&book, (0..5_000).map(|id| contact(&id.to_string(), "Ana", &[ANA])).collect());
    bench.put(&other, contact("1", "Ion", &[ANA]));
    let before = bench.revision(&book);
    assert_eq!(bench.wait(bench.directory.remove_book("nowhere")).unwrap(), None);
    assert_eq!(bench.wait(bench.directory.remove_book("customers")).unwrap(), Some(5_000));
    assert!(bench.revision(&book) > before);
    assert!(bench.caller(&book, ANA).is_empty());
    assert_eq!(bench.contacts(&book), 0);
    let names = bench.wait(bench.directory.books()).unwrap();
    assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), ["suppliers"]);
    assert_eq!(bench.caller(&other, ANA), ["Ion exact"]);
    let again = bench.book("customers");
    assert_eq!((again.id, bench.contacts(&again)), (book.id, 0));
    assert_eq!(bench.import(&again, vec![contact("1", "New", &[ANA])]).added, 1);
    assert_eq!(bench.caller(&again, ANA), ["New exact"]);
}

fn nothing_is_erased_during_an_import(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("1", "Ana", &[ANA]));
    let session = bench.directory.begin_import(&book, covers()).unwrap();
    let who = [Selected { book: book.clone(), id: ContactId::Integer(1) }];
    assert_eq!(bench.wait(bench.directory.erase(&who, Reach::Everywhere)).unwrap_err().kind(), Kind::Busy);
    assert_eq!(bench.wait(bench.directory.remove_book("customers")).unwrap_err().kind(), Kind::Busy);
    drop(session);
    assert_eq!(erase(bench, &[&book], "1", Reach::Everywhere).removed.len(), 1);
}
