//! Inboxes: numbered in order, read in pages, never a number twice.

use super::{EVENTUALLY, Owned, P0, P1, Place, close, open, texts};
use crate::{InboxSeq, Table};

/// A commit tells where its own partition's records were put, in the order of the sends.
pub async fn own_records_are_numbered_in_order(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    let mut numbered = Vec::new();
    for n in 0..20 {
        let mut batch = owned.batch();
        batch.send(P0, format!("{n}a")).send(P1, "elsewhere").send(P0, format!("{n}b"));
        let committed = owned.commit(batch).await;
        assert_eq!(committed.inbox.len(), 2, "only the sends to the own partition are told of");
        numbered.push((committed.inbox[0], format!("{n}a").into()));
        numbered.push((committed.inbox[1], format!("{n}b").into()));
    }
    assert!(numbered.is_sorted_by(|(before, _), (after, _)| before < after), "numbers rise strictly");
    assert!(numbered[0].0 > InboxSeq(0), "0 stands before every number");
    assert_eq!(owned.inbox().await, numbered);
    let page = store.inbox(P0, numbered[9].0, 5).await.expect("the inbox can be read");
    assert_eq!(page, numbered[10..15]);
    assert_eq!(store.inbox(P0, numbered[39].0, 5).await.expect("the inbox can be read"), []);
    close(store).await;
}

/// Taking is a delete like any other: atomic with the rest of its batch, harmless the second time.
pub async fn a_taken_record_is_gone(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    let mut batch = owned.batch();
    batch.send(P0, "a").send(P0, "b").send(P0, "c");
    let seqs = owned.commit(batch).await.inbox;
    let mut batch = owned.batch();
    batch.take(seqs[1]).put(Table::State, "b", "handled");
    owned.commit(batch).await;
    assert_eq!(texts(&owned.inbox().await), ["a", "c"]);
    assert_eq!(owned.get(Table::State, "b").await, Some("handled".into()));
    owned.take(seqs[1]).await;
    owned.take(InboxSeq(1 << 40)).await;
    owned.take(seqs[0]).await;
    assert_eq!(texts(&owned.inbox().await), ["c"]);
    close(store).await;
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    assert_eq!(owned.inbox().await, [(seqs[2], "c".into())]);
    close(store).await;
}

/// Not after a restart, not when nothing is left to tell how far they had come.
pub async fn inbox_numbers_are_never_used_again(place: &dyn Place) {
    let mut last = InboxSeq(0);
    for round in 0..4 {
        let store = open(place).await;
        let owned = Owned::acquire(&store, P0).await;
        assert!(owned.inbox().await.is_empty());
        for _ in 0..=round {
            let seq = owned.send(P0, "r").await.inbox[0];
            assert!(seq > last, "{seq:?} after {last:?}");
            last = seq;
            owned.take(seq).await;
        }
        close(store).await;
    }
}

/// A reader that goes on from the last number it saw misses nothing and sees nothing twice, while what it saw is
/// taken and more comes; the more so if the inbox is longer than what an engine may keep in memory.
pub async fn a_long_inbox_is_read_in_pages_while_it_is_taken_from(place: &dyn Place) {
    const FIRST: usize = 6_000;
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    fill(&owned, 0, FIRST).await;
    let mut after = InboxSeq(0);
    let mut seen = Vec::new();
    loop {
        let page = store.inbox(P0, after, 500).await.expect("the inbox can be read");
        let Some((last, _)) = page.last() else { break };
        assert!(page.len() <= 500);
        assert!(page.is_sorted_by(|(before, _), (after, _)| before < after));
        after = *last;
        seen.extend(texts(&page));
        let mut batch = owned.batch();
        for (seq, _) in page.iter().step_by(2) {
            batch.take(*seq);
        }
        owned.commit(batch).await;
        if seen.len() == 2_000 {
            fill(&owned, FIRST, FIRST + 100).await;
        }
    }
    let expected: Vec<_> = (0..FIRST + 100).map(|n| n.to_string()).collect();
    assert_eq!(seen, expected);
    close(store).await;
    let store = open(place).await;
    let left = store.inbox(P0, InboxSeq(0), 10_000).await.expect("the inbox can be read");
    let expected: Vec<_> = (0..FIRST + 100).skip(1).step_by(2).map(|n| n.to_string()).collect();
    assert_eq!(texts(&left), expected);
    close(store).await;
}

async fn fill(owned: &Owned, from: usize, to: usize) {
    for start in (from..to).step_by(100) {
        let mut batch = owned.batch();
        for n in start..start + 100 {
            batch.send(P0, n.to_string());
        }
        owned.commit(batch).await;
    }
}

/// Whoever sleeps on the bell is woken by a record from its own partition and from another.
pub async fn the_bell_rings(place: &dyn Place) {
    let store = open(place).await;
    let (own, other) = (Owned::acquire(&store, P0).await, Owned::acquire(&store, P1).await);
    for sender in [own, other] {
        let before = store.inbox(P0, InboxSeq(0), 10).await.expect("the inbox can be read").len();
        let reader = tokio::spawn({
            let store = store.clone();
            async move {
                let bell = store.bell(P0);
                loop {
                    bell.notified().await;
                    let records = store.inbox(P0, InboxSeq(0), 10).await.expect("the inbox can be read");
                    if records.len() > before {
                        break;
                    }
                }
            }
        });
        sender.send(P0, "r").await;
        place.deliver();
        tokio::time::timeout(EVENTUALLY, reader).await.expect("the bell rings").expect("the reader ends");
    }
    close(store).await;
}
