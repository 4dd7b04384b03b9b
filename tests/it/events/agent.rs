//! The agents' page as a program sees it: signing in, cards, the stream, contacts.

mod parties;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use super::report;
use crate::harness::{PATIENCE, RECIPE, Reply, Server, TinyCrm, Workplace, get, read_some, send, text, wait_until};

/// A browser that is signed in.
pub(super) struct Page {
    pub(super) address: SocketAddr,
    pub(super) cookie: String,
    pub(super) csrf: String,
}

impl Page {
    /// Makes an account and opens its personal link.
    pub(super) fn open(workplace: &Workplace, server: &Server, agent: &str) -> Self {
        let token = link(&workplace.succeed(&["agent", "add", agent, "--project", "sales"]));
        Self::of(server.address, &sign_in(server.address, &json!({ "invite": token })))
    }

    fn of(address: SocketAddr, reply: &Reply) -> Self {
        assert_eq!(reply.status, 200, "{}", reply.text());
        let cookie = reply.header("set-cookie").unwrap();
        for part in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/agent"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let csrf = reply.json()["csrf"].as_str().unwrap().to_owned();
        Self { address, cookie: cookie.split(';').next().unwrap().to_owned(), csrf }
    }

    pub(super) fn get(&self, target: &str) -> Reply {
        self.send("GET", target, "", None)
    }

    pub(super) fn post(&self, target: &str, body: &Value) -> Reply {
        self.send("POST", target, &format!("X-Csrf: {}\r\n", self.csrf), Some(body))
    }

    pub(super) fn send(&self, method: &str, target: &str, headers: &str, body: Option<&Value>) -> Reply {
        request(self.address, method, target, &format!("Cookie: a=b; {}\r\n{headers}", self.cookie), body)
    }

    pub(super) fn state(&self) -> Value {
        let reply = self.get("/agent/state");
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Listens from `after` on.
    pub(super) fn listen(&self, after: &str) -> Listener {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head =
            format!("GET /agent/stream?after={after} HTTP/1.1\r\nHost: calldex\r\nCookie: {}\r\n\r\n", self.cookie);
        stream.write_all(head.as_bytes()).unwrap();
        let mut listener = Listener { stream, heard: String::new() };
        listener.until("retry: 2000");
        listener
    }
}

fn request(address: SocketAddr, method: &str, target: &str, headers: &str, body: Option<&Value>) -> Reply {
    let body = body.map(Value::to_string).unwrap_or_default();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: calldex\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    send(address, head.as_bytes())
}

fn sign_in(address: SocketAddr, body: &Value) -> Reply {
    request(address, "POST", "/agent/session", "", Some(body))
}

/// The token of a printed link.
fn link(printed: &str) -> String {
    printed.lines().next().unwrap().split("/agent/invite#").nth(1).unwrap().to_owned()
}

/// The far end of a stream, with everything that has come over it.
pub(super) struct Listener {
    stream: TcpStream,
    pub(super) heard: String,
}

impl Listener {
    /// Waits for a text, and returns the data of the last event that has come with it.
    pub(super) fn until(&mut self, wanted: &str) -> Value {
        self.until_any(&[wanted]);
        self.last()
    }

    /// Waits for one of these texts.
    pub(super) fn until_any(&mut self, wanted: &[&str]) {
        let mut piece = [0_u8; 16_384];
        while !wanted.iter().any(|wanted| self.heard.contains(wanted)) {
            let count = read_some(&mut self.stream, &mut piece).unwrap();
            assert!(count > 0, "the stream has ended before {wanted:?}: {}", self.heard);
            self.heard.push_str(&text(&piece[..count]));
        }
    }

    /// Reads to the end of the stream.
    pub(super) fn is_over(&mut self) -> bool {
        self.stream.read_to_string(&mut self.heard).is_ok()
    }

