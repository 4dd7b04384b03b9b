//! The configuration changes while calls come in.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::harness::{CONFIGURATION, TOKEN, Workplace, get, send_signal, wait_until};

const IN_FORCE: &str = "read again and is in force";
const REFUSED: &str = "is refused, the old one stays in force";

#[test]
fn a_changed_file_is_in_force_by_itself_and_a_bad_one_is_refused() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    workplace.write("calldex.toml", CONFIGURATION.replace("contact/{{", "person/{{"));
    wait_until("the new link", || {
        server.lookup("telephone=0722111222").text().contains("https://crm.example.com/person/12345")
    });
    workplace.write("calldex.toml", CONFIGURATION.replace("backend_link", "backend_lnk"));
    server.wait_for_log(REFUSED);
    server.wait_for_log("did you mean \"backend_link\"?");
    assert!(server.lookup("telephone=0722111222").text().contains("/person/12345"), "the old one stays");
}

#[test]
fn a_changed_link_to_the_folder_of_the_files_is_noticed() {
    let workplace = Workplace::with_contacts();
    workplace.write("first/calldex.toml", CONFIGURATION);
    workplace.write("second/calldex.toml", CONFIGURATION.replace("contact/{{", "person/{{"));
    std::fs::remove_file(workplace.path("calldex.toml")).unwrap();
    symlink("first", workplace.path("..data")).unwrap();
    symlink("..data/calldex.toml", workplace.path("calldex.toml")).unwrap();
    let server = workplace.serve();
    symlink("second", workplace.path("..data_tmp")).unwrap();
    std::fs::rename(workplace.path("..data_tmp"), workplace.path("..data")).unwrap();
    wait_until("the new link", || server.lookup("telephone=0722111222").text().contains("/person/12345"));
}

#[test]
fn a_bad_project_file_keeps_its_last_good_copy_while_the_others_load() {
    let workplace = Workplace::with_contacts();
    let project = |name: &str, link: &str| {
        format!("[project.{name}]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = [\"customers\"]\n{link}\n")
    };
    workplace
        .write("calldex.toml", CONFIGURATION.replace("[directory.customers]", "[directory.customers]\nshared = true"));
    workplace.write("projects/acme.toml", project("acme", "backend_link = \"https://acme.example/{{ contact.id }}\""));
    workplace.write("projects/beta.toml", project("beta", ""));
    let server = workplace.serve();
    let link = |name: &str| {
        get(server.address, &format!("/{name}/lookup?telephone=0722111222&token={TOKEN}")).json()["backend_link"]
            .clone()
    };
    assert_eq!(link("acme"), "https://acme.example/12345");
    workplace.write("projects/acme.toml", project("acme", "bakend_link = \"x\""));
    workplace.write("projects/beta.toml", project("beta", "backend_link = \"https://beta.example/{{ contact.id }}\""));
    wait_until("the other project's new link", || link("beta") == "https://beta.example/12345");
    assert_eq!(link("acme"), "https://acme.example/12345");
    server.wait_for_log("acme.toml");
}

#[test]
fn a_thousand_reloads_under_load_refuse_no_lookup() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let reply = server.lookup("telephone=0722111222");
                    assert_eq!(reply.status, 200);
                    assert_eq!(reply.json()["name"], "Ana Popescu");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 1..=1000 {
            server.signal("HUP");
            wait_until("the reload", || server.count_in_log(IN_FORCE) >= round);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(asked.load(Ordering::Relaxed) > 100);
    let log = server.whole_log();
    assert!(!log.contains(REFUSED), "{log}");
}

#[test]
fn signals_and_changes_right_after_the_start_are_noticed() {
    let workplace = Workplace::with_contacts();
    for _ in 0..10 {
        let server = workplace.serve();
        server.signal("HUP");
        server.wait_for_log(IN_FORCE);
        assert_eq!(server.stop().code(), Some(0));
        let server = workplace.serve();
        assert_eq!(server.stop().code(), Some(0), "SIGTERM in the first moment");
    }
}

#[test]
fn a_signal_while_the_server_is_still_starting_does_not_end_it() {
    let workplace = Workplace::with_contacts();
    let configuration = workplace.path("calldex.toml");
    std::fs::remove_file(&configuration).unwrap();
    assert!(Command::new("mkfifo").arg(&configuration).status().unwrap().success());
    let mut server = workplace.command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
    // Opens when the other end does: the server is reading its configuration, and reads until we close.
    let mut pipe = File::options().write(true).open(&configuration).unwrap();
    assert!(send_signal("HUP", server.id()));
    pipe.write_all(CONFIGURATION.as_bytes()).unwrap();
    drop(pipe);
    let log = BufReader::new(server.stderr.take().unwrap()).lines();
    let answers = log.map_while(Result::ok).any(|line| line.contains("answers"));
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(answers, "the server was ended");
}

#[test]
fn an_expression_of_a_tenant_that_is_too_deep_is_refused_and_ends_nothing() {
    let workplace = Workplace::with_contacts();
    workplace.write("projects/shop.toml", "");
    let server = workplace.serve();
    let deep = "(".repeat(100_000) + "a" + &")".repeat(100_000);
    workplace.write(
        "projects/shop.toml",
        format!(
            "[source.page]\ntype = \"generic\"\nurl = \"https://crm.example.com/\"\nmap = {{ name = \"{deep}\" }}\n\
             [project.shop]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = [\"page\"]\ntenant = true\n"
        ),
    );
    server.wait_for_log("a JMESPath is longer than 4000 bytes");
    assert_eq!(server.lookup("telephone=0722111222").json()["name"], "Ana Popescu");
}
