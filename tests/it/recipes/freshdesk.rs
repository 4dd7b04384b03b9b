//! Freshdesk: an index that is minutes late, and two fields in which a number may stand.

use std::sync::Arc;

use super::bench::Bench;
use super::book::Mood;
use super::crms::Freshdesk;
use super::fault::Fault;

#[test]
fn whoever_is_not_in_the_index_yet_is_found_in_the_lists_by_either_field() {
    let bench = Bench::new(Arc::new(Freshdesk));
    bench.stand_in.order(Fault::Search(Mood::Late));
    bench.expect("0722111222", "\"name\":\"Ana Pop\"");
    bench.expect("0722777888", "\"name\":\"Eva Marin\"");
    bench.expect("0722999888", "unknown");
}

#[test]
fn the_search_finds_either_field_with_one_request() {
    let bench = Bench::new(Arc::new(Freshdesk));
    bench.expect("0722111222", "\"name\":\"Ana Pop\"");
    bench.expect("0722777888", "\"name\":\"Eva Marin\"");
    assert!(bench.stand_in.received().iter().all(|request| request.path != "/api/v2/contacts"));
}
