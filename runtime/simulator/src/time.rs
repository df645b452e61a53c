//! The carrier's own clock. It is a peer of the host, so it takes no `Clock` from it.

use tokio::time::Instant;

/// Wall time, read once at start and carried on by the monotonic clock: stamps never go back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamps {
    origin_us: u64,
    started: Instant,
}

/// A moment as a calendar has it, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Calendar {
    pub(crate) year: u64,
    pub(crate) month: u64,
    pub(crate) day: u64,
    pub(crate) hour: u64,
    pub(crate) minute: u64,
    pub(crate) second: u64,
}

impl Stamps {
    #[expect(clippy::disallowed_methods, reason = "the simulated carrier is outside the host and has its own clock")]
    pub(crate) fn start() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self { origin_us: u64::try_from(since.as_micros()).unwrap_or(u64::MAX), started: Instant::now() }
    }

    /// Microseconds since 1970.
    pub(crate) fn micros(&self, at: Instant) -> u64 {
        let elapsed = at.saturating_duration_since(self.started);
        self.origin_us.saturating_add(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
    }
}

impl Calendar {
    /// Howard Hinnant's `civil_from_days`, for the days since 1970.
    pub(crate) fn of_micros(micros: u64) -> Self {
        let seconds = micros / 1_000_000;
        let shifted = seconds / 86_400 + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            hour: seconds / 3_600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, shown) in
            [(0, (1970, 1, 1, 0)), (951_782_400, (2000, 2, 29, 0)), (1_798_761_599, (2026, 12, 31, 23))]
        {
            let at = Calendar::of_micros(seconds * 1_000_000);
            assert_eq!((at.year, at.month, at.day, at.hour), shown);
        }
    }
}
