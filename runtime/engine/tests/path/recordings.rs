use std::time::Duration;

use signalbox_carriers::{Outcome, Verdict};
use signalbox_engine::{Run, RunFilter, RunOutcome};
use signalbox_model::conversation::stable_hash;
use signalbox_model::directory::RecordingMode;
use signalbox_model::handler::EventKind;
use signalbox_model::{Chance, EventId, InvocationId, ManualClock, Partition, TenantId, Timestamp};
use signalbox_store::layout::{self, RecordingRow};
use signalbox_store::memory::{self, MemoryStore};
use signalbox_store::{Batch, Range, Store, Table};

use crate::house::{House, OURS, Scripted, noon};

const DAY: Duration = Duration::from_secs(86_400);

fn run(at: Timestamp, failure: Option<&str>) -> Run {
    Run {
        handler: "desk".to_owned(),
        digest: "d1".to_owned(),
        event: EventId::derived(at, Partition::new(0), 1),
        kind: EventKind::Message,
        attempt: 1,
        at,
        failure: failure.map(str::to_owned),
        cpu_us: 1,
        wall_us: 1,
        peak_memory_bytes: 1,
        host_calls: 1,
        bytes: Some(5),
    }
}

/// Recordings that an earlier start left, one a day, the last of them a day ago; every second one failed.
async fn left(store: &MemoryStore, tenant: &TenantId, count: u32) -> Partition {
    let hash = stable_hash(&[b"recordings", tenant.as_str().as_bytes()]);
    let home = Partition::of_hash(&hash, store.partitions());
    let mut batch = Batch::new(home, store.acquire(home).await.unwrap());
    let chance = Chance::seeded(5);
    for days in 1..=count {
        let at = Timestamp::from_micros(noon().as_micros() - u64::from(days) * 86_400_000_000);
        let id = InvocationId::new(at, home, &chance);
        let row = run(at, days.is_multiple_of(2).then_some("trap"));
        batch.put(Table::Recording, layout::recording_key(tenant, RecordingRow::Summary, id), layout::encode(&row));
        batch.put(Table::Recording, layout::recording_key(tenant, RecordingRow::Whole, id), vec![0; 5]);
    }
    store.commit(batch).await.unwrap();
    home
}

async fn kept(house: &House, filter: &RunFilter) -> usize {
    house.handle.runs(&house.caller.tenant, filter, None, 500).await.unwrap().runs.len()
}

#[tokio::test(start_paused = true)]
async fn recordings_go_when_they_were_kept_for_as_long_as_is_set() {
    let store = MemoryStore::new(memory::Config::default());
    let tenant: TenantId = "acme".parse().unwrap();
    let home = left(&store, &tenant, 300).await;
    let house = House::on(store, Scripted::new(), ManualClock::at(noon())).await.unwrap();
    let all = RunFilter::default();
    // Time stands still for everybody but the sweep.
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(kept(&house, &all).await, 6, "a week's, without the one that is a week old");
    let failed = RunFilter { handler: Some("desk".to_owned()), outcome: Some(RunOutcome::Failed) };
    assert_eq!(kept(&house, &failed).await, 3);
    assert_eq!(kept(&house, &RunFilter { handler: Some("other".to_owned()), outcome: None }).await, 0);
    house.clock.advance(DAY);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(kept(&house, &all).await, 5);
    let rows = house.store.range(home, Range::prefix(Table::Recording, Vec::new(), 1_000)).await.unwrap();
    assert_eq!(rows.len(), 10, "the whole recordings go with their summaries");
}

