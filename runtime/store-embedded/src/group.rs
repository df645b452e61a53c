//! A group: batches that share one fsync, evaluated one on top of the other.

use std::collections::HashMap;

use bytes::Bytes;
use fjall::{UserKey, UserValue};
use signalbox_model::Partition;
use signalbox_store::{Batch, Check, Committed, Epoch, Error, Expect, InboxSeq, Op, Table};

use crate::committer::inbox_seq;
use crate::keys::{KeyWriter, Space};
use crate::trees::{Change, Trees, Write};

/// How many inbox numbers are reserved with one write. After a restart an inbox goes on behind the reservation, so
/// that a number that was given out is never given out again, even when its record is long gone.
const RESERVED_SEQS: u64 = 1_024;

/// Who owns each partition, and what its next inbox number is. Only the committer changes it.
#[derive(Debug)]
pub struct Owners {
    slots: Vec<Owner>,
}

#[derive(Debug, Clone, Copy)]
struct Owner {
    epoch: Epoch,
    next_seq: u64,
    reserved_seq: u64,
}

impl Owners {
    /// Reads them for `partitions` and the directory.
    ///
    /// # Errors
    ///
    /// As [`Trees::get`].
    pub fn load(trees: &Trees, partitions: u16) -> Result<Self, Error> {
        let mut keys = KeyWriter::default();
        let read = |key: &UserKey| {
            let value = trees.get(Space::Rest, key)?;
            Ok(value.and_then(|value| Some(u64::from_be_bytes(value.as_ref().try_into().ok()?))))
        };
        let slots = (0..partitions)
            .map(Partition::new)
            .chain([Partition::DIRECTORY])
            .map(|partition| {
                let epoch = Epoch(read(&keys.epoch(partition))?.unwrap_or(0));
                let reserved_seq = read(&keys.inbox_bound(partition))?.unwrap_or(1);
                Ok(Owner { epoch, next_seq: reserved_seq, reserved_seq })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self { slots })
    }

    /// The next inbox number of each slot.
    pub fn next_seqs(&self) -> impl Iterator<Item = u64> {
        self.slots.iter().map(|owner| owner.next_seq)
    }

    fn slot(&self, partition: Partition) -> usize {
        slot(partition, self.slots.len() - 1)
    }
}

/// Where a partition lies in arrays of `partitions` and, last, the directory.
pub fn slot(partition: Partition, partitions: usize) -> usize {
    usize::from(partition.index()).min(partitions)
}

/// What a group will write, show and hide. Its buffers are used again for the next group.
#[derive(Debug, Default)]
pub struct Group {
    writes: Vec<Write>,
    /// Where in `writes` a key is: a later write replaces it, and a later check sees it.
    places: HashMap<UserKey, usize, foldhash::fast::RandomState>,
    sent: Vec<(usize, InboxSeq, Bytes)>,
    taken: Vec<(usize, InboxSeq)>,
    bytes: usize,
    keys: KeyWriter,
}

impl Group {
    /// How many writes there are.
    pub fn ops(&self) -> usize {
        self.writes.len()
    }

