//! Looking after directories on the real binary: erase, back up, restore, export, read anew, metrics.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{
    ADMIN, CONFIGURATION, Mood, Server, TOKEN, Troublemaker, Workplace, get, report, send, wait_until,
};

/// How often a text stands in the files of a folder.
fn found_in_files(folder: &Path, text: &str) -> usize {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let count = |bytes: Vec<u8>| bytes.windows(text.len()).filter(|part| *part == text.as_bytes()).count();
    files
        .filter(|path| path.extension().is_some_and(|end| end.to_string_lossy().starts_with("db")))
        .map(|path| count(std::fs::read(path).unwrap()))
        .sum()
}

/// The remembered explanation of a lookup, by the request id of its answer.
fn explanation(server: &Server, request: &str) -> String {
    let target = format!("/sales/explain?request={request}");
    let head =
        format!("GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}\r\nConnection: close\r\n\r\n");
    send(server.address, head.as_bytes()).text()
}

#[test]
fn an_erased_person_is_in_no_answer_no_explanation_no_event_and_no_file() {
    let workplace = Workplace::with_contacts();
    workplace.write("zebulon.csv", "id,name,telephone,email\n77,Zebulon Quixote,0799 888 777,zebulon@example.com\n");
    workplace.succeed(&["import", "zebulon.csv", "--directory", "customers"]);
    let server = workplace.serve();
    let reply = server.lookup("telephone=0799888777");
    assert_eq!(reply.json()["name"], "Zebulon Quixote");
    let request = reply.header("x-request-id").unwrap();
    assert!(explanation(&server, request).contains("Zebulon"));
    let event = "event=missed_calls&telephone=0799888777&dnid=0310000000&contact_id=77&queue=shop&uniqueid=u1";
    assert_eq!(report(server.address, &format!("/sales/events?{event}&token={TOKEN}")).status, 200);
    wait_until("the call to be tied to its caller", || found_in_files(&workplace.path(""), "Zebulon") > 1);
    assert!(workplace.succeed(&["events", "list", "--json"]).contains("0799888777"));

    let receipt: Value = serde_json::from_str(&workplace.succeed(&["erase", "+40 799 888 777", "--json"])).unwrap();
    assert_eq!(receipt["erased"], json!([{ "directory": "customers", "id": 77, "numbers": 1, "fields": 2 }]));
    assert_eq!((&receipt["history"]["calls"], &receipt["history"]["events"]), (&1.into(), &1.into()));
    assert_eq!(server.lookup("telephone=0799888777").json()["name"], Value::Null, "at once, also from the cache");
    assert!(!explanation(&server, request).contains("Zebulon"));
    assert!(!workplace.succeed(&["events", "list", "--json"]).contains("0799888777"));
    if receipt["log_truncated"] == true {
        assert_eq!(found_in_files(&workplace.path(""), "Zebulon"), 0);
        assert_eq!(found_in_files(&workplace.path(""), "zebulon@example.com"), 0);
    }
    let again = workplace.succeed(&["import", "zebulon.csv", "--directory", "customers", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&again).unwrap()["contacts"]["erased_before"], 1);
    assert_eq!(server.lookup("telephone=0799888777").json()["name"], Value::Null);
    assert!(workplace.fail(&["erase", "0799 888 777"]).contains("nobody has"));
    workplace.succeed(&["erase", "0799 888 777", "--forget-block"]);
    workplace.succeed(&["erase", "--id", "77", "--forget-block"]);
    workplace.succeed(&["import", "zebulon.csv", "--directory", "customers"]);
    assert_eq!(server.lookup("telephone=0799888777").json()["name"], "Zebulon Quixote", "told to come back");
    assert!(!server.whole_log().contains("Zebulon"));
}

