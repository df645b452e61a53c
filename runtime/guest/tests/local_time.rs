//! Tomorrow at nine, there.

mod common;

use common::*;
use signalbox_guest::*;

#[tokio::test]
async fn timers_are_set_in_the_contacts_time_zone() {
    let (host, handler) = shared("misbehaving").await;
    let mut world = World::default();
    world.contact.time_zone = Some("America/Chicago".into());
    let outcome = world.hear(host, handler, "local time").await;
    // 12:00 UTC is 6:00 in Chicago; 9:00 of the next day there is 15:00 UTC; noon in Paris in July is 10:00 UTC.
    let (morning, fourth) = (NOW + 27 * 3_600_000_000, 1_783_159_200_000_000_u64);
    let said = format!("2026-1-1 6:00 day 4 -360 America/Chicago, {morning}, {fourth}");
    assert_eq!(replies(&outcome), ["before", &said]);
    assert_eq!(world.timers["morning"], TimerSet { at: morning, payload: b"tomorrow".to_vec() });
}

#[tokio::test]
async fn what_cant_be_told_is_refused_one_by_one() {
    let (host, handler) = shared("misbehaving").await;
    let outcome = World::default().hear(host, handler, "bad local times").await;
    assert_eq!(replies(&outcome), ["before", "5 of 5"]);
}
