//! What an operator can set.

use std::path::PathBuf;
use std::time::Duration;

use signalbox_model::Partition;

/// How the store is laid out and how much of the machine it may use.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the store lives. Made if it isn't there; one process at a time.
    pub folder: PathBuf,
    /// How many partitions, fixed when the folder is made: a conversation's place is its hash modulo this.
    pub partitions: u16,
    /// The most operations behind one fsync: bounds how long the first caller of a group waits for the last.
    pub max_ops_per_flush: usize,
    /// The most bytes behind one fsync, for the same reason.
    pub max_bytes_per_flush: usize,
    /// How long a busy store lets requests gather for their fsync, at most: an fsync for a few of them costs as much as one for
    /// many. Zero never waits. See [`BUSY`](Self::BUSY).
    pub gather: Duration,
    /// The most batches that wait for the committer; whoever brings one more blocks until there is room. It is a
    /// last resort against callers that commit without waiting, so it lies far above what awaiting callers reach.
    pub max_waiting_batches: usize,
    /// Blocks of tables kept in memory, in bytes, over all tables.
    pub block_cache_bytes: u64,
    /// A write buffer's size, in bytes. There are three kinds of tables, each with one active buffer and up to three
    /// that wait for their flush. Fixed when the folder is made.
    pub memtable_bytes: u64,
    /// The most that the journals may take on disk before old buffers are flushed early; at least 64 MiB.
    pub journal_bytes: u64,
    /// The records of each inbox that are kept in memory, so that a reader that keeps up never touches the disk.
    pub inbox_tail_records: usize,
    /// The most bytes of each inbox that are kept in memory.
    pub inbox_tail_bytes: usize,
}

impl Config {
    /// A store is busy behind a group of so many requests. It stays so while as many come within [`gather`](Self::gather) and the
    /// write behind it: some 7,000 a second with the default. With fewer only who comes right behind a burst waits for others.
    pub const BUSY: usize = 16;
    /// So many requests that gathered wait no longer.
    pub const ENOUGH: usize = 512;

    /// The defaults, for this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            partitions: Partition::DEFAULT_COUNT,
            max_ops_per_flush: 8_192,
            max_bytes_per_flush: 8 << 20,
            gather: Duration::from_millis(2),
            max_waiting_batches: 65_536,
            block_cache_bytes: 32 << 20,
            memtable_bytes: 16 << 20,
            journal_bytes: 128 << 20,
            inbox_tail_records: 4_096,
            inbox_tail_bytes: 512 << 10,
        }
    }
}
