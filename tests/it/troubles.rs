//! Real systems behind a proxy of bytes that does what a network can do: whatever that is, the PBX gets its answer by the
//! deadline, never a wrong name, and the system is used again as soon as the network behaves.

use serde_json::Value;

use crate::harness::{
    Authority, Database, Line, Proxy, Secure, Server, TOKEN, Troublemaker, Weather, Workplace, get, resident_kilobytes,
    wait_until,
};
use crate::soap::{Service, has_soap};

const FOUND: &str = r#"{"id":7,"name":"Ana Popescu"}"#;

/// Numbers of bytes after which answers are cut: in heads, in lengths, in the middle of a name and between messages.
const CUTS: [usize; 14] = [0, 1, 2, 3, 5, 8, 13, 21, 40, 77, 150, 300, 700, 1500];

/// Most connections that the source may keep, of the hundred that it makes here.
const MOST_CONNECTIONS: usize = 4;

/// Calldex with one source, the system behind the proxy.
struct Stage<'a> {
    proxy: &'a Proxy,
    server: Server,
    _workplace: Workplace,
}

impl<'a> Stage<'a> {
    /// `source` is the section of the source, with `PROXY` for the address of the proxy.
    fn set(proxy: &'a Proxy, source: &str, authority: Option<&Authority>) -> Self {
        let source = source.replace("PROXY", &proxy.address.to_string());
        let project = |name: &str, source: &str, deadline: &str| {
            format!(
                "[project.{name}]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = [\"{source}\"]\n\
                 deadline = \"{deadline}\"\n"
            )
        };
        let workplace = Workplace::new(&format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\n\
             [cache]\nfound_entries = 0\nunknown_entries = 0\n\
             [source.crm]\ncountry = \"RO\"\ntimeout = \"5s\"\nmax_in_flight = {MOST_CONNECTIONS}\n{source}\n\
             [source.endless]\ncountry = \"RO\"\ntimeout = \"60s\"\n{source}\n{}{}{}",
            project("hasty", "crm", "500ms"),
            project("patient", "crm", "10s"),
            project("endless", "endless", "500ms"),
        ));
        if let Some(authority) = authority {
            workplace.write("authority.pem", &authority.pem);
        }
        Self { proxy, server: workplace.serve(), _workplace: workplace }
    }

    /// Whether the caller was found. If not, the answer says that the system did not answer: a caller who is known is
    /// never "unknown", and never somebody else.
    fn finds(&self, project: &str) -> bool {
        let reply = get(self.server.address, &format!("/{project}/lookup?telephone=0722111222&token={TOKEN}"));
        assert_eq!(reply.status, 200);
        let is_degraded = reply.header("x-calldex-degraded").is_some();
        match &reply.json()["name"] {
            Value::Null => assert!(is_degraded, "{:?}: {}", reply.headers, self.server.log()),
            name => assert_eq!((name.as_str(), is_degraded), (Some("Ana Popescu"), false)),
        }
        !is_degraded
    }

    fn recovers(&self, after: &str) {
        self.proxy.set(Weather::Clear);
        wait_until(&format!("the system after {after}: {}", self.server.log()), || self.finds("patient"));
    }

    fn endures_everything(&self) {
        self.recovers("the start");
        self.answers_before_the_system_does();
        for weather in [Weather::Late, Weather::Crumbs] {
            self.proxy.set(weather);
            wait_until(&format!("{weather:?}"), || self.finds("patient"));
        }
        for weather in [Weather::Drip, Weather::Hang, Weather::Garbage(0), Weather::Cut(9), Weather::Reset(9)] {
            self.proxy.set(weather);
            assert!(!self.finds("hasty"), "{weather:?}");
            self.recovers(&format!("{weather:?}"));
        }
        let by_chance = (1..6).map(Weather::Garbage);
        for weather in CUTS.into_iter().flat_map(|cut| [Weather::Cut(cut), Weather::Reset(cut)]).chain(by_chance) {
            self.proxy.set(weather);
            self.finds("hasty");
            self.recovers(&format!("{weather:?}"));
        }
        self.lets_go_of_everything();
    }

    /// The answer leaves at the deadline, while the request goes on for the minute that the source may take.
    fn answers_before_the_system_does(&self) {
        wait_until("the source that may take long", || self.finds("endless"));
        self.proxy.set(Weather::Hang);
        assert!(!self.finds("endless"));
        self.server.wait_for_metrics("calldex_source_in_flight{source=\"endless\"} 1\n");
        self.proxy.end_all();
        self.recovers("a request without an end");
    }

    /// Thirty calls of different people hang at once; nothing of them stays.
    fn lets_go_of_everything(&self) {
        self.proxy.set(Weather::Hang);
        std::thread::scope(|scope| {
            for caller in 0..30 {
                let target = format!("/hasty/lookup?telephone=07221113{caller:02}&token={TOKEN}");
                scope.spawn(move || assert!(get(self.server.address, &target).json()["name"].is_null()));
            }
        });
        self.recovers("thirty hanging calls");
        self.server.wait_for_metrics("calldex_source_in_flight{source=\"crm\"} 0\n");
        wait_until("the end of all connections but idle ones", || self.proxy.open() <= MOST_CONNECTIONS);
    }

    /// The end of the stage: nothing has panicked.
    fn end(self) {
        let log = self.server.whole_log();
        assert!(!log.contains("panicked"), "{log}");
    }
}

