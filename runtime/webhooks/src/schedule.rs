//! When to try again: the schedule that Standard Webhooks advises.

use std::time::Duration;

use signalbox_model::{Chance, Timestamp};

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

const fn hours(n: u64) -> Duration {
    minutes(n * 60)
}

/// How long to wait before each attempt. After the last one the event is parked.
pub const WAITS: [Duration; 10] = [
    Duration::ZERO,
    Duration::from_secs(5),
    minutes(5),
    minutes(30),
    hours(2),
    hours(5),
    hours(10),
    hours(14),
    hours(20),
    hours(24),
];

/// The longest `Retry-After` that is honoured.
pub const MAX_RETRY_AFTER: Duration = hours(24);
/// A tenth either way, so that what failed together doesn't come back together.
const JITTER: f64 = 0.1;

/// How long to wait once `failed` attempts have failed; `None` when it is given up. What the endpoint asked for can
/// prolong the wait, not shorten it.
pub fn wait(failed: u16, asked: Option<Duration>, chance: &Chance) -> Option<Duration> {
    let scheduled = chance.jitter(*WAITS.get(usize::from(failed))?, JITTER);
    Some(asked.map_or(scheduled, |asked| scheduled.max(asked.min(MAX_RETRY_AFTER))))
}

/// Reads a `Retry-After` header: seconds, or a date.
pub fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    match header.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => http_date(header).map(|at| at.since(now)),
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7); the two obsolete forms aren't read.
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    (words.next() == Some("GMT")).then(|| Timestamp::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z")))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_and_no_more() {
        let chance = Chance::seeded(1);
        for (failed, planned) in WAITS.iter().enumerate().skip(1) {
            let wait = wait(failed as u16, None, &chance).unwrap().as_secs_f64();
            assert!((planned.as_secs_f64() - wait).abs() <= planned.as_secs_f64() * 0.1 + 1e-6, "{failed}: {wait}");
        }
        assert_eq!(wait(10, None, &chance), None);
    }

    #[test]
    fn retry_after_prolongs_within_a_day() {
        let chance = Chance::seeded(1);
        assert_eq!(wait(1, Some(minutes(2)), &chance), Some(minutes(2)));
        assert!(wait(2, Some(Duration::from_secs(1)), &chance).unwrap() > minutes(4));
        assert_eq!(wait(1, Some(hours(1_000)), &chance), Some(MAX_RETRY_AFTER));
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now = Timestamp::parse_rfc3339("1994-11-06T08:49:00Z").unwrap();
        assert_eq!(retry_after("120", now), Some(minutes(2)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(37)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        for bad in ["", "-1", "soon", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET"] {
            assert_eq!(retry_after(bad, now), None, "{bad}");
        }
    }
}
