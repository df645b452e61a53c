//! A batch stands or falls as one, and in its turn.

use std::sync::Arc;

use bytes::Bytes;
use signalbox_model::Partition;

use super::{Owned, P0, P1, Place, close, get, open, texts};
use crate::{Error, Expect, InboxSeq, Table};

/// A failed check, whichever it is, leaves nothing of its batch, and the error names it.
pub async fn a_check_that_fails_refuses_the_whole_batch(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    owned.put(Table::State, "there", "1").await;
    let failing = [("there", Expect::Absent), ("nowhere", Expect::Present), ("there", Expect::Equals("2".into()))];
    for (key, expect) in failing {
        let mut batch = owned.batch();
        batch.put(Table::Consent, "new", "x").delete(Table::State, "there").send(P0, "r");
        batch.check(Table::State, "there", Expect::Present).check(Table::State, key, expect);
        let error = store.commit(batch).await.expect_err("a check fails");
        assert!(matches!(error, Error::Conflict { check: 1 }), "{error:?}");
        assert_eq!(owned.get(Table::Consent, "new").await, None);
        assert_eq!(owned.get(Table::State, "there").await, Some("1".into()));
        assert!(owned.inbox().await.is_empty());
    }
    let mut batch = owned.batch();
    batch.check(Table::State, "nowhere", Expect::Equals(Bytes::new())).put(Table::State, "new", "x");
    let error = store.commit(batch).await.expect_err("what isn't there equals nothing");
    assert!(matches!(error, Error::Conflict { check: 0 }), "{error:?}");
    close(store).await;
}

/// Checks that hold don't stand in the way, also in a batch that does nothing else.
pub async fn checks_that_hold_let_the_batch_through(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    owned.put(Table::State, "there", "1").await;
    let mut batch = owned.batch();
    batch
        .check(Table::State, "there", Expect::Present)
        .check(Table::State, "there", Expect::Equals("1".into()))
        .check(Table::State, "nowhere", Expect::Absent)
        .check(Table::Consent, "there", Expect::Absent);
    owned.commit(batch.clone()).await;
    batch.put(Table::State, "there", "2").delete(Table::State, "nowhere");
    owned.commit(batch).await;
    assert_eq!(owned.get(Table::State, "there").await, Some("2".into()));
    owned.commit(owned.batch()).await;
    close(store).await;
}

/// A batch's writes are no concern of its own checks.
pub async fn a_check_sees_the_state_before_its_batch(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    let mut batch = owned.batch();
    batch.put(Table::State, "key", "new").check(Table::State, "key", Expect::Absent);
    owned.commit(batch.clone()).await;
    assert_eq!(owned.get(Table::State, "key").await, Some("new".into()));
    let error = store.commit(batch).await.expect_err("now it is there");
    assert!(matches!(error, Error::Conflict { check: 0 }), "{error:?}");
    close(store).await;
}

/// Within a batch, the last word on a key counts.
pub async fn a_later_op_on_the_same_key_wins(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    owned.put(Table::State, "old", "0").await;
    let mut batch = owned.batch();
    batch.put(Table::State, "twice", "1").put(Table::State, "twice", "2");
    batch.put(Table::State, "gone", "1").delete(Table::State, "gone");
    batch.delete(Table::State, "back").put(Table::State, "back", "1");
    batch.delete(Table::State, "old").put(Table::State, "old", "1").delete(Table::State, "old");
    owned.commit(batch).await;
    assert_eq!(owned.get(Table::State, "twice").await, Some("2".into()));
    assert_eq!(owned.get(Table::State, "gone").await, None);
    assert_eq!(owned.get(Table::State, "back").await, Some("1".into()));
    assert_eq!(owned.get(Table::State, "old").await, None);
    close(store).await;
}

/// Commits that nobody waited for in between are carried out in the order in which they were asked for, even if they
/// are waited for in another.
pub async fn pipelined_commits_take_effect_in_the_order_of_the_calls(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    owned.put(Table::State, "count", "0").await;
    let mut commits = Vec::new();
    for n in 0..500 {
        let mut batch = owned.batch();
        batch.check(Table::State, "count", Expect::Equals(n.to_string().into()));
        batch.put(Table::State, "count", (n + 1).to_string()).send(P0, n.to_string());
        commits.push(store.commit(batch));
    }
    for commit in commits.into_iter().rev() {
        commit.await.expect("the one before it was carried out before it");
    }
    assert_eq!(owned.get(Table::State, "count").await, Some("500".into()));
    let expected: Vec<_> = (0..500).map(|n| n.to_string()).collect();
    assert_eq!(texts(&owned.inbox().await), expected);
    close(store).await;
}