fn sql(database: &Database) -> String {
    let url = database.url("secret").replace(&format!("127.0.0.1:{}", database.port), "PROXY");
    format!(
        "type = \"sql\"\nurl = \"{url}\"\nmap = {{ name = \"full_name\" }}\n\
         query = \"SELECT id, full_name, telephone FROM contacts WHERE telephone = :national\""
    )
}

fn fill(database: &Database) {
    database.execute("CREATE TABLE contacts (id INTEGER, full_name VARCHAR(40), telephone VARCHAR(20))");
    database.execute("INSERT INTO contacts VALUES (7, 'Ana Popescu', '0722111222'), (8, 'Dan', '0733111222')");
}

#[test]
fn postgresql_behind_a_bad_network() {
    let Some(database) = Database::postgres("PostgreSQL behind a bad network") else { return };
    fill(&database);
    let proxy = Proxy::before(database.port);
    let stage = Stage::set(&proxy, &sql(&database), None);
    stage.endures_everything();
    stage.end();
}

#[test]
fn mariadb_behind_a_bad_network() {
    let Some(database) = Database::mariadb("MariaDB behind a bad network") else { return };
    fill(&database);
    let proxy = Proxy::before(database.port);
    let stage = Stage::set(&proxy, &sql(&database), None);
    stage.endures_everything();
    stage.end();
}

#[test]
fn a_soap_service_of_php_behind_a_bad_network() {
    if !has_soap() {
        return;
    }
    let service = Service::start();
    let proxy = Proxy::before(service.port);
    let source = "type = \"soap\"\nurl = \"http://PROXY/?name=Ana+Popescu\"\n\
        params = \"func_name=getCallerInfo&init_params[login]=asdf&init_params[password]=12%2634%2B&init_params[uri]=urn:callerdata\"";
    let stage = Stage::set(&proxy, source, None);
    stage.endures_everything();
    stage.end();
}

#[test]
fn a_page_over_http_behind_a_bad_network() {
    let page = Troublemaker::start(FOUND);
    let proxy = Proxy::before(page.port);
    let stage = Stage::set(&proxy, "type = \"generic\"\nurl = \"http://PROXY/caller\"", None);
    stage.endures_everything();
    stage.end();
}

