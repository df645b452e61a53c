//! What every engine must pass.
//!
//! An engine's tests say how to make a [`Place`] and call [`conformance_tests!`](crate::conformance_tests), which
//! makes one test of each case:
//!
//! ```text
//! signalbox_store::conformance_tests!(MyPlace::new());
//! ```
//!
//! The cases only rely on what the seam promises, so that they hold for an engine in one process as for one that is
//! spread over servers.

// The cases are tests: a failed expectation is a panic with its place.
#![allow(clippy::missing_panics_doc, reason = "a case panics where the engine doesn't conform")]

mod atomic;
mod crash;
mod epochs;
mod inbox;
mod ranges;
mod refusals;
mod reopen;
mod sends;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use signalbox_model::Partition;

use crate::memory::Crash;
use crate::{Batch, Committed, Epoch, Error, InboxSeq, Store, Table};

pub use atomic::*;
pub use crash::*;
pub use epochs::*;
pub use inbox::*;
pub use ranges::*;
pub use refusals::*;
pub use reopen::*;
pub use sends::*;

/// Where an engine keeps its state: a folder, a server, a log in memory. Empty when made.
pub trait Place: std::marker::Send + Sync + 'static {
    /// Opens the store; a second time, after the first was closed or has crashed, with what was kept.
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn Store>, Error>>;

    /// Delivers sends between partitions, if the engine doesn't by itself.
    fn deliver(&self) {}

    /// Another place, empty, whose first [`Place::open`] gives a store that will crash; `None` if the engine can't
    /// do that on demand.
    fn crashing(&self, crash: Crash) -> Option<Box<dyn Place>> {
        let _ = crash;
        None
    }
}

/// One test of each case, for the engine whose place the expression makes.
#[macro_export]
macro_rules! conformance_tests {
    ($place:expr) => {
        $crate::conformance_tests! {
            @each $place;
            a_check_that_fails_refuses_the_whole_batch,
            checks_that_hold_let_the_batch_through,
            a_check_sees_the_state_before_its_batch,
            a_later_op_on_the_same_key_wins,
            pipelined_commits_take_effect_in_the_order_of_the_calls,
            of_many_who_create_a_key_one_wins,
            a_commit_whose_future_is_dropped_is_whole_or_absent,
            reads_see_every_commit_that_returned,
            tables_and_partitions_are_apart,
            the_directory_is_a_partition_like_any_other,
            keys_and_values_are_any_bytes,
            each_acquire_gives_a_higher_epoch,
            a_stale_owner_is_fenced,
            nobody_writes_without_an_epoch,
            epochs_go_on_after_reopening,
            own_records_are_numbered_in_order,
            a_taken_record_is_gone,
            inbox_numbers_are_never_used_again,
            a_long_inbox_is_read_in_pages_while_it_is_taken_from,
            the_bell_rings,
            sends_arrive_exactly_once_in_order,
            concurrent_senders_keep_their_own_order,
            a_refused_batch_sends_nothing,
            sends_survive_reopening,
            ranges_keep_to_their_bounds,
            a_prefix_of_high_bytes_has_an_end,
            a_range_is_resumed_while_rows_come_and_go,
            ranges_agree_with_a_sorted_map,
            an_oversized_key_or_value_is_refused,
            an_unknown_partition_is_refused,
            a_record_is_not_put_into_an_inbox_by_hand,
            a_closed_store_says_so,
            closing_and_reopening_keeps_everything,
            commits_that_were_begun_outlive_the_closing,
            a_crash_at_any_commit_loses_nothing_and_repeats_nothing,
        }
    };
    (@each $place:expr; $($case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let place = $place;
                $crate::conformance::$case(&place).await;
            }
        )*
    };
}

/// How long a case waits for something that is promised "eventually" before it calls the promise broken.
const EVENTUALLY: Duration = Duration::from_secs(20);

const P0: Partition = Partition::new(0);
const P1: Partition = Partition::new(1);
const P2: Partition = Partition::new(2);

async fn open(place: &dyn Place) -> Arc<dyn Store> {
    place.open().await.expect("the store opens")
}

async fn close(store: Arc<dyn Store>) {
    store.close().await.expect("the store closes");
}

/// A partition and the right to write it.
#[derive(Clone)]
struct Owned {
    store: Arc<dyn Store>,
    partition: Partition,
    epoch: Epoch,
}

impl Owned {
    async fn acquire(store: &Arc<dyn Store>, partition: Partition) -> Self {
        let epoch = store.acquire(partition).await.expect("the partition can be had");
        Self { store: store.clone(), partition, epoch }
    }

    fn batch(&self) -> Batch {
        Batch::new(self.partition, self.epoch)
    }

    async fn commit(&self, batch: Batch) -> Committed {
        self.store.commit(batch).await.expect("the batch is carried out")
    }

    async fn put(&self, table: Table, key: &'static str, value: &'static str) {
        let mut batch = self.batch();
        batch.put(table, key, value);
        self.commit(batch).await;
    }

    async fn send(&self, to: Partition, record: impl Into<Bytes>) -> Committed {
        let mut batch = self.batch();
        batch.send(to, record);
        self.commit(batch).await
    }

    async fn take(&self, seq: InboxSeq) {
        let mut batch = self.batch();
        batch.take(seq);
        self.commit(batch).await;
    }

    async fn get(&self, table: Table, key: &'static str) -> Option<Bytes> {
        get(&self.store, self.partition, table, key).await
    }

    async fn inbox(&self) -> Vec<(InboxSeq, Bytes)> {
        self.store.inbox(self.partition, InboxSeq(0), 10_000).await.expect("the inbox can be read")
    }
}

async fn get(store: &Arc<dyn Store>, partition: Partition, table: Table, key: impl Into<Bytes>) -> Option<Bytes> {
    store.get(partition, table, key.into()).await.expect("the row can be read")
}

/// Waits until the inbox holds `count` records behind `after`, woken by the bell only.
async fn arrivals(
    place: &dyn Place,
    store: &Arc<dyn Store>,
    partition: Partition,
    after: InboxSeq,
    count: usize,
) -> Vec<(InboxSeq, Bytes)> {
    let bell = store.bell(partition);
    let wait = async {
        loop {
            place.deliver();
            let records = store.inbox(partition, after, count).await.expect("the inbox can be read");
            if records.len() >= count {
                return records;
            }
            bell.notified().await;
        }
    };
    tokio::time::timeout(EVENTUALLY, wait).await.expect("the records arrive, and the bell tells of them")
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn texts(records: &[(InboxSeq, Bytes)]) -> Vec<String> {
    records.iter().map(|(_, record)| text(record)).collect()
}
