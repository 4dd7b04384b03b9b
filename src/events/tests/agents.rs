//! What an agent has said stays, whatever comes later.

use super::*;

/// The call of a family's number, whose caller is taken for `first` of these.
async fn family(place: &Place, first: &str, all: &[&str]) -> i64 {
    let mut ringing = arrival(ANA, NOW, "event=ringing uniqueid=1");
    ringing.caller = known_as(first, all);
    place.take(ringing).await.call.id
}

fn found(id: &str, all: &[&str]) -> Caller {
    let Tie::Tied(caller) = known_as(id, all) else { unreachable!() };
    Caller { late: true, ..*caller }
}

impl Place {
    async fn late(&self, call: i64, caller: Caller) -> Caller {
        self.store.bind(call, caller, |_| {}).await.unwrap().caller.clone().unwrap()
    }

    async fn pick(&self, call: i64, id: &str) -> Option<Caller> {
        let picked = self.store.pick(call, contact(id), "ion", NOW, |_| {}).await.unwrap();
        picked.map(|row| row.caller.clone().unwrap())
    }
}

fn ids(caller: &Caller) -> Vec<&str> {
    caller.candidates.iter().map(|choice| choice.contact.id.as_str()).collect()
}

#[tokio::test]
async fn whom_an_agent_picks_no_late_answer_of_the_call_puts_aside() {
    let mut place = Place::new();
    let call = family(&place, "1", &["1", "2"]).await;
    assert_eq!(place.late(call, found("2", &["1", "2"])).await.contact, Some(contact("2")), "nobody has said anything");
    assert!(place.pick(call, "9").await.is_none(), "none of them");
    assert_eq!(place.pick(call, "1").await.unwrap().contact, Some(contact("1")));
    for restarted in [false, true] {
        if restarted {
            place = place.reopen();
        }
        let more = place.late(call, found("3", &["3", "2", "1"])).await;
        assert_eq!((more.contact.as_ref(), more.name.as_deref()), (Some(&contact("1")), Some("1")));
        assert_eq!(ids(&more), ["3", "2", "1"], "the late ones can be picked too");
        for other in [found("2", &[]), found("2", &["2", "3"]), Caller::default()] {
            assert_eq!(place.late(call, other).await.contact, Some(contact("1")));
        }
        let same = Caller { company: Some("Acme".into()), ..found("1", &[]) };
        assert_eq!(place.late(call, same).await.company.as_deref(), Some("Acme"), "more about the same one is shown");
        assert_eq!(place.late(call, found("1", &["1", "2"])).await.contact, Some(contact("1")));
    }
    assert_eq!(place.pick(call, "2").await.unwrap().contact, Some(contact("2")), "an agent may say otherwise");
    let choice = place.store.choice("sales", Key::new(ANA).unwrap()).unwrap().unwrap();
    assert_eq!(choice, contact("2").to_ref());
}

#[tokio::test]
async fn what_an_agent_has_typed_stays_until_the_contact_is_found() {
    let place = Place::new();
    let call = family(&place, "1", &[]).await;
    let typed = Caller { by_agent: true, name: Some("Ana".into()), ..Caller::default() };
    place.late(call, typed).await;
    assert_eq!(place.late(call, Caller::default()).await.name.as_deref(), Some("Ana"));
    assert_eq!(place.late(call, found("7", &[])).await.contact, Some(contact("7")));
    assert_eq!(place.late(call, found("8", &[])).await.contact, Some(contact("7")), "it is found");
}

#[test]
fn a_guess_that_was_picked_stays_behind_what_is_certain_at_the_next_call() {
    let mut caller = found("1", &["1", "2"]);
    let two = contact("2").to_ref();
    assert!(!caller.is_weaker(&two));
    caller.candidates[1].guess = true;
    assert!(caller.is_weaker(&two));
    caller.candidates[0].guess = true;
    assert!(!caller.is_weaker(&two), "all are guesses");
}
