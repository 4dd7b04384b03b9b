use super::super::reader::MAX_COLUMNS;
use super::*;

/// What came, on which line, and the cells of a record by their names.
type Seen = (Next, u64, Vec<(String, String)>);

fn read(text: &str) -> Vec<Seen> {
    let mut objects = Objects::new(text.as_bytes());
    let mut cells = Cells::default();
    let mut seen = Vec::new();
    loop {
        match objects.next(&mut cells).unwrap() {
            Next::End => return seen,
            next => seen.push((next, cells.line, cells.cells.clone())),
        }
    }
}

fn cells(text: &str) -> Vec<(String, String)> {
    read(text).remove(0).2
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn objects_with_labels_and_plain_values_share_a_cell() {
    let found =
        cells(r#"{"phones": [{"type": "work", "value": "1"}, "2", {"number": 3}], "email": {"value": "a@b.c"}}"#);
    assert_eq!(found, pairs(&[("phones", "1 ::: 2 ::: 3"), ("phones label", "work :::  ::: "), ("email", "a@b.c")]));
}

#[test]
fn brackets_and_quotes_within_texts_are_texts() {
    let found = cells("{\"name\": \"a } b \\\" ] {\", \"x\": {\"y\": [1, 2]}}");
    assert_eq!(found, pairs(&[("name", "a } b \" ] {"), ("x y", "1 ::: 2")]));
}

#[test]
fn a_broken_object_costs_itself_only() {
    let seen = read("[{\"a\": 1},\n {\"a\": },\n 17, {\"a\": 3}\n]");
    let lines: Vec<(Next, u64)> = seen.iter().map(|(next, line, _)| (*next, *line)).collect();
    assert_eq!(
        lines,
        [(Next::Row, 1), (Next::Broken(Fault::Json), 2), (Next::Broken(Fault::NotObject), 3), (Next::Row, 3)]
    );
    let text = format!("{{\"a\":\"{}\"}}\n{{\"a\":2}}\n", "x".repeat(10 << 20));
    let seen = read(&text);
    assert_eq!((seen[0].0, seen[1].1), (Next::Broken(Fault::LongRow), 2));
    let deep = format!("{}{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    assert_eq!(read(&deep)[0].0, Next::Broken(Fault::Json));
}

#[test]
fn of_more_names_than_a_row_may_have_columns_only_one_is_kept() {
    let names: String = (0..5_000).map(|place| format!("\"a{place}\": 1, ")).collect();
    assert_eq!(cells(&format!("{{{names}\"a0\": 2}}")).len(), MAX_COLUMNS + 1);
}
