//! The wording of every kind of bad configuration: place, what was found, what was expected, the nearest right thing.
//!
//! All of it stands in one snapshot, to be read as a user would read it.

use super::problems;

/// What a project needs, so that a case holds one mistake only.
const PROJECT: &str = r#"[project.sales]
country = "RO"
allow = ["203.0.113.10"]
"#;

/// Each case is a file with one kind of mistake; `PROJECT` stands for the start of a right project.
const CASES: &[&str] = &[
    "[server]
listen = 8080",
    r#"[server]
listen = "localhost:80""#,
    r#"[server]
listen = "${LISTEN}""#,
    r#"[server]
listen = "${NOWHERE}:80""#,
    r#"[server]
listen = "${EMPTY}""#,
    r#"[server]
listen = "${a b}""#,
    r#"[server]
store = "calldex.db""#,
    r#"[server]
store = "postgres://db/calldex""#,
    r#"[server]
public_url = "calldex.example.com""#,
    r#"[server]
public_url = "ftp://calldex.example.com""#,
    "[server]
max_connections = 0",
    r#"[server]
max_connections = "100""#,
    "[server]
max_connections = 99999999999999999999999",
    r#"[server]
idle_timeout = "2h""#,
    "[server]
idle_timeout = 30",
    r#"[server]
trusted_proxies = "10.0.0.1""#,
    r#"[server]
default_project = "sale""#,
    r#"[server.tls]
certificate = "no-such-file.pem""#,
    "[server]
port = 80",
    r#"[source.crm]
url = "https://crm.example.com""#,
    r#"[source.crm]
type = "generic"
url = "https://crm.example.com/?key=${NOWHERE}""#,
    r#"[source.crm]
type = "generic"
params = "key=${NOWHERE}""#,
    r#"[source.crm]
type = "generic"
params = ["key"]"#,
    r#"[source.crm]
type = "generic"
form = "e146""#,
    r#"[source.crm]
type = "generic"
rate = "20 per second""#,
    r#"[source.crm]
type = "generic"
map = { name = 1 }"#,
    r#"[source.crm]
type = "generic"
[directory.crm]
country = "RO""#,
    r#"[servr]
listen = "127.0.0.1:80""#,
    "server = 1",
    r#"listen = "127.0.0.1:80""#,
    r#"[server]
deadline = "1s""#,
    r#"[log]
format = "jsn""#,
    r#"[log]
slow = "fast""#,
    r#"[cache]
found = "15 minutes""#,
    "[cache]
found_entries = -1",
    "[cache]
found_entries = 1.5",
    r#"[directory."My Customers"]"#,
    r#"[directory.customers]
country = "ro""#,
    r#"[directory.customers]
country = "UK""#,
    r#"[directory.customers]
shared = "yes""#,
    "[directory]
customers = true",
    r#"[agent."Ion Popescu"]"#,
    r#"[agent.ion]
extension = "10 1"
email = "ion"
owner = "7000123""#,
    r#"[directory.helpdesk]
[agent.ion]
owner = { helpdsk = "7000123", helpdesk = true }"#,
    r#"[project.metrics]
allow = ["203.0.113.10"]"#,
    r#"[project."Sales Team"]
allow = ["203.0.113.10"]"#,
    r#"[[project]]
name = "sales""#,
    r#"[project.sales]
country = "RO""#,
    "[project.sales]
allow = []",
    r#"[server]
listen = "0.0.0.0:80"
[project.sales]
open = true"#,
    r#"[server]
trusted_proxies = ["127.0.0.1"]
[project.sales]
open = true"#,
    "PROJECT open = true",
    r#"PROJECT deadlin = "1s""#,
    r#"PROJECT colour = "red""#,
    r#"PROJECT deadline = "5ms""#,
    "PROJECT deadline = 800",
    r#"PROJECT timezone = "Bucharest""#,
    r#"PROJECT timezone = "Europe/Bucarest""#,
    r#"PROJECT sources = ["custmers"]
[directory.customers]"#,
    r#"PROJECT sources = ["helpdesk"]"#,
    r#"PROJECT sources = ["a", "a"]
[directory.a]"#,
    r#"PROJECT sources = "customers""#,
    r#"PROJECT ask = "in turn""#,
    "PROJECT queue_position = 101",
    r#"PROJECT queue_position = "150""#,
    "PROJECT queue_position = true",
    r#"PROJECT root_tag = "1st""#,
    r#"PROJECT root_tag = """#,
    "PROJECT name_length = 1000",
    r#"PROJECT link_schemes = ["tel", "javascript"]"#,
    r#"PROJECT outside_prefix = "+40""#,
    r#"PROJECT direct_lines = ["SIP/a&SIP/b"]"#,
    r#"PROJECT reply = "long""#,
    r#"[project.sales]
allow = ["203.0.113.0/33", "pbx.example.com", 7]"#,
    r#"[project.sales]
tokens = "topsecret""#,
    "[project.sales]
tokens = [17]",
    r#"[project.sales]
tokens = [{ hash = "sha256:topsecret" }]"#,
    r#"[project.sales]
tokens = [{ token = "topsecret", hash = "sha256:0" }]"#,
    r#"[project.sales]
tokens = [{ tokn = "topsecret-topsecret" }]"#,
    r#"[project.sales]
tokens = [{ token = ["topsecret"] }]"#,
    r#"[project.sales]
tokens = [{ file = "no-such-file" }]"#,
    r#"[project.sales]
tokens = [{ token = "topsecret-topsecret", expires = "tomorrow" }]"#,
    r#"[project.sales]
tokens = [{ token = "topsecret-topsecret", expires = 2026-12-31 }]"#,
    r#"[project.sales]
tokens = ["${NOWHERE}"]"#,
    r#"PROJECT fill = "yes""#,
    r#"[server]
default_project = "sale"
PROJECT"#,
    r#"PROJECT withheld = [""]"#,
    "PROJECT rate = 0",
    "PROJECT
PROJECT",
    r#"[cache]
fond = "1m"
stale = "1y"
[log]
lookups = "none""#,
    "[server]
listen = 127.0.0.1:80",
    "[server]
listen = “127.0.0.1:80”",
    "[server
listen = 1",
    "[server]
listen = topsecret",
    r#"[log]
slow = "1s"
slow = "2s""#,
];

#[test]
fn every_bad_value_is_answered_with_its_place_and_the_nearest_right_thing() {
    let mut said = String::new();
    for lines in CASES {
        let found = problems(&lines.replace("PROJECT ", PROJECT).replace("PROJECT", PROJECT));
        assert!(!found.is_empty(), "nothing is said about {lines}");
        said.push_str(&format!("{lines}\n    {}\n\n", found.replace('\n', "\n    ")));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn no_message_repeats_what_stands_where_a_secret_belongs_or_in_the_environment() {
    for lines in CASES {
        let found = problems(&lines.replace("PROJECT ", PROJECT).replace("PROJECT", PROJECT));
        assert!(!found.contains("topsecret"), "{found}");
        assert!(!found.contains("in-the-environment"), "{found}");
    }
}
