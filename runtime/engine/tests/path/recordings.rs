use std::time::Duration;

use signalbox_engine::{Run, RunFilter, RunOutcome};
use signalbox_model::conversation::stable_hash;
use signalbox_model::handler::EventKind;
use signalbox_model::{Chance, EventId, InvocationId, ManualClock, Partition, TenantId, Timestamp};
use signalbox_store::layout::{self, RecordingRow};
use signalbox_store::memory::{self, MemoryStore};
use signalbox_store::{Batch, Range, Store, Table};

use crate::house::{House, Scripted, noon};

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
        bytes: 5,
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
