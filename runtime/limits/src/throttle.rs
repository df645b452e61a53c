//! A throttle, and several of them together: what doesn't fit waits, nothing fails.

use std::hash::Hash;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::bucket::Bucket;
use crate::keyed::Throttles;
use crate::rate::Rate;

/// What can be asked for segments.
pub trait Limit {
    /// How long until `segments` may go; zero when they may. Takes nothing.
    fn wait(&self, segments: u32, now: Instant) -> Duration;

    /// Takes `segments`, or says how long to wait before asking again, and then takes nothing.
    fn take(&self, segments: u32, now: Instant) -> Result<(), Duration>;
}

/// Takes `segments` from all of them or from none; the error is the longest wait.
///
/// Asks all first, so it is exact for one sender at a time. Should another one take between asking and taking, those asked
/// first may be charged for a message that then waits: too slow rather than too fast.
pub fn take_all(limits: &[&dyn Limit], segments: u32, now: Instant) -> Result<(), Duration> {
    let wait = limits.iter().map(|limit| limit.wait(segments, now)).max().unwrap_or_default();
    if !wait.is_zero() {
        return Err(wait);
    }
    limits.iter().try_for_each(|limit| limit.take(segments, now))
}

/// One rate, shared by all that have to keep it.
///
/// A message longer than the burst goes when the burst is whole; what it takes beyond that is owed by those after it.
#[derive(Debug)]
pub struct Throttle(Mutex<(Rate, Bucket)>);

impl Throttle {
    /// A throttle whose burst is whole.
    pub fn new(rate: Rate) -> Self {
        Self(Mutex::new((rate, Bucket::default())))
    }

    /// The rate.
    pub fn rate(&self) -> Rate {
        self.0.lock().0
    }

    /// Changes the rate; what is owed stays owed.
    pub fn set_rate(&self, rate: Rate) {
        self.0.lock().0 = rate;
    }
}

impl Limit for Throttle {
    fn wait(&self, segments: u32, now: Instant) -> Duration {
        let (rate, bucket) = &*self.0.lock();
        bucket.wait(*rate, segments, now)
    }

    fn take(&self, segments: u32, now: Instant) -> Result<(), Duration> {
        let (rate, bucket) = &mut *self.0.lock();
        bucket.take(*rate, segments, now)
    }
}

/// One key's throttle among many.
#[derive(Debug)]
pub struct Keyed<'a, K> {
    pub(crate) throttles: &'a Throttles<K>,
    pub(crate) key: K,
    pub(crate) rate: Rate,
}

impl<K: Hash + Eq + Clone> Limit for Keyed<'_, K> {
    fn wait(&self, segments: u32, now: Instant) -> Duration {
        self.throttles.wait(&self.key, self.rate, segments, now)
    }

    fn take(&self, segments: u32, now: Instant) -> Result<(), Duration> {
        self.throttles.take(&self.key, self.rate, segments, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn per_second(rate: f64, burst: u32) -> Rate {
        Rate::per_second(rate).unwrap().with_burst(NonZeroU32::new(burst).unwrap()).unwrap()
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_does_not_fit_is_told_when_it_will() {
        let (throttle, start) = (Throttle::new(per_second(10.0, 2)), Instant::now());
        assert_eq!(throttle.take(2, start), Ok(()));
        assert_eq!(throttle.take(1, start), Err(ms(100)));
        assert_eq!(throttle.take(2, start), Err(ms(200)));
        assert_eq!(throttle.take(1, start + ms(99)), Err(ms(1)));
        assert_eq!(throttle.take(1, start + ms(100)), Ok(()));
        assert_eq!(throttle.take(0, start + ms(100)), Ok(()));
    }

    #[test]
    fn asking_takes_nothing() {
        let (throttle, start) = (Throttle::new(per_second(10.0, 1)), Instant::now());
        assert_eq!((0..5).map(|_| throttle.wait(1, start)).max(), Some(ms(0)));
        throttle.take(1, start).unwrap();
        assert_eq!((0..5).map(|_| throttle.wait(1, start)).max(), Some(ms(100)));
    }

    #[test]
    fn a_message_longer_than_the_burst_goes_and_is_paid_for_afterwards() {
        let (throttle, start) = (Throttle::new(per_second(10.0, 2)), Instant::now());
        assert_eq!(throttle.take(10, start), Ok(()));
        assert_eq!(throttle.take(1, start), Err(ms(900)));
        assert_eq!(throttle.take(10, start + ms(900)), Err(ms(100)));
        assert_eq!(throttle.take(10, start + ms(1_000)), Ok(()));
    }

    #[test]
    fn a_sender_that_waits_as_told_keeps_the_rate_and_reaches_it() {
        let (throttle, start) = (Throttle::new(per_second(75.0, 7)), Instant::now());
        let (mut now, mut sent, mut sizes) = (start, 0, [1, 3, 1, 10, 2].into_iter().cycle());
        while now < start + Duration::from_secs(60) {
            let size = sizes.next().unwrap();
            while let Err(wait) = throttle.take(size, now) {
                assert!(!wait.is_zero());
                now += wait;
            }
            sent += size;
            // The longest message, and the rate; a little for rounding the interval to nanoseconds.
            let allowed = 10.001 + (now - start).as_secs_f64() * 75.0;
            assert!(f64::from(sent) <= allowed, "{sent} segments after {:?}", now - start);
        }
        assert!(sent >= 4_490, "{sent}");
    }

    #[test]
    fn a_slower_rate_does_not_give_a_fresh_burst() {
        let (throttle, start) = (Throttle::new(per_second(10.0, 5)), Instant::now());
        throttle.take(5, start).unwrap();
        throttle.set_rate(per_second(5.0, 1));
        assert!(throttle.take(1, start).unwrap_err() >= ms(200));
    }

    #[test]
    fn several_are_asked_before_any_is_charged() {
        let (bind, number, start) =
            (Throttle::new(per_second(100.0, 10)), Throttle::new(per_second(1.0, 1)), Instant::now());
        assert_eq!(take_all(&[&bind, &number], 1, start), Ok(()));
        for _ in 0..20 {
            assert_eq!(take_all(&[&bind, &number], 1, start), Err(ms(1_000)));
        }
        assert_eq!(bind.wait(9, start), ms(0));
        assert_eq!(take_all(&[], 1, start), Ok(()));
    }

    #[test]
    fn time_that_seems_to_go_back_does_no_harm() {
        let (throttle, start) = (Throttle::new(per_second(10.0, 1)), Instant::now() + ms(1_000));
        throttle.take(1, start).unwrap();
        assert_eq!(throttle.take(1, start - ms(500)), Err(ms(100)));
    }
}
