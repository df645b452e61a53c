//! Where a key lies on disk: `partition table key` in one of three key spaces.
//!
//! Three, because an LSM tree does best when what is in it lives equally long: messages are written once and stay,
//! queue rows come and go within moments, and the rest is read and rewritten in place.

use std::ops::Bound;

use bytes::Bytes;
use fjall::UserKey;
use signalbox_model::Partition;
use signalbox_store::{Range, Table, successor_of_prefix};

/// A key space: a tree of its own, with a write buffer of its own; all share one journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Written once, kept for months.
    Messages = 0,
    /// Put and deleted within moments.
    Queues = 1,
    /// Everything else.
    Rest = 2,
}

impl Space {
    /// Its name on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Queues => "queues",
            Self::Rest => "rest",
        }
    }

    /// Where a table lies. Part of the format on disk.
    pub const fn of(table: Table) -> Self {
        match table {
            Table::Message | Table::History | Table::Delivery => Self::Messages,
            _ if table.is_queue() => Self::Queues,
            _ => Self::Rest,
        }
    }
}

/// The table number of the store's own rows; no [`Table`] has it.
const OWN: u8 = 0;

/// Writes keys into one buffer, so that making one costs at most the allocation of the result.
#[derive(Debug, Default)]
pub struct KeyWriter(Vec<u8>);

impl KeyWriter {
    /// The key of a table's row.
    pub fn row(&mut self, partition: Partition, table: Table, key: &[u8]) -> UserKey {
        self.write(partition, table as u8, key)
    }

    /// The key of the partition's epoch.
    pub fn epoch(&mut self, partition: Partition) -> UserKey {
        self.write(partition, OWN, b"epoch")
    }

    /// The key of the bound below which inbox numbers may have been used.
    pub fn inbox_bound(&mut self, partition: Partition) -> UserKey {
        self.write(partition, OWN, b"inbox")
    }

    fn write(&mut self, partition: Partition, table: u8, key: &[u8]) -> UserKey {
        self.0.clear();
        self.0.extend_from_slice(&partition.index().to_be_bytes());
        self.0.push(table);
        self.0.extend_from_slice(key);
        UserKey::from(self.0.as_slice())
    }
}

/// How many bytes stand before the table's own key.
pub const PREFIX_BYTES: usize = 3;

/// From where to where, in keys on disk.
pub type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// The bounds of a range on disk; `None` if nothing can lie between them.
pub fn bounds(partition: Partition, range: &Range) -> Option<Bounds> {
    let [high, low] = partition.index().to_be_bytes();
    let prefix = [high, low, range.table as u8];
    let full = |key: &Bytes| [&prefix[..], key].concat();
    let start = match &range.start {
        Bound::Included(key) => Bound::Included(full(key)),
        Bound::Excluded(key) => Bound::Excluded(full(key)),
        Bound::Unbounded => Bound::Included(prefix.to_vec()),
    };
    let end = match &range.end {
        Bound::Included(key) => Bound::Included(full(key)),
        Bound::Excluded(key) => Bound::Excluded(full(key)),
        Bound::Unbounded => {
            Bound::Excluded(successor_of_prefix(&prefix).expect("a partition's number has 12 bits").to_vec())
        }
    };
    let empty = match (&start, &end) {
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (Bound::Included(start) | Bound::Excluded(start), Bound::Included(end) | Bound::Excluded(end)) => start >= end,
        _ => false,
    };
    (!empty).then_some((start, end))
}
