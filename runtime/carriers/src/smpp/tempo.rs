//! How fast a bind may send.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use signalbox_limits::throttle::Limit;
use signalbox_limits::{Pace, pace};

/// Where no rate was agreed: faster than a carrier lets any bind send. It only says from where slowing down begins.
const WITHOUT_LIMIT: f64 = 10_000.0;

/// What was taken and given back is good for so long; after that the pace has grown it anew anyhow.
const CREDIT_LASTS: Duration = Duration::from_secs(1);

/// A bind's pace, of which unused places give back what they took.
pub(super) struct Tempo {
    pace: Pace,
    /// Whether the pace is kept even while the carrier doesn't complain.
    limited: bool,
    credit: Mutex<Credit>,
}

#[derive(Default)]
struct Credit {
    segments: u32,
    since: Option<Instant>,
}

impl Credit {
    fn now(&self, now: Instant) -> u32 {
        let good = self.since.is_some_and(|since| now.saturating_duration_since(since) < CREDIT_LASTS);
        if good { self.segments } else { 0 }
    }
}

impl Tempo {
    /// At most `max` segments a second; 0 is no limit until the carrier complains.
    pub fn new(max: u32) -> Self {
        let limited = max > 0;
        let ceiling = if limited { f64::from(max) } else { WITHOUT_LIMIT };
        let mut config = pace::Config::up_to(ceiling);
        if !limited {
            // What the carrier bears isn't known, so it is found from below and in smaller steps.
            (config.floor, config.recover_by) = (1.0, 100.0);
        }
        let pace = Pace::new(config).expect("the ceiling is positive and the floor below it");
        Self { pace, limited, credit: Mutex::default() }
    }

    fn binds(&self, now: Instant) -> bool {
        self.limited || self.pace.is_slowed(now)
    }

    /// How long until `segments` may go.
    pub fn wait(&self, segments: u32, now: Instant) -> Duration {
        if !self.binds(now) {
            return Duration::ZERO;
        }
        match segments.saturating_sub(self.credit.lock().now(now)) {
            0 => Duration::ZERO,
            due => self.pace.wait(due, now),
        }
    }

    /// Takes `segments`, if they may go now.
    pub fn take(&self, segments: u32, now: Instant) -> bool {
        let mut credit = self.credit.lock();
        let have = credit.now(now).min(segments);
        let due = segments - have;
        // Counted in any case: a complaint halves what was really sent.
        if due > 0 && self.pace.take(due, now).is_err() && self.binds(now) {
            return false;
        }
        credit.segments = credit.now(now) - have;
        true
    }

    /// Gives back what was taken and not used.
    pub fn give_back(&self, segments: u32, now: Instant) {
        let mut credit = self.credit.lock();
        *credit = Credit { segments: credit.now(now) + segments, since: Some(now) };
    }

    /// The carrier said that it was too much. The new pace, if that isn't part of the last complaint.
    pub fn complaint(&self, now: Instant) -> Option<f64> {
        self.pace.slow_down(now)
    }

    /// The carrier said how full it is.
    pub fn congestion(&self, state: u8, now: Instant) -> Option<f64> {
        self.pace.congestion(state, now)
    }

    /// Segments a second at present, if that is less than it might be.
    pub fn slowed_to(&self, now: Instant) -> Option<u32> {
        self.pace.is_slowed(now).then(|| self.pace.segments_per_second(now).ceil() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_limit_nothing_waits_until_the_carrier_complains() {
        let (tempo, now) = (Tempo::new(0), Instant::now());
        assert!((0..50_000).all(|_| tempo.wait(1, now).is_zero() && tempo.take(1, now)));
        assert_eq!(tempo.slowed_to(now), None);
        assert!(tempo.complaint(now).is_some());
        let taken = (0..50_000).filter(|_| tempo.take(1, now)).count();
        assert!(taken < 50_000, "{taken}");
        let slowed = tempo.slowed_to(now).unwrap();
        let later = now + Duration::from_secs(2);
        assert!(tempo.slowed_to(later).is_none_or(|faster| faster > slowed));
        assert_eq!(tempo.slowed_to(now + Duration::from_secs(200)), None);
    }

    #[test]
    fn what_is_given_back_may_go_again_but_no_more_than_that() {
        let (tempo, now) = (Tempo::new(10), Instant::now());
        assert!(tempo.take(1, now) && !tempo.take(1, now));
        tempo.give_back(1, now);
        assert!(tempo.wait(1, now).is_zero() && tempo.take(1, now));
        assert!(!tempo.take(1, now));
        tempo.give_back(1, now);
        let later = now + CREDIT_LASTS + Duration::from_secs(1);
        assert!(tempo.take(1, later) && !tempo.take(1, later), "old credit isn't added to what the pace has grown");
    }
}
