//! A call does not depend on the order in which its events arrive.

use super::*;

/// 2024-11-26 09:12:25 UTC, as Asterisk would name a call of that second.
const UNIQUEID: &str = "1732612345.12";
const BEGIN: i64 = 1_732_612_345_000;

fn event(name: &str, after: i64, params: &[(&str, &str)]) -> Event {
    let common = [("event", name), ("uniqueid", UNIQUEID), ("telephone", "0722111222"), ("dnid", "0310000000")];
    let params = common.iter().chain(params).map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]));
    Event { project: "sales".into(), received: BEGIN + after, params: params.collect() }
}

/// All orders of some events.
fn orders(events: &[Event]) -> Vec<Vec<Event>> {
    if events.len() < 2 {
        return vec![events.to_vec()];
    }
    let mut all = Vec::new();
    for place in 0..events.len() {
        let mut rest = events.to_vec();
        let first = rest.remove(place);
        all.extend(orders(&rest).into_iter().map(|mut order| {
            order.insert(0, first.clone());
            order
        }));
    }
    all
}

#[test]
fn an_answered_call_has_its_agent_and_its_lengths() {
    let events = [
        event("ringing", 4_000, &[("agent", "dan")]),
        event("ringing", 4_000, &[("agent", "ion")]),
        event("queue_answer", 9_000, &[("agent", "ion"), ("queue", "support"), ("direction", "IN")]),
        event("queue_answer_end", 69_500, &[("agent", "ion"), ("queue", "support")]),
    ];
    let call = assemble(&events, false);
    assert_eq!((call.state, call.outcome), (State::Over, Some(CallOutcome::Answered)));
    assert_eq!((call.agent.as_deref(), call.queue.as_deref()), (Some("ion"), Some("support")));
    assert_eq!((call.started, call.waited, call.duration), (BEGIN, Some(9), Some(60)));
    assert_eq!(call.computed, ["started", "waited", "duration"]);
}

#[test]
fn the_order_of_arrival_does_not_change_how_a_call_went() {
    let events = [
        event("missed_calls", 0, &[("queue", "first"), ("queue_hold_time", "30")]),
        event("ringing", 0, &[("agent", "dan")]),
        event("queue_answer", 0, &[("agent", "ion"), ("queue", "second")]),
        event("queue_answer_end", 0, &[("agent", "ion"), ("queue", "second")]),
    ];
    let told = |call: &Assembled| (call.state, call.outcome, call.agent.clone(), call.telephone.clone(), call.waited);
    let expected = told(&assemble(&events, false));
    for order in orders(&events) {
        // Whatever comes first has the earlier time of arrival.
        let arrived =
            order.into_iter().zip(0..).map(|(event, second)| Event { received: BEGIN + second * 1_000, ..event });
        assert_eq!(told(&assemble(&arrived.collect::<Vec<_>>(), false)), expected);
    }
}

#[test]
fn an_end_that_overtakes_its_answer_leaves_the_length_unknown() {
    let call = assemble(&[event("queue_answer_end", 1_000, &[]), event("queue_answer", 5_000, &[])], false);
    assert_eq!((call.state, call.outcome, call.duration), (State::Over, Some(CallOutcome::Answered), None));
}

#[test]
fn a_call_that_one_queue_lost_and_another_took_is_running() {
    let call = assemble(&[event("missed_calls", 0, &[]), event("queue_answer", 1_000, &[("agent", "ion")])], false);
    assert_eq!((call.state, call.outcome), (State::Answered, None));
}

