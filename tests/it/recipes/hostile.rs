//! Numbers that carry words of the CRMs' query languages: what arrives is what arrives for the number alone, byte by byte.

use std::collections::BTreeSet;

use super::bench::{Asking, Bench, for_each};
use super::stand_in::Request;
use crate::harness::wait_until;

/// Each is read as Ana's number; what stands around it would do something in the query language of some CRM.
const HOSTILE: [&str; 20] = [
    "+40722111222' OR 1=1 --",
    "+40722111222') or contains(fullname,'",
    "0722111222' or telephone1 ne '",
    "0722111222)or(Full_Name:starts_with:A)",
    "+40722111222 role:admin OR phone:*",
    "*0722111222*",
    "+40722111222\"]],[\"active\",\"=\",false",
    "+40722111222\"},{\"operator\":\"HAS_PROPERTY",
    "+40722111222\" OR \"a",
    "+40722111222} RETURNING User(Id",
    "+40722111222&select[]=*",
    "$result[by_phone][LEAD] 0722111222",
    "+40722111222\r\nX-Evil: yes\r\n\r\n",
    "+40722111222\u{0}",
    "{{ param.key }}0722111222{% for x in y %}",
    "\"Ana' OR 'a'='a\" <sip:+40722111222@evil.example>",
    "<sip:+40722111222@evil.example>;q=')",
    "tel:+40722111222;phone-context=' or true",
    "='0722111222'",
    "０７２２ 111－222",
];

/// A question about Ana's number: how it was asked, where, and with which body. Headers differ by nature.
type Question = (String, String, String);

/// Whatever has arrived that holds the digits of Ana's number; requests about her record do not.
fn questions(arrived: &[Request]) -> BTreeSet<Question> {
    let asks = |request: &&Request| format!("{}{}", request.target, request.body).contains("722111222");
    let question = |request: &Request| (request.method.clone(), request.target.clone(), request.body.clone());
    arrived.iter().filter(asks).map(question).collect()
}

/// What was asked by the time that the caller was known as Ana.
fn asked_about(asking: &Asking<'_>, number: &str) -> BTreeSet<Question> {
    let encoded: String = url::form_urlencoded::byte_serialize(number.as_bytes()).collect();
    let before = asking.bench.stand_in.received().len();
    let name = asking.bench.crm.recipe();
    wait_until(&format!("Ana of {name} by {number:?}"), || asking.ask(&encoded).text().contains("Ana Pop"));
    questions(&asking.bench.stand_in.received()[before..])
}

#[test]
fn what_stands_around_a_number_reaches_no_crm() {
    for_each(|crm| {
        let without_cache = "[cache]\nfound_entries = 0\nunknown_entries = 0\n";
        let bench = Bench::with(crm, |configuration| configuration + without_cache);
        let asking = bench.serve_at_once();
        let expected = asked_about(&asking, "+40722111222");
        assert!(!expected.is_empty());
        for number in HOSTILE {
            assert_eq!(asked_about(&asking, number), expected, "{} about {number:?}", bench.crm.recipe());
        }
        asking.server.stop();
    });
}
