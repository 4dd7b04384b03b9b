//! A change made on the command line shows in the running server's next answer.

use std::io::Write;
use std::process::Stdio;

use crate::harness::Workplace;

#[test]
fn what_another_process_writes_shows_in_the_next_answer() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let name = || server.lookup("telephone=0733123123").json()["name"].clone();
    for round in 0..20 {
        assert_eq!(name(), serde_json::Value::Null, "round {round}");
        let added = format!("Visitor {round}");
        let add =
            ["contact", "add", "--directory", "customers", "--id", "77", "--name", &added, "--number", "0733 123 123"];
        workplace.succeed(&add);
        assert_eq!(name(), added);
        assert_eq!(name(), added, "also from the cache");
        workplace.succeed(&["contact", "remove", "77", "--directory", "customers"]);
    }
}

#[test]
fn an_import_shows_all_at_once_and_names_stay_meanwhile() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let rows: String = (0..30_000).map(|row| format!("{},Person {row},07{:08}\n", 20_000 + row, row)).collect();
    let file = format!("id,name,telephone\n12345,Ana Maria Popescu,0722111222\n{rows}");
    let mut command = workplace.command(&["import", "-", "--directory", "customers"]);
    let mut import = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = import.stdin.take().unwrap();
    let mut seen = Vec::new();
    input.write_all(&file.as_bytes()[..file.len() / 2]).unwrap();
    // The import waits for the rest of its file.
    seen.push((server.lookup("telephone=0722111222").json()["name"].as_str().unwrap().to_owned(), false));
    input.write_all(&file.as_bytes()[file.len() / 2..]).unwrap();
    drop(input);
    while import.try_wait().unwrap().is_none() {
        let name = server.lookup("telephone=0722111222").json()["name"].as_str().unwrap_or("(nobody)").to_owned();
        let last = server.lookup("telephone=0700029999").json()["name"].is_string();
        if seen.last() != Some(&(name.clone(), last)) {
            seen.push((name, last));
        }
    }
    assert!(import.wait().unwrap().success());
    let after = server.lookup("telephone=0722111222").json()["name"].clone();
    assert_eq!(after, "Ana Maria Popescu");
    assert!(server.lookup("telephone=0700029999").json()["name"].is_string());
    for (name, _) in &seen {
        assert!(["Ana Popescu", "Ana Maria Popescu"].contains(&name.as_str()), "{seen:?}");
    }
    assert!(seen.contains(&("Ana Popescu".to_owned(), false)), "the old names were answered while it ran: {seen:?}");
}
