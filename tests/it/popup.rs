//! The agents' page in a real browser: what an agent sees when the phone rings, is answered, and goes quiet.
//!
//! `CALLDEX_SCREENSHOTS=docs/screenshots cargo test --test it popup::` keeps a picture of every state.

mod running;
mod survive;

use std::net::SocketAddr;

use serde_json::json;

use crate::harness::{
    Browser, CONFIGURATION, RECIPE, Server, TOKEN, TinyCrm, View, Workplace, get, has_program, own_port, report,
};

const CONTACTS: &str = "\
id,name,company,email,telephone
1,Ana Popescu,Brutăria La Colț SRL,ana@lacolt.example,+40 722 111 222
2,Mihai Popescu,Brutăria La Colț SRL,,+40 722 333 444
3,Ioana Popescu,Brutăria La Colț SRL,,+40 722 333 444
";

/// Whether a browser is here; ChromeDriver alone is no use.
fn has_browser() -> bool {
    let suite = "the agents' page in a browser";
    has_program("chromedriver", suite) && has_program("chromium", suite)
}

/// A server with contacts and an agent's personal link.
struct Office {
    workplace: Workplace,
    server: Server,
}

impl Office {
    fn open() -> Self {
        Self::with(CONTACTS)
    }

    fn with(contacts: &str) -> Self {
        let workplace = Workplace::with(CONFIGURATION, contacts);
        let server = workplace.serve();
        Self { workplace, server }
    }

    /// The personal link of an agent, on the port that the server has.
    fn link(&self, agent: &str) -> String {
        let printed = self.workplace.succeed(&["agent", "add", agent, "--project", "sales"]);
        let secret = printed.lines().find_map(|line| line.split_once("/agent/invite#")).unwrap().1.trim().to_owned();
        // Browsers keep a Secure cookie over plain HTTP for localhost only.
        format!("http://localhost:{}/agent/invite#{secret}", self.server.address.port())
    }

    /// A browser in which an agent has signed in by his link.
    fn sign_in(&self, agent: &str, view: View) -> Browser {
        let browser = Browser::start(view);
        browser.go(&self.link(agent));
        browser.click("#invite-form button");
        browser.sees("#line", "Live");
        browser
    }

    /// A call from the lookup on: what the PBX asks before a telephone rings.
    fn look_up(&self, telephone: &str) {
        let reply = get(
            self.server.address,
            &format!("/sales/lookup?telephone={}&dnid=0310000000&token={TOKEN}", coded(telephone)),
        );
        assert_eq!(reply.status, 200);
    }

    fn event(&self, name: &str, telephone: &str, call: &str, more: &[(&str, &str)]) {
        send_event(self.server.address, name, telephone, call, more);
    }

    fn rings(&self, agent: &str, telephone: &str, call: &str) {
        self.look_up(telephone);
        self.event("ringing", telephone, call, &[("agent", agent), ("queue", "sales")]);
    }
}

fn send_event(address: SocketAddr, name: &str, telephone: &str, call: &str, more: &[(&str, &str)]) {
    let more: String = more.iter().map(|(name, value)| format!("&{name}={}", coded(value))).collect();
    let query = format!(
        "event={name}&direction=IN&telephone={}&dnid=0310000000&uniqueid={call}{more}&token={TOKEN}",
        coded(telephone)
    );
    let reply = report(address, &format!("/sales/events?{query}"));
    assert_eq!((reply.status, reply.text().as_str()), (200, ""));
}

fn coded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Keeps a picture of this state, and looks at it as narrow as a telephone, on a desk and on a wall, by day and by night:
/// no text is weak, nothing stands out at the side, every control has a name.
fn inspect(browser: &Browser, name: &str) {
    browser.picture(name);
    for (width, height) in [(320, 720), (1280, 800), (2560, 1440), (3840, 2160)] {
        for dark in [false, true] {
            browser.look(View { width, height, dark, ..View::DESK });
            let weak = browser.run(FIND_WEAK_TEXT);
            assert_eq!(weak, json!([]), "{name}: less contrast than 4.5 to 1, {width} wide, dark: {dark}");
            let wide = browser.run("return document.documentElement.scrollWidth");
            assert_eq!(wide, json!(width), "{name}: something stands out at the side, dark: {dark}");
        }
    }
    assert_eq!(browser.run(FIND_NAMELESS), json!([]), "{name}");
    assert_eq!(browser.run(FIND_MISNAMED), json!([]), "{name}");
    browser.look(View::DESK);
}

/// Nothing but words about a missing session may stand in the console.
fn assert_quiet(browser: &Browser) {
    let console = browser.console();
    assert!(console.is_empty(), "{console:?}");
}

