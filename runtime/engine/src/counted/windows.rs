//! What went to whom in the last 24 hours, in memory.
//!
//! A message takes its place in its recipient's window when it is checked, and counts what stands before it: so of several that
//! are checked at once each sees another count, and a cap lets exactly so many through. Who isn't let through gives its
//! place back. What fell out of memory makes counts unknown for as long as it would have counted: never lower.

use std::collections::VecDeque;
use std::time::Duration;

use foldhash::HashMap;
use parking_lot::Mutex;
use signalbox_model::{MessageId, Timestamp};

/// How long a message counts.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
/// Shards keep the locks short and apart.
const SHARDS: usize = 64;
/// Messages of one window: no law allows a hundredth of it.
const MAX_SENDS: usize = 128;
/// How long a message that waits for others' outcome waits before it counts them again.
const OUTCOME: Duration = Duration::from_secs(900);

/// A hash that is the same after a restart.
pub(crate) type Key = [u8; 16];

/// A message in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) message: MessageId,
    /// When it was sent, or took its place.
    pub(crate) at: Timestamp,
    /// The intent to send it is durable; until then it only has a place.
    pub(crate) durable: bool,
    pub(crate) subject: u64,
    pub(crate) template: u64,
}

/// What stands before a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) all: u32,
    pub(crate) subject: u32,
    pub(crate) template: u32,
    /// When there will be fewer.
    pub(crate) falls: Option<Timestamp>,
}

#[derive(Default)]
struct Window {
    sends: Vec<Sent>,
    /// Until then something counts that isn't here.
    unknown_until: Timestamp,
}

#[derive(Default)]
struct Shard {
    windows: HashMap<Key, Window>,
    order: VecDeque<Key>,
    /// Until then a recipient without a window may have had one.
    unknown_until: Timestamp,
}

/// The windows of all recipients.
pub(crate) struct Windows {
    shards: Vec<Mutex<Shard>>,
    per_shard: usize,
}

impl Windows {
    /// Of about `capacity` recipients at most.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), per_shard: (capacity / SHARDS).max(1) }
    }

    fn shard(&self, key: &Key) -> &Mutex<Shard> {
        &self.shards[usize::from(key[0]) % SHARDS]
    }

    /// Takes a message's place, or finds it, and counts what stands before it. `None` where that isn't known.
    pub(crate) fn claim(&self, key: Key, sent: Sent, takes: bool) -> Option<Counts> {
        let mut shard = self.shard(&key).lock();
        let now = sent.at;
        if !takes && !shard.windows.contains_key(&key) {
            return (shard.unknown_until <= now).then(Counts::default);
        }
        let window = shard.window(key, now, self.per_shard);
        window.forget_old(now);
        let place = window.sends.iter().position(|other| other.message == sent.message);
        if let (None, true) = (place, takes) {
            window.sends.push(sent);
            window.cut();
        }
        let before = place.unwrap_or(window.sends.len());
        let counted = window.sends.iter().enumerate();
        let counted = counted.filter(|(at, other)| other.message != sent.message && (*at < before || other.durable));
        let (mut counts, mut oldest, mut open) = (Counts::default(), None::<Timestamp>, false);
        for (_, other) in counted {
            counts.all += 1;
            counts.subject += u32::from(other.subject == sent.subject);
            counts.template += u32::from(other.template == sent.template);
            oldest = Some(oldest.map_or(other.at, |at| at.min(other.at)));
            open |= !other.durable;
        }
        counts.falls = oldest.map(|at| at + DAY);
        if open {
            // What only has a place may give it back.
            counts.falls = counts.falls.map(|at| at.min(now + OUTCOME));
        }
        (window.unknown_until <= now).then_some(counts)
    }

    /// The message isn't sent: its place is free.
    pub(crate) fn withdraw(&self, key: Key, message: MessageId) {
        let mut shard = self.shard(&key).lock();
        if let Some(window) = shard.windows.get_mut(&key) {
            window.sends.retain(|sent| sent.durable || sent.message != message);
        }
    }

    /// The intent to send the message is durable: it counts from `at` on.
    pub(crate) fn sent(&self, key: Key, sent: Sent) {
        let mut shard = self.shard(&key).lock();
        let window = shard.window(key, sent.at, self.per_shard);
        match window.sends.iter_mut().find(|known| known.message == sent.message) {
            // A message that is sent again counts once, from the last time on.
            Some(known) if known.at <= sent.at || !known.durable => *known = sent,
            Some(_) => {}
            None => {
                let place = window.sends.partition_point(|known| known.at <= sent.at);
                window.sends.insert(place, sent);
                window.cut();
            }
        }
    }

    /// Nothing is known of what was sent before, until then.
    pub(crate) fn unknown_until(&self, until: Timestamp) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.unknown_until = shard.unknown_until.max(until);
            shard.windows.values_mut().for_each(|window| window.unknown_until = window.unknown_until.max(until));
        }
    }

    /// Forgets what counts no more.
    pub(crate) fn sweep(&self, now: Timestamp) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.windows.values_mut().for_each(|window| window.forget_old(now));
            shard.windows.retain(|_, window| !window.sends.is_empty() || window.unknown_until > now);
            let Shard { windows, order, .. } = &mut *shard;
            order.retain(|key| windows.contains_key(key));
        }
    }
}

