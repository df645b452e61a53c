//! Records between partitions: exactly once, in order, eventually.

use bytes::Bytes;
use signalbox_model::Partition;

use super::{Owned, P0, P1, P2, Place, arrivals, close, open, text, texts};
use crate::{Expect, InboxSeq, Table};

/// One sender, many batches, several records in some.
pub async fn sends_arrive_exactly_once_in_order(place: &dyn Place) {
    let store = open(place).await;
    let sender = Owned::acquire(&store, P0).await;
    let mut expected = Vec::new();
    let mut commits = Vec::new();
    for n in 0..200 {
        let mut batch = sender.batch();
        for part in 0..n % 4 {
            let record = format!("{n}/{part}");
            batch.send(P1, record.clone());
            expected.push(record);
        }
        batch.put(Table::State, "last", n.to_string());
        commits.push(store.commit(batch));
    }
    for commit in commits {
        commit.await.expect("the batch is carried out");
    }
    // Behind the last record comes a mark; a record that came twice would have come before it.
    sender.send(P1, "mark").await;
    expected.push("mark".to_owned());
    let records = arrivals(place, &store, P1, InboxSeq(0), expected.len()).await;
    assert_eq!(texts(&records), expected);
    assert!(records.is_sorted_by(|(before, _), (after, _)| before < after), "numbers rise strictly");
    close(store).await;
}

/// Many senders at once, the receiver among them, while the receiver takes what it has read.
pub async fn concurrent_senders_keep_their_own_order(place: &dyn Place) {
    const EACH: usize = 150;
    let store = open(place).await;
    let receiver = Owned::acquire(&store, P2).await;
    let mut tasks = Vec::new();
    for partition in [P0, P1, P2, Partition::DIRECTORY] {
        let owned = if partition == P2 { receiver.clone() } else { Owned::acquire(&store, partition).await };
        tasks.push(tokio::spawn(async move {
            for n in 0..EACH {
                owned.send(P2, format!("{partition:?} {n}")).await;
            }
        }));
    }
    let mut after = InboxSeq(0);
    let mut seen = Vec::new();
    while seen.len() < EACH * 4 {
        let (seq, record) = arrivals(place, &store, P2, after, 1).await.remove(0);
        after = seq;
        receiver.take(seq).await;
        seen.push(text(&record));
    }
    for task in tasks {
        task.await.expect("the sender ends");
    }
    for partition in [P0, P1, P2, Partition::DIRECTORY] {
        let prefix = format!("{partition:?} ");
        let of_one: Vec<_> = seen.iter().filter_map(|record| record.strip_prefix(&prefix)).collect();
        let expected: Vec<_> = (0..EACH).map(|n| n.to_string()).collect();
        assert_eq!(of_one, expected, "from {partition:?}");
    }
    assert!(receiver.inbox().await.is_empty());
    close(store).await;
}

/// A send is part of its batch.
pub async fn a_refused_batch_sends_nothing(place: &dyn Place) {
    let store = open(place).await;
    let sender = Owned::acquire(&store, P0).await;
    for n in 0..10 {
        let mut batch = sender.batch();
        batch.send(P1, format!("{n}"));
        if n % 2 == 0 {
            batch.check(Table::State, "nowhere", Expect::Present);
        }
        assert_eq!(store.commit(batch).await.is_ok(), n % 2 == 1);
    }
    let records = arrivals(place, &store, P1, InboxSeq(0), 5).await;
    assert_eq!(texts(&records), ["1", "3", "5", "7", "9"]);
    close(store).await;
}

/// What was on its way at a restart arrives; what had arrived doesn't arrive again, even if it was taken.
pub async fn sends_survive_reopening(place: &dyn Place) {
    let store = open(place).await;
    let sender = Owned::acquire(&store, P0).await;
    let receiver = Owned::acquire(&store, P1).await;
    sender.send(P1, "taken").await;
    let (seq, _) = arrivals(place, &store, P1, InboxSeq(0), 1).await.remove(0);
    receiver.take(seq).await;
    for n in 0..50 {
        sender.send(P1, format!("{n}")).await;
    }
    close(store).await;
    let store = open(place).await;
    let sender = Owned::acquire(&store, P0).await;
    sender.send(P1, Bytes::from_static(b"mark")).await;
    let mut expected: Vec<_> = (0..50).map(|n| n.to_string()).collect();
    expected.push("mark".to_owned());
    let records = arrivals(place, &store, P1, InboxSeq(0), expected.len()).await;
    assert_eq!(texts(&records), expected);
    close(store).await;
}
