//! The store's disk is nearly full: nothing new is taken in, what was accepted goes on, and all is well once there is room.

use std::time::Duration;

use signalbox_carriers::{Outcome, Verdict};
use signalbox_engine::{Error, Refused, RoomStatus};
use signalbox_model::{ReceiptState, Status};

use crate::house::*;

const MIB: u64 = 1 << 20;

/// The host looks once a second; the clock here is not the machine's.
async fn disk_has(house: &House, free: u64) {
    house.store.set_free_bytes(free);
    tokio::time::sleep(Duration::from_secs(2)).await;
}

#[tokio::test(start_paused = true)]
async fn below_the_least_nothing_new_is_taken_in_and_what_was_accepted_goes_on() {
    let house = House::new().await;
    let id = house.send(&House::request("while there is room")).await;
    let submitted = house.carrier.next().await;
    disk_has(&house, 511 * MIB).await;
    let refused = house.handle.accept(&house.caller, &House::request("more"), None).await;
    let Err(Refused::Path(Error::Full { why })) = refused else { panic!("{refused:?}") };
    assert!(why.contains("511 MiB") && why.contains("512 MiB"), "{why}");
    let batch = house.handle.accept_batch(&house.caller, &[House::request("more")], Some("k")).await;
    assert!(matches!(batch, Err(Refused::Path(Error::Full { .. }))));
    assert!(house.handle.explain(&house.caller, &House::request("more")).await.is_ok());
    assert_eq!(house.text("hello").await, Verdict::Later, "the carrier keeps it");
    submitted.answer.send(Outcome::Taken { ids: vec!["c1".to_owned()] }).unwrap();
    house.until(id, Status::Sent).await;
    assert_eq!(house.receipt("c1", ReceiptState::Delivered).await, Verdict::Durable);
    house.until(id, Status::Delivered).await;
    let readiness = house.handle.readiness();
    let room = RoomStatus { free_bytes: Some(511 * MIB), min_free_bytes: 512 * MIB, is_full: true };
    assert_eq!((readiness.ready, readiness.room), (false, room));
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_by_itself_once_there_is_more_than_the_least() {
    let house = House::new().await;
    for (free, full) in [(512, false), (511, true), (513, true), (575, true), (576, false), (513, false)] {
        disk_has(&house, free * MIB).await;
        assert_eq!(house.handle.readiness().room.is_full, full, "{free} MiB");
        let taken = house.handle.accept(&house.caller, &House::request("x"), None).await.is_ok();
        assert_eq!((taken, house.text("x").await == Verdict::Durable), (!full, !full), "{free} MiB");
    }
    assert!(house.handle.readiness().ready);
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_obeyed_though_there_is_little_room() {
    let house = House::new().await;
    disk_has(&house, MIB).await;
    assert_eq!(house.text("STOP").await, Verdict::Durable);
    disk_has(&house, 1_024 * MIB).await;
    let refused = house.handle.accept(&house.caller, &House::request("an offer"), None).await;
    assert!(matches!(refused, Err(Refused::Policy(_))), "{refused:?}");
}