#[test]
fn a_personal_link_signs_in_once_and_a_password_after_that() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let link = office.link("ion-popescu");
    let browser = Browser::start(View::DESK);
    browser.go(&link);
    browser.sees("#invite-form", "works once");
    inspect(&browser, "invite");
    browser.click("#invite-form button");
    browser.sees("#idle", "Nobody is calling");
    browser.sees("#who", "ion-popescu");
    assert_eq!(browser.run("return location.href").as_str().unwrap().split('/').next_back(), Some("agent"));
    assert_eq!(browser.run("return document.cookie"), json!(""), "no script can read the session");
    inspect(&browser, "idle");
    browser.click("#open-settings");
    inspect(&browser, "settings");
    browser.click("#open-password");
    browser.write("#password-form [name=password]", "correct horse battery");
    browser.click("#password-form .primary");
    browser.misses("#password-form");
    browser.click("#sign-out");
    browser.sees("#sign-in-form", "Sign in");
    browser.go("about:blank");
    browser.go(&link);
    browser.click("#invite-form button");
    browser.sees("#sign-in-problem", "was used or has expired");
    for (password, problem) in [("wrong horse battery", true), ("correct horse battery", false)] {
        for (field, text) in [("project", "sales"), ("name", "ion-popescu"), ("password", password)] {
            browser.run(&format!("document.querySelector('#sign-in-form [name={field}]').value = ''"));
            browser.write(&format!("#sign-in-form [name={field}]"), text);
        }
        browser.click("#sign-in-form button");
        if problem {
            browser.sees("#sign-in-problem", "do not fit together");
            inspect(&browser, "sign-in");
        }
    }
    browser.sees("#line", "Live");
}

#[test]
fn a_call_rings_is_answered_and_ends_on_one_card() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let browser = office.sign_in("ion-popescu", View::DESK);
    office.rings("ion-popescu", "0722111222", "c.1");
    browser.sees(".card[data-state=ringing] h3", "Ana Popescu");
    browser.sees(".card .company", "Brutăria La Colț SRL");
    browser.sees(".card .number", "+40 722 111 222");
    browser.sees(".card .facts", "sales");
    let link = browser.run("return document.querySelector('.card [data-part=page]').href");
    assert_eq!(link, json!("https://crm.example.com/contact/1"));
    assert!(browser.title().contains("Ana Popescu"), "{}", browser.title());
    assert_eq!(browser.run("return document.getElementById('spoken').textContent"), json!("Ana Popescu is calling"));
    inspect(&browser, "ringing");
    office.event(
        "queue_answer",
        "0722111222",
        "c.1",
        &[("agent", "ion-popescu"), ("queue", "sales"), ("contact_id", "1")],
    );
    browser.sees(".card[data-state=answered] .state", "On the phone");
    inspect(&browser, "answered");
    office.event("queue_answer_end", "0722111222", "c.1", &[("agent", "ion-popescu"), ("queue", "sales")]);
    browser.sees(".card[data-state=ended] .state", "Call ended");
    browser.sees("#earlier .call", "Ana Popescu");
    inspect(&browser, "ended");
    assert_eq!(browser.run("return document.querySelectorAll('.card').length"), json!(1));
    assert_quiet(&browser);
}

#[test]
fn the_page_of_the_customer_opens_by_itself_for_whoever_wants_that() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let browser = office.sign_in("ion-popescu", View::DESK);
    browser.click("#open-settings");
    browser.click("label:has(#set-open)");
    // A browser on a telephone: it has notifications and refuses them to pages.
    browser.run(
        "window.Notification = class { static permission = 'granted'; static requestPermission = async () => 'granted'; \
         constructor() { throw new TypeError('Illegal constructor'); } }; \
         Object.defineProperty(document, 'hidden', { value: true });",
    );
    browser.click("label:has(#set-notify)");
    browser.wait("set-notify", "return document.getElementById('set-notify').checked");
    browser.click("#settings .primary");
    office.rings("ion-popescu", "0722111222", "c.1");
    browser.sees(".card[data-state=ringing] h3", "Ana Popescu");
    assert_eq!(browser.windows(), 1, "nothing opens before the call is answered");
    office.event("queue_answer", "0722111222", "c.1", &[("agent", "ion-popescu"), ("contact_id", "1")]);
    browser.sees(".card[data-state=answered] .state", "On the phone");
    crate::harness::wait_until("the page of the customer", || browser.windows() == 2);
    office.event("queue_answer_end", "0722111222", "c.1", &[("agent", "ion-popescu")]);
    browser.sees(".card[data-state=ended] .state", "Call ended");
    assert_eq!(browser.windows(), 2, "it opens once");
    // Whoever loads the page anew while it rings has the page of the customer all the same.
    office.rings("ion-popescu", "0722111222", "c.2");
    browser.sees(".card[data-state=ringing] h3", "Ana Popescu");
    browser.go(&format!("http://localhost:{}/agent", office.server.address.port()));
    browser.sees(".card[data-state=ringing] h3", "Ana Popescu");
    browser.sees("#line", "Live");
    office.event("queue_answer", "0722111222", "c.2", &[("agent", "ion-popescu"), ("contact_id", "1")]);
    crate::harness::wait_until("the page of the second call", || browser.windows() == 3);
}

