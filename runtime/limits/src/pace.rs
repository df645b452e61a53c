//! A carrier bind's pace: slower when the carrier says so, and carefully faster again.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::bucket::Bucket;
use crate::error::Error;
use crate::rate::Rate;
use crate::throttle::Limit;

/// `congestion_state` (SMPP 5.0) from which on a carrier counts as nearing its limit.
pub const CONGESTED: u8 = 80;

/// How a pace behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Segments a second; never slower. Something has to go, or the carrier's recovery wouldn't be seen.
    pub floor: f64,
    /// Segments a second; never faster. The carrier's agreed rate.
    pub ceiling: f64,
    /// After a slow-down, how long further complaints count as the same one: they answer what was sent before it.
    pub settle: Duration,
    /// How often the pace is raised while the carrier doesn't complain.
    pub recover_every: Duration,
    /// By how many segments a second it is raised each time.
    pub recover_by: f64,
}

impl Config {
    /// Up to `ceiling` segments a second: down to a hundredth of it, back by a fiftieth of it each second.
    pub fn up_to(ceiling: f64) -> Self {
        Self {
            floor: (ceiling / 100.0).max(1.0).min(ceiling),
            ceiling,
            settle: Duration::from_secs(1),
            recover_every: Duration::from_secs(1),
            recover_by: (ceiling / 50.0).max(0.1),
        }
    }
}

/// The pace of one bind: a throttle whose rate halves when the carrier complains and recovers additively.
#[derive(Debug)]
pub struct Pace {
    config: Config,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    bucket: Bucket,
    meter: Meter,
    /// `None` at the ceiling.
    slowed: Option<Slowed>,
}

#[derive(Debug, Clone, Copy)]
struct Slowed {
    to: f64,
    at: Instant,
}

impl Pace {
    /// Begins at the ceiling.
    pub fn new(config: Config) -> Result<Self, Error> {
        Rate::per_second(config.floor)?;
        Rate::per_second(config.ceiling)?;
        if config.floor > config.ceiling {
            return Err(Error::FloorAboveCeiling);
        }
        if config.recover_by.is_nan() || config.recover_by <= 0.0 || config.recover_every.is_zero() {
            return Err(Error::NotPositive);
        }
        Ok(Self {
            config,
            state: Mutex::new(State { bucket: Bucket::default(), meter: Meter::default(), slowed: None }),
        })
    }

    /// The carrier said that it was too much (`ESME_RTHROTTLED`, `ESME_RMSGQFUL`, HTTP 429). Halves the rate that was
    /// really sent at, or the pace if that was lower. Returns the new pace, or `None` when this complaint is part of the last
    /// one.
    pub fn slow_down(&self, now: Instant) -> Option<f64> {
        let mut state = self.state.lock();
        if state.slowed.is_some_and(|slowed| now.saturating_duration_since(slowed.at) < self.config.settle) {
            return None;
        }
        let pace = self.pace(&state, now);
        // A late complaint may come when nothing is being sent any more; then the pace itself is halved.
        let observed = Some(state.meter.per_second(now)).filter(|rate| *rate > 0.0).unwrap_or(pace);
        let to = (pace.min(observed) / 2.0).max(self.config.floor);
        state.slowed = Some(Slowed { to, at: now });
        Some(to)
    }

    /// The carrier's `congestion_state`, 0 to 100: from [`CONGESTED`] on it is a complaint.
    pub fn congestion(&self, state: u8, now: Instant) -> Option<f64> {
        (state >= CONGESTED).then(|| self.slow_down(now))?
    }

    /// Segments a second at present.
    pub fn segments_per_second(&self, now: Instant) -> f64 {
        self.pace(&self.state.lock(), now)
    }

    /// True while the pace is below its ceiling.
    pub fn is_slowed(&self, now: Instant) -> bool {
        self.segments_per_second(now) < self.config.ceiling
    }

    fn pace(&self, state: &State, now: Instant) -> f64 {
        let Some(slowed) = state.slowed else { return self.config.ceiling };
        let quiet = now.saturating_duration_since(slowed.at);
        let steps = (quiet.as_secs_f64() / self.config.recover_every.as_secs_f64()).floor();
        (slowed.to + steps * self.config.recover_by).min(self.config.ceiling)
    }

    fn rate(&self, state: &State, now: Instant) -> Rate {
        Rate::per_second(self.pace(state, now)).expect("a pace lies between floor and ceiling, and both are rates")
    }
}

impl Limit for Pace {
    fn wait(&self, segments: u32, now: Instant) -> Duration {
        let state = self.state.lock();
        state.bucket.wait(self.rate(&state, now), segments, now)
    }

    fn take(&self, segments: u32, now: Instant) -> Result<(), Duration> {
        let mut state = self.state.lock();
        let rate = self.rate(&state, now);
        state.bucket.take(rate, segments, now)?;
        state.meter.count(segments, now);
        Ok(())
    }
}

