//! Requests in flight: their sequence numbers, owners and deadlines.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Duration, Instant};

use super::BindKind;
use crate::pdu::CommandId;

const MAX_SEQUENCE: u32 = 0x7FFF_FFFF;

/// Who waits for the answer.
#[derive(Debug)]
pub(super) enum Owner<T> {
    Bind(BindKind),
    EnquireLink,
    Unbind,
    Caller(T),
}

#[derive(Debug)]
pub(super) struct InFlight<T> {
    pub owner: Owner<T>,
    pub command: CommandId,
    pub deadline: Instant,
    /// Where the request begins in all that this session ever wrote.
    pub position: u64,
}

/// All requests that wait for an answer. Only callers' requests count against the window's size.
#[derive(Debug)]
pub(super) struct Window<T> {
    in_flight: HashMap<u32, InFlight<T>, BuildHasherDefault<SequenceHasher>>,
    last: u32,
    callers: usize,
    /// No deadline is earlier. It may lag behind answers, so the scan for what has expired is rare, not exact.
    earliest: Option<Instant>,
}

impl<T> Window<T> {
    pub fn new() -> Self {
        Self { in_flight: HashMap::default(), last: 0, callers: 0, earliest: None }
    }

    pub fn callers(&self) -> usize {
        self.callers
    }

    pub fn any(&self, wanted: impl Fn(&Owner<T>) -> bool) -> bool {
        self.in_flight.values().any(|request| wanted(&request.owner))
    }

    /// The next number in 1..=0x7FFFFFFF that isn't in flight.
    pub fn next_sequence(&mut self) -> u32 {
        loop {
            self.last = if self.last >= MAX_SEQUENCE { 1 } else { self.last + 1 };
            if !self.in_flight.contains_key(&self.last) {
                return self.last;
            }
        }
    }

    pub fn insert(&mut self, sequence_number: u32, request: InFlight<T>) {
        self.callers += usize::from(matches!(request.owner, Owner::Caller(_)));
        self.earliest = Some(self.earliest.map_or(request.deadline, |earliest| earliest.min(request.deadline)));
        self.in_flight.insert(sequence_number, request);
    }

    /// Takes out the request that `answer` answers; `generic_nack` answers any.
    pub fn answered(&mut self, sequence_number: u32, answer: CommandId) -> Option<Owner<T>> {
        let request = self.in_flight.get(&sequence_number)?;
        if answer != CommandId::GENERIC_NACK && answer != request.command.response() {
            return None;
        }
        self.take(sequence_number).map(|request| request.owner)
    }

    /// Takes out all whose deadline has come.
    pub fn expired(&mut self, now: Instant) -> Vec<InFlight<T>> {
        if self.earliest.is_none_or(|earliest| now < earliest) {
            return Vec::new();
        }
        let mut due: Vec<u32> =
            self.in_flight.iter().filter(|(_, request)| request.deadline <= now).map(|(number, _)| *number).collect();
        due.sort_unstable();
        let expired = due.into_iter().filter_map(|number| self.take(number)).collect();
        self.earliest = self.in_flight.values().map(|request| request.deadline).min();
        expired
    }

    /// Takes out everything, oldest first.
    pub fn drain(&mut self) -> Vec<InFlight<T>> {
        self.callers = 0;
        self.earliest = None;
        let mut all: Vec<_> = self.in_flight.drain().map(|(_, request)| request).collect();
        all.sort_unstable_by_key(|request| request.position);
        all
    }

    /// Moves every deadline.
    pub fn postpone(&mut self, by: Duration) {
        for request in self.in_flight.values_mut() {
            request.deadline += by;
        }
        self.earliest = self.earliest.map(|earliest| earliest + by);
    }

    fn take(&mut self, sequence_number: u32) -> Option<InFlight<T>> {
        let request = self.in_flight.remove(&sequence_number)?;
        self.callers -= usize::from(matches!(request.owner, Owner::Caller(_)));
        Some(request)
    }

    #[cfg(test)]
    pub fn start_after(&mut self, last: u32) {
        self.last = last;
    }
}

/// The numbers are ours and in a row: spreading them by one multiplication is enough, no peer can choose them.
#[derive(Default)]
struct SequenceHasher(u64);

impl Hasher for SequenceHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.write_u32(u32::from(*octet));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(deadline: Instant) -> InFlight<u32> {
        InFlight { owner: Owner::Caller(0), command: CommandId::SUBMIT_SM, deadline, position: 0 }
    }

    #[test]
    fn numbers_wrap_at_31_bits_and_skip_those_in_flight() {
        let mut window = Window::new();
        window.start_after(MAX_SEQUENCE - 1);
        assert_eq!(window.next_sequence(), MAX_SEQUENCE);
        for number in [1, 2, 4] {
            window.insert(number, request(Instant::now()));
        }
        assert_eq!((window.next_sequence(), window.next_sequence()), (3, 5));
    }

    #[test]
    fn expiry_is_exact_even_when_the_earliest_was_answered() {
        let start = Instant::now();
        let mut window = Window::new();
        window.insert(1, request(start + Duration::from_secs(1)));
        window.insert(2, request(start + Duration::from_secs(2)));
        assert!(window.answered(1, CommandId::SUBMIT_SM_RESP).is_some());
        assert!(window.expired(start + Duration::from_secs(1)).is_empty());
        assert_eq!(window.expired(start + Duration::from_secs(2)).len(), 1);
        assert_eq!(window.callers(), 0);
    }

    #[test]
    fn an_answer_of_another_kind_answers_nothing() {
        let mut window = Window::new();
        window.insert(1, request(Instant::now()));
        assert!(window.answered(1, CommandId::ENQUIRE_LINK_RESP).is_none());
        assert!(window.answered(1, CommandId::GENERIC_NACK).is_some());
    }
}