#[test]
fn several_who_share_a_number_are_offered_and_the_choice_is_remembered() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let browser = office.sign_in("ion-popescu", View::DESK);
    office.rings("ion-popescu", "0722333444", "c.1");
    browser.sees(".candidate", "Mihai Popescu");
    browser.sees(".candidate", "Ioana Popescu");
    browser.misses(".card [data-part=page]");
    let links = browser.run("return [...document.querySelectorAll('.candidate a')].map((anchor) => anchor.href)");
    assert_eq!(links, json!(["https://crm.example.com/contact/2", "https://crm.example.com/contact/3"]));
    inspect(&browser, "several");
    browser.offline(true);
    browser.click("[data-act=choose][aria-label$='Ioana Popescu']");
    browser.sees(".card .remark", "calldex does not answer");
    browser.offline(false);
    browser.sees("#line", "Live");
    let console = browser.console();
    assert!(console.iter().all(|line| line.contains("ERR_INTERNET_DISCONNECTED")), "{console:?}");
    browser.click("[data-act=choose][aria-label$='Ioana Popescu']");
    browser.sees(".card h3", "Ioana Popescu");
    let focused = "return document.activeElement.getAttribute('aria-label')";
    assert_eq!(browser.run(focused), json!("Chosen: Ioana Popescu"), "the keyboard stays where it was");
    browser.sees(".candidate[data-chosen=true]", "Ioana Popescu");
    office.event("hangup", "0722333444", "c.1", &[]);
    browser.sees(".card[data-state=ended] h3", "Ioana Popescu");
    office.rings("ion-popescu", "0722333444", "c.2");
    browser.sees(".card[data-state=ringing] h3", "Ioana Popescu");
    assert_quiet(&browser);
}

#[test]
fn an_unknown_caller_becomes_a_contact_and_is_known_from_then_on() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let browser = office.sign_in("ion-popescu", View::DESK);
    office.rings("ion-popescu", "0733555666", "c.1");
    browser.sees(".card h3", "Unknown caller");
    browser.sees(".card .remark", "No system knows this number");
    inspect(&browser, "unknown");
    browser.click("[data-act=create]");
    inspect(&browser, "create");
    browser.click("#contact-form .primary");
    browser.sees("#contact-problem", "Write a name");
    browser.write("#contact-form [name=name]", "George Enescu");
    browser.click("#contact-form .primary");
    browser.misses("#contact");
    browser.sees(".card h3", "George Enescu");
    let at_the_card = "return document.activeElement.matches('.card')";
    browser.wait("the keyboard at the card, since the button has gone", at_the_card);
    let known = office.server.lookup("telephone=0733555666");
    assert_eq!(known.json()["name"], json!("George Enescu"));
    office.rings("ion-popescu", "0744555666", "c.2");
    browser.sees(".card h3", "Unknown caller");
    browser.click("[data-act=create]:not([hidden])");
    browser.click(".tabs label:nth-of-type(2)");
    browser.write("#contact-form [name=find]", "enescu");
    browser.sees(".found label", "George Enescu");
    browser.click(".found input");
    browser.click("#contact-form .primary");
    browser.misses("#contact");
    browser.misses(".card[data-outcome=unknown]");
    assert_eq!(office.server.lookup("telephone=0744555666").json()["name"], json!("George Enescu"));
    assert_quiet(&browser);
}