#[test]
fn a_running_server_forgets_whom_only_a_live_source_knew() {
    let crm = Troublemaker::start(r#"{"id":7,"name":"Zebulon Quixote"}"#);
    let source = format!("\n[source.crm]\ntype = \"generic\"\nurl = \"http://127.0.0.1:{}/\"\n", crm.port);
    let workplace = Workplace::new(&(CONFIGURATION.replace(r#"["customers"]"#, r#"["customers", "crm"]"#) + &source));
    let server = workplace.serve();
    let reply = server.lookup("telephone=0799888777");
    assert_eq!(reply.json()["name"], "Zebulon Quixote");
    let request = reply.header("x-request-id").unwrap();
    assert!(explanation(&server, request).contains("Zebulon"));
    // From now on the system itself says nothing about anybody: what is remembered may stand in for it.
    crm.set(Mood::Fail);
    assert_eq!(server.lookup("telephone=0799888777").json()["name"], "Zebulon Quixote", "out of memory");
    assert!(workplace.fail(&["erase", "0799888777"]).contains("nobody has"), "no store has ever seen him");
    wait_until("the answers to be forgotten", || server.lookup("telephone=0799888777").json()["name"] == Value::Null);
    assert!(!explanation(&server, request).contains("Zebulon"));
}

#[test]
fn several_who_share_a_number_are_shown_and_the_others_stay() {
    let family = "id,name,telephone\n1,Ana Pop,0722 111 222\n2,Ion Pop,0722 111 222\n";
    let workplace = Workplace::with(CONFIGURATION, family);
    let said = workplace.fail(&["erase", "0722111222"]);
    assert!(said.contains("2 contacts have it") && said.contains("Ana Pop") && said.contains("--yes"), "{said}");
    workplace.succeed(&["erase", "--id", "1", "--directory", "customers"]);
    workplace.succeed(&["import", "contacts.csv", "--directory", "customers"]);
    let left = workplace.succeed(&["directory", "export", "customers"]);
    assert!(left.contains("Ion Pop") && !left.contains("Ana Pop"), "{left}");
}

#[test]
fn a_store_that_is_not_there_is_not_backed_up() {
    let workplace = Workplace::new(CONFIGURATION);
    assert!(workplace.fail(&["backup", "copy"]).contains("there is no store calldex.db: nothing was backed up"));
    assert!(!workplace.path("calldex.db").exists() && !workplace.path("copy").exists());
}

#[test]
fn a_backup_made_while_an_import_runs_is_of_one_moment_and_comes_back() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let before = workplace.succeed(&["directory", "export", "customers"]);
    let mut command = workplace.command(&["import", "-", "--directory", "customers"]);
    let mut import = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = import.stdin.take().unwrap();
    let rows: String = (0..6_000).map(|row| format!("n{row},Person {row},07{row:08}\n")).collect();
    input.write_all(format!("id,name,telephone\n{rows}").as_bytes()).unwrap();
    let database = workplace.database("calldex.db");
    wait_until("a part of the import is staged", || {
        database.query_row("SELECT count(*) > 3 FROM contact", [], |row| row.get(0)).unwrap()
    });
    drop(database);
    let made = workplace.succeed(&["backup", "copy"]);
    assert!(made.contains("calldex.db  ") && made.contains("calldex-events.db  "), "{made}");
    assert!(workplace.fail(&["backup", "copy"]).contains("not empty"));
    drop(input);
    assert!(import.wait().unwrap().success());
    assert!(workplace.succeed(&["directory", "export", "customers"]).contains("Person 5999"));
    assert!(workplace.succeed(&["restore", "copy", "--check"]).contains("is whole"));
    assert!(workplace.fail(&["restore", "copy", "--yes"]).contains("stop the server first"));
    assert!(server.stop().success());
    assert!(workplace.fail(&["restore", "copy"]).contains("--yes moves it aside"));
    workplace.succeed(&["restore", "copy", "--yes"]);
    assert_eq!(workplace.succeed(&["directory", "export", "customers"]), before, "not half of the import");
    let server = workplace.serve();
    assert_eq!(server.lookup("telephone=0722111222").json()["id"], 12345);
    drop(server);
    let copy = workplace.path("copy/calldex.db");
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&copy, bytes).unwrap();
    assert!(workplace.fail(&["restore", "copy", "--yes"]).contains("damaged"));
    assert_eq!(workplace.succeed(&["directory", "export", "customers"]), before, "the present store is left alone");
}

#[test]
fn what_was_exported_comes_back_as_it_was_and_runs_in_no_spreadsheet() {
    let file = "id,name,company,telephone,Phone 2,Phone 2 label,block,queue_position,vip,primary\n\
        1,=cmd|' /C calc'!A0,\"Acme, \"\"SRL\"\"\",+40 722 111 222,021/312 34 56,work,+40 21 312 34xx,5,@SUM(1),yes\n\
        007,Ștefan Țepeș,,0733-222-333,no number,,,,\"two\nlines\",\n\
        ,No Id,-1+2,0744 333 444 ext. 5,,,,,,\n";
    let workplace = Workplace::with(&format!("{CONFIGURATION}\n[directory.copy]\ncountry = \"RO\"\n"), file);
    for (format, name) in [("csv", "out.csv"), ("jsonl", "out.jsonl")] {
        let exported = workplace.succeed(&["directory", "export", "customers", "--format", format]);
        workplace.write(name, &exported);
        workplace.succeed(&["import", name, "--directory", "copy", "--replace", "--max-removed", "100%"]);
        let again = workplace.succeed(&["directory", "export", "copy", "--format", format]);
        assert_eq!(again, exported, "{format}");
        workplace.succeed(&["import", name, "--directory", "customers"]);
        assert_eq!(workplace.succeed(&["directory", "export", "customers", "--format", format]), exported, "{format}");
    }
    let csv = workplace.succeed(&["directory", "export", "customers"]);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    for cell in reader.records().flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()) {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?} is a formula");
    }
}