/// Two batches that can't both hold never do.
pub async fn of_many_who_create_a_key_one_wins(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    let mut tasks = Vec::new();
    for n in 0..32 {
        let owned = owned.clone();
        tasks.push(tokio::spawn(async move {
            let mut batch = owned.batch();
            batch.check(Table::Idempotency, "key", Expect::Absent).put(Table::Idempotency, "key", n.to_string());
            owned.store.commit(batch).await.is_ok().then_some(n)
        }));
    }
    let mut winners = Vec::new();
    for task in tasks {
        winners.extend(task.await.expect("the task ends"));
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(owned.get(Table::Idempotency, "key").await, Some(winners[0].to_string().into()));
    close(store).await;
}

/// Who stops waiting doesn't tear a batch in two.
pub async fn a_commit_whose_future_is_dropped_is_whole_or_absent(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    for n in 0..50 {
        let mut batch = owned.batch();
        batch.put(Table::State, format!("a{n}"), "1").put(Table::Message, format!("b{n}"), "1");
        drop(store.commit(batch));
    }
    owned.put(Table::State, "behind", "1").await;
    for n in 0..50 {
        let one = get(&store, P0, Table::State, format!("a{n}")).await;
        let other = get(&store, P0, Table::Message, format!("b{n}")).await;
        assert_eq!(one.is_some(), other.is_some(), "batch {n}");
    }
    close(store).await;
}

/// Whoever heard of a commit finds it.
pub async fn reads_see_every_commit_that_returned(place: &dyn Place) {
    let store = open(place).await;
    let owned = Arc::new(Owned::acquire(&store, P0).await);
    let mut tasks = Vec::new();
    for task in 0..8 {
        let owned = owned.clone();
        tasks.push(tokio::spawn(async move {
            for n in 0..40 {
                let key = Bytes::from(format!("{task}/{n}"));
                let mut batch = owned.batch();
                batch.put(Table::History, key.clone(), "there").send(P0, key.clone());
                let seq = owned.commit(batch).await.inbox[0];
                assert_eq!(get(&owned.store, P0, Table::History, key.clone()).await, Some("there".into()));
                let next = owned.store.inbox(P0, InboxSeq(seq.0 - 1), 1).await.expect("the inbox can be read");
                assert_eq!(next, [(seq, key.clone())]);
                let mut batch = owned.batch();
                batch.delete(Table::History, key.clone()).take(seq);
                owned.commit(batch).await;
                assert_eq!(get(&owned.store, P0, Table::History, key).await, None);
            }
        }));
    }
    for task in tasks {
        task.await.expect("every read sees what was committed before it");
    }
    assert!(owned.inbox().await.is_empty());
    close(store).await;
}

/// One key in two tables or two partitions is two keys.
pub async fn tables_and_partitions_are_apart(place: &dyn Place) {
    let store = open(place).await;
    let partitions = [P0, P1, Partition::new(store.partitions() - 1), Partition::DIRECTORY];
    let tables: Vec<_> = Table::ALL.into_iter().filter(|table| *table != Table::Inbox).collect();
    for partition in partitions {
        let owned = Owned::acquire(&store, partition).await;
        let mut batch = owned.batch();
        for table in &tables {
            batch.put(*table, "key", format!("{partition:?}{table:?}"));
        }
        owned.commit(batch).await;
    }
    for partition in partitions {
        for table in &tables {
            let value = get(&store, partition, *table, "key").await;
            assert_eq!(value, Some(format!("{partition:?}{table:?}").into()));
            let range = crate::Range::prefix(*table, "", 10);
            assert_eq!(store.range(partition, range).await.expect("the table can be read").len(), 1);
        }
    }
    close(store).await;
}

/// What is set apart for tenants, keys and handlers keeps the same promises.
pub async fn the_directory_is_a_partition_like_any_other(place: &dyn Place) {
    let store = open(place).await;
    let directory = Owned::acquire(&store, Partition::DIRECTORY).await;
    directory.put(Table::Tenant, "a", "1").await;
    let mut batch = directory.batch();
    batch.check(Table::Tenant, "a", Expect::Equals("1".into())).put(Table::Tenant, "b", "2");
    batch.send(Partition::DIRECTORY, "own");
    assert_eq!(directory.commit(batch).await.inbox.len(), 1);
    let owned = Owned::acquire(&store, P0).await;
    owned.send(Partition::DIRECTORY, "from 0").await;
    directory.send(P0, "from the directory").await;
    let records = super::arrivals(place, &store, Partition::DIRECTORY, InboxSeq(0), 2).await;
    assert_eq!(texts(&records), ["own", "from 0"]);
    let records = super::arrivals(place, &store, P0, InboxSeq(0), 1).await;
    assert_eq!(texts(&records), ["from the directory"]);
    close(store).await;
    let store = open(place).await;
    assert_eq!(get(&store, Partition::DIRECTORY, Table::Tenant, "b").await, Some("2".into()));
    close(store).await;
}

/// Nothing in a key or value has a meaning to the engine, and either may be empty.
pub async fn keys_and_values_are_any_bytes(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    let every: Bytes = (0..=255).collect::<Vec<u8>>().into();
    let samples: [Bytes; 7] = [
        Bytes::new(),
        Bytes::from_static(&[0]),
        Bytes::from_static(&[0, 0]),
        Bytes::from_static(&[0xFF]),
        Bytes::from_static(&[0xFF, 0xFF]),
        Bytes::from_static(b"{p0}:\r\n*"),
        every,
    ];
    for key in &samples {
        for value in &samples {
            let mut batch = owned.batch();
            batch.put(Table::State, key.clone(), value.clone());
            owned.commit(batch).await;
            assert_eq!(get(&store, P0, Table::State, key.clone()).await.as_ref(), Some(value));
            let mut batch = owned.batch();
            batch.check(Table::State, key.clone(), Expect::Equals(value.clone()));
            owned.commit(batch).await;
        }
        let seq = owned.send(P0, key.clone()).await.inbox[0];
        assert_eq!(owned.inbox().await, [(seq, key.clone())]);
        owned.take(seq).await;
    }
    let mut sorted = samples.to_vec();
    sorted.sort();
    let page = store.range(P0, crate::Range::prefix(Table::State, "", 100)).await.expect("the table can be read");
    assert_eq!(page.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), sorted);
    close(store).await;
}
