//! What is read out of files, whole and broken ones.

use super::*;

fn rows(text: &str) -> Vec<(u64, std::result::Result<Vec<String>, Fault>)> {
    read_all(text.as_bytes(), b',')
}

fn read_all(bytes: impl Read, delimiter: u8) -> Vec<(u64, std::result::Result<Vec<String>, Fault>)> {
    let mut reader = Reader::new(bytes, delimiter, Vec::new(), 1);
    let mut record = Record::default();
    let mut rows = Vec::new();
    loop {
        match reader.next(&mut record).unwrap() {
            Next::End => return rows,
            Next::Broken(fault) | Next::Remark(fault) => rows.push((record.line, Err(fault))),
            Next::Row => {
                let cells = (0..record.columns()).map(|column| record.cell(column));
                rows.push((record.line, Ok(cells.map(|cell| String::from_utf8_lossy(cell).into()).collect())));
            }
        }
    }
}

fn row(line: u64, cells: &[&str]) -> (u64, std::result::Result<Vec<String>, Fault>) {
    (line, Ok(cells.iter().map(ToString::to_string).collect()))
}

/// Gives one byte at a time, like a slow pipe.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let (Some((&byte, rest)), Some(place)) = (self.0.split_first(), out.first_mut()) else { return Ok(0) };
        *place = byte;
        self.0 = rest;
        Ok(1)
    }
}

#[test]
fn rows_end_with_either_kind_of_line_end_or_with_the_file() {
    let expected = vec![row(1, &["a", "b"]), row(2, &["c", ""]), row(3, &["d"])];
    for text in ["a,b\nc,\nd", "a,b\r\nc,\r\nd\r\n", "a,b\rc,\rd", "a,b\nc,\nd\n"] {
        assert_eq!(rows(text), expected, "{text:?}");
    }
}

#[test]
fn quoted_cells_may_hold_separators_quotes_and_lines() {
    let text = "1,\"Popescu, \"\"Ion\"\"\",\"first\r\nsecond\"\n2, \"after a blank\" ,x\n";
    let expected = vec![row(1, &["1", "Popescu, \"Ion\"", "first\r\nsecond"]), row(3, &["2", "after a blank", "x"])];
    assert_eq!(rows(text), expected);
    assert_eq!(read_all(Slow(text.as_bytes()), b','), expected);
}

#[test]
fn blank_lines_are_no_rows_but_count_as_lines() {
    assert_eq!(rows("\n\na\n  \n,\n"), vec![row(3, &["a"]), row(5, &["", ""])]);
}

#[test]
fn quotes_within_a_cell_are_text() {
    assert_eq!(rows("5\" pipe,\"Bar\" Ana,x\n"), vec![row(1, &["5\" pipe", "Bar Ana", "x"])]);
}

#[test]
fn a_stray_quote_costs_its_own_line_and_never_joins_two_contacts() {
    let text = "1,\"Ion,0722\n2,\"Maria\",0733\n3,Ana,0744\n";
    assert_eq!(
        rows(text),
        vec![(1, Err(Fault::Quote)), row(2, &["2", "Maria", "0733"]), row(3, &["3", "Ana", "0744"])]
    );
}

#[test]
fn a_quote_that_is_never_closed_costs_its_own_line() {
    assert_eq!(rows("1,\"Ion\n2,Ana\n"), vec![(1, Err(Fault::Quote)), row(2, &["2", "Ana"])]);
    let mut long = String::from("1,\"Ion\n");
    (0..1_000_000).for_each(|_| long.push_str("2,Ana\n"));
    let rows = rows(&long);
    assert_eq!(rows.len(), 1_000_001);
    assert_eq!(rows.first(), Some(&(1, Err(Fault::Quote))));
    assert_eq!(rows.last(), Some(&row(1_000_001, &["2", "Ana"])));
}

#[test]
fn a_cell_above_one_mebibyte_is_reported_and_the_next_row_read() {
    let fits = "x".repeat(MAX_FIELD);
    assert_eq!(rows(&format!("1,{fits}\n2,b\n")), vec![row(1, &["1", &fits]), row(2, &["2", "b"])]);
    assert_eq!(rows(&format!("1,{fits}y\n2,b\n")), vec![(1, Err(Fault::LongCell)), row(2, &["2", "b"])]);
    let quoted = format!("1,\"{fits}\n{fits}\"\n2,b\n");
    assert_eq!(rows(&quoted), vec![(1, Err(Fault::LongCell)), row(3, &["2", "b"])]);
}

#[test]
fn a_row_above_four_mebibytes_is_passed_over_without_being_held() {
    for quote in ["", "\""] {
        let start = format!("1,{quote}").into_bytes();
        let end = format!("{quote}\r\n2,b\r\n").into_bytes();
        let input = start.as_slice().chain(std::io::repeat(b'x').take(50 << 20)).chain(end.as_slice());
        let mut reader = Reader::new(input, b',', Vec::new(), 1);
        let mut record = Record::default();
        assert_eq!(reader.next(&mut record).unwrap(), Next::Broken(Fault::LongRow));
        assert!(reader.buffer.capacity() <= 4 * MAX_RECORD, "{} bytes", reader.buffer.capacity());
        assert_eq!(reader.next(&mut record).unwrap(), Next::Row);
        assert_eq!((record.line, record.cell(1)), (2, b"b".as_slice()));
    }
}

#[test]
fn a_million_cells_in_a_row_are_counted_but_not_kept() {
    let mut reader = Reader::new(std::io::repeat(b';').take(1_000_000), b';', Vec::new(), 1);
    let mut record = Record::default();
    assert_eq!(reader.next(&mut record).unwrap(), Next::Row);
    assert_eq!((record.columns(), record.ends.len()), (1_000_001, MAX_COLUMNS));
}

#[test]
fn a_file_that_cannot_be_read_on_names_the_line() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the pipe broke"))
        }
    }
    let mut reader = Reader::new(b"a\nb\n".chain(Broken), b',', b"x\n".to_vec(), 1);
    let mut record = Record::default();
    assert_eq!(reader.next(&mut record).unwrap(), Next::Row);
    let error = reader.next(&mut record).unwrap_err();
    assert_eq!(error.to_string(), "cannot read on after line 2: the pipe broke");
}
