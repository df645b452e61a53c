//! How a version of a handler does: whether it is worth calling now, and whether it fails more than the one before it.
//!
//! In memory: after a start every version has a clean slate, and none is taken back that has nothing to be held against.

use std::collections::VecDeque;
use std::time::Duration;

use signalbox_model::Timestamp;

use crate::config::Config;

/// Ends of runs that are kept: a bound on memory, and enough for a rate.
const MAX_ENDS: usize = 1_000;

/// A probe that hasn't come back after so long never will: its step was dropped.
const PROBE_LOST: Duration = Duration::from_secs(10);

/// What a run said of its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It worked.
    Well,
    /// The handler turned the event down: it works, but nothing came of the event.
    TurnedDown,
    /// It broke.
    Failed,
    /// The host couldn't do its part: says nothing of the version.
    HostFailed,
}

/// May the version be called?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admit {
    /// Yes.
    Go,
    /// Not before this.
    Wait(Timestamp),
}

/// How a version does.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Failures since it last worked.
    in_a_row: u32,
    /// Set while the version isn't called.
    rest: Option<Rest>,
    /// When first attempts ended, and whether they failed.
    ends: VecDeque<(Timestamp, bool)>,
    /// How the version did that it replaced.
    before: Baseline,
    /// Was it handed over to be taken back?
    is_suspect: bool,
}

/// What another version is held against: nothing where few events were seen, such as right after a start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Baseline {
    /// Events in the window.
    seen: usize,
    /// The share of them that failed.
    rate: f64,
}

#[derive(Debug, Clone, Copy)]
struct Rest {
    until: Timestamp,
    wait: Duration,
    probe: Option<Timestamp>,
}

impl Health {
    /// May it be called now? One that failed many times in a row rests, and then one event at a time finds out whether
    /// it works again.
    pub(crate) fn admit(&mut self, now: Timestamp) -> Admit {
        let Some(rest) = &mut self.rest else { return Admit::Go };
        if now < rest.until {
            return Admit::Wait(rest.until);
        }
        if let Some(began) = rest.probe.filter(|began| now < *began + PROBE_LOST) {
            // Whoever waits for the probe looks again when it should have come back.
            return Admit::Wait(began.max(now) + Duration::from_secs(1));
        }
        rest.probe = Some(now);
        Admit::Go
    }

    /// Notes how a run ended. Only the first attempt at an event counts for the rate: one event that can't be handled is
    /// one failure, however often it is tried.
    pub(crate) fn note(&mut self, end: End, is_first_attempt: bool, now: Timestamp, config: &Config) {
        if let Some(rest) = &mut self.rest {
            rest.probe = None;
        }
        match end {
            End::HostFailed => return,
            End::Well | End::TurnedDown => (self.in_a_row, self.rest) = (0, None),
            End::Failed => {
                self.in_a_row = self.in_a_row.saturating_add(1);
                if self.in_a_row >= config.breaker_failures {
                    let wait = self.rest.map_or(config.breaker_wait, |rest| rest.wait * 2);
                    let wait = wait.min(config.breaker_wait_most);
                    self.rest = Some(Rest { until: now + wait, wait, probe: None });
                }
            }
        }
        if is_first_attempt {
            self.ends.push_back((now, end != End::Well));
            if self.ends.len() > MAX_ENDS {
                self.ends.pop_front();
            }
        }
        self.forget(now, config.rollback_window);
    }

    fn forget(&mut self, now: Timestamp, window: Duration) {
        while self.ends.front().is_some_and(|(at, _)| *at + window < now) {
            self.ends.pop_front();
        }
    }

    /// Which share of the events in the window failed.
    fn rate(&self) -> f64 {
        if self.ends.is_empty() {
            return 0.0;
        }
        self.failures() as f64 / self.ends.len() as f64
    }

    /// For another version to be held against.
    pub(crate) fn baseline(&self) -> Baseline {
        Baseline { seen: self.ends.len(), rate: self.rate() }
    }

    fn failures(&self) -> usize {
        self.ends.iter().filter(|(_, failed)| *failed).count()
    }

    /// The version begins to answer, in place of one that did like this: it is judged anew.
    pub(crate) fn begin(&mut self, before: Baseline) {
        (self.before, self.is_suspect) = (before, false);
        self.ends.clear();
    }

