//! Every command: what it prints, what it refuses and in which words, and its exit code.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{CONFIGURATION, TOKEN, Workplace, get, send_signal, text};

/// Done; refused or failed; wrong usage.
const DONE: i32 = 0;
const REFUSED: i32 = 1;
const MISUSED: i32 = 2;

/// Runs a command that must be refused: with this code, these words on standard error and nothing on standard output.
fn refuses(workplace: &Workplace, arguments: &[&str], code: i32, words: &str) {
    let output = workplace.run(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    assert!(text(&output.stderr).contains(words), "{arguments:?}: expected {words:?} in\n{}", text(&output.stderr));
}

fn json_lines(printed: &str) -> Vec<Value> {
    printed.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_was_expected() {
    let workplace = Workplace::with_contacts();
    for (arguments, words) in [
        (&[][..], "Usage: calldex"),
        (&["healthchek"], "a similar subcommand exists: 'healthcheck'"),
        (&["serve", "now"], "unexpected argument 'now'"),
        (&["demo", "--port", "x"], "invalid value 'x' for '--port <PORT>'"),
        (&["demo", "--port", "65536"], "invalid value '65536' for '--port <PORT>'"),
        (&["healthcheck", "http://x"], "unexpected argument 'http://x'"),
        (&["healthcheck", "--timeout", "3"], "expected a time with its unit, such as 500ms or 3s"),
        (&["lookup"], "<TELEPHONE>"),
        (&["lookup", "1", "--direction", "up"], "expected \"in\" or \"out\""),
        (&["lookup", "1", "--json"], "--explain"),
        (&["lookup", "1", "--explian"], "a similar argument exists: '--explain'"),
        (&["number", "--contry", "RO"], "a similar argument exists: '--country'"),
        (&["import"], "--directory <NAME>"),
        (&["import", "contacts.csv"], "--directory <NAME>"),
        (&["import", "contacts.csv", "--directory", "customers", "--country", "XX"], "expected a two-letter country"),
        (&["import", "contacts.csv", "--directory", "customers", "--map", "telephone"], "--map <FIELD=COLUMN>"),
        (&["import", "contacts.csv", "--directory", "customers", "--delimiter", "xx"], "comma, semicolon, tab, pipe"),
        (&["contact"], "Usage: calldex contact"),
        (&["contact", "delete", "1"], "unrecognized subcommand 'delete'"),
        (&["contact", "show"], "<ID>"),
        (&["contact", "find"], "<TEXT>"),
        (&["config"], "Usage: calldex config"),
        (&["config", "chek"], "a similar subcommand exists: 'check'"),
        (&["token"], "Usage: calldex token"),
        (&["token", "make"], "unrecognized subcommand 'make'"),
    ] {
        refuses(&workplace, arguments, MISUSED, words);
    }
}

#[test]
fn what_is_refused_ends_with_1_and_names_the_nearest_right_thing() {
    let workplace = Workplace::with_contacts();
    workplace.write("empty.csv", "");
    workplace.write("without_numbers.csv", "a,b\n1,2\n");
    let import = |file: &'static str| ["import", file, "--directory", "customers"];
    for (arguments, words) in [
        (
            &["lookup", "1", "--project", "sles"][..],
            "there is no project sles in the configuration; did you mean sales?",
        ),
        (
            &["import", "contacts.csv", "--directory", "custmers"],
            "custmers in the configuration; did you mean customers?",
        ),
        (&import("none.csv"), "cannot open none.csv: No such file or directory"),
        (&import("."), "it begins with an SQLite database"),
        (
            &import("empty.csv"),
            "cannot import empty.csv: the file is empty; expected a line with the names of the columns",
        ),
        (
            &import("without_numbers.csv"),
            "no column holds telephone numbers; the columns are \"a\", \"b\"; name one with --map",
        ),
        (
            &["import", "contacts.csv", "--directory", "customers", "--map", "telephone=Nope"],
            "the file has no column \"Nope\" (it has \"id\", \"name\"",
        ),
        (&["contact", "add"], "a contact needs a name, a number or a field: give --name, --number or --set"),
        (
            &["contact", "add", "--number", "abc"],
            "--number \"abc\" can never match a call: letters instead of a number",
        ),
        (&["contact", "add", "--set", "nme=1"], "there is no field \"nme\", did you mean \"name\"?"),
        (&["contact", "add", "--set", "name"], "expected FIELD=VALUE, such as company=Acme"),
        (&["contact", "add", "--set", "queue_position=101"], "a queue_position is a whole number from 0 to 100"),
        (&["contact", "show", "99"], "there is no contact \"99\" in customers"),
        (&["contact", "remove", "99"], "there is no contact \"99\" in customers"),
        (
            &["contact", "show", "1", "--directory", "custmers"],
            "there is no directory custmers in the configuration; did you mean customers?",
        ),
        (
            &["contact", "find", "Ana", "--directory", "custmers"],
            "there is no directory custmers in the configuration; did you mean customers?",
        ),
        (&["token", "hash"], "the token is empty; expected it as argument or on standard input"),
        (&["token", "hash", ""], "the token is empty"),
    ] {
        refuses(&workplace, arguments, REFUSED, words);
    }
    let count = workplace.succeed(&["contact", "find", "", "--json"]);
    assert!(json_lines(&count).len() <= 3, "nothing was added by a refused command: {count}");
}

#[test]
fn without_its_configuration_every_command_says_which_file_is_missing_and_makes_none() {
    let workplace = Workplace::new(CONFIGURATION);
    let words =
        "nope.toml: cannot read the file: No such file or directory (os error 2); `--config FILE` or CALLDEX_CONFIG";
    for command in [
        &["serve"][..],
        &["lookup", "1"],
        &["import", "contacts.csv", "--directory", "customers"],
        &["contact", "show", "1"],
        &["config", "check"],
        &["config", "print"],
        &["healthcheck"],
    ] {
        refuses(&workplace, &[command, &["--config", "nope.toml"]].concat(), REFUSED, words);
    }
    assert!(!workplace.path("calldex.db").exists(), "nothing was begun");
    let output = workplace.command(&["config", "check"]).env("CALLDEX_CONFIG", "other.toml").output().unwrap();
    assert!(text(&output.stderr).contains("other.toml: cannot read the file"), "{}", text(&output.stderr));
}

#[test]
fn a_lookup_prints_what_a_pbx_would_get_and_explains_it_for_people_and_programs() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let printed = workplace.succeed(&["lookup", "0722 111 222", "--dnid", "0310000000"]);
    assert_eq!(printed, server.lookup("telephone=0722111222&dnid=0310000000").text() + "\n");
    let explained = workplace.succeed(&["lookup", "0722 111 222", "--explain", "--project", "sales"]);
    for words in [
        "telephone \"0722 111 222\" is +40722111222",
        "tried +40722111222 (exact)",
        "customers: found after ",
        "12345 Ana Popescu (exact)",
        "chosen from customers: ",
        "queue_position: the contact's own value",
        "backend_link: the project's default",
    ] {
        assert!(explained.contains(words), "{words:?} in\n{explained}");
    }
    let explained: Value =
        serde_json::from_str(&workplace.succeed(&["lookup", "0799999999", "--explain", "--json"])).unwrap();
    assert_eq!(explained["outcome"], "unknown");
    assert_eq!(explained["tried"], json!([{ "rung": "exact", "key": "+40799999999" }]));
    for withheld in ["", "anonymous", "-1"] {
        let printed = workplace.succeed(&["lookup", withheld]);
        assert_eq!(json_lines(&printed)[0]["name"], Value::Null, "{withheld:?}");
    }
}

#[test]
fn which_project_is_asked_must_be_said_when_there_are_two() {
    let second = "[project.support]\ncountry = \"RO\"\ntokens = [\"another-token-for-the-tests-012345\"]\nsources = [\"customers\"]\n";
    let workplace = Workplace::new(&format!("{CONFIGURATION}{second}"));
    refuses(&workplace, &["lookup", "1"], REFUSED, "which project is asked? Name it with --project NAME");
    workplace.succeed(&["lookup", "1", "--project", "support"]);
}

#[test]
fn numbers_are_read_from_arguments_and_lines_without_a_configuration() {
    let workplace = Workplace::new("");
    let read = json_lines(&workplace.succeed(&["number", "--country", "RO", "0722 111 222", "anonymous", "-5"]));
    assert_eq!(read.len(), 3);
    assert_eq!((&read[0]["kind"], &read[0]["e164"]), (&json!("phone"), &json!("+40722111222")));
    assert_eq!((&read[1]["kind"], &read[1]["e164"]), (&json!("withheld"), &Value::Null));
    let mut command = workplace.command(&["number", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = "0722111222\tRO\n 40722111222\tZZ\n030 901820\tDE\ngarbage\n\n+40722111222\t\n";
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(DONE), "whatever the lines hold");
    let e164: Vec<Value> = json_lines(&text(&output.stdout)).iter().map(|line| line["e164"].clone()).collect();
    let ana = json!("+40722111222");
    assert_eq!(e164, [ana.clone(), ana.clone(), json!("+4930901820"), Value::Null, Value::Null, ana]);
    refuses_country(&workplace);
}

fn refuses_country(workplace: &Workplace) {
    let output = workplace.run(&["number", "--country", "XX", "1"]);
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(text(&output.stderr).contains("two-letter country"), "{}", text(&output.stderr));
}

#[test]
fn a_contact_is_added_shown_found_changed_and_removed() {
    let workplace = Workplace::new(CONFIGURATION);
    let add = ["contact", "add", "--id", "5", "--name", "Zoe", "--number", "0744 111 222", "--set", "company=Acme"];
    assert_eq!(workplace.succeed(&add), "contact 5 added to customers\n");
    assert_eq!(workplace.succeed(&add), "contact 5 already so in customers\n");
    let change = ["contact", "add", "--id", "5", "--number", "021 312 34 56", "--set", "custom.since=2020", "--json"];
    let changed = json_lines(&workplace.succeed(&change));
    assert_eq!(changed, [json!({ "directory": "customers", "id": 5, "change": "changed" })]);
    let shown = workplace.succeed(&["contact", "show", "5"]);
    for line in ["id: 5", "name: Zoe", "company: Acme", "custom.since: 2020", "number: 0744 111 222 (+40744111222)"] {
        assert!(shown.lines().any(|shown| shown == line), "{line:?} in\n{shown}");
    }
    let shown = &json_lines(&workplace.succeed(&["contact", "show", "5", "--json"]))[0];
    assert_eq!((&shown["id"], &shown["fields"]["name"]), (&json!(5), &json!("Zoe")));
    assert_eq!(shown["numbers"][1]["e164"], "+40213123456");
    for text in ["zoe", "Acme", "5", "+40 21 312 3456"] {
        assert_eq!(json_lines(&workplace.succeed(&["contact", "find", text, "--json"])).len(), 1, "{text}");
        assert!(workplace.succeed(&["contact", "find", text]).starts_with("5\tZoe\tAcme\t"), "{text}");
    }
    assert_eq!(workplace.succeed(&["contact", "find", "nobody"]), "nobody in customers has \"nobody\"\n");
    assert_eq!(workplace.succeed(&["contact", "find", "nobody", "--json"]), "");
    let removed = json_lines(&workplace.succeed(&["contact", "remove", "5", "--json"]));
    assert_eq!(removed, [json!({ "directory": "customers", "id": 5, "change": "removed" })]);
    refuses(&workplace, &["contact", "show", "5"], REFUSED, "there is no contact \"5\"");
}

#[test]
fn an_import_shows_its_columns_on_standard_error_and_its_report_on_standard_output() {
    let workplace = Workplace::new(CONFIGURATION);
    workplace.write("c.csv", "id,name,telephone,queue_position\n1,Ana,0722111222,5\n2,Dan,anonymous,500\n");
    let output = workplace.run(&["import", "c.csv", "--directory", "customers"]);
    assert_eq!(output.status.code(), Some(DONE), "rows with problems are no failure");
    assert!(text(&output.stderr).contains("telephone      <- \"telephone\" (exact)"), "{}", text(&output.stderr));
    let report = text(&output.stdout);
    for line in [
        "Imported c.csv into the directory \"customers\".",
        "  contacts  2 added, 0 changed, 0 unchanged",
        "  numbers   1 kept, 1 can never match",
        "           line 3: anonymous",
        "           line 3: 500: expected a whole number from 0 to 100",
    ] {
        assert!(report.lines().any(|shown| shown == line), "{line:?} in\n{report}");
    }
    let again = workplace.succeed(&["import", "c.csv", "--directory", "customers", "--json"]);
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["contacts"], json!({ "added": 0, "changed": 0, "unchanged": 2, "removed": 0 }));
    assert_eq!(again["numbers_never_matched"]["reasons"][0]["first"][0], json!({ "line": 3, "found": "anonymous" }));
}

#[test]
fn a_token_and_its_hash_open_the_same_door() {
    let workplace = Workplace::with_contacts();
    let printed = workplace.succeed(&["token", "new"]);
    let (token, rest) = printed.split_once('\n').unwrap();
    assert_ne!(workplace.succeed(&["token", "new"]).lines().next(), Some(token));
    let hash = workplace.succeed(&["token", "hash", token]);
    assert!(rest.contains(hash.trim_end()), "{printed}");
    let mut child = workplace.command(&["token", "hash"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{token}\n").as_bytes()).unwrap();
    assert_eq!(text(&child.wait_with_output().unwrap().stdout), hash);
    let line = rest.lines().find(|line| line.starts_with("tokens")).unwrap();
    workplace.write(
        "calldex.toml",
        CONFIGURATION.replace(&format!("tokens = [\"{TOKEN}\"]\nsources"), &format!("{line}\nsources")),
    );
    let server = workplace.serve();
    let open = get(server.address, &format!("/sales/lookup?telephone=0722111222&token={token}"));
    assert_eq!(open.json()["name"], "Ana Popescu");
    assert_eq!(server.lookup("telephone=0722111222").status, 403, "the old token is gone");
}

#[test]
fn the_configuration_is_checked_printed_and_documented() {
    let workplace = Workplace::new(CONFIGURATION);
    assert_eq!(workplace.succeed(&["config", "check"]), "calldex.toml: ok, 1 project, 1 directory\n");
    let print = workplace.succeed(&["config", "print"]);
    workplace.write("printed.toml", print.replace("***", TOKEN));
    assert_eq!(
        workplace.succeed(&["config", "print", "--config", "printed.toml"]),
        print,
        "what is printed can be read"
    );
    let reference = workplace.succeed(&["config", "reference"]);
    assert!(reference.starts_with("# Configuration\n") && reference.contains("`idle_timeout`"));
    workplace.write("calldex.toml", CONFIGURATION.replace("country = \"RO\"\ntimezone", "contry = \"RO\"\ntimezone"));
    refuses(&workplace, &["config", "check"], REFUSED, "calldex.toml:11:1");
    refuses(&workplace, &["config", "check"], REFUSED, "did you mean \"country\"?");
}

#[test]
fn a_link_for_an_agent_is_not_made_of_an_address_that_no_browser_reaches() {
    let workplace = Workplace::new(&CONFIGURATION.replace("127.0.0.1:0", "0.0.0.0:8080"));
    let add = ["agent", "add", "ion-popescu", "--project", "sales"];
    refuses(
        &workplace,
        &add,
        REFUSED,
        "[server] listen = \"0.0.0.0:8080\" does not say how browsers reach this server",
    );
    assert_eq!(text(&workplace.run(&["agent", "list"]).stdout), "", "no account was made");
    let public =
        CONFIGURATION.replace("\"127.0.0.1:0\"", "\"0.0.0.0:8080\"\npublic_url = \"https://calldex.example.com/\"");
    workplace.write("calldex.toml", public);
    let printed = text(&workplace.run(&add).stdout);
    assert!(printed.starts_with("https://calldex.example.com/agent/invite#"), "{printed}");
}

#[test]
fn a_filter_of_the_log_that_cannot_be_read_is_named_and_counts_as_none() {
    let workplace = Workplace::new(CONFIGURATION);
    for (filter, words) in [("calldex=loud", Some("CALLDEX_LOG counts as \"info\", it is no filter")), ("", None)] {
        let mut serve = workplace.command(&["serve"]);
        let mut server = serve.env("CALLDEX_LOG", filter).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut before = Vec::new();
        let started = lines.inspect(|line| before.push(line.clone())).any(|line| line.contains(" answers "));
        assert!(started, "{before:#?}");
        assert!(send_signal("TERM", server.id()));
        assert!(server.wait().unwrap().success());
        let warned = before.iter().any(|line| line.contains("CALLDEX_LOG"));
        assert_eq!(warned, words.is_some(), "{before:#?}");
        assert!(words.is_none_or(|words| before.iter().any(|line| line.contains(words))), "{before:#?}");
    }
}

#[test]
fn an_address_book_of_a_project_file_is_offered_by_its_full_name() {
    let workplace = Workplace::new(CONFIGURATION);
    workplace.write("projects/acme.toml", "[directory.partners]\ncountry = \"RO\"\n");
    workplace.write("contacts.csv", "id,telephone\n1,0722111222\n");
    let import = ["import", "contacts.csv", "--directory", "partners"];
    refuses(
        &workplace,
        &import,
        REFUSED,
        "there is no directory partners in the configuration; did you mean acme/partners?",
    );
}

#[test]
fn a_healthcheck_says_whether_a_server_is_ready() {
    let workplace = Workplace::new(CONFIGURATION);
    let listening_at = |address: SocketAddr| CONFIGURATION.replace("127.0.0.1:0", &address.to_string());
    let check = ["healthcheck", "--config", "known.toml", "--timeout", "60s"];
    // Bound, so that nobody else takes the port, and not listening.
    let silent = tokio::net::TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nobody = silent.local_addr().unwrap();
    workplace.write("known.toml", listening_at(nobody));
    refuses(&workplace, &check, REFUSED, &format!("no server answers at {nobody}"));
    let server = workplace.serve();
    workplace.write("known.toml", listening_at(server.address));
    let output = workplace.run(&check);
    assert_eq!(output.status.code(), Some(DONE), "{}", text(&output.stderr));
    assert!(!output.stdout.is_empty() && output.stderr.is_empty());
    // Mistakes in a file that is not in force, and variables that only the service has, say nothing about the server.
    let listen = format!("[server]\nlisten = \"{}\"\n", server.address);
    for slip in
        ["admin_tokens = [\"${NOT_SET}\"]\n", "lisen = 1\n[project.sales]\n", "[project.sales]\ntokens = [\"x]\n"]
    {
        workplace.write("known.toml", format!("{listen}{slip}"));
        refuses(&workplace, &["config", "check", "--config", "known.toml"], REFUSED, "known.toml:");
        assert_eq!(workplace.run(&check).status.code(), Some(DONE), "{slip}");
    }
    workplace.write("known.toml", "[server]\nlisten = \"8080\"\n");
    refuses(
        &workplace,
        &check,
        REFUSED,
        "known.toml:2:10: listen in [server] is \"8080\"; expected an address and a port",
    );
    workplace.write("known.toml", listening_at(server.address));
    std::fs::OpenOptions::new().write(true).open(workplace.path("calldex.db")).unwrap().set_len(0).unwrap();
    for _ in 0..20 {
        assert_eq!(get(server.address, "/readyz").status, 503, "whichever worker answers");
    }
    let output = workplace.run(&check);
    assert_eq!(output.status.code(), Some(REFUSED));
    assert!(text(&output.stderr).contains("is not ready"), "{}", text(&output.stderr));
}

#[test]
fn the_demo_answers_as_it_says_and_leaves_nothing_behind() {
    for signal in ["INT", "TERM"] {
        let workplace = Workplace::new("");
        let folder = tempfile::tempdir().unwrap();
        let mut command = workplace.command(&["demo", "--port", "0"]);
        command.env("TMPDIR", folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut demo = command.spawn().unwrap();
        let mut log = BufReader::new(demo.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains(" answers ") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the demo did not start");
        }
        let mut out = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
        let printed: Vec<String> =
            std::iter::from_fn(|| out.next().filter(|line| !line.starts_with("Stop with Ctrl-C"))).collect();
        let tries: Vec<_> = printed.windows(2).filter(|lines| lines[0].starts_with("curl 'http://")).collect();
        assert_eq!(tries.len(), 3, "{printed:?}");
        let mut names = Vec::new();
        for lines in tries {
            let url = lines[0].trim_start_matches("curl 'http://").trim_end_matches('\'');
            let (address, target) = url.split_once('/').unwrap();
            let reply = get(address.parse().unwrap(), &format!("/{target}"));
            assert_eq!((reply.status, reply.text()), (200, lines[1].clone()), "{url}");
            names.push(reply.json()["name"].clone());
        }
        assert_eq!(names, [json!("Ana Popescu"), Value::Null, Value::Null]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "its files are there while it runs");
        assert!(send_signal(signal, demo.id()));
        let mut rest = String::new();
        log.read_to_string(&mut rest).unwrap();
        assert_eq!(demo.wait().unwrap().code(), Some(DONE), "{rest}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing stays behind");
        assert_eq!(std::fs::read_dir(workplace.path(".")).unwrap().count(), 1, "nor where it was started");
    }
}
