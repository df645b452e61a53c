//! What all of a tenant's conversations share: additions add up, and nobody overwrites what they haven't seen.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use signalbox_carriers::{Outcome, Verdict};
use signalbox_model::{Direction, ManualClock, Status};
use signalbox_store::Store;
use signalbox_store::memory::{Config, Crash, MemoryStore, Moment};

use crate::house::{House, Scripted, noon};

const ADA: &str = "+15550199001";
const BOB: &str = "+15550199002";

fn carrier() -> Arc<Scripted> {
    let carrier = Scripted::new();
    carrier.always(Outcome::Taken { ids: vec![] });
    carrier
}

async fn house_with_the_guest() -> House {
    let house = House::on(MemoryStore::new(Config::default()), carrier(), ManualClock::at(noon())).await.unwrap();
    house.bind_guest("misbehaving").await;
    house
}

/// The numbers that were given out, sorted, each as often as it was.
async fn numbers(house: &House) -> Vec<u32> {
    let messages = house.all_messages().await;
    let replies = messages.iter().filter(|(message, _)| message.direction == Direction::Outbound);
    let numbers = replies.filter_map(|(message, _)| message.body.text.strip_prefix("number ")?.parse().ok());
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_conversations_that_add_a_thousand_times_make_a_thousand() {
    let house = house_with_the_guest().await;
    for _ in 0..10 {
        for _ in 0..50 {
            let brought = join_all([house.text_from(ADA, "count"), house.text_from(BOB, "count")]).await;
            assert_eq!(brought, [Verdict::Durable; 2]);
        }
        assert!(house.is_quiet(false).await);
    }
    assert_eq!(house.tenants_state("count").await.as_deref(), Some("1000"));
}

#[tokio::test]
async fn a_run_whose_tenants_state_was_changed_meanwhile_is_repeated_and_no_number_is_given_out_twice() {
    let house = house_with_the_guest().await;
    let phones: Vec<_> = (0..8).map(|n| format!("+1555019902{n}")).collect();
    for _ in 0..5 {
        join_all(phones.iter().map(|phone| house.text_from(phone, "take a number"))).await;
        assert!(house.is_quiet(false).await);
    }
    assert_eq!(numbers(&house).await, (1..=40).collect::<Vec<_>>());
    assert_eq!(house.tenants_state("number").await.as_deref(), Some("40"));
    let runs = runs(&house).await;
    assert!(runs > 40, "{runs} runs for 40 events: none was repeated, so none read while another wrote");
}

async fn runs(house: &House) -> u64 {
    let usage = house.handle.usage(&house.caller.tenant, None, None).await.expect("the store answers");
    usage.iter().map(|row| row.used.invocations).sum()
}

/// A house, whose words are sealed where there is a key.
async fn open(
    master: Option<u8>,
    store: Arc<MemoryStore>,
    carrier: Arc<Scripted>,
    clock: ManualClock,
) -> Result<House, signalbox_engine::Error> {
    match master {
        Some(_) => House::sealed(master, store, carrier, clock).await,
        None => House::on(store, carrier, clock).await,
    }
}

async fn before(master: Option<u8>) -> Arc<MemoryStore> {
    let store = MemoryStore::new(Config { partitions: 4, ..Config::default() });
    let house = open(master, store, carrier(), ManualClock::at(noon())).await.unwrap();
    house.bind_guest("misbehaving").await;
    house.store.crash_image()
}

#[tokio::test]
async fn numbers_and_sums_are_exact_whatever_commit_the_process_dies_at() {
    die_at_every_commit(None).await;
}

#[tokio::test]
async fn likewise_where_what_waits_for_an_agreement_is_sealed() {
    die_at_every_commit(Some(1)).await;
}

async fn die_at_every_commit(master: Option<u8>) {
    let before = before(master).await;
    for moment in [Moment::BeforeDurable, Moment::AfterDurable] {
        let mut boundary = 0;
        while dies_at(master, &before, Crash { boundary, moment }).await {
            boundary += 1;
        }
        assert!(boundary >= 16, "two runs that write together have more commits than {boundary}");
    }
}

/// Two conversations take a number each and add to a sum, and the process dies. Whether it did.
async fn dies_at(master: Option<u8>, before: &MemoryStore, crash: Crash) -> bool {
    let store = before.image_that_crashes(crash);
    let (carrier, clock) = (carrier(), ManualClock::at(noon() + Duration::from_secs(1)));
    let house = match open(master, store.clone(), carrier.clone(), clock.clone()).await {
        Ok(house) => {
            for text in ["take a number", "count"] {
                join_all([house.text_from(ADA, text), house.text_from(BOB, text)]).await;
            }
            house.is_quiet(false).await;
            clock.advance(Duration::from_secs(1));
            if master.is_some() {
                house.crash_sealed(master).await.expect("it opens again")
            } else {
                house.crash().await
            }
        }
        // It died on its start.
        Err(_) => open(master, store.crash_image(), carrier, clock).await.expect("it opens again"),
    };
    assert!(house.is_quiet(false).await);
    let messages = house.all_messages().await;
    let taken = |text: &str| {
        let of = |(message, _): &&(signalbox_model::Message, Status)| {
            message.direction == Direction::Inbound && message.body.text == text
        };
        messages.iter().filter(of).inspect(|(_, status)| assert_eq!(*status, Status::Handled, "{crash:?}")).count()
    };
    let (numbers, taken, counted) = (numbers(&house).await, taken("take a number"), taken("count"));
    let given: BTreeSet<_> = numbers.iter().copied().collect();
    assert_eq!(given, (1..=u32::try_from(taken).unwrap()).collect(), "{crash:?}: {taken} took a number");
    assert_eq!(numbers.len(), taken, "{crash:?}: a number was told twice");
    let last = (taken > 0).then(|| taken.to_string());
    assert_eq!(house.tenants_state("number").await, last, "{crash:?}");
    let sum = (counted > 0).then(|| counted.to_string());
    assert_eq!(house.tenants_state("count").await, sum, "{crash:?}");
    store.failed().now_or_never().is_some()
}
