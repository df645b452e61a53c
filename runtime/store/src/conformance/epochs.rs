//! Who may write.

use super::{Owned, P0, P1, Place, close, open};
use crate::{Batch, Epoch, Error, Expect, Table};

/// The right to write goes to whoever asked last, and each right is a new one.
pub async fn each_acquire_gives_a_higher_epoch(place: &dyn Place) {
    let store = open(place).await;
    let mut last = Epoch(0);
    for _ in 0..5 {
        let epoch = store.acquire(P0).await.expect("the partition can be had");
        assert!(epoch > last, "{epoch:?} after {last:?}");
        last = epoch;
    }
    close(store).await;
}

/// A former owner writes nothing, even if its checks would fail too, and hears who took over. Other partitions go on.
pub async fn a_stale_owner_is_fenced(place: &dyn Place) {
    let store = open(place).await;
    let other = Owned::acquire(&store, P1).await;
    let stale = Owned::acquire(&store, P0).await;
    stale.put(Table::State, "key", "stale").await;
    let owner = Owned::acquire(&store, P0).await;
    let mut batch = stale.batch();
    batch.put(Table::State, "key", "staler").send(P0, "r").send(P1, "r").check(
        Table::State,
        "nowhere",
        Expect::Present,
    );
    for batch in [batch, stale.batch()] {
        match store.commit(batch).await.expect_err("it was taken over") {
            Error::Fenced { partition: 0, owner: epoch } => assert_eq!(epoch, owner.epoch),
            error => panic!("{error:?}"),
        }
    }
    assert_eq!(owner.get(Table::State, "key").await, Some("stale".into()));
    owner.put(Table::State, "key", "owner").await;
    other.put(Table::State, "key", "other").await;
    assert!(owner.inbox().await.is_empty());
    assert!(other.inbox().await.is_empty());
    close(store).await;
}

/// An epoch that was never given out is no right, be it the first or a later one.
pub async fn nobody_writes_without_an_epoch(place: &dyn Place) {
    let store = open(place).await;
    let mut batch = Batch::new(P0, Epoch(0));
    batch.put(Table::State, "key", "value");
    let error = store.commit(batch.clone()).await.expect_err("nobody owns it yet");
    assert!(matches!(error, Error::Fenced { partition: 0, .. }), "{error:?}");
    let owned = Owned::acquire(&store, P0).await;
    for epoch in [Epoch(0), Epoch(owned.epoch.0 + 1)] {
        batch.epoch = epoch;
        let error = store.commit(batch.clone()).await.expect_err("the epoch isn't the owner's");
        assert!(matches!(error, Error::Fenced { partition: 0, .. }), "{error:?}");
    }
    assert_eq!(owned.get(Table::State, "key").await, None);
    close(store).await;
}

/// A restart doesn't bring old rights back.
pub async fn epochs_go_on_after_reopening(place: &dyn Place) {
    let store = open(place).await;
    let before = Owned::acquire(&store, P0).await;
    before.put(Table::State, "key", "before").await;
    close(store).await;
    let store = open(place).await;
    let after = Owned::acquire(&store, P0).await;
    assert!(after.epoch > before.epoch);
    let mut batch = before.batch();
    batch.put(Table::State, "key", "stale");
    let error = store.commit(batch).await.expect_err("it was taken over");
    assert!(matches!(error, Error::Fenced { .. }), "{error:?}");
    assert_eq!(after.get(Table::State, "key").await, Some("before".into()));
    close(store).await;
}