#[test]
fn a_call_that_goes_on_to_another_agent_is_running_again_and_has_two_conversations() {
    let mut events = vec![
        event("queue_answer", 5_000, &[("agent", "ion"), ("queue", "first")]),
        event("queue_answer_end", 35_000, &[("agent", "ion"), ("queue", "first")]),
        event("ringing", 36_000, &[("agent", "ana")]),
    ];
    assert_eq!(assemble(&events, false).state, State::Over, "a telephone that rings may be one that was overtaken");
    events.push(event("queue_answer", 40_000, &[("agent", "ana"), ("queue", "second")]));
    let call = assemble(&events, false);
    assert_eq!((call.state, call.outcome, call.agent.as_deref()), (State::Answered, None, Some("ana")));
    events.push(event("queue_answer_end", 100_000, &[("agent", "ana"), ("queue", "second")]));
    let told = |call: &Assembled| {
        let agent = call.agent.clone().unwrap_or_default();
        (call.state, agent, call.queue.clone().unwrap_or_default(), call.started - BEGIN, call.waited, call.duration)
    };
    let second = (State::Over, "ana".to_owned(), "second".to_owned(), 36_000, Some(4), Some(60));
    assert_eq!(told(&assemble(&events, false)), second);
    let first = (State::Over, "ion".to_owned(), "first".to_owned(), 0, Some(5), Some(30));
    assert_eq!(conversations(&events, false).iter().map(told).collect::<Vec<_>>(), [first, second]);
}

#[test]
fn a_call_does_not_go_on_where_that_may_be_an_answer_that_was_overtaken() {
    let end = event("queue_answer_end", 5_000, &[("agent", "ion")]);
    for (after, answer, before) in [
        (9_000, Some("ION"), vec![end.clone()]),
        (9_000, Some("SIP/ion-0000a1b2"), vec![end.clone()]),
        (6_000, Some("ana"), vec![end.clone()]),
        (9_000, None, vec![end.clone()]),
        (9_000, Some("ana"), vec![event("queue_answer_end", 5_000, &[])]),
        (9_000, Some("ana"), vec![end.clone(), event("hangup", 6_000, &[])]),
        (9_000, Some("ana"), vec![event("missed_calls", 5_000, &[])]),
    ] {
        let agent: Vec<_> = answer.map(|agent| ("agent", agent)).into_iter().collect();
        let events: Vec<_> = before.into_iter().chain([event("queue_answer", after, &agent)]).collect();
        assert_eq!(conversations(&events, true).len(), 1, "{events:?}");
    }
}

#[test]
fn what_the_pbx_sends_is_not_worked_out() {
    let params = [("queue_hold_time", "17"), ("fail_reason", "queue_hangup")];
    let call = assemble(&[event("missed_calls", 20_000, &params)], false);
    assert_eq!((call.outcome, call.waited, call.duration), (Some(CallOutcome::Missed), Some(17), None));
    assert_eq!((call.reason.as_deref(), call.computed.as_slice()), (Some("queue_hangup"), &["started"][..]));
    let params = [("billsec", "42"), ("call_status", "ANSWERED")];
    let call = assemble(&[event("outgoing_end", 99_000, &params)], false);
    assert_eq!((call.direction, call.outcome), (Direction::Out, Some(CallOutcome::Answered)));
    assert_eq!((call.duration, call.computed.as_slice()), (Some(42), &["started"][..]));
}

#[test]
fn a_call_that_was_given_up_has_no_end_and_no_length() {
    let call = assemble(&[event("dial_answer", 0, &[("agent", "ion")])], true);
    assert_eq!(
        (call.state, call.outcome, call.ended, call.duration),
        (State::Over, Some(CallOutcome::Answered), None, None)
    );
    let call = assemble(&[event("something_new", 0, &[])], true);
    assert_eq!(call.outcome, Some(CallOutcome::Unknown));
}

#[test]
fn a_name_that_is_no_time_is_not_taken_for_one() {
    for uniqueid in ["1.1", "99999999999999999999", "-5", "abc", "1832612345.1"] {
        let mut only = event("ringing", 3_000, &[]);
        only.params.insert("uniqueid".to_owned(), vec![uniqueid.to_owned()]);
        assert_eq!(assemble(&[only], false).started, BEGIN + 3_000, "{uniqueid}");
    }
}
