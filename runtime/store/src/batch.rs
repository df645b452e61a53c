//! Writes, checks and sends that stand or fall together.

use bytes::Bytes;
use signalbox_model::Partition;

use crate::layout::Table;
use crate::{Epoch, Error, InboxSeq};

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

    /// Can any engine carry this out? Says what is wrong if not.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`]: a partition that isn't there, a key or value over the bounds, a record put into an inbox
    /// by hand (only a send knows its place).
    pub fn validate(&self, partitions: u16) -> Result<(), Error> {
        validate_partition(self.partition, partitions)?;
        for check in &self.checks {
            validate_key(check.table, &check.key)?;
        }
        for op in &self.ops {
            match op {
                Op::Put { table: Table::Inbox, .. } => {
                    return Err(Error::Malformed("a record gets into an inbox by a send, not by a put".to_owned()));
                }
                Op::Put { table, key, value } => {
                    validate_key(*table, key)?;
                    validate_value(&format_args!("a value of {table:?}"), value)?;
                }
                Op::Delete { table, key } => validate_key(*table, key)?,
            }
        }
        for send in &self.sends {
            validate_partition(send.to, partitions)?;
            validate_value(&format_args!("a record for partition {}", send.to.index()), &send.record)?;
        }
        Ok(())
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

/// Is it one of the store's `partitions`, or the directory?
///
/// # Errors
///
/// [`Error::Malformed`] if not.
pub fn validate_partition(partition: Partition, partitions: u16) -> Result<(), Error> {
    if partition.index() < partitions || partition == Partition::DIRECTORY {
        return Ok(());
    }
    Err(Error::Malformed(format!("there is no partition {}; the store has {partitions}", partition.index())))
}

fn validate_key(table: Table, key: &[u8]) -> Result<(), Error> {
    if key.len() <= MAX_KEY_BYTES {
        return Ok(());
    }
    Err(Error::Malformed(format!("a key of {table:?} has {} bytes; {MAX_KEY_BYTES} are the most", key.len())))
}

fn validate_value(what: &dyn std::fmt::Display, value: &[u8]) -> Result<(), Error> {
    if value.len() <= MAX_VALUE_BYTES {
        return Ok(());
    }
    Err(Error::Malformed(format!("{what} has {} bytes; {MAX_VALUE_BYTES} are the most", value.len())))
}
