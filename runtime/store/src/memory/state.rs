//! The state that a log of entries adds up to.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use bytes::Bytes;
use signalbox_model::Partition;

use crate::layout::inbox_key;
use crate::{Batch, Epoch, Error, Expect, InboxSeq, Op, Page, Range, Table};

/// Something that is durable.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    /// A batch whose epoch and checks held.
    Commit(Batch),
    /// A partition has a new owner.
    Acquire(Partition, Epoch),
    /// The receiver takes in a sender's record, unless it has it already.
    Insert { from: Partition, to: Partition, number: u64, record: Bytes },
    /// The sender's record has arrived.
    Forget { from: Partition, to: Partition, number: u64 },
}

/// All partitions.
#[derive(Debug)]
pub(super) struct State {
    slots: Vec<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    /// 0: nobody owned the partition yet.
    epoch: u64,
    last_seq: u64,
    rows: BTreeMap<(Table, Bytes), Bytes>,
    /// Records on their way, by receiver; with them, the number of the last one that was given out.
    outboxes: BTreeMap<Partition, (u64, VecDeque<(u64, Bytes)>)>,
    /// The number of the last record that was taken in, by sender.
    arrived: BTreeMap<Partition, u64>,
}

impl State {
    pub(super) fn new(partitions: u16) -> Self {
        Self { slots: (0..=partitions).map(|_| Slot::default()).collect() }
    }

    pub(super) fn epoch(&self, partition: Partition) -> Epoch {
        Epoch(self.slot(partition).epoch)
    }

    /// Do the batch's epoch and checks hold?
    pub(super) fn admits(&self, batch: &Batch) -> Result<(), Error> {
        let owner = self.epoch(batch.partition);
        if batch.epoch != owner || owner == Epoch(0) {
            return Err(Error::Fenced { partition: batch.partition.index(), owner });
        }
        let rows = &self.slot(batch.partition).rows;
        for (at, check) in batch.checks.iter().enumerate() {
            let value = rows.get(&(check.table, check.key.clone()));
            let holds = match &check.expect {
                Expect::Absent => value.is_none(),
                Expect::Present => value.is_some(),
                Expect::Equals(wanted) => value == Some(wanted),
            };
            if !holds {
                return Err(Error::Conflict { check: at });
            }
        }
        Ok(())
    }

    /// Takes in an entry; answers which records it put into which inbox.
    pub(super) fn apply(&mut self, entry: &Entry) -> Vec<(Partition, InboxSeq)> {
        match entry {
            Entry::Commit(batch) => self.apply_batch(batch),
            Entry::Acquire(partition, epoch) => {
                self.slot_mut(*partition).epoch = epoch.0;
                Vec::new()
            }
            Entry::Insert { from, to, number, record } => {
                let receiver = self.slot_mut(*to);
                let arrived = receiver.arrived.entry(*from).or_default();
                if *number <= *arrived {
                    return Vec::new();
                }
                *arrived = *number;
                vec![(*to, receiver.deliver(record))]
            }
            Entry::Forget { from, to, number } => {
                if let Some((_, outbox)) = self.slot_mut(*from).outboxes.get_mut(to) {
                    outbox.retain(|(waiting, _)| waiting != number);
                }
                Vec::new()
            }
        }
    }

    /// The next step of a delivery, if any record is on its way.
    pub(super) fn next_delivery(&self) -> Option<Entry> {
        self.slots.iter().enumerate().find_map(|(index, sender)| {
            let (to, number, record) = sender.outboxes.iter().find_map(|(to, (_, outbox))| {
                let (number, record) = outbox.front()?;
                Some((*to, *number, record))
            })?;
            let from = self.partition(index);
            let arrived = self.slot(to).arrived.get(&from).copied().unwrap_or(0);
            Some(if number <= arrived {
                Entry::Forget { from, to, number }
            } else {
                Entry::Insert { from, to, number, record: record.clone() }
            })
        })
    }

    pub(super) fn get(&self, partition: Partition, table: Table, key: &Bytes) -> Option<Bytes> {
        self.slot(partition).rows.get(&(table, key.clone())).cloned()
    }

    pub(super) fn range(&self, partition: Partition, range: &Range) -> Page {
        let within = |key: &Bytes| {
            let behind_start = match &range.start {
                Bound::Included(start) => key >= start,
                Bound::Excluded(start) => key > start,
                Bound::Unbounded => true,
            };
            behind_start
                && match &range.end {
                    Bound::Included(end) => key <= end,
                    Bound::Excluded(end) => key < end,
                    Bound::Unbounded => true,
                }
        };
        let rows = self.slot(partition).rows.range((range.table, Bytes::new())..);
        let mut page: Page = rows
            .take_while(|((table, _), _)| *table == range.table)
            .filter(|((_, key), _)| within(key))
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect();
        if range.reverse {
            page.reverse();
        }
        page.truncate(range.limit);
        page
    }

    pub(super) fn inbox(&self, partition: Partition, after: InboxSeq, limit: usize) -> Vec<(InboxSeq, Bytes)> {
        let rows = &self.slot(partition).rows;
        rows.range((Bound::Excluded((Table::Inbox, inbox_key(after))), Bound::Unbounded))
            .take_while(|((table, _), _)| *table == Table::Inbox)
            .filter_map(|((_, key), record)| {
                Some((InboxSeq(u64::from_be_bytes(key.as_ref().try_into().ok()?)), record.clone()))
            })
            .take(limit)
            .collect()
    }

    fn apply_batch(&mut self, batch: &Batch) -> Vec<(Partition, InboxSeq)> {
        let slot = self.slot_mut(batch.partition);
        for op in &batch.ops {
            match op {
                Op::Put { table, key, value } => drop(slot.rows.insert((*table, key.clone()), value.clone())),
                Op::Delete { table, key } => drop(slot.rows.remove(&(*table, key.clone()))),
            }
        }
        let mut arrived = Vec::new();
        for send in &batch.sends {
            if send.to == batch.partition {
                arrived.push((send.to, slot.deliver(&send.record)));
            } else {
                let (last, outbox) = slot.outboxes.entry(send.to).or_default();
                *last += 1;
                outbox.push_back((*last, send.record.clone()));
            }
        }
        arrived
    }

    fn index(&self, partition: Partition) -> usize {
        usize::from(partition.index()).min(self.slots.len() - 1)
    }

    fn partition(&self, index: usize) -> Partition {
        match u16::try_from(index) {
            Ok(number) if index + 1 < self.slots.len() => Partition::new(number),
            _ => Partition::DIRECTORY,
        }
    }

    fn slot(&self, partition: Partition) -> &Slot {
        &self.slots[self.index(partition)]
    }

    fn slot_mut(&mut self, partition: Partition) -> &mut Slot {
        let index = self.index(partition);
        &mut self.slots[index]
    }
}

impl Slot {
    fn deliver(&mut self, record: &Bytes) -> InboxSeq {
        self.last_seq += 1;
        let seq = InboxSeq(self.last_seq);
        self.rows.insert((Table::Inbox, inbox_key(seq)), record.clone());
        seq
    }
}
