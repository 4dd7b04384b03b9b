//! `calldex source test`: every step with its time, and in words what is wrong.

use crate::harness::{Authority, Mood, Page, Secure, Troublemaker, Workplace, text};

const FOUND: &str = r#"{"id":7,"name":"Ana Pop"}"#;

/// What is printed of a system that is asked at a URL, and whether it succeeds.
fn tried(url: &str, keys: &str, authority: Option<&Authority>) -> (bool, String) {
    tried_as(&format!("type = \"generic\"\nurl = \"{url}\"\n{keys}"), authority)
}

/// The same of any source; its secret must not be printed.
fn tried_as(source: &str, authority: Option<&Authority>) -> (bool, String) {
    let workplace =
        Workplace::new(&format!("[server]\nstore = \"sqlite:calldex.db\"\n[source.crm]\ncountry = \"RO\"\n{source}\n"));
    if let Some(authority) = authority {
        workplace.write("authority.pem", &authority.pem);
    }
    let output = workplace.run(&["source", "test", "crm", "--telephone", "0722 111 222"]);
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert!(!printed.contains("hunter2"), "{printed}");
    (output.status.success(), printed)
}

/// The first word of each line.
fn steps(printed: &str) -> Vec<&str> {
    printed.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect()
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
    let secure = Secure::start(&authority.sign(&["localhost"]), FOUND);
    let url = format!("https://localhost:{}/caller?key=hunter2", secure.port);
    let (succeeded, printed) = tried(&url, "ca_file = \"authority.pem\"", Some(&authority));
    assert!(succeeded, "{printed}");
    assert_eq!(
        steps(&printed),
        ["crm", "name", "connect", "tls", "sent", "answer", "", "contact", "took", "It"],
        "{printed}"
    );
    for step in ["name", "connect", "tls", "answer", "took"] {
        let line = printed.lines().find(|line| line.starts_with(step)).unwrap();
        assert!(line.contains(" ms"), "{line}");
    }
    assert!(printed.contains(" in all, the mapping "), "{printed}");
    let sent = format!("GET https://localhost:{}/caller?key=…&telephone=0722111222&dnid=", secure.port);
    assert!(printed.contains(&sent), "{printed}");
    assert!(printed.contains("It works: the caller is known."), "{printed}");
}

#[test]
fn a_certificate_that_nobody_trusts_is_called_so_and_where_to_name_its_authority() {
    let authority = Authority::new();
    let secure = Secure::start(&authority.sign(&["127.0.0.1"]), FOUND);
    let url = format!("https://127.0.0.1:{}/", secure.port);
    fails(
        &url,
        "",
        &["connect   port", "tls       its certificate is not trusted, nobody here knows who signed it", "ca_file"],
    );
    for (certificate, words) in [
        (authority.sign(&["crm.example.com"]), "it is for another host"),
        (authority.sign_until(&["127.0.0.1"], 2020), "it has expired"),
    ] {
        let secure = Secure::start(&certificate, FOUND);
        let url = format!("https://127.0.0.1:{}/", secure.port);
        let (succeeded, printed) = tried(&url, "ca_file = \"authority.pem\"", Some(&authority));
        assert!(!succeeded && printed.contains(&format!("its certificate is not trusted, {words}")), "{printed}");
    }
    let plain = Troublemaker::start(FOUND);
    fails(&format!("https://127.0.0.1:{}/", plain.port), "timeout = \"2s\"", &["tls       "]);
}

#[test]
fn what_is_wrong_on_the_way_or_with_the_system_is_said_in_words() {
    fails("http://no-such-host.invalid/", "timeout = \"2s\"", &["name      ", "no-such-host.invalid"]);
    fails(
        "http://127.0.0.1:1/",
        "",
        &["connect   port 1 does not", "again     once more", "cannot connect to 127.0.0.1:1"],
    );
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

#[test]
fn the_way_is_shown_to_whatever_host_the_settings_of_a_type_lead_to() {
    let found = Page::start(|_| ("200 OK", r#"{"echo":"hunter2hunter2","results":[],"total":0}"#.to_owned()));
    let wsdl = Page::start(|_| ("404 Not Found", "no".to_owned()));
    let (found, wsdl) = (found.port, wsdl.port);
    for (source, expected) in [
        (
            format!(
                "type = \"freshdesk\"\nurl = \"http://localhost:{found}\"\nparams = \"domain=a&user=hunter2hunter2&password=X\""
            ),
            &["crm", "name", "connect", "sent", "", "", "answer", ""][..],
        ),
        (
            format!("type = \"soap\"\nurl = \"http://127.0.0.1:{wsdl}/?wsdl=hunter2\"\nparams = \"func_name=f\""),
            &["crm", "connect", "sent", "answer", "", "failed", "calldex:"],
        ),
        (
            format!("type = \"soap\"\nparams = \"func_name=f&wsdl=http://127.0.0.1:{wsdl}/nothing.wsdl\""),
            &["crm", "connect", "sent", "answer", "", "failed", "calldex:"],
        ),
        (
            format!(
                "type = \"soap\"\nparams = \"func_name=f&init_params[location]=http://127.0.0.1:{wsdl}/&init_params[uri]=urn:x&init_params[login]=ion&init_params[password]=hunter2\""
            ),
            &["crm", "connect", "sent", "", "", "", "", "answer", "", "failed", "calldex:"],
        ),
        (
            format!(
                "type = \"salesforce\"\nurl = \"http://127.0.0.1:{wsdl}\"\nparams = \"username=i@x.ro&password=hunter2&token=hunter2\""
            ),
            &["crm", "connect", "sent", "", "", "", "answer", "", "failed", "calldex:"],
        ),
    ] {
        let (_, printed) = tried_as(&source, None);
        let steps = steps(&printed);
        assert!(steps.starts_with(expected), "{expected:?}: {printed}");
        assert_eq!(steps.iter().filter(|step| **step == "connect").count(), 1, "once for a host: {printed}");
    }
}

#[test]
fn a_tenant_is_told_that_an_address_is_not_a_public_one_and_nothing_of_it() {
    let page = Page::start(|_| ("200 OK", FOUND.to_owned()));
    for host in ["localhost", "127.0.0.1", "169.254.169.254"] {
        let workplace = Workplace::new("[server]\nstore = \"sqlite:calldex.db\"\n");
        let source = format!("[source.crm]\ntype = \"generic\"\nurl = \"http://{host}:{}/\"\n", page.port);
        let project = "[project.shop]\ncountry = \"RO\"\ntokens = [\"0123456789abcdefghijklmn\"]\nsources = [\"crm\"]\ntenant = true\n";
        workplace.write("projects/shop.toml", source + project);
        let output = workplace.run(&["source", "test", "shop/crm", "--telephone", "0722111222"]);
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert!(!output.status.success() && printed.contains("not a public one"), "{printed}");
        assert!(!printed.contains("connect "), "{printed}");
    }
    assert_eq!(page.asked(), 0);
}
