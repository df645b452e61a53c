//! A crash at any point, then work that goes on from what is there.

use std::sync::Arc;

use super::{Owned, P0, P1, Place, arrivals, close, get, open, texts};
use crate::memory::{Crash, Moment};
use crate::{Error, Expect, InboxSeq, Store, Table};

/// Steps of the work; each is one commit of P0, guarded by its number so that it can be tried again.
const STEPS: usize = 8;

/// For engines that crash on demand: at every entry of their log, before and behind it, until the work gets through
/// without meeting the crash. Others are tried by killing their process, in their own tests.
pub async fn a_crash_at_any_commit_loses_nothing_and_repeats_nothing(place: &dyn Place) {
    for moment in [Moment::BeforeDurable, Moment::AfterDurable] {
        for boundary in 0.. {
            let Some(place) = place.crashing(Crash { boundary, moment }) else { return };
            if !survives(&*place).await {
                assert!(boundary > STEPS as u64, "every step is a place to crash");
                break;
            }
        }
    }
}

/// Works until the crash and goes on behind it. False: the crash never came.
async fn survives(place: &dyn Place) -> bool {
    let store = open(place).await;
    let mut acknowledged = 0;
    let crashed = work(place, &store, &mut acknowledged).await.is_err();
    if crashed {
        let error = store.failed().await;
        assert!(matches!(error, Error::Fatal(_)), "{error:?}");
        let error = store.acquire(P0).await.expect_err("the store is dead");
        assert!(matches!(error, Error::Fatal(_)), "{error:?}");
    } else {
        close(store.clone()).await;
    }
    drop(store);
    let store = open(place).await;
    for step in 0..STEPS {
        let row = get(&store, P0, Table::State, format!("step{step}")).await;
        let line = get(&store, P0, Table::Message, format!("step{step}")).await;
        assert_eq!(row.is_some(), line.is_some(), "step {step} is whole or absent");
        assert!(row.is_some() || step >= acknowledged, "step {step} was acknowledged");
    }
    work(place, &store, &mut acknowledged).await.expect("the crash comes once");
    check(place, &store).await;
    close(store).await;
    crashed
}

async fn work(place: &dyn Place, store: &Arc<dyn Store>, acknowledged: &mut usize) -> Result<(), Error> {
    let epoch = store.acquire(P0).await?;
    let owned = Owned { store: store.clone(), partition: P0, epoch };
    for step in 0..STEPS {
        let mut batch = owned.batch();
        batch.check(Table::State, format!("step{step}"), Expect::Absent);
        batch.put(Table::State, format!("step{step}"), "done").put(Table::Message, format!("step{step}"), "line");
        batch.send(P1, format!("{step}a")).send(P0, format!("{step}")).send(P1, format!("{step}b"));
        match store.commit(batch).await {
            Ok(_) | Err(Error::Conflict { .. }) => *acknowledged = (step + 1).max(*acknowledged),
            Err(error) => return Err(error),
        }
        if step % 3 == 2 {
            place.deliver();
        }
    }
    place.deliver();
    // The deliveries may have been where it died.
    store.acquire(P1).await.map(drop)
}

/// Every record exactly once and in order, in both inboxes.
async fn check(place: &dyn Place, store: &Arc<dyn Store>) {
    let expected: Vec<_> = (0..STEPS).flat_map(|step| [format!("{step}a"), format!("{step}b")]).collect();
    let owned = Owned::acquire(store, P0).await;
    owned.send(P1, "mark").await;
    let records = arrivals(place, store, P1, InboxSeq(0), expected.len() + 1).await;
    assert_eq!(texts(&records[..expected.len()]), expected);
    assert_eq!(texts(&records[expected.len()..]), ["mark"]);
    let own: Vec<_> = (0..STEPS).map(|step| step.to_string()).collect();
    assert_eq!(texts(&owned.inbox().await), own);
}