/// An office that also asks a CRM.
fn with_crm(crm: &TinyCrm) -> Office {
    let source =
        format!("\n[source.crm]\ntype = \"tiny\"\nurl = \"http://127.0.0.1:{}\"\ntimeout = \"60s\"\n", crm.port);
    let hasty = CONFIGURATION.replace("deadline = \"10s\"", "deadline = \"100ms\"");
    let workplace = Workplace::new(&(hasty.replace(r#"["customers"]"#, r#"["customers", "crm"]"#) + &source));
    workplace.write("recipes/tiny.toml", RECIPE);
    let server = workplace.serve();
    Office { workplace, server }
}

#[test]
fn a_system_that_is_late_fills_in_the_open_card() {
    if !has_browser() {
        return;
    }
    let crm = TinyCrm::start();
    crm.add(json!({ "id": "t7", "name": "Elena Văcărescu", "number": "+40733555666" }));
    crm.hold_back(true);
    let office = with_crm(&crm);
    let browser = office.sign_in("ion-popescu", View::DESK);
    office.rings("ion-popescu", "0733555666", "c.1");
    browser.sees(".card[data-outcome=undetermined] .remark", "did not answer in time");
    browser.sees(".card h3", "Caller not known yet");
    inspect(&browser, "undetermined");
    crm.hold_back(false);
    browser.sees(".card[data-outcome=found] h3", "Elena Văcărescu");
    browser.sees(".card .remark", "arrived after the phone rang");
    let link = browser.run("return document.querySelector('.card [data-part=page]').href");
    assert_eq!(link, json!("https://tiny.example.com/t7"));
    assert_eq!(browser.run("return document.querySelectorAll('.card').length"), json!(1));
    inspect(&browser, "late");
    assert_quiet(&browser);
}

#[test]
fn an_unknown_caller_becomes_a_contact_of_the_crm() {
    if !has_browser() {
        return;
    }
    let crm = TinyCrm::start();
    let office = with_crm(&crm);
    let browser = office.sign_in("ion-popescu", View::DESK);
    office.rings("ion-popescu", "0733555666", "c.1");
    browser.sees(".card[data-outcome=unknown] h3", "Unknown caller");
    browser.click("[data-act=create]");
    browser.sees("#contact-how", "Add to a contact");
    browser.run(
        "const it = document.querySelector('#contact-form [name=where]'); it.value = 'crm'; \
                 it.dispatchEvent(new Event('change'))",
    );
    browser.misses("#contact-how");
    browser.write("#contact-form [name=name]", "George Enescu");
    inspect(&browser, "create-in-crm");
    browser.click("#contact-form .primary");
    browser.misses("#contact");
    browser.sees(".card[data-outcome=found] h3", "George Enescu");
    assert_eq!((crm.contacts().len(), &crm.contacts()[0]["number"]), (1, &json!("+40733555666")));
    assert_quiet(&browser);
}

#[test]
fn a_page_in_the_background_notifies_and_one_of_two_tabs_opens_the_customers_page() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let browser = office.sign_in("ion-popescu", View::DESK);
    browser.allow("notifications");
    browser.click("#open-settings");
    for switch in ["set-open", "set-notify"] {
        browser.click(&format!("label:has(#{switch})"));
        browser.wait(switch, &format!("return document.getElementById('{switch}').checked"));
    }
    browser.click("#settings .primary");
    // The browser's own class does its work; it is only listened to.
    browser.run(
        "window.Notification = class extends Notification { constructor(title, options) { \
         super(title, options); localStorage.setItem('shown', title + ' / ' + options.body); } };",
    );
    let first = browser.open_tab(&format!("http://localhost:{}/agent", office.server.address.port()));
    browser.sees("#line", "Live");
    office.rings("ion-popescu", "0722111222", "c.1");
    browser.sees(".card[data-state=ringing] h3", "Ana Popescu");
    browser.wait("the notification of the tab in the background", "return localStorage.getItem('shown') !== null");
    assert_eq!(browser.windows(), 2);
    office.event("queue_answer", "0722111222", "c.1", &[("agent", "ion-popescu"), ("contact_id", "1")]);
    browser.sees(".card[data-state=answered] h3", "Ana Popescu");
    crate::harness::wait_until("the page of the customer", || browser.windows() == 3);
    office.event("queue_answer_end", "0722111222", "c.1", &[("agent", "ion-popescu")]);
    browser.work_in(first);
    browser.sees(".card[data-state=ended]", "Ana Popescu");
    assert_eq!(browser.windows(), 3, "one of the two tabs opens it");
    let shown = browser.run("return localStorage.getItem('shown')");
    assert_eq!(shown, json!("Ana Popescu / Brutăria La Colț SRL · +40 722 111 222 · sales"));
}

#[test]
fn of_the_calls_of_a_long_day_the_newest_stay_and_all_are_listed() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let browser = office.sign_in("ion-popescu", View { width: 1920, height: 1080, ..View::DESK });
    for call in 0..6 {
        let (telephone, name) = (format!("073355566{call}"), format!("c.{call}"));
        office.rings("ion-popescu", &telephone, &name);
        office.event("hangup", &telephone, &name, &[]);
        browser.sees("#earlier .call", &format!("+40 733 555 66{call}"));
    }
    office.rings("ion-popescu", "0722111222", "c.9");
    browser.sees(".card[data-state=ringing] h3", "Ana Popescu");
    assert_eq!(browser.run("return document.querySelectorAll('.card').length"), json!(4));
    assert_eq!(browser.run("return document.querySelectorAll('#earlier .call').length"), json!(6));
    browser.picture("busy-day");
    assert_quiet(&browser);
}

#[test]
fn a_card_that_was_closed_stays_closed_when_the_page_reads_all_anew() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let browser = office.sign_in("ion-popescu", View::DESK);
    office.rings("ion-popescu", "0722111222", "c.1");
    browser.sees(".card h3", "Ana Popescu");
    office.event("hangup", "0722111222", "c.1", &[]);
    browser.sees("#earlier .call", "Ana Popescu");
    office.rings("ion-popescu", "0733555666", "c.2");
    browser.sees(".card[data-state=ringing] h3", "Unknown caller");
    browser.click(".card[data-state=ringing] [data-act=dismiss]");
    browser.misses(".card[data-state=ringing]");
    office.workplace.succeed(&["erase", "--id", "1", "--yes"]);
    browser.misses("#earlier .call");
    browser.misses(".card");
}

