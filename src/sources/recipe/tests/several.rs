//! Several contacts with the caller's number: what a recipe can say about which of them is meant.

use super::*;

const TEXT: &str = r#"
title = "CRM"
prefer = ["contact.number_label == 'mobile'", "contact.owner"]
[http]
base = "https://crm.example.com"
[map]
id = "id"
numbers = "{mobile: mobile, work: work}"
updated = "updated"
[[lookup]]
get = "/c"
query = { n = "{{ number }}" }
[[then]]
several = true
get = "/projects"
query = { of = "{{ contact.id }}" }
map = { owner = "[0].owner" }
[[test]]
name = "t"
telephone = "+40722111222"
"#;

/// A test in which these people are found, and these answers are given about each of them.
fn outcome(contacts: &str, people: &[&str], answers: &[(u32, &str)]) -> std::result::Result<(), String> {
    let mut text = format!("{TEXT}contacts = [{contacts}]\n");
    let exchange = |path: &str, said: &str| {
        format!("[[test.exchange]]\nrequest = \"GET https://crm.example.com{path}\"\n{said}\n")
    };
    text += &exchange("/c?n=%2B40722111222", &format!("body = '[{}]'", people.join(",")));
    for (id, said) in answers {
        text += &exchange(&format!("/projects?of={id}"), said);
    }
    try_out(&recipe("own", &text)).remove(0).outcome
}

/// Somebody whose number is mobile or not.
fn person(id: u32, label: &str, updated: u32) -> String {
    format!(r#"{{"id":{id},"{label}":"0722 111 222","updated":{updated}}}"#)
}

const OWNED: &str = "body = '[{\"owner\":\"ion\"}]'";
const FREE: &str = "body = '[]'";

#[test]
fn whose_mobile_it_is_comes_before_whose_switchboard_it_is() {
    let (ana, acme) = (person(1, "mobile", 1), person(2, "work", 2));
    let found = "{ id = 1, number_label = \"mobile\", owner = \"ion\" }";
    assert_eq!(outcome(found, &[&acme, &ana], &[(1, OWNED)]), Ok(()));
}

#[test]
fn whoever_has_something_open_comes_before_the_others_and_is_asked_about_once() {
    let (ana, dan) = (person(1, "mobile", 1), person(2, "mobile", 2));
    let found = "{ id = 1, owner = \"ion\" }";
    assert_eq!(outcome(found, &[&ana, &dan], &[(2, FREE), (1, OWNED)]), Ok(()));
}

#[test]
fn nobody_is_chosen_because_nobody_knew_about_the_others() {
    let (ana, dan) = (person(1, "mobile", 1), person(2, "mobile", 2));
    for failed in ["status = 500", "status = 429", "body = 'x'"] {
        let found = "{ id = 2, owner = \"\" }, { id = 1, owner = \"\" }";
        assert_eq!(outcome(found, &[&ana, &dan], &[(2, OWNED), (1, failed)]), Ok(()), "{failed}");
    }
}

#[test]
fn the_newest_then_the_lowest_id_leads_those_who_cannot_be_told_apart() {
    let people = [person(3, "work", 5), person(2, "work", 5), person(1, "work", 4)];
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let found = "{ id = 2 }, { id = 3 }, { id = 1 }";
    assert_eq!(outcome(found, &people, &[(2, FREE), (3, FREE), (1, FREE)]), Ok(()));
}

#[test]
fn a_crowd_is_asked_about_no_more() {
    let people: Vec<String> = (1..=5).map(|id| person(id, "work", 0)).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let found: Vec<String> = (1..=5).map(|id| format!("{{ id = {id} }}")).collect();
    assert_eq!(outcome(&found.join(", "), &people, &[]), Ok(()));
}