impl Shard {
    fn window(&mut self, key: Key, now: Timestamp, most: usize) -> &mut Window {
        if !self.windows.contains_key(&key) {
            while self.order.len() >= most {
                let oldest = self.order.pop_front().expect("it is longer than nothing");
                let Some(gone) = self.windows.remove(&oldest) else { continue };
                let last = gone.sends.iter().map(|sent| sent.at + DAY).max();
                let until = last.unwrap_or_default().max(gone.unknown_until);
                self.unknown_until = self.unknown_until.max(until);
            }
            self.order.push_back(key);
            let unknown_until = if self.unknown_until > now { self.unknown_until } else { Timestamp::EPOCH };
            self.windows.insert(key, Window { sends: Vec::with_capacity(1), unknown_until });
        }
        self.windows.get_mut(&key).expect("it was put in right now")
    }
}

impl Window {
    fn forget_old(&mut self, now: Timestamp) {
        self.sends.retain(|sent| sent.at + DAY > now);
    }

    fn cut(&mut self) {
        while self.sends.len() > MAX_SENDS {
            let oldest = self.sends.remove(0);
            self.unknown_until = self.unknown_until.max(oldest.at + DAY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_model::Partition;

    const KEY: Key = [1; 16];

    fn at(hours: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + hours * 3_600_000)
    }

    fn send(n: u64, hours: u64) -> Sent {
        let message = MessageId::derived(at(0), Partition::new(0), n << 8);
        Sent { message, at: at(hours), durable: false, subject: n % 2, template: 7 }
    }

    fn durable(n: u64, hours: u64) -> Sent {
        Sent { durable: true, ..send(n, hours) }
    }

    fn all(counts: Option<Counts>) -> Option<u32> {
        counts.map(|counts| counts.all)
    }

    #[test]
    fn each_of_several_at_once_sees_another_count_and_none_counts_itself_twice() {
        let windows = Windows::new(640);
        for round in 0..3 {
            for n in 0..4 {
                assert_eq!(all(windows.claim(KEY, send(n, 0), true)), Some(n as u32), "round {round}");
            }
        }
        let last = windows.claim(KEY, send(3, 0), true).unwrap();
        assert_eq!((last.subject, last.template), (1, 3));
        // The first was sent, the second gave up: what is behind counts the one, and not the other.
        windows.sent(KEY, durable(0, 0));
        windows.withdraw(KEY, send(1, 0).message);
        windows.withdraw(KEY, send(0, 0).message);
        assert_eq!(all(windows.claim(KEY, send(3, 0), true)), Some(2));
        assert_eq!(all(windows.claim(KEY, send(9, 0), false)), Some(3));
        assert_eq!(all(windows.claim(KEY, send(8, 0), false)), Some(3), "a look takes no place");
    }

    #[test]
    fn who_is_behind_and_sent_first_counts_too() {
        let windows = Windows::new(640);
        windows.claim(KEY, send(0, 0), true);
        windows.claim(KEY, send(1, 0), true);
        windows.sent(KEY, durable(1, 0));
        assert_eq!(all(windows.claim(KEY, send(0, 0), true)), Some(1));
    }

    #[test]
    fn a_message_counts_for_a_day_and_says_when_it_no_longer_does() {
        let windows = Windows::new(640);
        windows.sent(KEY, durable(0, 0));
        windows.sent(KEY, durable(1, 5));
        let counts = windows.claim(KEY, send(2, 6), false).unwrap();
        assert_eq!((counts.all, counts.falls), (2, Some(at(24))));
        assert_eq!(all(windows.claim(KEY, send(2, 24), false)), Some(1));
        windows.sent(KEY, durable(1, 20));
        assert_eq!(all(windows.claim(KEY, send(2, 43), false)), Some(1), "it was sent again");
        windows.sweep(at(44));
        assert_eq!(all(windows.claim(KEY, send(2, 44), false)), Some(0));
        windows.claim(KEY, send(3, 50), true);
        let open = windows.claim(KEY, send(4, 50), true).unwrap();
        assert_eq!(open.falls, Some(at(50) + OUTCOME), "what only has a place may give it back");
    }

    #[test]
    fn what_fell_out_of_memory_makes_counts_unknown_for_as_long_as_it_counted() {
        let windows = Windows::new(SHARDS);
        let (first, second) = ([0; 16], [64; 16]);
        windows.sent(first, durable(0, 0));
        windows.sent(second, durable(1, 1));
        assert_eq!(all(windows.claim(first, send(2, 1), false)), None);
        assert_eq!(all(windows.claim(first, send(2, 1), true)), None, "a new window doesn't know either");
        assert_eq!(all(windows.claim(first, send(2, 26), true)), Some(0));
        for n in 0..200 {
            windows.sent(KEY, durable(n, 2));
        }
        assert_eq!(all(windows.claim(KEY, send(999, 3), false)), None, "more went than is kept");
        windows.unknown_until(at(100));
        assert_eq!(all(windows.claim([3; 16], send(2, 99), false)), None);
        assert_eq!(all(windows.claim([3; 16], send(2, 100), false)), Some(0));
    }
}
