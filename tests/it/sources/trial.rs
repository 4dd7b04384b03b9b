//! `calldex source test`: every step with its time, and in words what is wrong.

use crate::harness::{Authority, Mood, Page, Secure, Troublemaker, Workplace, text};

const FOUND: &str = r#"{"id":7,"name":"Ana Pop"}"#;

/// What is printed, and whether it succeeds; the secret of the URL must not be in it.
fn tried(url: &str, keys: &str, authority: Option<&Authority>) -> (bool, String) {
    let workplace = Workplace::new(&format!(
        "[server]\nstore = \"sqlite:calldex.db\"\n\
         [source.crm]\ntype = \"generic\"\nurl = \"{url}\"\ncountry = \"RO\"\n{keys}\n"
    ));
    if let Some(authority) = authority {
        workplace.write("authority.pem", &authority.pem);
    }
    let output = workplace.run(&["source", "test", "crm", "--telephone", "0722 111 222"]);
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert!(!printed.contains("hunter2"), "{printed}");
    (output.status.success(), printed)
}

fn page(port: u16) -> String {
    format!("http://127.0.0.1:{port}/caller?key=hunter2")
}

fn fails(url: &str, keys: &str, words: &[&str]) {
    let (succeeded, printed) = tried(url, keys, None);
    assert!(!succeeded, "{printed}");
    for words in words {
        assert!(printed.contains(words), "{words}: {printed}");
    }
}

#[test]
fn every_step_is_told_with_its_time_that_of_tls_too() {
    let authority = Authority::new();
    let secure = Secure::start(&authority.sign(&["127.0.0.1"]), FOUND);
    let url = format!("https://127.0.0.1:{}/caller?key=hunter2", secure.port);
    let (succeeded, printed) = tried(&url, "ca_file = \"authority.pem\"", Some(&authority));
    assert!(succeeded, "{printed}");
    let steps: Vec<&str> = printed.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(steps, ["crm", "name", "connect", "tls", "sent", "answer", "", "contact", "took", "It"], "{printed}");
    for step in ["name", "connect", "tls", "answer", "took"] {
        let line = printed.lines().find(|line| line.starts_with(step)).unwrap();
        assert!(line.contains(" ms"), "{line}");
    }
    let sent = format!("GET https://127.0.0.1:{}/caller?key=…&telephone=0722111222&dnid=", secure.port);
    assert!(printed.contains(&sent), "{printed}");
    assert!(printed.contains("It works: the caller is known."), "{printed}");
}

#[test]
fn a_certificate_that_nobody_trusts_is_called_so_and_where_to_name_its_authority() {
    let authority = Authority::new();
    let secure = Secure::start(&authority.sign(&["127.0.0.1"]), FOUND);
    let url = format!("https://127.0.0.1:{}/", secure.port);
    fails(&url, "", &["connect   port", "tls       its certificate is not trusted", "ca_file"]);
    let elsewhere = Secure::start(&authority.sign(&["crm.example.com"]), FOUND);
    let url = format!("https://127.0.0.1:{}/", elsewhere.port);
    let (succeeded, printed) = tried(&url, "ca_file = \"authority.pem\"", Some(&authority));
    assert!(!succeeded && printed.contains("its certificate is not trusted"), "{printed}");
    let plain = Troublemaker::start(FOUND);
    fails(&format!("https://127.0.0.1:{}/", plain.port), "timeout = \"2s\"", &["tls       "]);
}

#[test]
fn what_is_wrong_on_the_way_or_with_the_system_is_said_in_words() {
    fails("http://no-such-host.invalid/", "timeout = \"2s\"", &["name      ", "no-such-host.invalid"]);
    fails("http://127.0.0.1:1/", "", &["connect   port 1 does not", "cannot connect to 127.0.0.1:1"]);
    let crm = Troublemaker::start(FOUND);
    for (mood, words) in [
        (Mood::Refuse, "Look at user, password or key"),
        (Mood::Page, "the answer is a web page or XML, not JSON"),
        (Mood::Garbage, "is no HTTP"),
        (Mood::Fail, "status 500"),
    ] {
        crm.set(mood);
        fails(&page(crm.port), "", &[words]);
    }
    crm.set(Mood::Hang);
    fails(&page(crm.port), "timeout = \"200ms\"", &["too slow"]);
    let nothing = Page::start(|_| ("404 Not Found", String::new()));
    fails(&page(nothing.port), "", &["look at url", "[[error]] status = [404]"]);
}

#[test]
fn a_map_that_matches_nothing_and_numbers_of_other_people_are_named() {
    let other = Page::start(|_| ("200 OK", r#"{"person":{"full":"Ana","mobile":"0733 999 888"}}"#.to_owned()));
    let (succeeded, printed) = tried(&page(other.port), "map = { name = \"persn.full\" }", None);
    assert!(succeeded && printed.contains("map       name matches nothing in the answer"), "{printed}");
    assert!(printed.contains("parts of map match nothing"), "{printed}");
    let keys = "map = { name = \"person.full\" }\nnumbers = [\"person.mobile\"]";
    let (succeeded, printed) = tried(&page(other.port), keys, None);
    assert!(succeeded && printed.contains("0 of 1 contacts are the caller; other numbers: 0733 999 888"), "{printed}");
    assert!(printed.contains("none has the caller's number"), "{printed}");
}