    /// How many bytes they have, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a batch if its epoch and its checks hold; nothing of it otherwise.
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`], [`Error::Conflict`], or what reading for a check may answer.
    pub fn add(&mut self, batch: Batch, owners: &mut Owners, trees: &Trees) -> Result<Committed, Error> {
        let slot = owners.slot(batch.partition);
        let owner = owners.slots[slot].epoch;
        if batch.epoch != owner || owner == Epoch(0) {
            return Err(Error::Fenced { partition: batch.partition.index(), owner });
        }
        for (at, check) in batch.checks.iter().enumerate() {
            if !self.holds(batch.partition, check, trees)? {
                return Err(Error::Conflict { check: at });
            }
        }
        for op in batch.ops {
            self.apply(batch.partition, slot, op);
        }
        let mut committed = Committed::default();
        for send in batch.sends {
            let seq = self.send(send.to, send.record, owners);
            if send.to == batch.partition {
                committed.inbox.push(seq);
            }
        }
        Ok(committed)
    }

    /// Gives out the next epoch of a partition.
    pub fn acquire(&mut self, partition: Partition, owners: &mut Owners) -> Epoch {
        let slot = owners.slot(partition);
        let owner = &mut owners.slots[slot];
        owner.epoch = Epoch(owner.epoch.0 + 1);
        let epoch = owner.epoch;
        let key = self.keys.epoch(partition);
        self.write(Space::Rest, key, Change::Put(UserValue::from(&epoch.0.to_be_bytes())));
        epoch
    }

    /// The writes, to be made durable.
    pub fn drain_writes(&mut self) -> impl ExactSizeIterator<Item = Write> {
        self.places.clear();
        self.bytes = 0;
        // Neighbours one after the other: finding their place in the write buffers costs fewer cache misses. The keys
        // are distinct, so the order carries no meaning.
        self.writes.sort_unstable_by(|(_, a, _), (_, b, _)| a.cmp(b));
        self.writes.drain(..)
    }

    /// Inbox records to be shown once the writes are durable.
    pub fn drain_sent(&mut self) -> impl Iterator<Item = (usize, InboxSeq, Bytes)> {
        self.sent.drain(..)
    }

    /// Inbox records to be hidden once the writes are durable.
    pub fn drain_taken(&mut self) -> impl Iterator<Item = (usize, InboxSeq)> {
        self.taken.drain(..)
    }

    fn holds(&mut self, partition: Partition, check: &Check, trees: &Trees) -> Result<bool, Error> {
        let key = self.keys.row(partition, check.table, &check.key);
        let stored;
        let value = match self.places.get(&key) {
            Some(at) => self.writes[*at].2.value(),
            None => {
                stored = trees.get(Space::of(check.table), &key)?;
                stored.as_ref()
            }
        };
        Ok(match &check.expect {
            Expect::Absent => value.is_none(),
            Expect::Present => value.is_some(),
            Expect::Equals(wanted) => value.is_some_and(|value| value.as_ref() == wanted.as_ref()),
        })
    }

    fn apply(&mut self, partition: Partition, slot: usize, op: Op) {
        match op {
            Op::Put { table, key, value } => {
                let key = self.keys.row(partition, table, &key);
                self.write(Space::of(table), key, Change::Put(UserValue::from(value.as_ref())));
            }
            Op::Delete { table, key } => {
                let taken = if table == Table::Inbox { inbox_seq(&key) } else { None };
                self.taken.extend(taken.map(|seq| (slot, seq)));
                let key = self.keys.row(partition, table, &key);
                // A number is given to one record only, see [`RESERVED_SEQS`].
                let change = if taken.is_some() { Change::Take } else { Change::Delete };
                self.write(Space::of(table), key, change);
            }
        }
    }

    fn send(&mut self, to: Partition, record: Bytes, owners: &mut Owners) -> InboxSeq {
        let slot = owners.slot(to);
        let owner = &mut owners.slots[slot];
        let seq = InboxSeq(owner.next_seq);
        owner.next_seq += 1;
        if owner.next_seq > owner.reserved_seq {
            owner.reserved_seq += RESERVED_SEQS;
            let bound = owner.reserved_seq;
            let key = self.keys.inbox_bound(to);
            self.write(Space::Rest, key, Change::Put(UserValue::from(&bound.to_be_bytes())));
        }
        let key = self.keys.row(to, Table::Inbox, &seq.0.to_be_bytes());
        self.write(Space::Queues, key, Change::Put(UserValue::from(record.as_ref())));
        self.sent.push((slot, seq, record));
        seq
    }

    fn write(&mut self, space: Space, key: UserKey, change: Change) {
        self.bytes += key.len() + change.value().map_or(0, |value| value.len());
        match self.places.get(&key) {
            Some(at) => self.writes[*at].2 = change,
            None => {
                self.places.insert(key.clone(), self.writes.len());
                self.writes.push((space, key, change));
            }
        }
    }
}
