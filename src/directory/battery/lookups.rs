//! Who is found for a number.

use super::*;

pub(super) const ALL: &[(&str, Test)] = &[
    ("a number is found in every spelling", a_number_is_found_in_every_spelling),
    ("the extension decides between contacts of one number", the_extension_decides),
    ("a contact with an extension answers the bare number only when alone", only_alone_without_extension),
    ("both readings of a number are answered", both_readings_are_answered),
    ("every contact with the number is returned once", every_contact_once),
    ("a short number is found only as it is", a_short_number_is_found_only_as_it_is),
    ("an older numbering plan is a guess", an_older_plan_is_a_guess),
    ("the longest block holds the number", the_longest_block_holds_the_number),
    ("an unreadable number is found by its tail when only one has it", a_tail_needs_one_contact),
    ("books are asked together and never answer for each other", books_are_apart),
    ("a number of nineteen digits is found", nineteen_digits_are_found),
];

fn a_number_is_found_in_every_spelling(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("5", "Ana Pop", &["0722 111 222", "+49 30 123456"]));
    for telephone in ["0722111222", "+40722111222", "0040 722 111 222", "0049 30 123456"] {
        assert_eq!(bench.caller(&book, telephone), ["Ana Pop exact"], "{telephone}");
    }
    for telephone in ["0722111223", "722", "anonymous", "", "+49722111222"] {
        assert!(bench.caller(&book, telephone).is_empty(), "{telephone}");
    }
}

fn the_extension_decides(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("1", "Acme", &["021 312 3456"]));
    bench.put(&book, contact("2", "Ion", &["021 312 3456 ext 5"]));
    bench.put(&book, contact("3", "Dan", &["021 312 3456 ext 05"]));
    assert_eq!(bench.caller(&book, "021 312 3456 ext 5"), ["Ion exact"]);
    assert_eq!(bench.caller(&book, "021 312 3456 ext 05"), ["Dan exact"]);
    assert_eq!(bench.caller(&book, "021 312 3456 ext 7"), ["Acme exact"]);
    assert_eq!(bench.caller(&book, "021 312 3456"), ["Acme exact"]);
}

fn only_alone_without_extension(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("2", "Ion", &["021 312 3456 ext 5"]));
    assert_eq!(bench.caller(&book, "021 312 3456"), ["Ion exact"]);
    assert!(bench.caller(&book, "021 312 3456 ext 6").is_empty());
    bench.put(&book, contact("3", "Dan", &["021 312 3456 ext 6"]));
    assert!(bench.caller(&book, "021 312 3456").is_empty());
}

fn both_readings_are_answered(bench: &Bench) {
    let book = bench.book("customers");
    let wanted = Wanted::of(&parse("4312345678", &Numbering::of_country("DE")), false);
    let (national, other) = (wanted.exact.clone().unwrap().0, wanted.alternate.unwrap());
    let rungs = || -> Vec<Rung> {
        let hits = bench.wait(bench.directory.find(std::slice::from_ref(&book), &wanted)).unwrap();
        hits[0].hits.iter().map(|hit| hit.rung).collect()
    };
    bench.put(&book, contact("1", "Vienna", &[&other.to_string()]));
    assert_eq!(rungs(), [Rung::Alternate]);
    bench.put(&book, contact("2", "Germany", &[&national.to_string()]));
    assert_eq!(rungs(), [Rung::Exact, Rung::Alternate]);
}

fn every_contact_once(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("9", "Ana", &["0722 111 222", "+40722111222"]));
    bench.put(&book, contact("10", "Ion", &["0722111222"]));
    assert_eq!(bench.caller(&book, "0722 111 222"), ["Ana exact", "Ion exact"]);
}

fn a_short_number_is_found_only_as_it_is(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("1", "Reception", &["101"]));
    bench.put(&book, contact("2", "Ana", &["0722 111 101"]));
    assert_eq!(bench.caller(&book, "101"), ["Reception local"]);
    assert!(bench.caller(&book, "102").is_empty());
    assert!(bench.caller(&book, "0101").is_empty());
}

