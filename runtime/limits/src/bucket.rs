//! One throttle's state, decided by governor's GCRA.
//!
//! Governor keeps its state to itself; here it is ours, for three things: to ask without taking, to charge a message
//! that is longer than the burst (it goes when the burst is whole, and what is beyond it is owed), and to see when a
//! throttle is as good as new. Kept is the time by which all that was let through is earned back; so a change of the rate
//! keeps what is owed.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use governor::RateLimiter;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};

use crate::rate::Rate;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bucket {
    /// Times are counted from the first one that came.
    origin: Option<Instant>,
    earned_back: Option<Duration>,
}

impl Bucket {
    /// Takes `segments`, or says how long until they may be asked for again.
    pub(crate) fn take(&mut self, rate: Rate, segments: u32, now: Instant) -> Result<(), Duration> {
        let origin = *self.origin.get_or_insert(now);
        self.earned_back = self.decide(rate, segments, now.saturating_duration_since(origin))?;
        Ok(())
    }

    /// How long until `segments` may go; zero when they may.
    pub(crate) fn wait(&self, rate: Rate, segments: u32, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.origin.unwrap_or(now));
        self.decide(rate, segments, since).err().unwrap_or_default()
    }

    /// How long until nothing is owed: then the bucket is as good as a new one.
    pub(crate) fn until_idle(&self, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.origin.unwrap_or(now));
        self.earned_back.unwrap_or_default().saturating_sub(since)
    }

    fn decide(&self, rate: Rate, segments: u32, since: Duration) -> Result<Option<Duration>, Duration> {
        let Some(segments) = NonZeroU32::new(segments) else { return Ok(self.earned_back) };
        let at_once = segments.min(rate.burst());
        let slot = Slot(Cell::new(self.earned_back));
        let limiter: RateLimiter<NotKeyed, _, _, NoOpMiddleware<Duration>> =
            RateLimiter::new(rate.quota(), &slot, Passed(Cell::new(Duration::ZERO)));
        limiter.clock().0.set(since);
        match limiter.check_n(at_once).expect("no more than the burst is asked for") {
            Err(not_until) => Err(not_until.wait_time_from(since)),
            Ok(()) => {
                let owed = rate.interval().saturating_mul(segments.get() - at_once.get());
                Ok(slot.0.get().map(|at| at.saturating_add(owed)))
            }
        }
    }
}

/// What governor reads and writes.
struct Slot(Cell<Option<Duration>>);

impl StateStore for &Slot {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (outcome, earned_back) = decide(self.0.get().map(Nanos::from))?;
        self.0.set(Some(earned_back.into()));
        Ok(outcome)
    }
}

/// The time that was passed in.
struct Passed(Cell<Duration>);

impl Clock for Passed {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.get()
    }
}
