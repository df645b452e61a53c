//! What was durable is there again.

use bytes::Bytes;
use signalbox_model::Partition;

use super::{Owned, P0, P1, Place, close, get, open, texts};
use crate::{Range, Table};

/// Rows of every size in several tables and partitions, overwritten and deleted ones, and inboxes.
pub async fn closing_and_reopening_keeps_everything(place: &dyn Place) {
    let big = Bytes::from((0..2 << 20).map(|n: u32| n.to_be_bytes()[3]).collect::<Vec<u8>>());
    let store = open(place).await;
    for partition in [P0, P1, Partition::DIRECTORY] {
        let owned = Owned::acquire(&store, partition).await;
        let mut batch = owned.batch();
        for n in 0..200 {
            batch.put(Table::Message, format!("m{n:03}"), format!("{partition:?} {n}"));
            batch.put(Table::Timer, format!("t{n:03}"), "x");
        }
        batch.put(Table::Component, "big", big.clone()).send(partition, "waits");
        owned.commit(batch).await;
        let mut batch = owned.batch();
        batch.put(Table::Message, "m000", "newer").delete(Table::Message, "m001").delete(Table::Timer, "t000");
        owned.commit(batch).await;
    }
    for _ in 0..3 {
        close(store.clone()).await;
        let store = open(place).await;
        for partition in [P0, P1, Partition::DIRECTORY] {
            let page = store.range(partition, Range::prefix(Table::Message, "m", 1_000)).await.expect("rows are there");
            assert_eq!(page.len(), 199);
            assert_eq!(page[0], ("m000".into(), "newer".into()));
            assert_eq!(page[198], ("m199".into(), format!("{partition:?} 199").into()));
            let timers = store.range(partition, Range::prefix(Table::Timer, "", 1_000)).await.expect("rows are there");
            assert_eq!(timers.len(), 199);
            assert!(get(&store, partition, Table::Component, "big").await == Some(big.clone()), "all of it, unchanged");
            let owned = Owned::acquire(&store, partition).await;
            assert_eq!(texts(&owned.inbox().await), ["waits"]);
        }
        close(store).await;
    }
}

/// Whoever had called before the closing gets an answer, and the answer is true.
pub async fn commits_that_were_begun_outlive_the_closing(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    let commits: Vec<_> = (0..100)
        .map(|n| {
            let mut batch = owned.batch();
            batch.put(Table::State, format!("{n}"), "x");
            store.commit(batch)
        })
        .collect();
    let closing = store.close();
    let mut answers = Vec::new();
    for commit in commits {
        answers.push(commit.await.is_ok());
    }
    closing.await.expect("the store closes");
    let store = open(place).await;
    for (n, done) in answers.into_iter().enumerate() {
        assert!(done, "commit {n} was begun before the closing");
        assert!(get(&store, P0, Table::State, format!("{n}")).await.is_some(), "commit {n}");
    }
    close(store).await;
}
