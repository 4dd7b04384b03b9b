//! `kill -9` of an import of every format, at points of its whole length.
//!
//! Where a kill finds the import is up to the machine; what is checked holds wherever that is.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{KILLS, fractions, leftovers_go_away};
use crate::harness::{CONFIGURATION, Server, Workplace};

/// Contacts that every import changes: more than one transaction of them.
const CONTACTS: u32 = 3_000;

/// Contacts that are looked up one by one; the others are counted.
const MARKERS: [u32; 3] = [0, 2_001, CONTACTS - 1];

/// A format: how its files are called, and what makes one.
type Format = (&'static str, fn(usize) -> Vec<u8>);

const FORMATS: [Format; 8] = [
    ("tsv", tsv),
    ("utf-16.csv", utf16),
    ("vcf", vcard),
    ("jsonl", json_lines),
    ("json", json_array),
    ("xlsx", workbook),
    ("csv.gz", gzip),
    ("csv.zip", zip),
];

/// Id, name and number of a contact, as an import says them.
fn people(import: usize) -> impl Iterator<Item = (u32, String, String)> {
    (0..CONTACTS).map(move |row| (row + 1, format!("Person {row} of import {import}."), format!("07{row:08}")))
}

fn csv(import: usize) -> Vec<u8> {
    let rows = people(import).map(|(id, name, number)| format!("{id},{name},{number}\n"));
    format!("id,name,telephone\n{}", rows.collect::<String>()).into_bytes()
}

fn tsv(import: usize) -> Vec<u8> {
    String::from_utf8(csv(import)).unwrap().replace(',', "\t").into_bytes()
}

fn utf16(import: usize) -> Vec<u8> {
    let text = String::from_utf8(csv(import)).unwrap();
    std::iter::once('\u{feff}')
        .chain(text.chars())
        .collect::<String>()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect()
}

fn vcard(import: usize) -> Vec<u8> {
    let card = |(id, name, number): (u32, String, String)| {
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{id}\r\nFN:{name}\r\nTEL;TYPE=CELL:{number}\r\nEND:VCARD\r\n")
    };
    people(import).map(card).collect::<String>().into_bytes()
}

fn object((id, name, number): (u32, String, String)) -> String {
    serde_json::json!({ "id": id, "name": name, "telephone": number }).to_string()
}

fn json_lines(import: usize) -> Vec<u8> {
    people(import).map(|person| object(person) + "\n").collect::<String>().into_bytes()
}

fn json_array(import: usize) -> Vec<u8> {
    format!("[{}]", people(import).map(object).collect::<Vec<_>>().join(",\n")).into_bytes()
}

fn workbook(import: usize) -> Vec<u8> {
    let cell = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let row = |cells: [&str; 3]| format!("<row>{}</row>", cells.map(cell).concat());
    sheet(|rows| {
        rows.push_str(&row(["id", "name", "telephone"]));
        for (id, name, number) in people(import) {
            rows.push_str(&row([&id.to_string(), &name, &number]));
        }
    })
}

/// A workbook with one sheet, whose rows are written by `write`.
pub(crate) fn sheet(write: impl FnOnce(&mut String)) -> Vec<u8> {
    let mut rows = String::new();
    write(&mut rows);
    let sheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006";
    packed(&[
        (
            "[Content_Types].xml",
            format!(
                "<Types xmlns=\"{package}/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>"
            ),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{office}/officeDocument\" \
                 Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{sheet}\" xmlns:r=\"{office}\"><sheets><sheet name=\"Clients\" sheetId=\"1\" \
                 r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{office}/worksheet\" \
                 Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{sheet}\"><sheetData>{rows}</sheetData></worksheet>")),
    ])
}

fn gzip(import: usize) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&csv(import)).unwrap();
    packer.finish().unwrap()
}

fn zip(import: usize) -> Vec<u8> {
    packed(&[("contacts.csv", String::from_utf8(csv(import)).unwrap())])
}

fn packed(files: &[(&str, String)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// How many contacts of each import are seen: a map from the import to the count, by SQLite alone.
fn seen(workplace: &Workplace) -> Vec<(String, u32)> {
    let database = workplace.database("calldex.db");
    let sql = "SELECT substr(c.name, instr(c.name, ' of ') + 4) AS import, count(DISTINCT k.key) \
               FROM contact c JOIN directory d ON d.id = c.directory JOIN number_key k ON k.contact = c.row \
               WHERE c.since <= d.generation AND (c.until IS NULL OR c.until > d.generation) GROUP BY import";
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Imports a whole file; how long that took.
fn import_all(workplace: &Workplace, name: &str) -> Duration {
    let begun = Instant::now();
    workplace.succeed(&["import", name, "--directory", "customers", "--full-speed"]);
    begun.elapsed()
}

/// Which import the running server shows.
fn shown_by(server: &Server) -> String {
    let names = MARKERS.map(|row| {
        let name = server.lookup(&format!("telephone=07{row:08}")).json()["name"].as_str().unwrap().to_owned();
        let (person, import) = name.split_once(" of ").unwrap();
        assert_eq!(person, format!("Person {row}"));
        import.to_owned()
    });
    assert!(names.iter().all(|name| *name == names[0]), "half of an import is shown: {names:?}");
    names[0].clone()
}

#[test]
fn an_import_of_every_format_killed_at_any_point_leaves_the_old_or_the_new_directory_whole() {
    for (name, file) in FORMATS {
        let name = format!("contacts.{name}");
        let workplace = Workplace::new(CONFIGURATION);
        workplace.write(&name, file(0));
        let whole = import_all(&workplace, &name);
        let server = workplace.serve();
        let mut shown = 0;
        for (round, fraction) in fractions().take(KILLS).enumerate() {
            let import = round + 1;
            workplace.write(&name, file(import));
            let mut command = workplace.command(&["import", &name, "--directory", "customers", "--full-speed"]);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(whole.mul_f64(fraction * 1.1));
            child.kill().unwrap();
            child.wait().unwrap();
            let now = seen(&workplace);
            let old_or_new = [shown, import].map(|import| vec![(format!("import {import}."), CONTACTS)]);
            assert!(old_or_new.contains(&now), "{name}, kill {round}: {now:?}");
            shown = if now == old_or_new[1] { import } else { shown };
            assert_eq!(shown_by(&server), format!("import {shown}."), "{name}, kill {round}");
        }
        import_all(&workplace, &name);
        assert_eq!(seen(&workplace), [(format!("import {KILLS}."), CONTACTS)], "{name}: the next import works");
        leftovers_go_away(&workplace);
    }
}