    fn last(&self) -> Value {
        let lines = self.heard.lines().rev().filter_map(|line| line.strip_prefix("data: "));
        lines.filter_map(|data| serde_json::from_str(data).ok()).next().unwrap_or_default()
    }

    /// Forgets what has come so far.
    pub(super) fn forget(&mut self) {
        self.heard.clear();
    }
}

#[test]
fn a_personal_link_opens_the_page_once_and_a_revoked_agent_is_out() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let token = link(&workplace.succeed(&["agent", "add", "ion-popescu", "--project", "sales"]));
    let page = Page::of(server.address, &sign_in(server.address, &json!({ "invite": token })));
    assert_eq!(sign_in(server.address, &json!({ "invite": token })).status, 410, "it works once");
    let state = page.state();
    assert_eq!((&state["project"], &state["agent"]), (&json!("sales"), &json!("ion-popescu")));
    assert_eq!(state["places"], json!([{ "name": "customers", "is_book": true }]));
    // An older link ends with a newer one, and an expired one opens nothing.
    let older = link(&workplace.succeed(&["agent", "invite", "ion-popescu", "--project", "sales"]));
    let newer = link(&workplace.succeed(&["agent", "invite", "ion-popescu", "--project", "sales", "--valid", "1ms"]));
    for token in [older, newer, String::new()] {
        assert_eq!(sign_in(server.address, &json!({ "invite": token })).status, 410);
    }
    assert_eq!(get(server.address, "/agent/state").status, 401);
    workplace.succeed(&["agent", "revoke", "ion-popescu", "--project", "sales"]);
    assert_eq!(page.get("/agent/state").status, 401);
    assert!(workplace.fail(&["agent", "invite", "ion-popescu", "--project", "sales"]).contains("has no agent"));
    assert!(workplace.fail(&["agent", "add", "a b", "--project", "sales"]).contains("is no name of an agent"));
    assert!(workplace.fail(&["agent", "add", "ion", "--project", "sale"]).contains("did you mean sales?"));
}

#[test]
fn whoever_is_signed_out_gets_no_further_card_however_busy_his_stream_is() {
    type SignOut = fn(&Workplace, &Page);
    let ways: [(&str, SignOut); 3] = [
        ("ion", |workplace, _| {
            workplace.succeed(&["agent", "revoke", "ion", "--project", "sales"]);
        }),
        ("ana", |workplace, page| {
            let token = link(&workplace.succeed(&["agent", "invite", "ana", "--project", "sales"]));
            let elsewhere = Page::of(page.address, &sign_in(page.address, &json!({ "invite": token })));
            assert_eq!(elsewhere.post("/agent/password", &json!({ "password": "a long password" })).status, 200);
        }),
        ("dan", |_, page| {
            let csrf = format!("X-Csrf: {}\r\n", page.csrf);
            assert_eq!(page.send("DELETE", "/agent/session", &csrf, None).status, 200);
        }),
    ];
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    for (agent, sign_out) in ways {
        let page = Page::open(&workplace, &server, agent);
        let mut listener = page.listen("");
        report(&server, &format!("event=ringing&agent={agent}&uniqueid={agent}.1&telephone=0722111222"));
        listener.until("\"name\":\"Ana Popescu\"");
        listener.forget();
        sign_out(&workplace, &page);
        for call in 2..5 {
            report(&server, &format!("event=ringing&agent={agent}&uniqueid={agent}.{call}&telephone=0722111222"));
        }
        listener.until("event: signed_out");
        assert!(!listener.heard.contains("event: card"), "{agent}: {}", listener.heard);
    }
}

