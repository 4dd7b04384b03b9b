//! Whose page a call comes to, and whose it does not.

use super::*;
use crate::harness::{CONFIGURATION, CONTACTS};

const CALL: &str = "uniqueid=1&telephone=0722111222";

/// How many cards a page shows.
fn cards(page: &Page) -> usize {
    page.state()["cards"].as_array().unwrap().len()
}

#[test]
fn accounts_that_differ_behind_the_at_sign_see_their_own_calls_only() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let open = |agent| Page::open(&workplace, &server, agent);
    let (first, second, extension) = (open("maria@a.ro"), open("Maria@b.ro"), open("1000"));
    let seen = || (cards(&first), cards(&second), cards(&extension));
    report(&server, "event=ringing&agent=maria%40a.ro&uniqueid=1&telephone=0722111222");
    assert_eq!(seen(), (1, 0, 0));
    report(&server, "event=ringing&agent=SIP/Maria%40A.ro&agent=maria%40b.ro&uniqueid=2&telephone=0722111222");
    assert_eq!(seen(), (2, 1, 0));
    report(&server, "event=queue_answer&agent=maria%40b.ro&uniqueid=2&telephone=0722111222");
    assert_eq!(seen(), (1, 1, 0), "the other one has it");
    // No account has the whole name: what stands behind the sign is the host of the PBX.
    report(&server, "event=ringing&agent=1000%40pbx.example.com&uniqueid=3&telephone=0722111222");
    report(&server, "event=queue_answer&agent=1000%40pbx.example.com&uniqueid=3&telephone=0722111222");
    assert_eq!(seen(), (1, 1, 1));
}

#[test]
fn an_outside_telephone_that_answers_takes_the_call_from_all_whom_it_rang() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let (ion, ana) = (Page::open(&workplace, &server, "ion"), Page::open(&workplace, &server, "ana"));
    let mut of_ion = ion.listen("");
    report(&server, &format!("event=ringing&agent=ion&agent=ana&{CALL}"));
    of_ion.until("\"state\":\"ringing\"");
    report(&server, &format!("event=call_forward_answer&agent=&remote_number=0744555666&{CALL}"));
    of_ion.until("event: gone");
    assert!(!of_ion.heard.contains("\"state\":\"answered\""), "{}", of_ion.heard);
    assert_eq!((cards(&ion), cards(&ana)), (0, 0));
    // Where the PBX says whose telephone it is, the call is his.
    let other = "uniqueid=2&telephone=0722111222";
    report(&server, &format!("event=ringing&agent=ion&agent=ana&{other}"));
    report(&server, &format!("event=call_forward_answer&agent=ana&remote_number=0744555666&{other}"));
    assert_eq!((cards(&ion), cards(&ana)), (0, 1));
}

#[test]
fn an_event_that_neither_rings_nor_is_spoken_brings_nobody_the_card() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let ana = Page::open(&workplace, &server, "ana");
    report(&server, &format!("event=ringing&agent=ion&{CALL}"));
    for event in ["supervisor_note", "missed_calls", "hangup"] {
        report(&server, &format!("event={event}&agent=ana&{CALL}"));
    }
    assert_eq!((cards(&ana), ana.state()["calls"].clone()), (0, json!([])));
    assert_eq!(super::super::events(&workplace).len(), 4, "all of them are kept");
}

#[test]
fn an_extension_that_gets_an_owner_reaches_the_page_that_is_open() {
    let workplace = Workplace::with_contacts();
    let server = workplace.serve();
    let page = Page::open(&workplace, &server, "101");
    let mut listener = page.listen("");
    report(&server, &format!("event=ringing&agent=101&{CALL}"));
    listener.until("\"state\":\"ringing\"");
    listener.forget();
    workplace.write("calldex.toml", format!("{CONFIGURATION}\n[agent.ion]\nextension = \"101\"\n"));
    listener.until("event: reload");
    report(&server, "event=ringing&agent=101&uniqueid=2&telephone=0722333444");
    listener.until("\"id\":2,");
    report(&server, "event=ringing&agent=ion&uniqueid=3&telephone=0722333444");
    listener.until("\"id\":3,");
}

#[test]
fn the_telephones_of_a_whole_floor_ring_by_one_event() {
    let workplace = Workplace::with(CONFIGURATION, CONTACTS);
    let server = workplace.serve();
    let last = Page::open(&workplace, &server, "agent-499");
    let all: String = (0..500).map(|place| format!("&agent=agent-{place}")).collect();
    report(&server, &format!("event=ringing{all}&{CALL}"));
    assert_eq!(cards(&last), 1);
}
