//! What the page survives: script in every field, no connection, two places at once, a keyboard alone.

use super::*;

#[test]
fn script_in_every_field_is_shown_as_text_and_the_console_stays_empty() {
    if !has_browser() {
        return;
    }
    const SCRIPT: &str = "<img src=x onerror=alert(1)><script>alert(2)</script>";
    let row =
        format!("9,\"{SCRIPT}\",\"'\"\"><svg onload=alert(3)>\",\"{SCRIPT}\",+40 722 999 888,javascript:alert(4)\n");
    let office = Office::with(&format!("id,name,company,email,telephone,backend_link\n{row}"));
    let browser = office.sign_in("ion-popescu", View::DESK);
    office.look_up("0722999888");
    let more = [("agent", "ion-popescu"), ("queue", SCRIPT), ("dnid_identifier", SCRIPT), ("contact_id", SCRIPT)];
    office.event("queue_answer", "0722999888", "c.1", &more);
    browser.sees(".card h3", "<img src=x onerror=alert(1)>");
    browser.sees(".card .facts", "<script>alert(2)</script>");
    let made = "return document.querySelectorAll('.card img, .card script, .card svg[onload]').length";
    assert_eq!(browser.run(made), json!(0));
    let links = "return [...document.querySelectorAll('.card a[href]')].map((anchor) => anchor.href)";
    assert!(!browser.run(links).to_string().contains("javascript:"), "{}", browser.run(links));
    inspect(&browser, "hostile");
    assert_quiet(&browser);
}

#[test]
fn a_browser_that_was_offline_misses_nothing_and_a_restarted_server_is_found_again() {
    if !has_browser() {
        return;
    }
    // The same port again, as a supervisor restarts it.
    let configuration = CONFIGURATION.replace("127.0.0.1:0", &format!("127.0.0.1:{}", own_port()));
    let workplace = Workplace::with(&configuration, CONTACTS);
    let server = workplace.serve();
    let mut office = Office { workplace, server };
    let browser = office.sign_in("ion-popescu", View::DESK);
    browser.offline(true);
    office.rings("ion-popescu", "0722111222", "c.1");
    browser.offline(false);
    browser.sees(".card h3", "Ana Popescu");
    let before = office.server.stop();
    assert!(before.success(), "{before}");
    browser.sees("#line", "No connection");
    inspect(&browser, "no-connection");
    office.server = office.workplace.serve();
    browser.sees("#line", "Live");
    office.rings("ion-popescu", "0733555666", "c.2");
    browser.sees(".card h3", "Unknown caller");
}

#[test]
fn an_agent_who_is_signed_in_twice_sees_the_call_in_both_places() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let first = office.sign_in("ion-popescu", View::DESK);
    let printed = office.workplace.succeed(&["agent", "invite", "ion-popescu", "--project", "sales"]);
    let secret = printed.lines().find_map(|line| line.split_once("/agent/invite#")).unwrap().1.trim().to_owned();
    let second = Browser::start(View { width: 320, height: 720, dark: true, language: "ro-RO" });
    second.go(&format!("http://localhost:{}/agent/invite#{secret}", office.server.address.port()));
    second.click("#invite-form button");
    second.sees("#line", "În direct");
    office.rings("ion-popescu", "0722333444", "c.1");
    first.sees(".card h3", "Brutăria La Colț SRL");
    second.sees(".card h3", "Brutăria La Colț SRL");
    second.sees(".card", "Mai multe contacte au acest număr");
    second.picture("narrow-dark-romanian");
    assert_eq!(second.run("return document.documentElement.scrollWidth"), json!(320), "nothing stands out at the side");
    office.workplace.succeed(&["agent", "revoke", "ion-popescu", "--project", "sales"]);
    second.go(&format!("http://localhost:{}/agent", office.server.address.port()));
    second.sees("#sign-in-form", "Conectare");
}

#[test]
fn the_keyboard_reaches_all_controls_of_a_card_in_their_order() {
    if !has_browser() {
        return;
    }
    let office = Office::open();
    let browser = office.sign_in("ion-popescu", View::DESK);
    office.rings("ion-popescu", "0722333444", "c.1");
    browser.sees(".candidate", "Ioana Popescu");
    browser.look(View { dark: true, ..View::DESK });
    browser.picture("dark");
    browser.look(View { width: 2560, height: 1440, ..View::DESK });
    browser.picture("wall");
    browser.run("document.getElementById('calls').focus()");
    let expected = [
        "Close the card of Brutăria La Colț SRL",
        "Copy the number +40 722 333 444",
        "Open the page of Mihai Popescu",
        "This one: Mihai Popescu",
        "Open the page of Ioana Popescu",
        "This one: Ioana Popescu",
    ];
    for name in expected {
        browser.press_tab();
        assert_eq!(browser.run("return document.activeElement.getAttribute('aria-label')"), json!(name));
        let outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle");
        assert_eq!(outline, json!("solid"), "{name}: whoever uses the keyboard sees where he is");
    }
}
