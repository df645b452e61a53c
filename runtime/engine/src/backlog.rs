//! How many outbound messages aren't with a carrier yet: what bounds accepting.
//!
//! One counts from when its event was read from an inbox until the event is taken off. A message that was taken back counts no
//! more, but its event lies there until its turn comes, which then mustn't count it off a second time.

use std::sync::atomic::{AtomicI64, Ordering};

use foldhash::HashSet;
use parking_lot::Mutex;
use signalbox_model::MessageId;

/// Outbound messages that are accepted and not yet with a carrier.
#[derive(Default)]
pub(crate) struct Backlog {
    /// Below zero for a moment, when a message is taken back before its event was read.
    count: AtomicI64,
    /// Those that were taken back in this process's life, and whose event is still there. About 20 bytes each, and no more of
    /// them than messages wait.
    taken_back: Mutex<HashSet<MessageId>>,
}

impl Backlog {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.count.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// A message's event was read.
    pub(crate) fn enters(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// A message has come to its end here, and its event is taken off with that.
    pub(crate) fn leaves(&self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }

    /// A message has come to its end, and its event is still there.
    pub(crate) fn ends_before_its_event(&self, message: MessageId) {
        self.taken_back.lock().insert(message);
        self.leaves();
    }

    /// The event of a message that had come to its end is taken off.
    pub(crate) fn event_leaves(&self, message: MessageId) {
        if !self.taken_back.lock().remove(&message) {
            self.leaves();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_model::{Partition, Timestamp};

    fn message(n: u64) -> MessageId {
        MessageId::derived(Timestamp::from_millis(n), Partition::new(0), n)
    }

    #[test]
    fn what_is_taken_back_is_counted_off_once() {
        let backlog = Backlog::default();
        (0..3).for_each(|_| backlog.enters());
        backlog.ends_before_its_event(message(1));
        assert_eq!(backlog.len(), 2);
        backlog.event_leaves(message(1));
        assert_eq!(backlog.len(), 2);
        // Taken back before a restart, and counted anew when its event was read.
        backlog.event_leaves(message(2));
        backlog.leaves();
        assert_eq!(backlog.len(), 0);
    }

    #[test]
    fn what_is_taken_back_before_its_event_is_read_makes_no_number_of_less_than_none() {
        let backlog = Backlog::default();
        backlog.ends_before_its_event(message(1));
        assert_eq!(backlog.len(), 0);
        backlog.enters();
        backlog.event_leaves(message(1));
        assert_eq!(backlog.len(), 0);
    }
}
