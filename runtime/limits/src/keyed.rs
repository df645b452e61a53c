//! A throttle for each number, tenant or whatever has a key; bounded.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::bucket::Bucket;
use crate::rate::Rate;
use crate::throttle::Keyed;

/// Throttles by key. A key that owes nothing is as good as one never seen, and its place is given to another when places
/// run out. Where every key owes something, a new one waits for a place: the bound never lets anybody go too fast.
#[derive(Debug)]
pub struct Throttles<K> {
    capacity: NonZeroUsize,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    buckets: HashMap<K, Bucket>,
    /// No place comes free before this, so nobody needs to look.
    full_until: Option<Instant>,
}

impl<K: Hash + Eq + Clone> Throttles<K> {
    /// Throttles for at most `capacity` keys at a time (some 60 octets each and the key).
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self { capacity, state: Mutex::new(State { buckets: HashMap::new(), full_until: None }) }
    }

    /// One key's throttle. The rate is given each time, as it may change; what is owed stays owed.
    pub fn at(&self, key: K, rate: Rate) -> Keyed<'_, K> {
        Keyed { throttles: self, key, rate }
    }

    /// How many keys have a place.
    pub fn len(&self) -> usize {
        self.state.lock().buckets.len()
    }

    /// True when no key has a place.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives up the places of keys that owe nothing.
    pub fn evict_idle(&self, now: Instant) {
        self.state.lock().evict_idle(now);
    }

    pub(crate) fn take(&self, key: &K, rate: Rate, segments: u32, now: Instant) -> Result<(), Duration> {
        let mut state = self.state.lock();
        if let Some(bucket) = state.buckets.get_mut(key) {
            return bucket.take(rate, segments, now);
        }
        state.make_place(self.capacity, now)?;
        let mut bucket = Bucket::default();
        bucket.take(rate, segments, now)?;
        state.buckets.insert(key.clone(), bucket);
        Ok(())
    }

    pub(crate) fn wait(&self, key: &K, rate: Rate, segments: u32, now: Instant) -> Duration {
        let mut state = self.state.lock();
        match state.buckets.get(key) {
            Some(bucket) => bucket.wait(rate, segments, now),
            None => state.make_place(self.capacity, now).err().unwrap_or_default(),
        }
    }
}

impl<K: Hash + Eq> State<K> {
    fn evict_idle(&mut self, now: Instant) {
        self.buckets.retain(|_, bucket| !bucket.until_idle(now).is_zero());
        self.full_until = None;
    }

    /// Sees to it that there is a place, or says when there will be one.
    fn make_place(&mut self, capacity: NonZeroUsize, now: Instant) -> Result<(), Duration> {
        if self.buckets.len() < capacity.get() {
            return Ok(());
        }
        if let Some(until) = self.full_until.filter(|until| *until > now) {
            return Err(until - now);
        }
        self.evict_idle(now);
        if self.buckets.len() < capacity.get() {
            return Ok(());
        }
        let wait = self.buckets.values().map(|bucket| bucket.until_idle(now)).min().unwrap_or_default();
        self.full_until = Some(now + wait);
        Err(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throttle::Limit;

    fn throttles(capacity: usize) -> (Throttles<u32>, Rate, Instant) {
        (Throttles::new(NonZeroUsize::new(capacity).unwrap()), Rate::per_second(1.0).unwrap(), Instant::now())
    }

    #[test]
    fn keys_do_not_slow_each_other() {
        let (throttles, rate, start) = throttles(10);
        assert_eq!(throttles.at(1, rate).take(1, start), Ok(()));
        assert_eq!(throttles.at(2, rate).take(1, start), Ok(()));
        assert_eq!(throttles.at(1, rate).take(1, start), Err(Duration::from_secs(1)));
    }

    #[test]
    fn asking_takes_no_place() {
        let (throttles, rate, start) = throttles(10);
        assert_eq!(throttles.at(1, rate).wait(5, start), Duration::ZERO);
        assert!(throttles.is_empty());
    }

    #[test]
    fn places_are_bounded_and_idle_keys_give_theirs_up() {
        let (throttles, rate, start) = throttles(2);
        throttles.at(1, rate).take(1, start).unwrap();
        throttles.at(2, rate).take(3, start).unwrap();
        assert_eq!(throttles.at(3, rate).take(1, start), Err(Duration::from_secs(1)));
        assert_eq!(throttles.at(3, rate).wait(1, start), Duration::from_secs(1));
        assert_eq!(throttles.len(), 2);
        let later = start + Duration::from_secs(1);
        assert_eq!(throttles.at(3, rate).take(1, later), Ok(()));
        assert_eq!(throttles.len(), 2);
        assert_eq!(throttles.at(2, rate).wait(1, later), Duration::from_secs(2));
    }

    #[test]
    fn all_places_come_free_in_time() {
        let (throttles, rate, start) = throttles(100);
        for key in 0..100 {
            throttles.at(key, rate).take(1, start).unwrap();
        }
        throttles.evict_idle(start);
        assert_eq!(throttles.len(), 100);
        throttles.evict_idle(start + Duration::from_secs(1));
        assert!(throttles.is_empty());
    }
}
