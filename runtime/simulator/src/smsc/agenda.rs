//! What is to happen when: one calendar for the whole carrier, walked by one task.

use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Events due in the same slice happen together, so that receipts leave in batches.
const SLICE: Duration = Duration::from_millis(2);

pub(super) struct Agenda<T> {
    origin: Instant,
    slices: BTreeMap<u64, Vec<T>>,
    len: usize,
    /// The slice that the task sleeps until, and whether an earlier one was added since.
    armed: Option<u64>,
    wake: bool,
}

impl<T> Agenda<T> {
    pub(super) fn new(now: Instant) -> Self {
        Self { origin: now, slices: BTreeMap::new(), len: 0, armed: None, wake: false }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn add(&mut self, due: Instant, event: T) {
        let slice = self.slice_of(due) + 1; // rounded up: never before its time
        self.slices.entry(slice).or_default().push(event);
        self.len += 1;
        self.wake |= self.armed.is_none_or(|armed| slice < armed);
    }

    /// Everything due by `now`, oldest first.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<T> {
        let mut due = Vec::new();
        let until = self.slice_of(now);
        while let Some(first) = self.slices.first_entry().filter(|first| *first.key() <= until) {
            due.extend(first.remove());
        }
        self.len -= due.len();
        due
    }

    /// When the task should look again.
    pub(super) fn arm(&mut self) -> Option<Instant> {
        self.armed = self.slices.first_key_value().map(|(slice, _)| *slice);
        self.wake = false;
        self.armed.map(|slice| self.origin + SLICE * u32::try_from(slice).unwrap_or(u32::MAX))
    }

    /// Whether the sleeping task has to be woken.
    pub(super) fn take_wake(&mut self) -> bool {
        std::mem::take(&mut self.wake)
    }

    fn slice_of(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.origin).as_micros() / SLICE.as_micros();
        u64::try_from(since).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_when_due_in_order_and_never_early() {
        let start = Instant::now();
        let mut agenda = Agenda::new(start);
        agenda.add(start + Duration::from_millis(30), "late");
        agenda.add(start + Duration::from_millis(10), "soon");
        assert!(agenda.take_wake());
        let look = agenda.arm().unwrap();
        assert!(look >= start + Duration::from_millis(10));
        assert!(agenda.take_due(start + Duration::from_millis(9)).is_empty());
        assert_eq!(agenda.take_due(look), ["soon"]);
        agenda.arm();
        agenda.add(start + Duration::from_millis(50), "later");
        assert!(!agenda.take_wake(), "nothing earlier was added");
        agenda.add(start + Duration::from_millis(20), "sooner");
        assert!(agenda.take_wake());
        assert_eq!(agenda.take_due(start + Duration::from_secs(1)), ["sooner", "late", "later"]);
        assert_eq!((agenda.len(), agenda.arm()), (0, None));
    }
}
