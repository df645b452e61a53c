//! Passing refusals: spells of throttling and of a full queue, and a rate limit.

use super::fate::Fate;
use crate::Status;
use crate::scenario::Scenario;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Spells {
    throttled_until: Option<Instant>,
    full_until: Option<Instant>,
    /// When the next submit fits the rate, were it the earliest possible (GCRA's theoretical arrival time).
    arrival: Option<Instant>,
}

impl Spells {
    /// The passing refusal of this submit, if any.
    pub(super) fn refuse(&mut self, scenario: &Scenario, fate: &Fate, now: Instant) -> Option<Status> {
        if fate.starts_throttling {
            self.throttled_until = Some(now + scenario.throttle.lasts.0);
        }
        if fate.starts_queue_full {
            self.full_until = Some(now + scenario.queue_full.lasts.0);
        }
        if fate.starts_throttling || self.throttled_until.is_some_and(|until| now < until) {
            return Some(Status::THROTTLED);
        }
        if fate.starts_queue_full || self.full_until.is_some_and(|until| now < until) {
            return Some(Status::QUEUE_FULL);
        }
        (!self.fits(scenario.throttle.per_second, now)).then_some(Status::THROTTLED)
    }

    fn fits(&mut self, per_second: u32, now: Instant) -> bool {
        if per_second == 0 {
            return true;
        }
        let each = Duration::from_secs(1) / per_second;
        let burst = Duration::from_millis(100).max(each);
        let arrival = self.arrival.map_or(now, |arrival| arrival.max(now));
        let fits = arrival + each <= now + burst;
        if fits {
            self.arrival = Some(arrival + each);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_lets_a_tenth_of_a_second_through_at_once_and_then_keeps_step() {
        let (start, mut spells) = (Instant::now(), Spells::default());
        let let_through = |spells: &mut Spells, at| (0..50).filter(|_| spells.fits(100, at)).count();
        assert_eq!(let_through(&mut spells, start), 10);
        assert_eq!(let_through(&mut spells, start + Duration::from_millis(50)), 5);
        assert_eq!(let_through(&mut spells, start + Duration::from_secs(9)), 10);
    }
}