#[test]
fn an_agent_is_shut_out_also_while_the_configuration_has_a_mistake() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ion");
    let broken =
        crate::harness::CONFIGURATION.replace("[project.sales]", "[project.sales]\nno_such_key = 1\nbroken = ");
    workplace.write("calldex.toml", &broken);
    assert!(workplace.fail(&["config", "check"]).contains("this is not TOML"));
    assert!(workplace.succeed(&["journal", "list"]).contains("0 parked"));
    assert!(workplace.succeed(&["agent", "list"]).contains("ion"));
    // Where it does not say which store it is, none is touched.
    workplace.write("calldex.toml", broken.replace("store = \"sqlite:calldex.db\"", "store = \"sqlite:calldex.db"));
    assert!(workplace.fail(&["agent", "revoke", "ion", "--project", "sales"]).contains("this is not TOML"));
    workplace.write("calldex.toml", broken.replace("sqlite:calldex.db", "postgres:calldex.db"));
    assert!(workplace.fail(&["agent", "revoke", "ion", "--project", "sales"]).contains("store"));
    assert_eq!(page.get("/agent/state").status, 200);
    workplace.write("calldex.toml", &broken);
    workplace.succeed(&["agent", "revoke", "ion", "--project", "sales"]);
    assert_eq!(page.get("/agent/state").status, 401);
}

#[test]
fn name_and_password_open_the_page_and_guessing_is_slowed_down() {
    // Few a minute, so that a slow machine does not have the first guess forgotten before the last.
    let strict = crate::harness::CONFIGURATION.replace("[server]", "[server]\nrefused_per_minute = 5");
    let workplace = Workplace::with(&strict, crate::harness::CONTACTS);
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ana");
    assert_eq!(page.post("/agent/password", &json!({ "password": "short" })).status, 400);
    assert_eq!(page.post("/agent/password", &json!({ "password": "a long password" })).status, 200);
    let offer = |name: &str, password: &str| json!({ "project": "sales", "name": name, "password": password });
    let second = Page::of(server.address, &sign_in(server.address, &offer("Ana", "a long password")));
    assert_eq!(second.state()["agent"], "ana");
    assert_eq!(page.state()["agent"], "ana", "an agent may be signed in twice");
    for (name, password) in [("ana", "another password"), ("nobody", "a long password"), ("ana", "")] {
        assert_eq!(sign_in(server.address, &offer(name, password)).status, 401);
    }
    let guesses = (0..60).map(|_| sign_in(server.address, &offer("ana", "a guess, and a guess")));
    let refused = guesses.into_iter().find(|reply| reply.status == 429).expect("too many tries are refused");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(second.send("DELETE", "/agent/session", &format!("X-Csrf: {}\r\n", second.csrf), None).status, 200);
    assert_eq!((second.get("/agent/state").status, page.get("/agent/state").status), (401, 200));
}

#[test]
fn many_names_from_one_address_are_slowed_down_and_an_agent_elsewhere_gets_in() {
    let strict = crate::harness::CONFIGURATION
        .replace("[server]", "[server]\nrefused_per_minute = 5\ntrusted_proxies = [\"127.0.0.1\"]");
    let workplace = Workplace::with(&strict, crate::harness::CONTACTS);
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ana");
    assert_eq!(page.post("/agent/password", &json!({ "password": "a long password" })).status, 200);
    let sign_in = |from: &str, name: &str, password: &str| {
        let body = json!({ "project": "sales", "name": name, "password": password });
        request(server.address, "POST", "/agent/session", &format!("X-Forwarded-For: {from}\r\n"), Some(&body))
    };
    let tries = |name: String| sign_in("203.0.113.7", &name, "a guess, and a guess");
    let refused = (0..60).map(|number| tries(format!("agent-{number}"))).find(|reply| reply.status == 429);
    assert!(refused.expect("new names do not help").header("retry-after").is_some());
    assert_eq!(sign_in("203.0.113.8", "ana", "a long password").status, 200);
    let token = link(&workplace.succeed(&["agent", "invite", "ana", "--project", "sales"]));
    let invite = json!({ "invite": token });
    let from = "X-Forwarded-For: 203.0.113.7\r\n";
    let by_link = request(server.address, "POST", "/agent/session", from, Some(&invite));
    assert_eq!(by_link.status, 200, "who shares the address gets in by his personal link");
    // A whole office behind one address: who is right does not count.
    for name in ["ion", "dan"] {
        let page = Page::open(&workplace, &server, name);
        assert_eq!(page.post("/agent/password", &json!({ "password": "a long password" })).status, 200);
    }
    for name in ["ana", "ion", "dan"].repeat(4) {
        assert_eq!(sign_in("203.0.113.9", name, "a long password").status, 200, "{name}");
    }
}

