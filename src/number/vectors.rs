//! All 118,405 vectors: how often the right number is found, and how often a wrong one with confidence.

use std::collections::BTreeMap;

use super::{Number, Numbering, parse, parser};

/// One row of `testdata/numbers/numbers.tsv`.
struct Row {
    input: String,
    region: String,
    shape: String,
    true_number: String,
}

fn rows() -> Vec<Row> {
    let file = std::fs::read_to_string("testdata/numbers/numbers.tsv").unwrap();
    let row = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [input, region, _, _, shape, _, true_number, ..] = columns[..] else { panic!("columns: {line}") };
        Row { input: unescape(input), region: region.into(), shape: shape.into(), true_number: true_number.into() }
    };
    file.split_terminator('\n').map(row).collect()
}

/// Undoes the escapes of the file: `\t \n \r \0 \\`.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('0') => '\0',
                Some(other) => other,
                None => '\\',
            },
            (other, false) => other,
        });
    }
    plain
}

fn numbering(region: &str) -> Numbering {
    if region == "ZZ" { Numbering::default() } else { Numbering::of_country(region) }
}

/// The number that was read, and whether it is valid.
fn read(row: &Row) -> Option<(String, bool)> {
    match parse(&row.input, &numbering(&row.region)) {
        Number::Phone { phone, .. } => Some((phone.key.to_string(), phone.valid)),
        _ => None,
    }
}

fn is_valid(number: &str) -> bool {
    let digits = number.trim_start_matches('+');
    parser::read_international(digits).is_some_and(|reading| reading.valid && reading.key.to_string() == number)
}

#[test]
fn the_right_number_is_found_and_hardly_ever_a_wrong_one() {
    let rows = rows();
    assert_eq!(rows.len(), 118_405);
    let (mut all, mut right, mut wrong) = (0_u32, 0_u32, 0_u32);
    let mut shapes: BTreeMap<&str, [u32; 3]> = BTreeMap::new();
    let mut known: BTreeMap<&str, bool> = BTreeMap::new();
    for row in &rows {
        if !*known.entry(&row.true_number).or_insert_with(|| is_valid(&row.true_number)) {
            continue;
        }
        let found = read(row);
        let is_right = found.as_ref().is_some_and(|(number, _)| *number == row.true_number);
        let is_wrong = !is_right && found.as_ref().is_some_and(|(_, valid)| *valid);
        let shape = shapes.entry(&row.shape).or_default();
        for (count, add) in [(&mut all, true), (&mut right, is_right), (&mut wrong, is_wrong)] {
            *count += u32::from(add);
        }
        for (count, add) in shape.iter_mut().zip([true, is_right, is_wrong]) {
            *count += u32::from(add);
        }
    }
    for (shape, [rows, right, wrong]) in shapes.iter().filter(|(_, [rows, right, _])| rows != right) {
        println!("{shape}: {right} of {rows} right, {wrong} wrong");
    }
    let (right_share, wrong_share) = (f64::from(right) / f64::from(all), f64::from(wrong) / f64::from(all));
    println!(
        "{all} rows, right {:.3} %, confidently wrong {:.3} % ({wrong})",
        right_share * 100.0,
        wrong_share * 100.0
    );
    assert!(right_share >= 0.975, "right: {right_share}");
    assert!(wrong_share <= 0.0036, "confidently wrong: {wrong_share}");
}
