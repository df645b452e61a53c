//! The API's times, as numbers.

/// Microseconds since 1970 of an RFC 3339 time in UTC, such as `2026-11-23T14:31:07.250Z`.
pub fn micros(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut clock = clock.split(':').map(|part| part.parse::<u64>().ok());
    let (h, m, s) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year < 1970 {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let seconds = days(year, month, day) * 86_400 + h * 3_600 + m * 60 + s;
    Some(seconds * 1_000_000 + fraction)
}

/// Days since 1970: years begin in March, so that the leap day is the last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let in_year = (153 * month + 2) / 5 + day - 1;
    365 * year + year / 4 - year / 100 + year / 400 + in_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_api_are_read() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:00.5Z", Some(500_000)),
            ("2000-02-29T12:00:00.000001Z", Some(951_825_600_000_001)),
            ("2026-11-23T14:31:07.250Z", Some(1_795_444_267_250_000)),
            ("2026-11-23", None),
            ("2026-13-01T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
    }
}