#[test]
fn numbers_that_agents_add_at_the_same_time_are_all_there() {
    const AGENTS: usize = 24;
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ion");
    let number = |place: usize| format!("+4073344{place:04}");
    for place in 0..AGENTS {
        let params = format!("event=queue_answer&agent=ion&uniqueid={place}&telephone={}", &number(place)[1..]);
        report(&server, &params);
    }
    let mut cards = json!([]);
    wait_until("the cards", || {
        cards = page.state()["cards"].clone();
        cards.as_array().unwrap().len() == AGENTS
    });
    let id = page.get("/agent/contacts?place=customers&find=ana").json()["contacts"][0]["id"].clone();
    std::thread::scope(|scope| {
        for card in cards.as_array().unwrap() {
            let added = json!({ "card": card["id"], "place": "customers", "contact": id });
            scope.spawn(|| {
                let added = added;
                let reply = page.post("/agent/contacts", &added);
                assert_eq!(reply.status, 200, "{}", reply.text());
            });
        }
    });
    for place in 0..AGENTS {
        let answer = server.lookup(&format!("telephone={}", &number(place)[1..])).json();
        assert_eq!(answer["name"], "Ana Popescu", "{}", number(place));
    }
}

#[test]
fn guessing_is_slowed_down_also_with_blanks_around_the_names() {
    let strict = crate::harness::CONFIGURATION.replace("[server]", "[server]\nrefused_per_minute = 5");
    let workplace = Workplace::with(&strict, crate::harness::CONTACTS);
    let server = workplace.serve();
    let guesses = (0..60).map(|place| {
        let (before, behind) = (" ".repeat(place), "\u{a0}".repeat(place));
        let offer =
            json!({ "project": format!("{before}sales"), "name": format!("ana{behind}"), "password": "a guess" });
        sign_in(server.address, &offer).status
    });
    assert!(guesses.into_iter().any(|status| status == 429), "each try counts for the same name");
}

#[test]
fn another_site_can_change_nothing() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ion");
    let body = json!({ "password": "a long password" });
    let refused = [
        String::new(),
        "X-Csrf: guess\r\n".to_owned(),
        format!("X-Csrf: {}\r\nSec-Fetch-Site: cross-site\r\n", page.csrf),
    ];
    for headers in refused {
        assert_eq!(page.send("POST", "/agent/password", &headers, Some(&body)).status, 403, "{headers}");
    }
    let form = format!(
        "POST /agent/session HTTP/1.1\r\nHost: calldex\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\n{}",
        r#"{"invite":"x"}"#
    );
    assert_eq!(send(server.address, form.as_bytes()).status, 415, "no form of another site signs anybody in");
    let shown = get(server.address, "/agent");
    assert_eq!((shown.status, shown.header("referrer-policy")), (200, Some("no-referrer")));
    let policy = shown.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(get(server.address, "/static/../Cargo.toml").status, 404);
}