fn an_older_plan_is_a_guess(bench: &Bench) {
    let book = bench.book("customers");
    bench.put(&book, contact("1", "Buenos Aires", &["+541123456789"]));
    assert_eq!(bench.caller(&book, "+5491123456789"), ["Buenos Aires alias"]);
    bench.put(&book, contact("2", "Mobile", &["+5491123456789"]));
    assert_eq!(bench.caller(&book, "+5491123456789"), ["Mobile exact"]);
}

fn the_longest_block_holds_the_number(bench: &Bench) {
    let book = bench.book("customers");
    let with_block = |id, name, blocks: &[&str]| {
        let blocks = blocks.iter().map(|text| (*text).to_owned()).collect();
        Contact { blocks, ..contact(id, name, &[]) }
    };
    bench.put(&book, with_block("1", "Building", &["+40 21 312*"]));
    bench.put(&book, with_block("2", "Acme", &["+40 21 312 34xx", "+40 21 555 1000-1299"]));
    assert_eq!(bench.caller(&book, "021 312 3456"), ["Acme block"]);
    assert_eq!(bench.caller(&book, "021 312 9999"), ["Building block"]);
    assert_eq!(bench.caller(&book, "021 555 1234"), ["Acme block"]);
    assert!(bench.caller(&book, "021 555 1300").is_empty());
    assert_eq!(bench.get(&book, "2").unwrap().blocks.len(), 2);
    bench.put(&book, contact("3", "Ion", &["021 312 3456"]));
    assert_eq!(bench.caller(&book, "021 312 3456"), ["Ion exact"]);
    let refused = bench.wait(bench.directory.put(&book, with_block("4", "Wide", &["+40 2xx"])));
    assert_eq!(refused.unwrap_err().kind(), crate::error::Kind::Invalid);
}

fn a_tail_needs_one_contact(bench: &Bench) {
    let book = bench.wait(bench.directory.open_book("no country", &Numbering::default())).unwrap();
    bench.put(&book, contact("1", "Ana", &["0722 111 222"]));
    assert_eq!(bench.caller(&book, "+40722111222"), ["Ana tail"]);
    bench.put(&book, contact("2", "Ion", &["0722-111-222"]));
    assert!(bench.caller(&book, "+40722111222").is_empty());
}

fn books_are_apart(bench: &Bench) {
    let books = [bench.book("customers"), bench.book("acme/customers"), bench.book("suppliers")];
    bench.put(&books[0], contact("1", "Ana", &["0722 111 222"]));
    bench.put(&books[2], contact("1", "Ana of Acme", &["0722 111 222"]));
    let expected = [vec!["Ana exact".to_owned()], vec![], vec!["Ana of Acme exact".to_owned()]];
    assert_eq!(bench.callers(&books, "0722 111 222"), expected);
    assert_eq!(bench.callers(&books[1..2], "0722 111 222"), [Vec::<String>::new()]);
    assert_eq!(bench.callers(&[], "0722 111 222"), Vec::<Vec<String>>::new());
    assert!(bench.wait(bench.directory.remove(&books[0], &ContactId::Integer(1))).unwrap());
    assert_eq!(bench.caller(&books[2], "0722 111 222"), ["Ana of Acme exact"]);
}

fn nineteen_digits_are_found(bench: &Bench) {
    let book = bench.book("customers");
    let key = crate::number::Key::new(9_399_999_999_999_999_999).unwrap();
    let wanted = Wanted { exact: Some((key, None)), ..Wanted::default() };
    let hits = || bench.wait(bench.directory.find(std::slice::from_ref(&book), &wanted)).unwrap().remove(0).hits.len();
    assert_eq!(hits(), 0);
    let mut prepared = prepare(vec![contact("1", "Long", &["0722 111 222"])]).remove(0);
    prepared.readings = vec![crate::number::indexed::Indexed::Number { key, extension: None, valid: true }];
    let mut session = bench.directory.begin_import(&book, covers()).unwrap();
    session.apply(vec![prepared]).unwrap();
    session.finish().unwrap();
    assert_eq!(hits(), 1);
}
