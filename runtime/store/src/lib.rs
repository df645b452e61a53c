//! The storage seam: what an engine must do, and the words in which the house asks for it.
//!
//! State is split into a fixed number of partitions. Within one, a [`Batch`] is atomic and durable when
//! [`Store::commit`] returns; between two, a [`Send`] moves a record exactly once, in order, eventually. That is all
//! that both an embedded engine and a cluster of Redis servers can promise, so nothing above asks for more.
//!
//! | module | what it holds |
//! |---|---|
//! | [`batch`] | writes, checks and sends that stand or fall together |
//! | [`layout`] | which table holds what, under which key, in which form |
//! | [`memory`] | the model: an engine in memory that can crash at any commit |
//! | [`conformance`] | what every engine must pass |

pub mod batch;
pub mod conformance;
pub mod layout;
pub mod memory;

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use signalbox_model::Partition;

pub use batch::{Batch, Check, Expect, Op, Send};
pub use layout::Table;

/// The right to write a partition. Rises with each [`Store::acquire`]; a batch with an older one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// A place in a partition's inbox. Rises strictly; never used twice, not even after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct InboxSeq(pub u64);

/// What a commit survives, named for what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Only the process. For tests.
    Memory,
    /// `fdatasync` on a local file system returned.
    LocalFsync,
    /// Redis or Valkey with `appendfsync always`.
    RedisAofAlways,
    /// Redis or Valkey with `appendfsync everysec`: up to a second can be lost.
    RedisAofEverysec,
}

impl Durability {
    /// The name in `/status`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::LocalFsync => "local-fsync",
            Self::RedisAofAlways => "redis-aof-always",
            Self::RedisAofEverysec => "redis-aof-everysec",
        }
    }
}

/// Why the store didn't do it. Says who is to blame, and so what the caller does next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A check of the batch didn't hold; nothing was written. The caller reads again and decides anew.
    #[error("check {check} of the batch does not hold")]
    Conflict {
        /// Which of the batch's checks, from 0.
        check: usize,
    },
    /// Somebody else owns the partition now. The caller stops working on it.
    #[error("partition {partition} was taken over by epoch {owner:?}")]
    Fenced {
        /// Which one.
        partition: u16,
        /// The epoch that owns it.
        owner: Epoch,
    },
    /// The batch can't be carried out by any engine: an unknown partition, a key or value over the bounds.
    #[error("the batch is not well formed: {0}")]
    Malformed(String),
    /// The folder or server can't be used: another process has it, it is damaged, or it is set up wrongly. The text
    /// says what and how to mend it.
    #[error("{0}")]
    Unusable(String),
    /// Whether the batch is durable is unknown: the process must stop and start again from what is.
    #[error("the store failed and must be reopened: {0}")]
    Fatal(Arc<str>),
    /// The store is closing.
    #[error("the store is closed")]
    Closed,
}

/// Which keys of a table, in which direction, how many.
#[derive(Debug, Clone)]
pub struct Range {
    /// The table.
    pub table: Table,
    /// From where.
    pub start: Bound<Bytes>,
    /// To where.
    pub end: Bound<Bytes>,
    /// From the end to the start.
    pub reverse: bool,
    /// At most so many; a page that is full may have a successor.
    pub limit: usize,
}

impl Range {
    /// All keys that begin with `prefix`, in order.
    pub fn prefix(table: Table, prefix: impl Into<Bytes>, limit: usize) -> Self {
        let prefix = prefix.into();
        let end = successor_of_prefix(&prefix).map_or(Bound::Unbounded, Bound::Excluded);
        Self { table, start: Bound::Included(prefix), end, reverse: false, limit }
    }

    /// Goes on behind `key`: in order, the keys greater than it; in reverse, the keys less than it.
    pub fn resume(mut self, key: Bytes) -> Self {
        if self.reverse {
            self.end = Bound::Excluded(key);
        } else {
            self.start = Bound::Excluded(key);
        }
        self
    }

    /// The other way round.
    pub fn reversed(mut self) -> Self {
        self.reverse = true;
        self
    }
}

/// The least key that is greater than every key beginning with `prefix`; none if there is no such key.
pub fn successor_of_prefix(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|byte| *byte != 0xFF)?;
    let mut next = prefix[..=last].to_vec();
    next[last] += 1;
    Some(next.into())
}

/// Keys and values, in the order asked for.
pub type Page = Vec<(Bytes, Bytes)>;

/// What a commit did besides writing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Where each of the batch's sends *to its own partition* was put, in the order of those sends. Sends to other
    /// partitions arrive when they arrive.
    pub inbox: Vec<InboxSeq>,
}

/// Wakes whoever reads a partition's inbox. One reader a partition.
pub type InboxBell = Arc<tokio::sync::Notify>;

/// A storage engine.
///
/// Reads see every batch whose commit has returned. Futures may be dropped: a commit that was begun is still carried
/// out whole or not at all.
pub trait Store: fmt::Debug + std::marker::Send + Sync + 'static {
    /// How many partitions there are, besides [`Partition::DIRECTORY`]. Fixed when the store was made.
    fn partitions(&self) -> u16;

    /// What a commit survives.
    fn durability(&self) -> Durability;

    /// Takes the right to write `partition`. Whoever had it before is fenced off by the epoch.
    fn acquire(&self, partition: Partition) -> BoxFuture<'_, Result<Epoch, Error>>;

    /// Carries out `batch` whole and durably, or not at all. Batches of a partition take effect in the order of the calls
    /// of this function, not of the first polls of its futures.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, Error>>;

    /// The value of a key.
    fn get(&self, partition: Partition, table: Table, key: Bytes) -> BoxFuture<'_, Result<Option<Bytes>, Error>>;

    /// A bounded page of keys and values.
    fn range(&self, partition: Partition, range: Range) -> BoxFuture<'_, Result<Page, Error>>;

    /// Up to `limit` records of the inbox behind `after`, in order. Records that were taken (deleted) don't appear.
    fn inbox(
        &self,
        partition: Partition,
        after: InboxSeq,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(InboxSeq, Bytes)>, Error>>;

    /// Rings when the inbox of `partition` got a record. A ring may stand for many, and may come for none.
    fn bell(&self, partition: Partition) -> InboxBell;

    /// What is left in bytes where it keeps everything; `None` where nobody knows. Asks the system: not for a step.
    fn free_bytes(&self) -> BoxFuture<'_, Result<Option<u64>, Error>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Completes when the store has failed for good; the process must then stop.
    fn failed(&self) -> BoxFuture<'_, Error>;

    /// Finishes the commits that were begun, flushes, and lets go of the folder or server.
    fn close(&self) -> BoxFuture<'_, Result<(), Error>>;
}
