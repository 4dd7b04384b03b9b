//! Numbers that carry words of the CRMs' query languages: what arrives is what arrives for the number alone, byte by byte.

use super::bench::{Asking, Bench, for_each};
use super::stand_in::Request;

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

/// The same without what differs by design: where a request went, how, and what it carried.
fn essence(request: &Request) -> (String, String, String) {
    (request.method.clone(), request.target.clone(), request.body.clone())
}

/// What arrives for a caller who was not asked about before.
fn arrives(asking: &Asking<'_>, number: &str) -> Vec<(String, String, String)> {
    let encoded: String = url::form_urlencoded::byte_serialize(number.as_bytes()).collect();
    let before = asking.bench.stand_in.received().len();
    let answer = asking.ask(&encoded).text();
    assert!(answer.contains("Ana Pop"), "{} about {number:?}: {answer}", asking.bench.crm.recipe());
    asking.bench.stand_in.received()[before..].iter().map(essence).collect()
}

#[test]
fn what_stands_around_a_number_reaches_no_crm() {
    for_each(|crm| {
        let without_cache = "[cache]\nfound_entries = 0\nunknown_entries = 0\n";
        let bench = Bench::with(crm, |configuration| configuration + without_cache);
        let asking = bench.serve();
        let expected = arrives(&asking, "+40722111222");
        assert!(!expected.is_empty());
        for number in HOSTILE {
            assert_eq!(arrives(&asking, number), expected, "{} about {number:?}", bench.crm.recipe());
        }
        asking.server.stop();
    });
}