#[test]
fn whoever_hides_his_number_is_shown_as_such() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let browser = office.sign_in("ion-popescu", View::DESK);
    office.rings("ion-popescu", "anonymous", "c.1");
    browser.sees(".card h3", "Number withheld");
    browser.misses(".card .copy");
    browser.misses(".card [data-act=create]");
    inspect(&browser, "withheld");
    assert_quiet(&browser);
}

#[test]
fn the_card_goes_when_another_agent_takes_the_call() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let ion = office.sign_in("ion-popescu", View::DESK);
    let maria = office.sign_in("maria-ionescu", View::DESK);
    office.look_up("0722111222");
    for agent in ["ion-popescu", "maria-ionescu"] {
        office.event("ringing", "0722111222", "c.1", &[("agent", agent)]);
    }
    ion.sees(".card h3", "Ana Popescu");
    maria.sees(".card h3", "Ana Popescu");
    office.event("queue_answer", "0722111222", "c.1", &[("agent", "maria-ionescu")]);
    maria.sees(".card[data-state=answered]", "Ana Popescu");
    ion.misses(".card");
    ion.sees("#idle", "Nobody is calling");
}

/// Controls and groups without a name for screen readers.
const FIND_NAMELESS: &str = r#"
const named = (element) => element.getAttribute("aria-label")
  || document.getElementById(element.getAttribute("aria-labelledby"))?.textContent.trim();
const groups = [...document.querySelectorAll("article, [role=radiogroup], dialog[open]")]
  .filter((element) => element.checkVisibility() && !named(element));
return [...document.querySelectorAll("button, a[href], input, select")]
  .filter((element) => element.checkVisibility())
  .filter((element) => !(element.getAttribute("aria-label") || element.textContent.trim() || element.labels?.length))
  .concat(groups)
  .map((element) => element.outerHTML);
"#;

/// Controls that are called otherwise than they read (WCAG 2.2, 2.5.3), and headings that skip a level.
const FIND_MISNAMED: &str = r#"
const visible = (selector) => [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility());
const levels = visible("h1, h2, h3, h4").filter((element) => !element.closest("dialog")).map(({ tagName }) => Number(tagName[1]));
const skipped = levels.filter((level, place) => level > (levels[place - 1] ?? 0) + 1).map((level) => `too early: h${level}`);
return visible("[aria-label]:is(button, a)")
  .filter((element) => !element.getAttribute("aria-label").includes(element.innerText.trim()))
  .map((element) => element.outerHTML)
  .concat(skipped);
"#;

/// Visible texts whose colours differ too little (WCAG 2.2, 1.4.3).
const FIND_WEAK_TEXT: &str = r#"
const channel = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const parse = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
const luminance = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
const ground = (element) => {
  for (let place = element; place; place = place.parentElement) {
    const colour = parse(getComputedStyle(place).backgroundColor);
    if (colour.length === 3 || colour[3] > 0.99) return colour;
  }
  return [255, 255, 255];
};
const weak = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || !element.checkVisibility() || element.closest("dialog:not([open]), .hidden, .spoken, .skip, noscript")) continue;
  const [light, dark] = [luminance(parse(getComputedStyle(element).color)), luminance(ground(element))].sort((a, b) => b - a);
  if ((light + 0.05) / (dark + 0.05) < 4.5) weak.push(element.textContent.trim());
}
return weak;
"#;
