//! Whole files of every format through the import, sound ones and damaged ones.

mod mutants;

use std::io::Write;

use proptest::prelude::*;

use crate::model::{Contact, ContactId, Field};

use super::packed::ALWAYS;
use super::problem::{Group, Problem};
use super::tests::{import, numbers};
use super::*;

/// Every file of `testdata/import`: what a fuzzer starts from.
const SEEDS: [&str; 18] = [
    "apple.vcf",
    "array.json",
    "broken.csv",
    "contacts.csv.gz",
    "contacts.xlsx",
    "contacts.zip",
    "excel-ro.csv",
    "freepbx.csv",
    "fusionpbx.csv",
    "google.csv",
    "lines.jsonl",
    "modern.vcf",
    "nokia.vcf",
    "outlook.csv",
    "steering.csv",
    "utf16.csv",
    "windows-1250.csv",
    "windows-1252.csv",
];

fn bytes_of(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/testdata/import/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn read(name: &str) -> (Vec<Contact>, Report) {
    import(&bytes_of(name), &Options::default()).unwrap()
}

fn names(contacts: &[Contact]) -> Vec<&str> {
    contacts.iter().map(|contact| contact.get(Field::Name).unwrap_or("-")).collect()
}

/// Problems as `code line: found`.
fn problems(report: &Report) -> Vec<String> {
    let found = Group::ALL.into_iter().flat_map(|group| report.of(group));
    let place = |(problem, tally): (Problem, &report::Tally)| {
        let first = &tally.first[0];
        format!("{} {}: {}", problem.code(), first.line, first.found)
    };
    found.map(place).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn refusal(bytes: &[u8]) -> String {
    import(bytes, &Options::default()).unwrap_err().to_string()
}

#[test]
fn cards_of_an_iphone_are_understood_with_their_own_labels() {
    let (contacts, report) = read("apple.vcf");
    let ion = &contacts[0];
    assert_eq!(ion.get(Field::Name), Some("Ion Popescu"));
    assert_eq!(ion.get(Field::Company), Some("Acme SRL"));
    assert_eq!(ion.get(Field::Email), Some("ion@acme.example"));
    assert_eq!(numbers(ion), ["mobile: 0722 111 222", "Main: +40 21 312 34 56", "Șeful de tură: 0733222333"]);
    assert_eq!(ion.custom["note"], "Sună după ora 10, nu mai devreme; linia doi\nși trei");
    assert_eq!(ion.custom["department"], "Vânzări");
    assert_eq!((contacts[1].get(Field::Name), contacts[1].get(Field::Company)), (None, Some("Beta & Fii")));
    assert_eq!(numbers(&contacts[1]), ["work: 021 444 55 66", "work fax: 021 444 55 67"]);
    assert_eq!(problems(&report), ["no_property 25: this line is no property"]);
    assert_eq!((report.rows, report.manner.as_str()), (2, "vCard"));
}

#[test]
fn old_cards_with_quoted_printable_and_other_character_sets_are_understood() {
    let (contacts, report) = read("nokia.vcf");
    assert_eq!(names(&contacts), ["Ștefan Țăranu", "Łukasz Wałęsa", "Jörg Müller"]);
    assert_eq!(numbers(&contacts[0]), ["mobile: 0744333444", "work: 0213123456"]);
    assert_eq!(numbers(&contacts[1]), ["home: +48 22 123 45 67"]);
    assert_eq!(problems(&report), ["card_without_end 17: "], "the file was cut off");
}

#[test]
fn cards_of_version_4_are_understood() {
    let (contacts, report) = read("modern.vcf");
    let ana = &contacts[0];
    assert_eq!(ana.id, ContactId::Text("urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1".into()));
    assert_eq!(ana.get(Field::Name), Some("Ana Ionescu"));
    assert_eq!(numbers(ana), ["home: tel:+40-21-312-3456;ext=102", "mobile: tel:+40722111222"]);
    assert_eq!((ana.custom["email 2"].as_str(), ana.custom["birthday"].as_str()), ("ana@work.example", "1985-04-12"));
    assert_eq!((report.numbers, problems(&report).len()), (2, 0));
}

#[test]
fn an_array_of_objects_is_understood_whatever_its_numbers_are_written_as() {
    let (contacts, report) = read("array.json");
    assert_eq!(names(&contacts), ["Ion Popescu", "Ana Pop", "Dan"]);
    assert_eq!(numbers(&contacts[0]), ["phone: 40722111222"]);
    assert_eq!(numbers(&contacts[1]), ["mobile: 0733 222 333", "work: 021 312 34 56"]);
    assert_eq!(numbers(&contacts[2]), ["phones: 0744 333 444", "phones: 0755 444 555"]);
    assert_eq!(contacts[1].custom["tags"], "gold ::: cluj");
    assert_eq!(contacts[2].custom["address city"], "Iași");
    assert_eq!((report.rows, report.numbers, problems(&report).len()), (3, 5, 0));
}

#[test]
fn lines_of_json_are_understood_and_broken_ones_passed_over() {
    let (contacts, report) = read("lines.jsonl");
    let ids: Vec<String> = contacts.iter().map(|contact| contact.id.to_string()).collect();
    assert_eq!(ids, ["a-1", "a-2", "a-5"]);
    assert_eq!(numbers(&contacts[2]), ["telephone: 40722111333"]);
    assert_eq!((report.count(Problem::Json), report.count(Problem::NotObject), report.rows), (2, 1, 6));
    assert!(problems(&report).contains(&"no_object 3: not json at all".to_owned()));
}

#[test]
fn a_field_that_comes_late_is_reported_unless_it_is_mapped() {
    let mut file = String::new();
    (0..1_200).for_each(|id| file.push_str(&format!("{{\"id\":{id},\"telephone\":\"0722{id:06}\"}}\n")));
    file.push_str("{\"id\":5000,\"telephone\":\"0733111222\",\"city\":\"Cluj\"}\n");
    let (contacts, report) = import(file.as_bytes(), &Options::default()).unwrap();
    assert_eq!((contacts.len(), problems(&report)), (1_201, vec!["late_field 1201: city".to_owned()]));
    let options = Options { maps: vec!["custom.city=city".parse().unwrap()], ..Options::default() };
    let (contacts, report) = import(file.as_bytes(), &options).unwrap();
    assert_eq!((contacts[1_200].custom["city"].as_str(), problems(&report).len()), ("Cluj", 0));
}

#[test]
fn a_workbook_is_understood_and_its_numbers_are_whole() {
    let (contacts, report) = read("contacts.xlsx");
    assert_eq!(names(&contacts), ["Ștefan Țăranu", "Ion Popescu"]);
    assert_eq!(numbers(&contacts[0]), ["Telefon: 722111222"]);
    assert_eq!(numbers(&contacts[1]), ["Telefon: 40722333444"]);
    assert_eq!((report.numbers, report.rows, report.manner.as_str()), (2, 2, "sheet \"Clienți\""));
    let options = Options { sheet: Some("furnizori".to_owned()), ..Options::default() };
    let (contacts, _) = import(&bytes_of("contacts.xlsx"), &options).unwrap();
    assert_eq!(numbers(&contacts[0]), ["Telefon: 021 312 34 56"]);
    let options = Options { sheet: Some("Sheet1".to_owned()), ..Options::default() };
    let refused = import(&bytes_of("contacts.xlsx"), &options).unwrap_err().to_string();
    assert_eq!(refused, "the workbook cannot be used: it has no sheet \"Sheet1\" (it has \"Clienți\", \"Furnizori\")");
}

/// The workbook of `testdata` with another first sheet.
fn workbook(sheet: &str) -> Vec<u8> {
    let mut source = zip::ZipArchive::new(std::io::Cursor::new(bytes_of("contacts.xlsx"))).unwrap();
    let mut parts = Vec::new();
    for place in 0..source.len() {
        let mut part = source.by_index(place).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        parts.push((name.clone(), if name.ends_with("sheet1.xml") { sheet.as_bytes().to_vec() } else { bytes }));
    }
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    zip(&parts)
}

#[test]
fn a_million_empty_rows_of_a_workbook_are_no_contacts() {
    let mut sheet = String::from("<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>Telefon</v></c></row>");
    (2..1_000_002).for_each(|row| sheet.push_str(&format!("<row r=\"{row}\"><c r=\"A{row}\"/></row>")));
    sheet.push_str("<row r=\"1000002\"><c r=\"A1000002\"><v>722111222</v></c></row></sheetData></worksheet>");
    let (contacts, report) = import(&workbook(&sheet), &Options::default()).unwrap();
    assert_eq!((contacts.len(), report.rows, report.numbers), (1, 1, 1));
}

#[test]
fn a_workbook_with_a_cell_of_10_megabytes_or_with_damage_is_refused_or_reported() {
    let sheet = |cell: &str| {
        format!(
            "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>Telefon</v></c></row>\
             <row r=\"2\"><c r=\"A2\" t=\"str\"><v>{cell}</v></c></row></sheetData></worksheet>"
        )
    };
    let error = refusal(&workbook(&sheet(&"7".repeat(10 << 20))));
    assert!(error.starts_with("the workbook cannot be used: xl/worksheets/sheet1.xml is too large"), "{error}");
    let (_, report) = import(&workbook(&sheet(&"7".repeat(2 << 20))), &Options::default()).unwrap();
    assert_eq!(report.count(Problem::LongCell), 1);
    let error =
        refusal(&workbook("<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>Telefon</v></c></row><row r="));
    assert!(error.starts_with("the workbook cannot be used: "), "{error}");
}

#[test]
fn encodings_are_found_out_and_reported() {
    let (contacts, report) = read("utf16.csv");
    assert_eq!(names(&contacts), ["Ștefan Țăranu", "Jörg Weiß"]);
    assert_eq!(report.manner, "separated by tab, UTF-16LE");
    let (contacts, report) = read("windows-1250.csv");
    assert_eq!(names(&contacts), ["Ştefan Ţăranu", "Mărioara Pîrvu"]);
    assert_eq!(contacts[0].get(Field::Company), Some("Ţesătoria Braşov SRL"));
    assert_eq!(report.json("a", "b")["encoding"], "windows-1250");
    let (contacts, report) = read("windows-1252.csv");
    assert_eq!(names(&contacts), ["Hélène Lefèvre", "Jörg Müller"]);
    assert_eq!(report.encoding, Some("windows-1252"));
    let given = Options { encoding: Some(encoding_rs::WINDOWS_1252), ..Options::default() };
    let (contacts, _) = import(&bytes_of("windows-1250.csv"), &given).unwrap();
    assert_eq!(names(&contacts)[1], "Mãrioara Pîrvu", "what is given is not doubted");
}

#[test]
fn packed_files_are_unpacked() {
    for name in ["contacts.csv.gz", "contacts.zip"] {
        let (contacts, report) = read(name);
        assert_eq!(names(&contacts), ["Ion Popescu", "Ștefan Țăranu"], "{name}");
        assert_eq!((report.rows, report.manner.as_str()), (2, "separated by comma"));
    }
    let (contacts, _) = import(&gzip(&bytes_of("contacts.xlsx")), &Options::default()).unwrap();
    assert_eq!(contacts.len(), 2);
    let (contacts, _) = import(&zip(&[("a.vcf", &bytes_of("apple.vcf"))]), &Options::default()).unwrap();
    assert_eq!(contacts.len(), 2);
    let thrice = gzip(&gzip(&gzip(b"telephone\n0722111222\n")));
    assert_eq!(refusal(&thrice), "the file is packed more than twice; unpack it first");
}

#[test]
fn a_zip_file_that_climbs_or_holds_several_files_is_refused() {
    let csv: &[u8] = b"telephone\n0722111222\n";
    for name in ["../contacts.csv", "a/../../contacts.csv", "..\\contacts.csv"] {
        let error = refusal(&zip(&[(name, csv)]));
        assert!(error.contains("climbs out of its folder"), "{name}: {error}");
    }
    let error = refusal(&zip(&[("a.csv", csv), ("b.csv", csv)]));
    assert_eq!(
        error,
        "the zip file cannot be used: it holds 2 files, expected one; unpack it into a folder and import that"
    );
    let mut damaged = bytes_of("contacts.zip");
    let name = damaged.windows(19).position(|window| window == b"export/contacts.csv").unwrap();
    damaged[name + 19 + 30] ^= 0xff;
    assert!(import(&damaged, &Options::default()).is_err(), "what is damaged is not imported");
}

#[test]
fn a_decompression_bomb_is_refused() {
    let mut bomb = b"telephone,name\n0722111222,".to_vec();
    bomb.resize(usize::try_from(ALWAYS).unwrap() + (1 << 20), b'\n');
    for packed in [gzip(&bomb), zip(&[("contacts.csv", &bomb)])] {
        let error = refusal(&packed);
        assert!(error.contains("a decompression bomb"), "{error}");
    }
}

#[test]
fn a_packed_file_that_was_cut_off_is_no_import() {
    let mut file = String::from("id,telephone\n");
    (0..50_000).for_each(|id| file.push_str(&format!("{id},0722{:06}\n", (id * 7_919) % 1_000_003)));
    let packed = gzip(file.as_bytes());
    let error = refusal(&packed[..packed.len() / 2]);
    assert!(error.starts_with("cannot read on after line "), "{error}");
}

#[test]
fn a_row_of_every_kind_of_damage_is_reported_and_the_others_imported() {
    let long = "x".repeat(10 << 20);
    let file = format!(
        "id,name,telephone\n1,Ion,0722111222\n2,{long},0733222333\n3,A\0na,0744333444\n4,many,0755444555,x,y\n5,few\n\
         6,\"open,0766555666\n7,Dan,0777666777\n"
    );
    let (contacts, report) = import(file.as_bytes(), &Options::default()).unwrap();
    let ids: Vec<String> = contacts.iter().map(|contact| contact.id.to_string()).collect();
    assert_eq!(ids, ["1", "3", "5", "7"]);
    assert_eq!(
        problems(&report),
        [
            "too_many_cells 5: 5 cells, 3 columns",
            "quote_not_closed 7: ",
            "row_too_long 3: ",
            "too_few_cells 6: 2 cells, 3 columns",
            "nul_byte 4: "
        ]
    );
}

#[test]
fn columns_are_guessed_in_five_languages_and_said_with_their_certainty() {
    for (header, expected) in [
        ("First Name;Last Name;Mobile;Work Phone;Switchboard;extension range;Owner", "en"),
        ("Prenume;Nume;Telefon mobil;Telefon serviciu;Centrală;interval interioare;Responsabil", "ro"),
        ("Vorname;Nachname;Handy;Telefon geschäftlich;Zentrale;Nebenstellenbereich;Betreuer", "de"),
        ("Prénom;Nom;Portable;Téléphone bureau;Standard;plage de postes;Responsable", "fr"),
        ("Nombre;Apellidos;Móvil;Teléfono trabajo;Centralita;rango de extensiones;Responsable", "es"),
    ] {
        let file = format!("{header}\nAna;Pop;0722111222;021 312 34 56;+40 21 300 00 00;+40 21 300 00xx;ion\n");
        let (contacts, report) = import(file.as_bytes(), &Options::default()).unwrap();
        let fields: Vec<String> = report.columns.iter().map(|column| column.target.name()).collect();
        assert_eq!(
            fields,
            ["first_name", "last_name", "telephone", "telephone", "telephone", "block", "owner"],
            "{expected}"
        );
        assert_eq!(contacts[0].get(Field::Name), Some("Ana Pop"), "{expected}");
        assert_eq!(contacts[0].get(Field::Owner), Some("ion"), "{expected}");
        assert_eq!((contacts[0].numbers.len(), contacts[0].blocks.len()), (3, 1), "{expected}");
        assert!(report.columns_text().contains("(guessed)"), "{expected}");
    }
}

#[test]
fn a_range_of_extensions_beside_a_switchboard_is_a_block() {
    let file = "Company;Switchboard;Extension range\nAcme;+40 21 300 0000;\nBeta;+40 21 310 0000;100-199\n\
                Gama;+40 21 320 0000;nothing\n";
    let (contacts, report) = import(file.as_bytes(), &Options::default()).unwrap();
    assert!(contacts[0].blocks.is_empty());
    assert_eq!(contacts[1].blocks, ["+40213100100-199"]);
    assert!(contacts[2].blocks.is_empty());
    assert_eq!(report.count(Problem::Block), 1);
}

/// What breaks files of some format.
const MARKS: [&[u8]; 24] = [
    b"\"",
    b"\"\"",
    b",",
    b";",
    b"\t",
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b" ",
    b"",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"=",
    b"BEGIN:VCARD\r\n",
    b"END:VCARD\r\n",
    b"PK\x03\x04",
    b"\xff\xfe",
];

/// A file of `testdata/import` with up to a dozen changes.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change =
        (any::<prop::sample::Index>(), 0_usize..40, prop::sample::select(MARKS.to_vec()), any::<u8>(), any::<bool>());
    (prop::sample::select(SEEDS.to_vec()), prop::collection::vec(change, 0..12)).prop_map(|(name, changes)| {
        changes.into_iter().fold(bytes_of(name), |mut file, (at, removed, mark, byte, random)| {
            let at = at.index(file.len() + 1);
            let end = (at + removed).min(file.len());
            file.splice(at..end, if random { vec![byte] } else { mark.to_vec() });
            file
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_file_of_any_format_however_mutated_makes_the_import_panic_or_lose_count(file in mutated()) {
        if let Ok((contacts, report)) = import(&file, &Options::default()) {
            prop_assert_eq!(contacts.len() as u64 + report.total(Group::Skipped), report.rows);
            let kept: usize = contacts.iter().map(|contact| contact.numbers.len()).sum();
            prop_assert_eq!(report.numbers + report.total(Group::Number), kept as u64);
        }
    }
}

#[test]
fn every_file_of_the_test_data_is_a_seed() {
    let mut found: Vec<String> = std::fs::read_dir(format!("{}/testdata/import", env!("CARGO_MANIFEST_DIR")))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, SEEDS);
    for name in SEEDS {
        assert!(fuzz_bytes(&bytes_of(name)).is_some(), "{name}");
    }
}