/// Segments in the last second: the running one, and as much of the one before as the running one hasn't replaced.
#[derive(Debug, Default)]
struct Meter {
    begun: Option<Instant>,
    running: u32,
    before: Option<u32>,
}

const SECOND: Duration = Duration::from_secs(1);

impl Meter {
    fn count(&mut self, segments: u32, now: Instant) {
        self.roll(now);
        self.running = self.running.saturating_add(segments);
    }

    fn per_second(&mut self, now: Instant) -> f64 {
        let begun = self.roll(now);
        let part = now.saturating_duration_since(begun).as_secs_f64();
        match self.before {
            Some(before) => f64::from(before) * (1.0 - part) + f64::from(self.running),
            // The first second isn't over; what little of it there is says less the shorter it is.
            None => f64::from(self.running) / part.max(0.1),
        }
    }

    fn roll(&mut self, now: Instant) -> Instant {
        let begun = *self.begun.get_or_insert(now);
        let gone = now.saturating_duration_since(begun);
        if gone < SECOND {
            return begun;
        }
        (self.before, self.begun) =
            if gone < 2 * SECOND { (Some(self.running), Some(begun + SECOND)) } else { (None, Some(now)) };
        self.running = 0;
        self.begun.unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(ceiling: f64) -> (Pace, Instant) {
        (Pace::new(Config::up_to(ceiling)).unwrap(), Instant::now())
    }

    /// Sends whenever it may, until `until`; returns how many segments went.
    fn send(pace: &Pace, now: &mut Instant, until: Instant) -> u32 {
        let mut sent = 0;
        while *now < until {
            match pace.take(1, *now) {
                Ok(()) => sent += 1,
                Err(wait) => *now += wait,
            }
        }
        sent
    }

    #[test]
    fn a_complaint_halves_what_was_really_sent() {
        let (pace, start) = pace(1_000.0);
        // 200 a second are sent, though a thousand might be.
        for i in 0..400 {
            pace.take(1, start + Duration::from_millis(5 * i)).unwrap();
        }
        let now = start + Duration::from_secs(2) - Duration::from_millis(1);
        let slowed = pace.slow_down(now).unwrap();
        assert!((95.0..=105.0).contains(&slowed), "{slowed}");
        assert!(pace.is_slowed(now));
    }

    #[test]
    fn complaints_about_what_was_sent_before_count_once() {
        let (pace, start) = pace(100.0);
        let mut now = start;
        send(&pace, &mut now, start + 3 * SECOND);
        assert!((45.0..=55.0).contains(&pace.slow_down(now).unwrap()));
        assert!((0..50).all(|ms| pace.slow_down(now + Duration::from_millis(ms)).is_none()));
        now += SECOND;
        assert!(pace.slow_down(now).is_some());
    }

    #[test]
    fn it_sends_at_the_pace_and_comes_back_to_the_ceiling() {
        let (pace, start) = pace(100.0);
        let mut now = start;
        let full = send(&pace, &mut now, start + 10 * SECOND);
        assert!((990..=1_020).contains(&full), "{full}");
        let slowed_at = now;
        pace.slow_down(now).unwrap();
        let half = send(&pace, &mut now, slowed_at + SECOND);
        assert!((40..=55).contains(&half), "{half}");
        let mut last = 0.0;
        for second in 0..30 {
            let rate = pace.segments_per_second(slowed_at + second * SECOND);
            assert!(rate >= last && rate - last <= 55.0);
            last = rate;
        }
        assert!((last - 100.0).abs() < 1e-9);
        assert!(!pace.is_slowed(slowed_at + 30 * SECOND));
    }

    #[test]
    fn it_never_leaves_floor_and_ceiling() {
        let (pace, mut now) = pace(100.0);
        for _ in 0..50 {
            pace.slow_down(now);
            now += SECOND;
        }
        let rate = pace.segments_per_second(now - SECOND);
        assert!((1.0..=3.1).contains(&rate), "{rate}");
        assert!(pace.segments_per_second(now + Duration::from_secs(86_400)) <= 100.0);
    }

    #[test]
    fn congestion_counts_from_eighty() {
        let (pace, start) = pace(100.0);
        assert_eq!(pace.congestion(79, start), None);
        assert!(!pace.is_slowed(start));
        assert_eq!(pace.congestion(80, start), Some(50.0));
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let with = |change: fn(&mut Config)| {
            let mut config = Config::up_to(10.0);
            change(&mut config);
            Pace::new(config).err()
        };
        assert_eq!(with(|c| c.floor = 11.0), Some(Error::FloorAboveCeiling));
        assert_eq!(with(|c| c.ceiling = 0.0), Some(Error::NotPositive));
        assert_eq!(with(|c| c.recover_by = f64::NAN), Some(Error::NotPositive));
        assert_eq!(with(|c| c.recover_every = Duration::ZERO), Some(Error::NotPositive));
        assert_eq!(with(|_| ()), None);
        assert!(Pace::new(Config::up_to(0.5)).is_ok());
    }
}
