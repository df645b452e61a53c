//! Whether an endpoint as a whole is ill. Then one delivery at a time finds out when it is well again, and the others
//! neither use up their attempts nor hold sockets meanwhile.

use std::time::Duration;

use signalbox_model::Timestamp;

/// So many failures in a row, with no success among them, and it is ill.
const ILL_AFTER: u32 = 5;
/// Between two deliveries to one that is ill.
const PROBE_WAIT: Duration = Duration::from_secs(30);
/// The longest rest that an endpoint is given at its own wish.
const MAX_REST: Duration = Duration::from_secs(300);

#[derive(Debug, Default)]
pub(crate) struct Health {
    failures: u32,
    /// Until the next probe.
    probe_at: Timestamp,
    /// Until the end of the rest that it asked for. A success that was under way then doesn't end it.
    asked_until: Timestamp,
}

impl Health {
    pub fn well(&mut self) {
        (self.failures, self.probe_at) = (0, Timestamp::EPOCH);
    }

    pub fn ill(&mut self, asked: Option<Duration>, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        if self.is_ill() {
            self.probe_at = now + PROBE_WAIT;
        }
        if let Some(asked) = asked {
            self.asked_until = self.asked_until.max(now + asked.min(MAX_REST));
        }
    }

    const fn is_ill(&self) -> bool {
        self.failures >= ILL_AFTER
    }

    fn rest_until(&self) -> Timestamp {
        self.probe_at.max(self.asked_until)
    }

    /// How many deliveries may be under way at once.
    pub fn concurrency(&self, usual: usize, now: Timestamp) -> usize {
        match () {
            () if now < self.rest_until() => 0,
            () if self.is_ill() => 1,
            () => usual,
        }
    }

    /// When the rest is over, if it isn't.
    pub fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.rest_until()).filter(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::from_millis(1_000);

    #[test]
    fn a_row_of_failures_makes_it_one_at_a_time_and_a_success_makes_it_well() {
        let mut health = Health::default();
        (1..ILL_AFTER).for_each(|_| health.ill(None, T0));
        assert_eq!(health.concurrency(32, T0), 32);
        health.ill(None, T0);
        assert_eq!((health.concurrency(32, T0), health.next_wake(T0)), (0, Some(T0 + PROBE_WAIT)));
        assert_eq!(health.concurrency(32, T0 + PROBE_WAIT), 1);
        health.well();
        assert_eq!((health.concurrency(32, T0), health.next_wake(T0)), (32, None));
    }

    #[test]
    fn it_is_left_alone_as_it_asked_within_bounds() {
        let mut health = Health::default();
        health.ill(Some(Duration::from_secs(2)), T0);
        assert_eq!(health.next_wake(T0), Some(T0 + Duration::from_secs(2)));
        health.well();
        assert_eq!(health.concurrency(32, T0), 0);
        health.ill(Some(Duration::from_secs(86_400)), T0);
        assert_eq!(health.next_wake(T0), Some(T0 + MAX_REST));
    }
}
