//! What no engine carries out.

use bytes::Bytes;
use signalbox_model::Partition;

use super::{Owned, P0, Place, close, get, open};
use crate::batch::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
use crate::layout::inbox_key;
use crate::{Batch, Error, Expect, InboxSeq, Range, Table};

async fn is_malformed(owned: &Owned, mut batch: Batch) {
    batch.put(Table::State, "beside", "x");
    let error = owned.store.commit(batch).await.expect_err("the batch is malformed");
    assert!(matches!(error, Error::Malformed(_)), "{error:?}");
    assert_eq!(owned.get(Table::State, "beside").await, None, "nothing of it is written");
}

/// The bounds themselves are allowed; a byte more is not.
pub async fn an_oversized_key_or_value_is_refused(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    let longest = Bytes::from(vec![b'k'; MAX_KEY_BYTES]);
    let mut batch = owned.batch();
    batch.put(Table::State, longest.clone(), vec![b'v'; 1 << 20]).check(Table::State, longest.clone(), Expect::Absent);
    owned.commit(batch).await;
    assert_eq!(get(&store, P0, Table::State, longest).await.map(|value| value.len()), Some(1 << 20));

    let too_long = Bytes::from(vec![b'k'; MAX_KEY_BYTES + 1]);
    let too_big = Bytes::from(vec![0; MAX_VALUE_BYTES + 1]);
    for case in 0..5 {
        let mut batch = owned.batch();
        match case {
            0 => batch.put(Table::State, too_long.clone(), "v"),
            1 => batch.delete(Table::State, too_long.clone()),
            2 => batch.check(Table::State, too_long.clone(), Expect::Absent),
            3 => batch.put(Table::State, "k", too_big.clone()),
            _ => batch.send(P0, too_big.clone()),
        };
        is_malformed(&owned, batch).await;
    }
    close(store).await;
}

/// Neither written nor read nor sent to nor acquired.
pub async fn an_unknown_partition_is_refused(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    for unknown in [Partition::new(store.partitions()), Partition::new(u16::MAX)] {
        let mut batch = owned.batch();
        batch.send(unknown, "r");
        is_malformed(&owned, batch).await;
        let errors = [
            store.commit(Batch::new(unknown, owned.epoch)).await.err(),
            store.acquire(unknown).await.err(),
            store.get(unknown, Table::State, Bytes::new()).await.err(),
            store.range(unknown, Range::prefix(Table::State, "", 1)).await.err(),
            store.inbox(unknown, InboxSeq(0), 1).await.err(),
        ];
        for error in errors {
            assert!(matches!(error, Some(Error::Malformed(_))), "{error:?}");
        }
    }
    close(store).await;
}

/// Only a send knows the next number.
pub async fn a_record_is_not_put_into_an_inbox_by_hand(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    let mut batch = owned.batch();
    batch.put(Table::Inbox, inbox_key(InboxSeq(7)), "r");
    is_malformed(&owned, batch).await;
    assert!(owned.inbox().await.is_empty());
    close(store).await;
}

/// After the closing nothing is read or written, and nobody waits for an answer that won't come.
pub async fn a_closed_store_says_so(place: &dyn Place) {
    let store = open(place).await;
    let owned = Owned::acquire(&store, P0).await;
    close(store.clone()).await;
    let mut batch = owned.batch();
    batch.put(Table::State, "late", "x");
    let errors = [
        store.commit(batch).await.err(),
        store.acquire(P0).await.err(),
        store.get(P0, Table::State, "late".into()).await.err(),
        store.range(P0, Range::prefix(Table::State, "", 1)).await.err(),
        store.inbox(P0, InboxSeq(0), 1).await.err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(Error::Closed)), "{error:?}");
    }
    store.close().await.expect("closing twice is no error");
    let store = open(place).await;
    assert_eq!(get(&store, P0, Table::State, "late").await, None);
    close(store).await;
}