/// Which of two runs are kept of a handler that takes one message and rejects the other: their failures.
async fn kept_of(mode: RecordingMode) -> Vec<Option<String>> {
    let store = MemoryStore::new(memory::Config::default());
    let carrier = Scripted::new();
    carrier.always(Outcome::Taken { ids: vec![] });
    let house = House::recording(mode, store.clone(), carrier).await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests/misbehaving.wasm");
    let component = std::fs::read(path).expect("`cargo xtask guests` has built it");
    house.handle.put_handler(&house.caller.tenant, "desk", component).await.expect("it is in order");
    house.handle.bind(&house.caller.tenant, &OURS.parse().unwrap(), "desk").await.expect("it is the tenant's number");
    for text in ["hello", "reject"] {
        assert_eq!(house.text(text).await, Verdict::Durable);
        assert!(house.is_quiet(true).await);
    }
    house.stop().await.expect("it drains, and writes what waits to be written");
    let house = House::on(store.crash_image(), Scripted::new(), ManualClock::at(noon())).await.unwrap();
    let page = house.handle.runs(&house.caller.tenant, &RunFilter::default(), None, 500).await.unwrap();
    let shown_a_message = |(_, run): &(InvocationId, Run)| run.kind == EventKind::Message;
    let mut failures: Vec<_> = page.runs.into_iter().filter(shown_a_message).map(|(_, run)| run.failure).collect();
    // Time stands still here, so which of them is the newer isn't said.
    failures.sort();
    failures
}

#[tokio::test]
async fn runs_are_kept_as_their_tenant_has_it_set() {
    let rejected = || Some("reject".to_owned());
    assert_eq!(kept_of(RecordingMode::Off).await, []);
    assert_eq!(kept_of(RecordingMode::Failures).await, [rejected()]);
    assert_eq!(kept_of(RecordingMode::All).await, [None, rejected()]);
    assert_eq!(kept_of(RecordingMode::Sample(1)).await, [None, rejected()]);
    assert_eq!(kept_of(RecordingMode::Sample(u32::MAX)).await, [rejected()]);
}

#[tokio::test]
async fn a_run_that_was_too_large_to_be_kept_is_listed_and_has_no_recording() {
    let store = MemoryStore::new(memory::Config::default());
    let tenant: TenantId = "acme".parse().unwrap();
    let home = left(&store, &tenant, 1).await;
    let id = InvocationId::new(noon(), home, &Chance::seeded(6));
    let row = Run { bytes: None, ..run(noon(), None) };
    let mut batch = Batch::new(home, store.acquire(home).await.unwrap());
    batch.put(Table::Recording, layout::recording_key(&tenant, RecordingRow::Summary, id), layout::encode(&row));
    store.commit(batch).await.unwrap();
    let house = House::on(store, Scripted::new(), ManualClock::at(noon())).await.unwrap();
    assert_eq!(kept(&house, &RunFilter::default()).await, 2);
    let shown = house.handle.run(&tenant, id).await.unwrap().expect("it is known");
    assert!(shown.run == row && shown.event.is_empty() && shown.end.is_empty());
    assert!(house.handle.recording(&tenant, id).await.unwrap().is_none());
    let other: TenantId = "bolt".parse().unwrap();
    assert!(house.handle.run(&other, id).await.unwrap().is_none(), "and no business of another tenant");
}

#[tokio::test]
async fn pages_of_recorded_runs_meet_without_a_gap() {
    let store = MemoryStore::new(memory::Config::default());
    let tenant: TenantId = "acme".parse().unwrap();
    left(&store, &tenant, 6).await;
    let house = House::on(store, Scripted::new(), ManualClock::at(noon())).await.unwrap();
    let all = house.handle.runs(&tenant, &RunFilter::default(), None, 500).await.unwrap().runs;
    let (mut paged, mut cursor) = (Vec::new(), None);
    loop {
        let page = house.handle.runs(&tenant, &RunFilter::default(), cursor, 2).await.unwrap();
        paged.extend(page.runs);
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(paged, all);
    assert!(all.is_sorted_by_key(|(_, run)| std::cmp::Reverse(run.at)) && all.len() == 6);
    let other: TenantId = "bolt".parse().unwrap();
    assert!(house.handle.runs(&other, &RunFilter::default(), None, 500).await.unwrap().runs.is_empty());
}
