//! Files as people have them, and worse: what is wrong is reported with line and reason, never a crash, never a half.

mod disk_full;

use std::io::Write;
use std::path::Path;
use std::process::{Child, Output, Stdio};

use serde_json::Value;

use crate::harness::{CONFIGURATION, Workplace, send_signal, text, wait_until};

/// Most memory that an import of anything may hold, in kilobytes. A build without optimisation holds the same.
const MEMORY: u64 = 250 * 1024;

/// Imports a file into a directory that holds one contact; what it printed.
fn import(workplace: &Workplace, file: &str, bytes: &[u8]) -> Output {
    workplace.write(file, bytes);
    let mut command = workplace.command(&["import", file, "--directory", "customers", "--json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let peak = peak_kilobytes(&child);
    assert!(peak < MEMORY, "{file}: {peak} kB");
    child.wait_with_output().unwrap()
}

/// The most memory that a process holds until it ends.
fn peak_kilobytes(child: &Child) -> u64 {
    let (status, mut peak) = (format!("/proc/{}/status", child.id()), 0);
    // A process that has ended and was not waited for has no memory any more.
    while let Some(line) = std::fs::read_to_string(&status)
        .ok()
        .and_then(|text| text.lines().find(|line| line.starts_with("VmHWM:")).map(str::to_owned))
    {
        peak = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    peak
}

/// The report of an import that succeeds.
fn report(workplace: &Workplace, file: &str, bytes: &[u8]) -> Value {
    let output = import(workplace, file, bytes);
    assert!(output.status.success(), "{file}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What an import says that is refused. Nothing has changed then.
fn refusal(workplace: &Workplace, file: &str, bytes: &[u8]) -> String {
    let before = contacts(workplace);
    let output = import(workplace, file, bytes);
    assert_eq!(output.status.code(), Some(1), "{file}: {}", text(&output.stdout));
    assert_eq!(contacts(workplace), before, "{file}");
    text(&output.stderr)
}

/// Every contact of the directory, as an export writes it.
fn contacts(workplace: &Workplace) -> String {
    workplace.succeed(&["directory", "export", "customers"])
}

/// Reason and first line of each problem of a group.
fn lines(report: &Value, group: &str) -> Vec<(String, u64)> {
    let reasons = report[group]["reasons"].as_array().unwrap();
    let line =
        |reason: &Value| (reason["reason"].as_str().unwrap().to_owned(), reason["first"][0]["line"].as_u64().unwrap());
    reasons.iter().map(line).collect()
}

fn gzip(bytes: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bytes.for_each(|part| packer.write_all(&part).unwrap());
    packer.finish().unwrap()
}

#[test]
fn broken_rows_are_reported_with_line_and_reason_and_the_others_imported() {
    let workplace = Workplace::with_contacts();
    let mut file =
        b"id,name,telephone\n1,Ana,0722000001\n2,Ion,0722000002,x,y\n3,Dan\n4,Nul\0l,0722000004\n5,".to_vec();
    file.extend(vec![b'x'; 10 << 20]);
    file.extend(b",0722000005\n6,\"open,0722000006\n7,Eva,0722000007\n8,B\xffd,0722000008\n9,Oana,0722000009\n");
    let report = report(&workplace, "broken.csv", &file);
    let expected = [("too_many_cells", 3), ("quote_not_closed", 7), ("row_too_long", 6)];
    let skipped = lines(&report, "rows_skipped");
    for (reason, line) in expected {
        assert!(skipped.contains(&(reason.to_owned(), line)), "{reason} in line {line}: {skipped:?}");
    }
    assert_eq!(lines(&report, "remarks"), [("too_few_cells".to_owned(), 4), ("nul_byte".to_owned(), 5)]);
    let stored = contacts(&workplace);
    for (id, there) in [(1, true), (2, false), (3, true), (4, true), (5, false), (6, false), (7, true), (9, true)] {
        assert_eq!(stored.contains(&format!("\n{id},")), there, "{id}: {stored}");
    }
}

#[test]
fn a_decompression_bomb_and_a_zip_that_climbs_are_refused() {
    let workplace = Workplace::with_contacts();
    let bomb = gzip(std::iter::once(b"id,telephone\n".to_vec()).chain((0..400).map(|_| vec![b'\n'; 1 << 20])));
    let said = refusal(&workplace, "bomb.csv.gz", &bomb);
    assert!(said.contains("bomb.csv.gz") && said.contains("a decompression bomb"), "{said}");
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("../../climbed.csv", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"id,telephone\n1,0722000001\n").unwrap();
    let said = refusal(&workplace, "climbs.zip", zip.finish().unwrap().get_ref());
    assert!(said.contains("climbs out of its folder"), "{said}");
    assert!(!workplace.path("../../climbed.csv").exists());
}

#[test]
fn pictures_of_50_megabytes_and_a_million_empty_rows_cost_no_memory() {
    let workplace = Workplace::new(CONFIGURATION);
    let mut cards =
        String::from("BEGIN:VCARD\nVERSION:3.0\nUID:1\nFN:Ana\nTEL:0722000001\nPHOTO;ENCODING=b;TYPE=JPEG:");
    cards.push_str(&format!("{}\n ", "QUJD".repeat(18)).repeat(720_000));
    cards.push_str("QUJD\nEND:VCARD\nBEGIN:VCARD\nVERSION:3.0\nUID:2\nFN:Ion\nTEL:0722000002\nEND:VCARD\n");
    assert!(cards.len() > 50 << 20);
    assert_eq!(report(&workplace, "photos.vcf", cards.as_bytes())["contacts"]["added"], 2);
    let sheet = crate::crash::sheet(|rows| {
        rows.push_str(
            "<row><c t=\"inlineStr\"><is><t>id</t></is></c><c t=\"inlineStr\"><is><t>telephone</t></is></c></row>",
        );
        rows.push_str(&"<row></row>".repeat(1_000_000));
        rows.push_str(
            "<row><c t=\"inlineStr\"><is><t>3</t></is></c><c t=\"inlineStr\"><is><t>0722000003</t></is></c></row>",
        );
    });
    let report = report(&workplace, "empty.xlsx", &sheet);
    assert_eq!((&report["contacts"]["added"], &report["rows"]), (&1.into(), &1.into()));
}

#[test]
fn a_file_that_was_cut_off_in_its_middle_is_no_import() {
    let workplace = Workplace::with_contacts();
    let people: Vec<String> =
        (0..500).map(|row| format!("{{\"id\": {row}, \"telephone\": \"07220{row:05}\"}}")).collect();
    let array = format!("[{}]", people.join(",\n"));
    let said = refusal(&workplace, "cut.json", &array.as_bytes()[..array.len() / 2]);
    assert!(said.contains("cut.json") && said.contains("line"), "{said}");
    let packed = gzip(std::iter::once(format!("id,telephone\n{}", "1,0722000001\n".repeat(9_000)).into_bytes()));
    let said = refusal(&workplace, "cut.csv.gz", &packed[..packed.len() - 9]);
    assert!(said.contains("cut.csv.gz"), "{said}");
}

#[test]
fn a_file_that_grows_while_it_is_read_is_refused() {
    let workplace = Workplace::with_contacts();
    let before = contacts(&workplace);
    let rows: String = (0..30_000).map(|row| format!("{row},Person {row},07{row:08}\n")).collect();
    let database = workplace.database("calldex.db");
    let staged = || database.query_row("SELECT count(*) FROM contact", [], |row| row.get::<_, i64>(0)).unwrap();
    for _ in 0..10 {
        workplace.write("grows.csv", format!("id,name,telephone\n{rows}"));
        let mut command = workplace.command(&["import", "grows.csv", "--directory", "customers"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until("the import to begin", || staged() > 3 || child.try_wait().unwrap().is_some());
        signal(&child, "STOP");
        let in_the_middle = staged() > 3 && staged() < 20_000 && child.try_wait().unwrap().is_none();
        if in_the_middle {
            append(&workplace.path("grows.csv"), b"99999,Late,0733999999\n");
        }
        signal(&child, "CONT");
        let output = child.wait_with_output().unwrap();
        if in_the_middle {
            assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
            let said = text(&output.stderr);
            assert!(said.contains("it was written to while it was read; nothing was imported"), "{said}");
            assert_eq!(contacts(&workplace), before);
            return;
        }
        assert!(output.status.success(), "{}", text(&output.stderr));
        workplace.succeed(&["directory", "remove", "customers", "--yes"]);
        workplace.succeed(&["import", "contacts.csv", "--directory", "customers"]);
    }
    panic!("no import was met in its middle");
}

fn signal(child: &Child, name: &str) {
    // One that has ended cannot be stopped; the test looks at that itself.
    send_signal(name, child.id());
}

fn append(path: &Path, bytes: &[u8]) {
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn a_second_import_into_the_same_directory_is_refused_and_says_since_when_the_first_runs() {
    let workplace = Workplace::with_contacts();
    let mut command = workplace.command(&["import", "-", "--directory", "customers"]);
    let mut first = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = first.stdin.take().unwrap();
    let rows: String = (0..5_000).map(|row| format!("{row},Person {row},07{row:08}\n")).collect();
    input.write_all(format!("id,name,telephone\n{rows}").as_bytes()).unwrap();
    let database = workplace.database("calldex.db");
    wait_until("the first import to begin", || {
        database.query_row("SELECT count(*) FROM import", [], |row| row.get::<_, i64>(0)).unwrap() == 1
    });
    let said = workplace.fail(&["import", "contacts.csv", "--directory", "customers"]);
    assert!(said.contains("an import into customers has been running since 20"), "{said}");
    assert!(said.contains(&format!("process {}", first.id())), "{said}");
    drop(input);
    assert!(first.wait().unwrap().success());
    workplace.succeed(&["import", "contacts.csv", "--directory", "customers"]);
}

/// The niceness in a thread's `stat`: its field 19, and the name before it may hold blanks.
#[cfg(target_os = "linux")]
fn niceness(stat: &Path) -> Option<i32> {
    let stat = std::fs::read_to_string(stat).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(16)?.parse().ok()
}

#[cfg(target_os = "linux")]
#[test]
fn an_import_gives_way_to_the_server_beside_it_with_all_its_threads_unless_told() {
    let own = niceness(Path::new("/proc/self/stat"));
    expect_niceness(&[], own.map(|own| 19.min(own + 19)));
    expect_niceness(&["--full-speed"], own);
}

#[cfg(target_os = "linux")]
fn expect_niceness(more: &[&str], expected: Option<i32>) {
    let workplace = Workplace::with_contacts();
    let mut command = workplace.command(&[&["import", "-", "--directory", "customers"], more].concat());
    let mut import = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = import.stdin.take().unwrap();
    let rows: String = (0..5_000).map(|row| format!("{row},Person {row},07{row:08}\n")).collect();
    input.write_all(format!("id,name,telephone\n{rows}").as_bytes()).unwrap();
    // Those that import, read rows, read numbers and end snapshots, until the input ends.
    let threads = || std::fs::read_dir(format!("/proc/{}/task", import.id())).unwrap();
    wait_until("the import to begin", || threads().count() == 4);
    for thread in threads() {
        assert_eq!(niceness(&thread.unwrap().path().join("stat")), expected);
    }
    drop(input);
    assert!(import.wait().unwrap().success());
}

#[test]
fn a_preview_tells_all_and_changes_nothing() {
    let workplace = Workplace::with_contacts();
    let before = contacts(&workplace);
    workplace.write("new.csv", "id,name,telephone\n12345,Ana Pop,+40 722 111 222\n5,Eva,0733 000 111\n6,,Ion\n");
    let shown = workplace.succeed(&["import", "new.csv", "--directory", "customers", "--preview"]);
    for words in ["2 added", "1 changed", "Ana Popescu", "Ana Pop", "letters instead of a number", "line 4"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let replacing = ["import", "new.csv", "--directory", "customers", "--replace", "--preview"];
    assert!(workplace.succeed(&replacing).contains("The import would be refused"));
    assert_eq!(contacts(&workplace), before);
    let refused = workplace.fail(&["import", "new.csv", "--directory", "customers", "--replace"]);
    assert!(refused.contains("2 of the 3 contacts in the directory are not in the file (67 %)"), "{refused}");
    assert_eq!(contacts(&workplace), before);
    workplace.succeed(&["import", "new.csv", "--directory", "customers", "--replace", "--max-removed", "67%"]);
    let stored = contacts(&workplace);
    assert!(stored.contains("Ana Pop,") && stored.contains("Eva") && !stored.contains("Ionescu"), "{stored}");
    let again = workplace.succeed(&["import", "new.csv", "--directory", "customers", "--replace"]);
    assert!(again.contains("Nothing has changed"), "{again}");
}

#[test]
fn a_report_does_not_take_the_place_of_the_contacts() {
    let workplace = Workplace::new(CONFIGURATION);
    let contacts = "id,name,telephone\n1,Ana,0722 111 222\n";
    workplace.write("contacts.csv", contacts);
    let refused = workplace.fail(&["import", "contacts.csv", "--directory", "customers", "--report", "./contacts.csv"]);
    assert!(refused.contains("would take the place of the contacts"), "{refused}");
    assert_eq!(std::fs::read_to_string(workplace.path("contacts.csv")).unwrap(), contacts);
}

#[test]
fn the_names_of_files_do_not_steer_the_terminal() {
    let workplace = Workplace::new(CONFIGURATION);
    for name in ["new/\u{1b}[2Ja.csv", "new/b\u{7}.csv"] {
        workplace.write(name, "name,telephone\nAna,0722 111 222\n");
    }
    let output = workplace.run(&["import", "new", "--directory", "customers"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for printed in [text(&output.stdout), text(&output.stderr)] {
        assert!(printed.contains("a.csv") && !printed.contains(['\u{1b}', '\u{7}']), "{printed:?}");
    }
    let refused = workplace.fail(&["import", "\u{1b}[2J.csv", "--directory", "customers"]);
    assert!(refused.contains(".csv") && !refused.contains('\u{1b}'), "{refused:?}");
}
