//! What the path can't read it doesn't pass over in silence: the house ends, and says why.

use std::time::Duration;

use signalbox_carriers::Outcome;
use signalbox_engine::Error;
use signalbox_model::{ManualClock, Status};
use signalbox_store::Table;
use signalbox_store::memory::{self, MemoryStore};

use crate::house::*;

/// How the house ends by itself, with the rows of `table` damaged before it starts.
async fn end_of_a_start_without(table: Table) -> String {
    let store = MemoryStore::new(memory::Config::default());
    let house = House::on(store.clone(), Scripted::new(), ManualClock::at(noon())).await.expect("a fresh store opens");
    house.carrier.close(true);
    let id = house.send(&House::request("one that waits")).await;
    house.until(id, Status::Queued).await;
    let image = house.store.crash_image();
    drop(house);
    image.damage(table);
    match House::on(image, Scripted::new(), ManualClock::at(noon())).await {
        Ok(house) => end(house).await,
        Err(error) => error.to_string(),
    }
}

async fn end(house: House) -> String {
    let handle = house.handle.clone();
    let ended = tokio::time::timeout(Duration::from_secs(20), house.ended()).await.expect("it ends by itself");
    let error = ended.expect_err("not well");
    assert!(matches!(error, Error::Broken { .. }), "{error}");
    assert!(!handle.readiness().ready);
    error.to_string()
}

#[tokio::test]
async fn a_start_whose_inboxes_cant_be_read_ends_and_says_so() {
    let end = end_of_a_start_without(Table::Inbox).await;
    assert!(end.contains("reading what waits") && end.contains("Inbox"), "{end}");
}

#[tokio::test]
async fn a_start_whose_failed_events_cant_be_read_ends_and_says_so() {
    let end = end_of_a_start_without(Table::Retry).await;
    assert!(end.contains("reading what waits") && end.contains("Retry"), "{end}");
}

#[tokio::test]
async fn a_start_that_cant_read_what_tenants_are_to_be_told_ends_and_says_so() {
    let end = end_of_a_start_without(Table::Outbox).await;
    assert!(end.contains("webhooks") && end.contains("Outbox"), "{end}");
}

#[tokio::test]
async fn an_inbox_that_breaks_while_the_house_runs_ends_it() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let id = house.send(&House::request("while all is well")).await;
    house.until(id, Status::Sent).await;
    house.store.damage(Table::Inbox);
    let _ = house.handle.accept(&house.caller, &House::request("and then"), None).await;
    let end = end(house).await;
    assert!(end.contains("reading what waits") && end.contains("Inbox"), "{end}");
}