    /// Why the version should be taken back, if it fails that much more than `before`, or than the one that it replaced.
    /// Never where nothing is known of that one: it may have failed as much. Said once.
    pub(crate) fn verdict(&mut self, before: Option<Baseline>, config: &Config) -> Option<String> {
        let (now, before) = (self.baseline(), before.unwrap_or(self.before));
        let are_known = now.seen.min(before.seen) >= config.rollback_least;
        if self.is_suspect || !are_known || now.rate < before.rate + f64::from(config.rollback_percent) / 100.0 {
            return None;
        }
        self.is_suspect = true;
        Some(format!(
            "{} of {} events failed within {} s ({:.0}%); before it was {:.0}%",
            self.failures(),
            now.seen,
            config.rollback_window.as_secs(),
            now.rate * 100.0,
            before.rate * 100.0,
        ))
    }

    /// Until when it rests, if it does.
    pub(crate) fn rests_until(&self) -> Option<Timestamp> {
        self.rest.map(|rest| rest.until)
    }

    /// Events in the window, and how many of them failed.
    pub(crate) fn seen(&self) -> (usize, usize) {
        (self.ends.len(), self.failures())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            breaker_failures: 3,
            breaker_wait: Duration::from_secs(5),
            breaker_wait_most: Duration::from_secs(8),
            rollback_least: 4,
            rollback_percent: 50,
            rollback_window: Duration::from_secs(60),
            ..Config::default()
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn after_failures_in_a_row_it_rests_and_one_probe_goes_through() {
        let (mut health, config) = (Health::default(), config());
        for _ in 0..3 {
            assert_eq!(health.admit(at(1)), Admit::Go);
            health.note(End::Failed, true, at(1), &config);
        }
        assert_eq!(health.admit(at(2)), Admit::Wait(at(6)));
        assert_eq!(health.admit(at(6)), Admit::Go, "the probe");
        assert_eq!(health.admit(at(6)), Admit::Wait(at(7)), "everybody else waits for it");
        health.note(End::Failed, true, at(6), &config);
        assert_eq!(health.admit(at(7)), Admit::Wait(at(14)), "twice as long, but not over the most");
        assert_eq!(health.admit(at(14)), Admit::Go);
        health.note(End::Well, true, at(14), &config);
        assert_eq!((health.admit(at(14)), health.admit(at(14))), (Admit::Go, Admit::Go));
    }

    #[test]
    fn a_probe_that_the_host_failed_or_lost_is_followed_by_another() {
        let (mut health, config) = (Health::default(), config());
        for _ in 0..3 {
            health.note(End::Failed, true, at(1), &config);
        }
        assert_eq!(health.admit(at(6)), Admit::Go);
        health.note(End::HostFailed, true, at(6), &config);
        assert_eq!(health.admit(at(6)), Admit::Go);
        assert_eq!(health.admit(at(17)), Admit::Go, "the last one was lost");
    }

    #[test]
    fn a_handler_that_turns_events_down_is_well() {
        let (mut health, config) = (Health::default(), config());
        for _ in 0..10 {
            health.note(End::TurnedDown, true, at(1), &config);
        }
        assert_eq!(health.admit(at(1)), Admit::Go);
        assert!((health.rate() - 1.0).abs() < f64::EPSILON, "but nothing comes of its events");
    }

    #[test]
    fn only_a_version_that_was_seen_often_enough_is_held_against_another() {
        let (mut old, config) = (Health::default(), config());
        for _ in 0..3 {
            old.note(End::Failed, true, at(1), &config);
        }
        let judged = |baseline| {
            let mut new = Health::default();
            new.begin(baseline);
            (0..4).for_each(|_| new.note(End::Failed, true, at(2), &config));
            new.verdict(None, &config).is_some()
        };
        assert!(!judged(old.baseline()), "three events say nothing");
        (0..9).for_each(|_| old.note(End::Well, true, at(1), &config));
        assert!(judged(old.baseline()), "it failed a quarter, and this one all");
        assert!(!judged(Health::default().baseline()), "right after a start");
    }

    #[test]
    fn it_is_judged_once_by_first_attempts_within_the_window() {
        let (mut health, config) = (Health::default(), config());
        for n in 0..20 {
            health.note(End::Failed, n == 0, at(1), &config);
        }
        assert_eq!(health.verdict(None, &config), None, "it was one event");
        for _ in 0..3 {
            health.note(End::Failed, true, at(2), &config);
        }
        assert_eq!(
            health.verdict(Some(Baseline { seen: 9, rate: 0.6 }), &config),
            None,
            "the other one is hardly better"
        );
        assert_eq!(health.verdict(None, &config), None, "nothing is known of the other one");
        let well = Some(Baseline { seen: 9, rate: 0.0 });
        let why = health.verdict(well, &config).unwrap();
        assert!(why.contains("4 of 4 events failed"), "{why}");
        assert_eq!(health.verdict(well, &config), None, "said once");
        health.note(End::Well, true, at(70), &config);
        assert_eq!(health.seen(), (1, 0));
    }
}
