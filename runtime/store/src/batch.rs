//! Writes, checks and sends that stand or fall together.

use bytes::Bytes;
use signalbox_model::Partition;

use crate::layout::Table;
use crate::{Epoch, InboxSeq};

/// The longest key, in bytes. Redis would take more; an LSM tree keeps keys in memory.
pub const MAX_KEY_BYTES: usize = 1_024;
/// The longest value, in bytes: a handler's component is the largest thing that is kept.
pub const MAX_VALUE_BYTES: usize = 32 << 20;

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Sets a key.
    Put {
        /// The table.
        table: Table,
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
    },
    /// Removes a key; nothing happens if it isn't there.
    Delete {
        /// The table.
        table: Table,
        /// The key.
        key: Bytes,
    },
}

/// What a key must be like for the batch to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Not there.
    Absent,
    /// There, whatever its value.
    Present,
    /// There, with this value.
    Equals(Bytes),
}

/// A condition on the state before the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The table.
    pub table: Table,
    /// The key.
    pub key: Bytes,
    /// What it must be like.
    pub expect: Expect,
}

/// A record for a partition's inbox: exactly once, in the order of commits, eventually.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// Which partition; the batch's own is allowed, and then it is at once.
    pub to: Partition,
    /// What.
    pub record: Bytes,
}

/// Writes, checks and sends of one partition that stand or fall together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Where.
    pub partition: Partition,
    /// By what right.
    pub epoch: Epoch,
    /// Conditions on the state before.
    pub checks: Vec<Check>,
    /// Writes, in order; a later one on the same key wins.
    pub ops: Vec<Op>,
    /// Records for inboxes.
    pub sends: Vec<Send>,
}

impl Batch {
    /// An empty batch.
    pub fn new(partition: Partition, epoch: Epoch) -> Self {
        Self { partition, epoch, checks: Vec::new(), ops: Vec::new(), sends: Vec::new() }
    }

    /// Nothing to do, and nothing to check?
    pub fn is_empty(&self) -> bool {
        self.checks.is_empty() && self.ops.is_empty() && self.sends.is_empty()
    }

    /// Sets a key.
    pub fn put(&mut self, table: Table, key: impl Into<Bytes>, value: impl Into<Bytes>) -> &mut Self {
        self.ops.push(Op::Put { table, key: key.into(), value: value.into() });
        self
    }

    /// Removes a key.
    pub fn delete(&mut self, table: Table, key: impl Into<Bytes>) -> &mut Self {
        self.ops.push(Op::Delete { table, key: key.into() });
        self
    }

    /// Carries out the batch only if the key is like that.
    pub fn check(&mut self, table: Table, key: impl Into<Bytes>, expect: Expect) -> &mut Self {
        self.checks.push(Check { table, key: key.into(), expect });
        self
    }

    /// Puts a record into an inbox.
    pub fn send(&mut self, to: Partition, record: impl Into<Bytes>) -> &mut Self {
        self.sends.push(Send { to, record: record.into() });
        self
    }

    /// Takes a record off the partition's own inbox.
    pub fn take(&mut self, seq: InboxSeq) -> &mut Self {
        self.delete(Table::Inbox, crate::layout::inbox_key(seq))
    }
}
