//! The recent end of each partition's inbox, in memory.
//!
//! A record is shown here only after the fsync that made it durable: what a reader does with it can leave the house.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;
use signalbox_store::{InboxBell, InboxSeq};

/// One partition's inbox, as far as it is in memory.
#[derive(Debug)]
pub struct Inbox {
    tail: Mutex<Tail>,
    /// Rings when a record came.
    pub bell: InboxBell,
}

impl Inbox {
    /// Nothing in memory yet; the next record gets `next`.
    pub fn new(next: u64, bounds: Bounds) -> Self {
        let tail = Tail { floor: next, slots: VecDeque::new(), bytes: 0, bounds };
        Self { tail: Mutex::new(tail), bell: InboxBell::default() }
    }

    /// Shows a durable record.
    pub fn push(&self, seq: InboxSeq, record: Bytes) {
        self.tail.lock().push(seq.0, record);
    }

    /// A record was taken.
    pub fn remove(&self, seq: InboxSeq) {
        self.tail.lock().remove(seq.0);
    }

    /// Up to `limit` records behind `after`; `None` if some of them may be on disk only. Its one reader has those up to
    /// `after`: they aren't kept any longer.
    pub fn read(&self, after: InboxSeq, limit: usize) -> Option<Vec<(InboxSeq, Bytes)>> {
        self.tail.lock().read(after.0, limit)
    }
}

/// How much of an inbox is kept in memory.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Records, with the places of those that were taken from between others.
    pub records: usize,
    /// Bytes.
    pub bytes: usize,
}

#[derive(Debug)]
struct Tail {
    /// Every record from here on is in `slots`, unless it was taken.
    floor: u64,
    /// By rising number; `None` where a record was taken.
    slots: VecDeque<(u64, Option<Bytes>)>,
    bytes: usize,
    bounds: Bounds,
}

impl Tail {
    fn push(&mut self, seq: u64, record: Bytes) {
        self.bytes += record.len();
        self.slots.push_back((seq, Some(record)));
        while self.slots.len() > self.bounds.records || self.bytes > self.bounds.bytes {
            self.forget_first();
        }
    }

    fn remove(&mut self, seq: u64) {
        let Ok(at) = self.slots.binary_search_by_key(&seq, |(seq, _)| *seq) else { return };
        if let Some(record) = self.slots[at].1.take() {
            self.bytes -= record.len();
        }
        while matches!(self.slots.front(), Some((_, None))) {
            self.slots.pop_front();
        }
    }

    fn read(&mut self, after: u64, limit: usize) -> Option<Vec<(InboxSeq, Bytes)>> {
        if after.saturating_add(1) < self.floor {
            return None;
        }
        while let Some((seq, _)) = self.slots.front()
            && *seq <= after
        {
            self.forget_first();
        }
        let live = self.slots.iter().filter_map(|(seq, record)| Some((InboxSeq(*seq), record.clone()?)));
        Some(live.take(limit).collect())
    }

    /// The first is on disk only from now on, if it is there at all.
    fn forget_first(&mut self) {
        let Some((seq, record)) = self.slots.pop_front() else { return };
        if let Some(record) = record {
            self.bytes -= record.len();
            self.floor = seq + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(records: usize) -> Tail {
        Tail { floor: 1, slots: VecDeque::new(), bytes: 0, bounds: Bounds { records, bytes: 1_000 } }
    }

    fn seqs(page: Option<Vec<(InboxSeq, Bytes)>>) -> Option<Vec<u64>> {
        page.map(|page| page.into_iter().map(|(seq, _)| seq.0).collect())
    }

    #[test]
    fn a_record_that_fell_out_sends_the_reader_to_the_disk() {
        let mut tail = tail(2);
        for seq in 1..=3 {
            tail.push(seq, Bytes::from_static(b"r"));
        }
        assert_eq!(seqs(tail.read(0, 10)), None);
        assert_eq!(seqs(tail.read(1, 10)), Some(vec![2, 3]));
    }

    #[test]
    fn a_taken_record_that_fell_out_does_not() {
        let mut tail = tail(2);
        tail.push(1, Bytes::from_static(b"r"));
        tail.remove(1);
        tail.push(2, Bytes::from_static(b"r"));
        tail.push(3, Bytes::from_static(b"r"));
        assert_eq!(seqs(tail.read(0, 10)), Some(vec![2, 3]));
    }

    #[test]
    fn what_the_reader_has_is_not_kept() {
        let mut tail = tail(10);
        for seq in 1..=4 {
            tail.push(seq, Bytes::from_static(b"r"));
        }
        tail.remove(2);
        assert_eq!(seqs(tail.read(0, 2)), Some(vec![1, 3]));
        assert_eq!((seqs(tail.read(3, 2)), tail.bytes), (Some(vec![4]), 1));
        assert_eq!(seqs(tail.read(3, 2)), Some(vec![4]), "it asked again");
        assert_eq!(seqs(tail.read(1, 2)), None, "whoever goes back reads the disk");
        assert_eq!((seqs(tail.read(4, 2)), tail.slots.len()), (Some(vec![]), 0));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut tail = tail(100);
        for seq in 1..=20 {
            tail.push(seq, Bytes::from(vec![0; 100]));
        }
        assert_eq!(tail.bytes, 1_000);
        assert_eq!(seqs(tail.read(10, 2)), Some(vec![11, 12]));
        for seq in 1..=20 {
            tail.remove(seq);
        }
        assert_eq!((tail.bytes, tail.slots.len()), (0, 0));
    }
}