#[test]
fn a_card_comes_fills_in_and_goes_when_another_agent_takes_the_call() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let (ion, ana) = (Page::open(&workplace, &server, "ion"), Page::open(&workplace, &server, "ana"));
    let (mut of_ion, mut of_ana) = (ion.listen(""), ana.listen(""));
    let call = "uniqueid=1&telephone=0722111222&dnid=0310000000&queue=support";
    for agent in ["ion", "SIP/Ana-0000001f"] {
        report(&server, &format!("event=ringing&agent={agent}&{call}"));
    }
    for heard in [&mut of_ion, &mut of_ana] {
        heard.until("\"name\":\"Ana Popescu\"");
        assert!(heard.heard.contains("event: card"));
    }
    let card = of_ion.last();
    assert_eq!(
        (&card["state"], &card["outcome"], &card["number"]),
        (&json!("ringing"), &json!("found"), &json!("+40 722 111 222"))
    );
    assert_eq!(
        (&card["company"], &card["link"]),
        (&json!("Acme SRL"), &json!("https://crm.example.com/contact/12345"))
    );
    report(&server, &format!("event=queue_answer&agent=ana&{call}"));
    of_ion.until("event: gone");
    of_ana.until("\"state\":\"answered\"");
    report(&server, &format!("event=queue_answer_end&agent=ana&{call}"));
    of_ana.until("event: call");
    assert_eq!(ion.state()["calls"], json!([]), "it was not his call");
    assert_eq!(ana.state()["calls"][0]["outcome"], "answered");
    // The next call of the number shows the one before.
    report(&server, "event=ringing&agent=ion&uniqueid=2&telephone=0722111222");
    of_ion.until("\"agent\":\"ana\"");
    let cards = ion.state()["cards"].clone();
    assert_eq!((&cards[0]["id"], &cards[0]["history"][0]["agent"]), (&json!(2), &json!("ana")), "{cards}");
}

#[test]
fn an_agent_is_known_by_his_extension_too_and_several_may_ring_at_once() {
    let agents = "\n[agent.ion-popescu]\nextension = \"101\"\n[agent.ana]\nextension = \"102\"\n";
    let workplace = Workplace::with(&(crate::harness::CONFIGURATION.to_owned() + agents), crate::harness::CONTACTS);
    let server = workplace.serve();
    let (ion, ana) = (Page::open(&workplace, &server, "ion-popescu"), Page::open(&workplace, &server, "102"));
    let (mut of_ion, mut of_ana) = (ion.listen(""), ana.listen(""));
    let call = "uniqueid=1&telephone=0722111222";
    report(&server, &format!("event=ringing&agent=101&agent=PJSIP/102-0000002f&{call}"));
    of_ion.until("\"state\":\"ringing\"");
    of_ana.until("\"state\":\"ringing\"");
    report(&server, &format!("event=queue_answer&agent=SIP/101&{call}"));
    of_ana.until("event: gone");
    of_ion.until("\"state\":\"answered\"");
    assert_eq!(ana.state()["cards"], json!([]), "the other one has it");
    // Who answers is one: an address with two agents names neither.
    report(&server, "event=queue_answer&agent=101&agent=102&uniqueid=2&telephone=0722333444");
    assert_eq!(ion.state()["cards"].as_array().unwrap().len(), 1);
}

#[test]
fn what_was_missed_comes_first_also_after_a_restart() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ion");
    let seen = page.state()["event_id"].as_str().unwrap().to_owned();
    for number in 0..20 {
        report(&server, &format!("event=ringing&agent=ion&uniqueid={number}&telephone=0722111222"));
    }
    wait_until("the cards", || page.state()["cards"].as_array().unwrap().len() == 20);
    server.kill();
    let server = workplace.serve();
    let page = Page { address: server.address, ..page };
    let mut listener = page.listen(&seen);
    listener.until("\"id\":20,");
    for call in 1..=20 {
        assert!(listener.heard.contains(&format!("data: {{\"id\":{call},")), "call {call} is missing");
    }
    let last: i64 =
        listener.heard.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().unwrap().parse().unwrap();
    let mut again = page.listen(&last.to_string());
    report(&server, "event=hangup&uniqueid=3");
    again.until("\"ended_how\":\"missed\"");
    assert!(!again.heard.contains("\"id\":20,"), "what was seen does not come again");
    // A page that knows more than this store is told to read all anew.
    page.listen("999999999").until("event: reload");
    let stopped = server.stop();
    assert!(stopped.success());
    let mut rest = String::new();
    again.stream.read_to_string(&mut rest).unwrap();
}

