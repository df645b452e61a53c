//! Waiting with a deadline: for an event where there is one, otherwise by looking again.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// How long a story waits for what must come. Long, because a loaded machine is slow; never waited out when all is well.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often we look where nobody tells us.
const LOOK: Duration = Duration::from_millis(10);

/// The future's output, or a panic that says what was waited for.
pub async fn within<T>(patience: Duration, what: impl Display, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(patience, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {patience:?} in vain for {what}"),
    }
}

/// Looks until `look` finds something; panics with its last excuse when the time is over.
pub async fn until<T, E: Display, F: Future<Output = Result<T, E>>>(
    what: impl Display,
    mut look: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(excuse) if Instant::now() > deadline => panic!("waited {PATIENCE:?} in vain for {what}: {excuse}"),
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// A moment this many seconds from now, as RFC 3339 has it.
#[expect(clippy::disallowed_methods, reason = "a story stands outside the house and has its own clock")]
pub fn in_the_future(seconds: u64) -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is after 1970");
    rfc3339(u64::try_from((since + Duration::from_secs(seconds)).as_millis()).expect("not before the year 500 million"))
}

/// Howard Hinnant's `civil_from_days`, for the days since 1970.
fn rfc3339(millis: u64) -> String {
    let seconds = millis / 1_000;
    let shifted = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}Z", millis % 1_000 * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(rfc3339(951_782_400_250), "2000-02-29T00:00:00.250000Z");
        assert_eq!(rfc3339(1_798_761_599_999), "2026-12-31T23:59:59.999000Z");
    }
}
