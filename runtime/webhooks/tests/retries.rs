//! What fails is tried again: in order, on schedule, a bounded number of times, through restarts.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

mod house;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use house::{House, Sink, open, reply};
use signalbox_model::Clock;
use signalbox_store::Store;
use signalbox_webhooks::schedule::WAITS;
use signalbox_webhooks::{parked, stage_replay};

const ONE: &str = "+14155550101";
const TWO: &str = "+14155550102";

#[tokio::test]
async fn a_conversation_waits_for_its_first_event_and_others_do_not() {
    let ill = Arc::new(AtomicBool::new(true));
    let answer = Arc::clone(&ill);
    let mut sink = Sink::new(move |received| {
        let refused = answer.load(Ordering::Relaxed) && received.tells().0.starts_with("one");
        reply(if refused { 400 } else { 200 })
    })
    .await;
    let mut house = House::new().await;
    house.directory.set("main", sink.url());
    house.start(open());
    house.tell_webhook("main", ONE, "one a").await;
    let first = sink.next().await;
    for (theirs, text) in [(ONE, "one b"), (TWO, "two a"), (TWO, "two b")] {
        house.tell_webhook("main", theirs, text).await;
    }
    assert_eq!((sink.next().await.tells().0, sink.next().await.tells().0), ("two a".into(), "two b".into()));
    house.until("main", |stats| stats.retrying == 1 && stats.delivered == 2).await;

    ill.store(false, Ordering::Relaxed);
    house.clock.advance(Duration::from_secs(6));
    let again = sink.next().await;
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    assert_ne!(again.header("webhook-timestamp"), first.header("webhook-timestamp"));
    assert_eq!(sink.next().await.tells().0, "one b");
}

#[tokio::test]
async fn the_schedule_is_kept_and_at_its_end_the_event_is_parked_and_can_be_replayed() {
    let well = Arc::new(AtomicBool::new(false));
    let answer = Arc::clone(&well);
    let mut sink = Sink::new(move |_| reply(if answer.load(Ordering::Relaxed) { 200 } else { 500 })).await;
    let mut house = House::new().await;
    house.directory.set("main", sink.url());
    house.start(open());
    let item = house.tell_webhook("main", ONE, "hello").await;
    let first = sink.next().await;
    for (failed, wait) in WAITS.iter().enumerate().skip(1) {
        house.until("main", |stats| stats.failed == failed as u64 && stats.retrying == 1).await;
        house.clock.advance(wait.mul_f64(0.89));
        // A desk that were to send now would be woken by the clock, and rest before these are over.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        assert!(sink.is_quiet(), "attempt {} came early", failed + 1);
        house.clock.advance(wait.mul_f64(0.22));
        assert_eq!(sink.next().await.body, first.body);
    }
    house.until("main", |stats| stats.parked == 1 && stats.waiting == 0).await;
    house.drain().await;

    let attempts = house.deliveries(&item).await;
    assert_eq!(attempts.iter().map(|d| d.attempt).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    assert!(attempts.iter().all(|d| d.status == Some(500) && d.answer == b"noted"));
    let key = item.endpoint.key(&item.tenant);
    let [given_up] = &parked(&*house.store, key, None, 10).await.unwrap()[..] else { panic!("one is parked") };
    assert_eq!((&*given_up.item, given_up.attempts), (&item, 10));
    assert!(given_up.why.contains("answered 500"), "{}", given_up.why);
    assert!(parked(&*house.store, key, Some(given_up.place), 10).await.unwrap().is_empty());

    // Older than any event is tried for; but it is replayed now.
    house.clock.advance(Duration::from_secs(10 * 86_400));
    well.store(true, Ordering::Relaxed);
    house.start(open());
    let mut batch = house.batch(given_up.place.partition);
    let endpoint = stage_replay(&mut batch, given_up, 1_000, house.clock.now());
    let twice = batch.clone();
    house.store.commit(batch).await.unwrap();
    assert!(house.store.commit(twice).await.is_err());
    house.handle().ring(given_up.place.partition, endpoint);
    assert_eq!(sink.next().await.body, first.body);
    house.drain().await;
    assert!(parked(&*house.store, key, None, 10).await.unwrap().is_empty());
    assert_eq!(house.deliveries(&item).await.last().map(|d| (d.attempt, d.status)), Some((11, Some(200))));
}

#[tokio::test]
async fn what_was_tried_is_remembered_through_a_kill() {
    let mut sink = Sink::new(|_| reply(500)).await;
    let mut house = House::new().await;
    house.directory.set("main", sink.url());
    house.start(open());
    let item = house.tell_webhook("main", ONE, "hello").await;
    sink.next().await;
    house.until("main", |stats| stats.failed == 1).await;
    let store = Arc::clone(&house.store);
    // The retry is durable once the attempt is on record: they are one batch.
    while signalbox_webhooks::deliveries(&*store, &item.tenant, item.message, 1).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }

    let mut house = house.killed().await;
    house.start(open());
    house.until("main", |stats| stats.retrying == 1).await;
    assert!(sink.is_quiet());
    house.clock.advance(Duration::from_secs(6));
    sink.next().await;
    house.until("main", |stats| stats.failed == 1).await;
    house.drain().await;
    assert_eq!(house.deliveries(&item).await.iter().map(|d| d.attempt).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn retry_after_leaves_the_endpoint_alone_for_as_long_as_it_asked() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let mut sink = Sink::new(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => reply(429).map(|mut reply| {
            reply.headers_mut().insert("retry-after", 60.into());
            reply
        }),
        _ => reply(200),
    })
    .await;
    let mut house = House::new().await;
    house.directory.set("main", sink.url());
    house.start(open());
    house.tell_webhook("main", ONE, "one").await;
    sink.next().await;
    house.until("main", |stats| stats.failed == 1).await;
    house.tell_webhook("main", TWO, "two").await;
    house.until("main", |stats| stats.waiting == 2).await;
    house.clock.advance(Duration::from_secs(59));
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    assert!(sink.is_quiet());
    house.clock.advance(Duration::from_secs(1));
    let mut told = [sink.next().await.tells().0, sink.next().await.tells().0];
    told.sort();
    assert_eq!(told, ["one", "two"]);
}

#[tokio::test]
async fn gone_disables_the_webhook_until_it_is_set_up_again() {
    let mut sink = Sink::new(|received| reply(if received.path == "/hook" { 410 } else { 200 })).await;
    let mut house = House::new().await;
    house.directory.set("main", sink.url());
    house.start(open());
    house.tell_webhook("main", ONE, "a").await;
    sink.next().await;
    house.until("main", |stats| stats.parked == 1).await;
    for text in ["b", "c"] {
        house.tell_webhook("main", ONE, text).await;
    }
    house.until("main", |stats| stats.parked == 3).await;
    assert!(sink.is_quiet());
    assert_eq!(*house.directory.gone.lock(), ["main"]);

    house.directory.set("main", format!("http://{}/new", sink.address));
    house.tell_webhook("main", ONE, "d").await;
    assert_eq!(sink.next().await.tells().0, "d");
}

#[tokio::test]
async fn an_event_older_than_any_schedule_is_parked_untried() {
    let mut sink = Sink::well().await;
    let mut house = House::new().await;
    house.directory.set("main", sink.url());
    house.tell_webhook("main", ONE, "old").await;
    house.clock.advance(Duration::from_secs(6 * 86_400));
    assert!(house.clock.now() > house::t0());
    house.start(open());
    house.until("main", |stats| stats.parked == 1).await;
    assert!(sink.is_quiet());
}
