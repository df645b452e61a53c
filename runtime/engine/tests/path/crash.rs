//! The process dies at every commit boundary there is, on either side of it.

use std::sync::Arc;
use std::time::Duration;

use signalbox_carriers::{Outcome, Verdict};
use signalbox_engine::Request;
use signalbox_model::receipt::ReceiptState;
use signalbox_model::{Category, ManualClock, Status};
use signalbox_store::memory::{Config, Crash, MemoryStore, Moment};

use crate::house::{House, Scripted, noon};

/// What one run until the crash left.
struct Aftermath {
    accepted: bool,
    crashed: bool,
    house: House,
    carrier: Arc<Scripted>,
}

async fn run_until(crash: Crash, category: Category) -> Option<Aftermath> {
    let (carrier, clock) = (Scripted::new(), ManualClock::at(noon()));
    carrier.always(Outcome::Taken { ids: vec![] });
    let store = MemoryStore::crashing(Config { partitions: 2, ..Config::default() }, crash);
    // A crash while the house opens leaves nothing to look at.
    let house = House::on(store.clone(), carrier.clone(), clock).await.ok()?;
    let request = Request { category, ..House::request("hello") };
    let accepted = house.handle.accept(&house.caller, &request, None).await.is_ok();
    let mut settled = 0;
    // The carrier answers at once, so the message is through, or the crash has come, once nothing changes any more.
    while settled < 200 {
        tokio::task::yield_now().await;
        settled += 1;
    }
    let crashed = signalbox_store::Store::failed(&*store);
    let crashed = futures_util::FutureExt::now_or_never(crashed).is_some();
    Some(Aftermath { accepted, crashed, house: house.crash().await, carrier })
}

async fn every_boundary(category: Category, check: impl AsyncFn(&str, Aftermath)) {
    for moment in [Moment::BeforeDurable, Moment::AfterDurable] {
        let mut boundary = 0;
        loop {
            let Some(aftermath) = run_until(Crash { boundary, moment }, category).await else {
                boundary += 1;
                continue;
            };
            let over = !aftermath.crashed;
            check(&format!("{moment:?} entry {boundary}"), aftermath).await;
            if over {
                assert!(boundary > 6, "the path has more commits than {boundary}");
                break;
            }
            boundary += 1;
        }
    }
}

#[tokio::test]
async fn an_accepted_message_is_sent_whatever_commit_the_process_dies_at() {
    every_boundary(Category::Transactional, async |when: &str, aftermath: Aftermath| {
        let Aftermath { accepted, house, carrier, .. } = aftermath;
        let messages = house.until_messages(|all| all.iter().all(|(_, status)| *status == Status::Sent)).await;
        assert!(!accepted || messages.len() == 1, "{when}: an accepted message is gone");
        // Wherever the process died, the log goes on where it ended.
        house.verified_log().await;
        if let Some((message, _)) = messages.first() {
            let record = house.record(message.id).await;
            let doubts = record.entries.iter().filter(|entry| entry.status == Status::InDoubt).count();
            // Once, and once more only for what is on record as in doubt.
            assert!(carrier.seen().len() <= 1 + doubts, "{when}: sent {} times", carrier.seen().len());
            assert!(!carrier.seen().is_empty(), "{when}: `sent` without a submit");
        }
    })
    .await;
}

#[tokio::test]
async fn an_advertisement_never_goes_twice_whatever_commit_the_process_dies_at() {
    every_boundary(Category::Marketing, async |when: &str, aftermath: Aftermath| {
        let Aftermath { accepted, house, carrier, .. } = aftermath;
        let done = |status: Status| matches!(status, Status::Sent | Status::InDoubt);
        let messages = house.until_messages(|all| all.iter().all(|(_, status)| done(*status))).await;
        assert!(!accepted || messages.len() == 1, "{when}: an accepted message is gone");
        assert!(carrier.seen().len() <= 1, "{when}: sent {} times", carrier.seen().len());
    })
    .await;
}

/// A receipt comes before the answer to its submit, then the answer, at once or long after it; and somewhere in between
/// the process dies. Answers whether the crash came at all.
async fn early_receipt_until(crash: Crash, long_after: bool) -> Option<bool> {
    let (carrier, clock) = (Scripted::new(), ManualClock::at(noon()));
    let store = MemoryStore::crashing(Config { partitions: 2, ..Config::default() }, crash);
    let house = House::on(store.clone(), carrier.clone(), clock).await.ok()?;
    let id = house.handle.accept(&house.caller, &House::request("hello"), None).await.ok().map(|accepted| accepted.id);
    let mut acknowledged = false;
    if let Some(submitted) = in_time(carrier.next()).await {
        let mut receipt = std::pin::pin!(house.receipt("id-1-0", ReceiptState::Delivered));
        let mut verdict = in_time(&mut receipt).await;
        if long_after && verdict.is_none() {
            tokio::time::advance(Duration::from_secs(1)).await;
            verdict = in_time(&mut receipt).await;
        }
        assert_eq!(verdict == Some(Verdict::Durable), long_after && !has_failed(&store), "not before it is durable");
        let _ = submitted.answer.send(Outcome::Taken { ids: vec!["id-1-0".to_owned()] });
        match verdict {
            None => verdict = in_time(receipt).await,
            Some(_) => in_time(std::future::pending()).await.unwrap_or_default(),
        }
        acknowledged = verdict == Some(Verdict::Durable);
    }
    let crashed = has_failed(&store);
    // Sent again, it gets the same id: the receipt is for it in any case.
    carrier.always(Outcome::Taken { ids: vec![] });
    let house = house.crash().await;
    if let Some(id) = id.filter(|_| acknowledged) {
        house.until(id, Status::Delivered).await;
    }
    Some(crashed)
}

fn has_failed(store: &MemoryStore) -> bool {
    futures_util::FutureExt::now_or_never(signalbox_store::Store::failed(store)).is_some()
}

/// The future's output, if it comes before nothing changes any more.
async fn in_time<T>(future: impl Future<Output = T>) -> Option<T> {
    let settled = async {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        output = future => Some(output),
        () = settled => None,
    }
}

#[tokio::test(start_paused = true)]
async fn an_early_receipt_that_was_acknowledged_is_applied_whatever_commit_the_process_dies_at() {
    for (moment, long_after) in [
        (Moment::BeforeDurable, false),
        (Moment::BeforeDurable, true),
        (Moment::AfterDurable, false),
        (Moment::AfterDurable, true),
    ] {
        let mut boundary = 0;
        while early_receipt_until(Crash { boundary, moment }, long_after).await != Some(false) {
            boundary += 1;
        }
        assert!(boundary > 3, "the path has more commits than {boundary}");
    }
}
