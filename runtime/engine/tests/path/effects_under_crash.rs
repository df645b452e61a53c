//! A handler's effects, and a process that dies at every commit boundary there is, on either side of it: of what the
//! handler did, nothing is lost and nothing comes twice.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use signalbox_carriers::{Outcome, Verdict};
use signalbox_model::timeline::NoteValue;
use signalbox_model::{Cause, Direction, ManualClock, Message, Status};
use signalbox_records::Record;
use signalbox_store::Store;
use signalbox_store::memory::{Config, Crash, MemoryStore, Moment};

use crate::house::{House, OURS, Scripted, noon};

const ORDER: &str = "order 7";
const CONFIRMATION: &str = "Order 7 is on its way. We'll ask again later.";
const FOLLOW_UP: &str = "Hello Ada, is your order settled? Write AGENT if not.";

/// Between a process and the next: ids are made of the time, among others, and the houses' chance is the same.
const A_MOMENT: Duration = Duration::from_secs(1);
/// When the help-desk asks again.
const AN_HOUR: Duration = Duration::from_secs(60 * 60);

fn carrier() -> Arc<Scripted> {
    let carrier = Scripted::new();
    carrier.always(Outcome::Taken { ids: vec![] });
    carrier
}

/// A house with the help-desk at its number, which knows the phone's owner as Ada. All of that is durable.
async fn before() -> Arc<MemoryStore> {
    let store = MemoryStore::new(Config { partitions: 4, ..Config::default() });
    let house = House::on(store, carrier(), ManualClock::at(noon())).await.expect("a fresh store opens");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests/echo-support.wasm");
    let component = std::fs::read(path).expect("`cargo xtask guests` has built it");
    house.handle.put_handler(&house.caller.tenant, "desk", component).await.expect("the help-desk is in order");
    house.handle.bind(&house.caller.tenant, &OURS.parse().unwrap(), "desk").await.expect("it is the tenant's number");
    assert_eq!(house.text("my name is Ada").await, Verdict::Durable);
    assert!(house.is_quiet(true).await);
    house.store.crash_image()
}

/// What is left after a process died, another took over, and nothing more was to be done.
struct Aftermath {
    when: String,
    crashed: bool,
    /// The carrier was told that the house has the order.
    acknowledged: bool,
    records: Vec<Record>,
    carrier: Arc<Scripted>,
}

async fn play(before: &MemoryStore, crash: Crash) -> Aftermath {
    let (carrier, clock) = (carrier(), ManualClock::at(noon() + A_MOMENT));
    let store = before.image_that_crashes(crash);
    let mut acknowledged = false;
    let house = match House::on(store.clone(), carrier.clone(), clock.clone()).await {
        Ok(house) => {
            acknowledged = house.text(ORDER).await == Verdict::Durable;
            if house.is_quiet(false).await {
                clock.advance(AN_HOUR);
                house.is_quiet(true).await;
            }
            clock.advance(A_MOMENT);
            house.crash().await
        }
        // It died on its start.
        Err(_) => House::on(store.crash_image(), carrier.clone(), clock.clone()).await.expect("it opens again"),
    };
    let crashed = store.failed().now_or_never().is_some();
    if !acknowledged {
        // A carrier that hears nothing brings it again.
        assert_eq!(house.text(ORDER).await, Verdict::Durable);
    }
    assert!(house.is_quiet(false).await);
    clock.advance(AN_HOUR);
    assert!(house.is_quiet(true).await);
    assert_eq!(house.text("hello").await, Verdict::Durable);
    assert!(house.is_quiet(true).await);
    let mut records = Vec::new();
    for (message, _) in house.messages().await {
        records.push(house.record(message.id).await);
    }
    Aftermath { when: format!("{crash:?}"), crashed, acknowledged, records, carrier }
}

impl Aftermath {
    fn with(&self, direction: Direction, text: &str) -> Vec<&Record> {
        let is_it = |message: &Message| message.direction == direction && message.body.text == text;
        self.records.iter().filter(|record| is_it(&record.message)).collect()
    }

    /// How often a label is on the records of all messages.
    fn labels(&self, wanted: &str) -> usize {
        let handled = self.records.iter().flat_map(|record| &record.entries).filter_map(|entry| match &entry.cause {
            Cause::Handled { handler } => Some(&handler.notes),
            _ => None,
        });
        handled.flatten().filter(|note| matches!(&note.value, NoteValue::Label(label) if label == wanted)).count()
    }

    /// A reply was made so many times, and each reached the carrier: once, and once more only where it was in doubt.
    fn replied(&self, text: &str, times: usize) {
        let when = &self.when;
        let replies = self.with(Direction::Outbound, text);
        assert_eq!(replies.len(), times, "{when}: `{text}` on record");
        assert!(replies.iter().all(|reply| reply.head.status == Status::Sent), "{when}: `{text}` wasn't sent");
        let doubts = replies.iter().flat_map(|reply| &reply.entries);
        let doubts = doubts.filter(|entry| entry.status == Status::InDoubt).count();
        let submits = self.carrier.seen().iter().filter(|seen| seen.text == text).count();
        assert!(
            (times..=times + doubts).contains(&submits),
            "{when}: `{text}` went {submits} times, having been in doubt {doubts} times"
        );
    }

    fn check(&self) {
        let when = &self.when;
        let orders = self.with(Direction::Inbound, ORDER);
        // Without an answer the carrier brings it again, and nothing in a deliver_sm says that it is the same.
        let most = if self.acknowledged { 1 } else { 2 };
        assert!((1..=most).contains(&orders.len()), "{when}: taken {} times", orders.len());
        for order in &orders {
            assert_eq!(order.head.status, Status::Handled, "{when}: {:?}", order.entries);
        }
        // The notes, the replies, the timer.
        assert_eq!(self.labels("order"), orders.len(), "{when}: notes on the order");
        self.replied(CONFIRMATION, orders.len());
        assert_eq!(self.labels("follow-up"), 1, "{when}: notes on the follow-up");
        self.replied(FOLLOW_UP, 1);
        // State: the contact's, from another partition, and the conversation's count of this and all before.
        let turn = 2 + orders.len();
        let greeting = "Ada, is this still about order? ";
        self.replied(&format!("{greeting}you wrote: hello (message {turn}). Try HOURS, ORDER or AGENT."), 1);
    }
}

#[tokio::test]
async fn a_handlers_effects_land_once_whatever_commit_the_process_dies_at() {
    let before = before().await;
    for moment in [Moment::BeforeDurable, Moment::AfterDurable] {
        let mut boundary = 0;
        loop {
            let aftermath = play(&before, Crash { boundary, moment }).await;
            aftermath.check();
            if !aftermath.crashed {
                break;
            }
            boundary += 1;
        }
        assert!(boundary >= 13, "the path has more commits than {boundary}");
    }
}
