//! What a PBX still reports of a call that was wiped.

use super::*;

const DAY: i64 = 24 * HOUR;

impl Place {
    async fn wipe(&self) {
        self.store.wipe(vec![Key::new(ANA).unwrap()], Vec::new(), NOW).await.unwrap();
    }

    async fn is_kept(&self, arrival: Arrival) -> bool {
        self.store.accept(arrival, |_| {}).unwrap().await.unwrap().unwrap().is_some()
    }
}

#[tokio::test]
async fn what_is_reported_later_of_a_wiped_call_is_not_kept() {
    let place = Place::new();
    place.take(arrival(ANA, NOW, "event=queue_answer uniqueid=1 agent=ion")).await;
    place.wipe().await;
    let end = |received| arrival(ANA, received, "event=queue_answer_end uniqueid=1 agent=ion");
    assert!(
        !place.is_kept(arrival(ANA, NOW, "event=queue_answer uniqueid=1 agent=ion")).await,
        "the PBX repeats itself"
    );
    assert!(!place.is_kept(end(NOW + HOUR)).await);
    let tables = || ["call", "event", "party", "journal"].map(|table| place.count(table));
    assert_eq!(tables(), [0; 4]);
    let mut of_another_project = end(NOW);
    of_another_project.event.project = "shop".into();
    assert!(place.is_kept(of_another_project).await);
    assert!(place.is_kept(arrival(ANA, NOW + HOUR, "event=ringing uniqueid=2 agent=ion")).await, "a new call");
    assert!(place.is_kept(end(NOW + DAY)).await, "a PBX that begins to count anew");
}

#[tokio::test]
async fn the_name_of_a_wiped_call_is_forgotten_after_a_day() {
    let place = Place::new();
    place.take(arrival(ANA, NOW, "event=missed_calls uniqueid=1")).await;
    place.wipe().await;
    for (later, kept) in [(DAY - 1, 1), (DAY, 0)] {
        place.store.remove_old(BTreeMap::new(), NOW + later).await.unwrap();
        assert_eq!(place.count("wiped"), kept);
    }
}

#[tokio::test]
async fn an_erasure_is_a_change_that_is_newer_than_all_before() {
    let place = Place::new();
    assert_eq!(place.store.erasures().await.unwrap(), 0);
    let before = place.take(arrival(ANA, NOW, "event=ringing uniqueid=1")).await.call.change;
    place.wipe().await;
    let erased = place.store.erasures().await.unwrap();
    let after = place.take(arrival(ANA, NOW, "event=ringing uniqueid=2")).await.call.change;
    assert!(before < erased && erased < after);
}