#[test]
fn a_directory_whose_country_changes_says_so_and_is_read_anew() {
    let workplace = Workplace::with(CONFIGURATION, "id,name,telephone\n1,Anke,030 123456\n");
    let configuration =
        CONFIGURATION.replace("[directory.customers]\ncountry = \"RO\"", "[directory.customers]\ncountry = \"DE\"");
    workplace.write("calldex.toml", configuration);
    let server = workplace.serve();
    server.wait_for_log("calldex directory reread customers");
    assert_eq!(server.lookup("telephone=004930123456").json()["name"], Value::Null);
    assert!(workplace.succeed(&["directory", "list"]).contains("calldex directory reread"));
    assert!(workplace.succeed(&["directory", "show", "customers"]).contains("read with: country RO"));
    let said = workplace.succeed(&["directory", "reread", "customers"]);
    assert!(said.contains("1 contacts have other numbers now"), "{said}");
    assert_eq!(server.lookup("telephone=004930123456").json()["name"], "Anke", "in the running server");
    assert!(!workplace.succeed(&["directory", "list"]).contains("reread"));
}

#[test]
fn sizes_and_the_last_import_are_in_the_metrics_and_in_the_list() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let metric = |name: &str| {
        let start = format!("calldex_directory_{name}{{directory=\"customers\"}} ");
        let text = get(server.address, "/metrics").text();
        text.lines()
            .find_map(|line| line.strip_prefix(&start))
            .unwrap_or_else(|| panic!("{text}"))
            .parse::<f64>()
            .unwrap()
    };
    assert_eq!((metric("contacts"), metric("numbers")), (3.0, 3.0));
    let listed: Value = serde_json::from_str(&workplace.succeed(&["directory", "list", "--json"])).unwrap();
    assert_eq!((&listed["contacts"], &listed["numbers"]), (&3.into(), &3.into()));
    assert!(listed["age_seconds"].as_u64().is_some());
    let first = metric("imported_timestamp_seconds");
    workplace.write("more.csv", "id,name,telephone\n9,Eva,0755 444 333\n");
    workplace.succeed(&["import", "more.csv", "--directory", "customers"]);
    assert_eq!((metric("contacts"), metric("numbers")), (4.0, 4.0));
    assert!(metric("imported_timestamp_seconds") >= first);
    assert!(workplace.fail(&["directory", "remove", "customers"]).contains("say --yes"));
    workplace.succeed(&["directory", "remove", "customers", "--yes"]);
    assert_eq!(server.lookup("telephone=0722111222").json()["name"], Value::Null);
}
