//! A page that is open all day, in several tabs, on a network that goes and comes.

use super::*;
use crate::harness::wait_until;

/// Switches on that the customer's page opens by itself.
fn open_by_itself(browser: &Browser) {
    browser.click("#open-settings");
    browser.click("label:has(#set-open)");
    browser.click("#settings .primary");
}

impl Office {
    fn is_answered(&self, telephone: &str, call: &str) {
        self.event("queue_answer", telephone, call, &[("agent", "ion-popescu"), ("queue", "sales")]);
    }

    fn page(&self) -> String {
        format!("http://localhost:{}/agent", self.server.address.port())
    }
}

#[test]
fn the_page_of_the_customer_opens_also_when_the_page_was_read_anew_while_it_rang() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let browser = office.sign_in("ion-popescu", View::DESK);
    open_by_itself(&browser);
    office.rings("ion-popescu", "0722111222", "c.1");
    browser.sees(".card[data-state=ringing] h3", "Ana Popescu");
    browser.go(&office.page());
    browser.sees(".card[data-state=ringing] h3", "Ana Popescu");
    office.is_answered("0722111222", "c.1");
    wait_until("the page after the agent has loaded his own anew", || browser.windows() == 2);
    // Somebody is erased, and every page reads all anew.
    office.look_up("0733555666");
    office.event("missed_calls", "0733555666", "c.2", &[]);
    office.rings("ion-popescu", "0722333444", "c.3");
    browser.sees(".card[data-state=ringing] h3", "Brutăria La Colț SRL");
    browser.run(WATCH_STATES);
    office.workplace.succeed(&["erase", "0733555666", "--yes"]);
    browser.wait("the state to be read anew", "return window.states === 1");
    office.is_answered("0722333444", "c.3");
    browser.sees(".card[data-state=answered] h3", "Brutăria La Colț SRL");
    browser.click(".candidate [data-act=choose]");
    wait_until("the page of the one who was picked", || browser.windows() == 3);
    // Where nobody is erased nothing is read anew.
    assert!(office.workplace.fail(&["erase", "0744999888", "--yes"]).contains("nothing was erased"));
    office.event("queue_answer_end", "0722333444", "c.3", &[("agent", "ion-popescu")]);
    browser.sees(".card[data-state=ended] .state", "Call ended");
    assert_eq!((browser.run("return window.states"), browser.windows()), (json!(1), 3));
}

/// Counts how often the state was read, after it was shown.
const WATCH_STATES: &str = "window.states = 0; const ask = window.fetch; window.fetch = async (path, options) => { \
     const reply = await ask(path, options); if (path === '/agent/state') setTimeout(() => window.states++, 100); \
     return reply; };";

#[test]
fn a_call_that_was_answered_while_the_server_restarted_opens_its_page_once() {
    if !has_browser() {
        return;
    }
    let configuration = CONFIGURATION.replace("127.0.0.1:0", &format!("127.0.0.1:{}", own_port()));
    let workplace = Workplace::with(&configuration, CONTACTS);
    let server = workplace.serve();
    let mut office = Office { workplace, server };
    let browser = office.sign_in("ion-popescu", View::DESK);
    open_by_itself(&browser);
    office.rings("ion-popescu", "0722111222", "c.1");
    browser.sees(".card[data-state=ringing] h3", "Ana Popescu");
    browser.offline(true);
    assert!(office.server.stop().success());
    office.server = office.workplace.serve();
    office.is_answered("0722111222", "c.1");
    browser.offline(false);
    browser.sees(".card[data-state=answered] h3", "Ana Popescu");
    wait_until("the page of the customer", || browser.windows() == 2);
    office.workplace.write("calldex.toml", format!("{configuration}\n[agent.dan]\nextension = \"109\"\n"));
    office.rings("ion-popescu", "0733555666", "c.2");
    browser.sees(".card[data-state=ringing] h3", "Unknown caller");
    assert_eq!(browser.windows(), 2, "it opens once");
}

#[test]
fn the_page_is_open_in_more_tabs_than_a_browser_has_connections() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let browser = office.sign_in("ion-popescu", View::DESK);
    open_by_itself(&browser);
    let second = {
        let _first = browser.open_tab(&office.page());
        browser.sees("#line", "Live");
        browser.open_tab(&office.page())
    };
    for _ in 3..9 {
        browser.sees("#line", "Live");
        browser.open_tab(&office.page());
    }
    browser.sees("#line", "Live");
    assert_eq!(browser.windows(), 9);
    office.rings("ion-popescu", "0722111222", "c.1");
    browser.sees(".card[data-state=ringing] h3", "Ana Popescu");
    office.is_answered("0722111222", "c.1");
    browser.sees(".card[data-state=answered] h3", "Ana Popescu");
    wait_until("the page of the customer", || browser.windows() == 10);
    // A tab that was in the background knows all when it is seen again.
    browser.work_in(second);
    browser.sees(".card[data-state=answered] h3", "Ana Popescu");
    office.event("queue_answer_end", "0722111222", "c.1", &[("agent", "ion-popescu")]);
    browser.sees(".card[data-state=ended] .state", "Call ended");
    assert_eq!(browser.windows(), 10, "one of all tabs opens it");
}

#[test]
fn whoever_signs_out_without_a_connection_is_signed_out_before_anything_is_shown_again() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let browser = office.sign_in("ion-popescu", View::DESK);
    office.rings("ion-popescu", "0722111222", "c.1");
    browser.sees(".card h3", "Ana Popescu");
    browser.offline(true);
    browser.click("#sign-out");
    browser.sees("#sign-in-problem", "you are not signed out yet");
    assert_eq!(browser.run("return document.querySelectorAll('.card, #earlier .call').length"), json!(0));
    inspect(&browser, "sign-out-waits");
    // The page is closed before there is a connection, and opened again later.
    browser.run("window.stop()");
    browser.go("about:blank");
    browser.offline(false);
    browser.go(&office.page());
    browser.sees("#sign-in-form", "Sign in");
    let state = "return (async () => (await fetch('/agent/state')).status)()";
    assert_eq!(browser.run(state), json!(401), "the session is over, not only out of sight");
    // Without a page that is closed it happens by itself.
    let printed = office.workplace.succeed(&["agent", "invite", "ion-popescu", "--project", "sales"]);
    let secret = printed.lines().find_map(|line| line.split_once("/agent/invite#")).unwrap().1.trim().to_owned();
    browser.go(&format!("{}/invite#{secret}", office.page()));
    browser.click("#invite-form button");
    browser.sees("#line", "Live");
    browser.offline(true);
    browser.click("#sign-out");
    browser.sees("#sign-in-problem", "you are not signed out yet");
    browser.offline(false);
    browser.misses("#sign-in-problem");
    assert_eq!(browser.run(state), json!(401));
}