#[test]
fn the_one_that_an_agent_picks_is_remembered_for_the_next_call() {
    let family = "id,name,telephone\n1,Ana Pop,0722 111 222\n2,Dan Pop,0722 111 222\n";
    let workplace = Workplace::with(crate::harness::CONFIGURATION, family);
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ion");
    let mut listener = page.listen("");
    report(&server, "event=ringing&agent=ion&uniqueid=1&telephone=0722111222");
    let card = listener.until("\"candidates\":[{");
    assert_eq!(card["candidates"].as_array().unwrap().len(), 2);
    let id = &card["id"];
    let stranger = json!({ "source": "customers", "id": "3" });
    assert_eq!(page.post(&format!("/agent/cards/{id}/choice"), &stranger).status, 404);
    assert_eq!(page.post("/agent/cards/77/choice", &stranger).status, 404);
    let dan = json!({ "source": "customers", "id": "2" });
    let undecided = server.lookup("telephone=0722111222").json();
    assert_eq!((&undecided["id"], &undecided["backend_link"]), (&json!(null), &json!(null)));
    assert_eq!(page.post(&format!("/agent/cards/{id}/choice"), &dan).status, 200);
    let card = listener.until("\"chosen\":true");
    assert_eq!((&card["name"], &card["link"]), (&json!("Dan Pop"), &json!("https://crm.example.com/contact/2")));
    assert_eq!((&card["rung"], &card["guess"]), (&json!("exact"), &json!(false)));
    listener.forget();
    report(&server, "event=ringing&agent=ion&uniqueid=2&telephone=0722111222");
    let card = listener.until("\"chosen\":true");
    assert_eq!((&card["id"], &card["name"]), (&json!(2), &json!("Dan Pop")));
    // The PBX is told the same, also after a restart, until somebody erases the person.
    let is_dan = |server: &Server| {
        let answer = server.lookup("telephone=+40722111222").json();
        answer["id"] == 2
            && answer["name"] == "Dan Pop"
            && answer["backend_link"] == "https://crm.example.com/contact/2"
    };
    assert!(is_dan(&server));
    server.kill();
    let server = workplace.serve();
    assert!(is_dan(&server));
    let explained = workplace.succeed(&["lookup", "0722111222", "--explain"]);
    assert!(explained.contains("picked by an agent for this number, among several contacts"), "{explained}");
    assert!(workplace.succeed(&["erase", "--id", "2", "--yes"]).contains("1 choice"));
    assert_eq!(server.lookup("telephone=0722111222").json()["id"], 1);
    let choices = workplace.database("calldex-events.db");
    assert_eq!(choices.query_row("SELECT count(*) FROM choice", [], |row| row.get::<_, i64>(0)), Ok(0));
}

#[test]
fn an_unknown_caller_becomes_a_contact_and_the_open_card_shows_it() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ion");
    let mut listener = page.listen("");
    report(&server, "event=queue_answer&agent=ion&uniqueid=1&telephone=0733444555");
    let card = listener.until("\"outcome\":\"unknown\"");
    let contact = json!({ "card": card["id"], "place": "customers", "name": "<b>New</b>", "company": "", "email": "" });
    assert_eq!(page.post("/agent/contacts", &contact).status, 200);
    listener.until("\"name\":\"<b>New</b>\"");
    assert_eq!(server.lookup("telephone=0733444555").json()["name"], "<b>New</b>");
    // Another number of the same person.
    let found = page.get("/agent/contacts?place=customers&find=new").json();
    let id = found["contacts"][0]["id"].clone();
    report(&server, "event=queue_answer&agent=ion&uniqueid=2&telephone=0733444666");
    let card = listener.until("+40 733 444 666");
    let added = json!({ "card": card["id"], "place": "customers", "contact": id });
    assert_eq!(page.post("/agent/contacts", &added).status, 200);
    assert_eq!(server.lookup("telephone=0733444666").json()["name"], "<b>New</b>");
    assert_eq!(server.lookup("telephone=0733444555").json()["name"], "<b>New</b>", "the first number stays");
    // Not another's call, no other address book, nothing without a name.
    report(&server, "event=queue_answer&agent=ana&uniqueid=3&telephone=0733444777");
    for (change, status) in
        [(json!({ "card": 3 }), 404), (json!({ "place": "secret" }), 404), (json!({ "name": "" }), 400)]
    {
        let mut body = contact.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(page.post("/agent/contacts", &body).status, status, "{body}");
    }
}

