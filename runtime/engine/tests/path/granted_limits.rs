//! What a manifest asks for, what the operator allows, and what a run is then held to.

use std::time::Duration;

use signalbox_carriers::Outcome;
use signalbox_engine::HandlerRefused;
use signalbox_model::directory::HandlerCaps;
use signalbox_model::{Cause, Direction, Message, Status};

use crate::house::{House, OURS};

const MANIFEST: &str = "name = \"hungry\"\n[limits]\nmemory = \"128MiB\"\ncpu = \"20s\"\nwall = \"30s\"\n";

async fn upload(house: &House, manifest: Option<&str>) -> Result<(), HandlerRefused> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests/misbehaving.wasm");
    let component = std::fs::read(path).expect("`cargo xtask guests` has built it");
    let tenant = &house.caller.tenant;
    house.handle.upload(tenant, "hungry", manifest.map(str::to_owned), component.into(), None).await?;
    house.handle.bind(tenant, &OURS.parse().unwrap(), "hungry").await.expect("it is the tenant's number");
    Ok(())
}

fn generous() -> HandlerCaps {
    HandlerCaps {
        memory_bytes: Some(128 << 20),
        cpu: Some(Duration::from_secs(20)),
        wall: Some(Duration::from_secs(30)),
        ..HandlerCaps::default()
    }
}

/// What became of a text; why, if it failed.
async fn told(house: &House, text: &str) -> Result<(), String> {
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.text(text).await;
    let is_it = |m: &Message| m.direction == Direction::Inbound && m.body.text == text;
    loop {
        let messages = house.all_messages().await;
        let (message, status) = messages.iter().find(|(m, _)| is_it(m)).expect("it came in");
        if *status == Status::Handled {
            return Ok(());
        }
        // It is tried again later; once is enough.
        let record = house.record(message.id).await;
        let failed = record.entries.iter().find_map(|entry| match &entry.cause {
            Cause::HandlerFailed { error, .. } => Some(error.clone()),
            _ => None,
        });
        if let Some(error) = failed {
            return Err(error);
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_asks_for_more_than_usual_gets_it_where_the_operator_allows_it() {
    let house = House::with_caps(generous()).await;
    upload(&house, Some(MANIFEST)).await.expect("it asks for no more than it may");
    assert_eq!(told(&house, "hold").await, Ok(()));
    assert_eq!(told(&house, "work").await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_asks_for_nothing_is_held_to_the_usual_limits_whatever_it_might_have() {
    let house = House::with_caps(generous()).await;
    upload(&house, None).await.expect("it asks for nothing");
    let memory = told(&house, "hold").await.unwrap_err();
    assert!(memory.contains("memory"), "{memory}");
    let computing = told(&house, "work").await.unwrap_err();
    assert!(computing.contains("50ms"), "{computing}");
}

#[tokio::test]
async fn what_asks_for_more_than_is_allowed_is_refused_with_every_limit_that_is_too_high() {
    let house = House::new().await;
    let refused = upload(&house, Some(MANIFEST)).await.unwrap_err().to_string();
    for told in ["`memory` asks for 128MiB, and at most 64MiB", "`cpu` asks for 20000ms, and at most 50ms", "`wall`"] {
        assert!(refused.contains(told), "{refused}");
    }
    assert!(house.handle.handler(&house.caller.tenant, "hungry").is_none(), "it was kept");
}