#[test]
fn a_page_over_tls_behind_a_bad_network_and_with_the_certificate_of_somebody_else() {
    let authority = Authority::new();
    let page = Secure::start(&authority.sign(&["127.0.0.1"]), FOUND);
    let impostor = Secure::start(&Authority::new().sign(&["127.0.0.1"]), r#"{"id":7,"name":"Somebody else"}"#);
    let proxy = Proxy::before(page.port);
    let source = "type = \"generic\"\nurl = \"https://PROXY/caller\"\nca_file = \"authority.pem\"";
    let stage = Stage::set(&proxy, source, Some(&authority));
    stage.endures_everything();
    is_not_taken_in(&stage, || proxy.lead_to(impostor.port), || proxy.lead_to(page.port));
    stage.end();
}

#[test]
fn postgresql_over_tls_behind_a_bad_network_and_with_the_certificate_of_somebody_else() {
    let Some(database) = Database::postgres("PostgreSQL over TLS behind a bad network") else { return };
    is_safe_over_tls(database, "sslmode=verify-full");
}

#[test]
fn mariadb_over_tls_behind_a_bad_network_and_with_the_certificate_of_somebody_else() {
    let Some(database) = Database::mariadb("MariaDB over TLS behind a bad network") else { return };
    is_safe_over_tls(database, "ssl-mode=VERIFY_IDENTITY");
}

fn is_safe_over_tls(mut database: Database, word: &str) {
    let (right, wrong) = (Authority::new(), Authority::new());
    fill(&database);
    database.secure(&right.sign(&["127.0.0.1"]));
    let proxy = Proxy::before(database.port);
    let source = sql(&database).replace("/crm", &format!("/crm?{word}")) + "\nca_file = \"authority.pem\"";
    let stage = Stage::set(&proxy, &source, Some(&right));
    stage.endures_everything();
    database.secure(&wrong.sign(&["127.0.0.1"]));
    assert!(!stage.finds("hasty"));
    database.secure(&right.sign(&["127.0.0.1"]));
    stage.recovers("the wrong certificate");
    stage.end();
}

/// With another server behind the proxy nobody is found.
fn is_not_taken_in(stage: &Stage<'_>, swap: impl Fn(), swap_back: impl Fn()) {
    stage.recovers("all that");
    swap();
    for _ in 0..3 {
        assert!(!stage.finds("hasty"), "the impostor is believed");
    }
    swap_back();
    stage.recovers("the impostor");
}

/// Two sources fail with every lookup: one is asked each time, as its failure is none that passes, and one is left alone.
#[test]
fn a_hundred_thousand_lookups_on_failing_sources_do_not_make_the_process_grow() {
    let workplace = Workplace::new(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nstore = \"sqlite:calldex.db\"\n\
         [cache]\nnumber_entries = 1000\n\
         [source.broken]\ntype = \"sql\"\nurl = \"sqlite:crm.db\"\n\
         query = \"SELECT * FROM nowhere WHERE telephone = :national\"\n\
         [source.dead]\ntype = \"generic\"\nurl = \"http://127.0.0.1:1/\"\n\
         [project.sales]\ncountry = \"RO\"\ntokens = [\"{TOKEN}\"]\nsources = [\"broken\", \"dead\"]\ndeadline = \"10s\"\n"
    ));
    workplace.write("crm.db", "");
    let server = workplace.serve();
    let mut line = Line::open(server.address);
    let mut round = |numbers: std::ops::Range<usize>| {
        for first in numbers.step_by(50) {
            let request = |number| {
                let target = format!("/sales/lookup?telephone=0722{number:06}&token={TOKEN}");
                format!("GET {target} HTTP/1.1\r\nHost: calldex\r\n\r\n")
            };
            assert!(line.send((first..first + 50).map(request).collect::<String>().as_bytes()));
            for _ in 0..50 {
                let reply = line.reply().unwrap_or_else(|| panic!("no answer: {}", server.log()));
                let degraded = reply.header("x-calldex-degraded");
                assert!(degraded.is_some_and(|names| names.contains("broken")), "{degraded:?}: {}", reply.text());
            }
        }
        resident_kilobytes(server.id())
    };
    let before = round(0..20_000);
    let after = round(20_000..100_000);
    assert!(after < before + 8 * 1024, "from {before} to {after} kB");
    server.wait_for_metrics("calldex_source_in_flight{source=\"broken\"} 0\n");
}