#[test]
fn an_unknown_caller_becomes_a_contact_in_the_crm_by_its_recipe() {
    let crm = TinyCrm::start();
    let source = format!("\n[source.crm]\ntype = \"tiny\"\nurl = \"http://127.0.0.1:{}\"\n", crm.port);
    let workplace = Workplace::new(
        &(crate::harness::CONFIGURATION.replace(r#"["customers"]"#, r#"["customers", "crm"]"#) + &source),
    );
    workplace.write("recipes/tiny.toml", RECIPE);
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ion");
    let places = json!([{ "name": "customers", "is_book": true }, { "name": "crm", "is_book": false }]);
    assert_eq!(page.state()["places"], places);
    assert_eq!(server.lookup("telephone=0733444555").json()["name"], json!(null), "asked, and unknown");
    let mut listener = page.listen("");
    report(&server, "event=queue_answer&agent=ion&uniqueid=1&telephone=0733444555");
    let card = listener.until("\"outcome\":\"unknown\"");
    let contact = json!({ "card": card["id"], "place": "crm", "name": "Nou Venit", "company": "Acme" });
    // What the CRM says no to is told to the agent, and nothing is made.
    crm.set_down(true);
    let refused = page.post("/agent/contacts", &contact);
    assert_eq!(refused.status, 502);
    assert!(refused.json()["error"].as_str().unwrap().contains("503"), "{}", refused.text());
    crm.set_down(false);
    assert_eq!(page.post("/agent/contacts", &contact).json(), json!({ "place": "crm", "id": "t1" }));
    assert_eq!(crm.contacts()[0]["number"], "+40733444555");
    let card = listener.until("\"name\":\"Nou Venit\"");
    assert_eq!((&card["outcome"], &card["link"]), (&json!("found"), &json!("https://tiny.example.com/t1")));
    assert_eq!(server.lookup("telephone=0733444555").json()["id"], "t1", "the unknown of before is forgotten");
    let mut added = contact.clone();
    added["contact"] = json!("t1");
    assert_eq!(page.post("/agent/contacts", &added).status, 400, "a recipe adds no numbers");
}

#[test]
fn script_and_line_ends_in_every_field_stay_text() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "ion");
    let mut listener = page.listen("");
    let evil = "%3Cscript%3Ealert(1)%3C/script%3E%0A%0Adata:%20evil%0D%0Aevent:%20card%00%E2%80%AE";
    let fields =
        ["direction", "project_id", "remote_number", "telephone", "dnid", "contact_id", "queue", "fail_reason"];
    let query: String = fields.map(|field| format!("&{field}={evil}")).concat();
    assert_eq!(report(&server, &format!("event=ringing&agent=ion&uniqueid=1{query}")).status, 200);
    assert_eq!(report(&server, &format!("event=ringing&agent={evil}&uniqueid={evil}")).status, 200);
    let card = listener.until("event: card");
    assert!(card["queue"].as_str().unwrap().contains("<script>"), "{card}");
    let broken = listener.heard.lines().filter(|line| line.contains("evil") && !line.starts_with("data: {"));
    assert_eq!(broken.count(), 0, "{}", listener.heard);
}
