//! Local time: what clocks show somewhere, and when they show it.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// A day as seen from an instant, in a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Day {
    Next,
    Ahead(u32),
    Date { year: u16, month: u8, day: u8 },
}

/// What calendar and clock show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
    /// 1 for Monday.
    pub(crate) weekday: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    pub(crate) offset_minutes: i16,
}

/// Further ahead than anything is scheduled.
const MOST_DAYS: u32 = 3_660;

/// A time zone by its IANA name.
pub(crate) fn zone(name: &str) -> Result<TimeZone, String> {
    let short = &name[..name.floor_char_boundary(64)];
    TimeZone::get(name).map_err(|_| format!("there is no time zone `{short}`: give a name such as America/Chicago"))
}

/// What clocks in `zone` show at an instant, in microseconds.
pub(crate) fn shown(at: u64, zone: &TimeZone) -> Result<Shown, String> {
    let zoned = instant(at)?.to_zoned_datetime(zone.clone());
    let small = |number: i8| u8::try_from(number).unwrap_or(0);
    Ok(Shown {
        year: u16::try_from(zoned.year()).unwrap_or(0),
        month: small(zoned.month()),
        day: small(zoned.day()),
        weekday: small(zoned.weekday().to_monday_one_offset()),
        hour: small(zoned.hour()),
        minute: small(zoned.minute()),
        second: small(zoned.second()),
        offset_minutes: i16::try_from(zoned.offset().seconds() / 60).unwrap_or(0),
    })
}

/// The instant, in microseconds, at which clocks in `zone` show a time of day; `now` is what the day is seen from.
pub(crate) fn when(now: u64, day: Day, hour: u8, minute: u8, zone: &TimeZone) -> Result<u64, String> {
    let clock = i8::try_from(hour).ok().zip(i8::try_from(minute).ok());
    let time = clock.and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok());
    let time = time.ok_or_else(|| format!("there is no time of day {hour}:{minute:02}: give 0:00 to 23:59"))?;
    let today = instant(now)?.to_zoned_datetime(zone.clone()).date();
    match day {
        Day::Ahead(days) => at(ahead(today, days)?, time, zone),
        Day::Date { year, month, day } => at(date(year, month, day)?, time, zone),
        Day::Next => match at(today, time, zone)? {
            first if first > now => Ok(first),
            _ => at(ahead(today, 1)?, time, zone),
        },
    }
}

fn ahead(today: Date, days: u32) -> Result<Date, String> {
    if days > MOST_DAYS {
        return Err(format!("{days} days ahead is too far: {MOST_DAYS} are the most"));
    }
    today.checked_add(i64::from(days).days()).map_err(|error| error.to_string())
}

fn date(year: u16, month: u8, day: u8) -> Result<Date, String> {
    let parts = i16::try_from(year).ok().zip(i8::try_from(month).ok().zip(i8::try_from(day).ok()));
    let date = parts.and_then(|(year, (month, day))| Date::new(year, month, day).ok());
    date.ok_or_else(|| format!("there is no day {year}-{month:02}-{day:02}"))
}

/// A gap is left behind as far as it was meant to be gone into; of two the first is meant: jiff's `compatible`.
fn at(date: Date, time: Time, zone: &TimeZone) -> Result<u64, String> {
    let zoned = DateTime::from_parts(date, time).to_zoned_datetime(zone.clone()).map_err(|error| error.to_string())?;
    u64::try_from(zoned.timestamp().as_microsecond()).map_err(|_| "that is before 1970".to_owned())
}

fn instant(us: u64) -> Result<Timestamp, String> {
    let us = i64::try_from(us).map_err(|_| "that is no instant".to_owned())?;
    Timestamp::from_microsecond(us).map_err(|_| "that is no instant: it is in microseconds since 1970".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(text: &str) -> u64 {
        u64::try_from(text.parse::<Timestamp>().unwrap().as_microsecond()).unwrap()
    }

    fn chicago(now: &str, day: Day, hour: u8, minute: u8) -> Result<u64, String> {
        when(us(now), day, hour, minute, &zone("America/Chicago").unwrap())
    }

    #[test]
    fn tomorrow_at_nine_there() {
        // 23:30 of the day before in Chicago.
        assert_eq!(chicago("2026-06-02T04:30:00Z", Day::Ahead(1), 9, 0), Ok(us("2026-06-02T14:00:00Z")));
        assert_eq!(chicago("2026-06-02T04:30:00Z", Day::Ahead(0), 9, 0), Ok(us("2026-06-01T14:00:00Z")));
    }

    #[test]
    fn the_next_is_today_or_tomorrow() {
        assert_eq!(chicago("2026-06-01T13:59:59Z", Day::Next, 9, 0), Ok(us("2026-06-01T14:00:00Z")));
        assert_eq!(chicago("2026-06-01T14:00:00Z", Day::Next, 9, 0), Ok(us("2026-06-02T14:00:00Z")));
    }

    #[test]
    fn daylight_saving_moves_the_instant_not_the_clock() {
        let date = |month, day| Day::Date { year: 2026, month, day };
        assert_eq!(chicago("2026-01-01T00:00:00Z", date(3, 7), 9, 0), Ok(us("2026-03-07T15:00:00Z")));
        assert_eq!(chicago("2026-01-01T00:00:00Z", date(3, 9), 9, 0), Ok(us("2026-03-09T14:00:00Z")));
        // 2:30 is left out on 8 March: 3:30. 1:30 comes twice on 1 November: the first.
        assert_eq!(chicago("2026-01-01T00:00:00Z", date(3, 8), 2, 30), Ok(us("2026-03-08T08:30:00Z")));
        assert_eq!(chicago("2026-01-01T00:00:00Z", date(11, 1), 1, 30), Ok(us("2026-11-01T06:30:00Z")));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let now = "2026-01-01T00:00:00Z";
        assert!(chicago(now, Day::Next, 24, 0).unwrap_err().contains("24:00"));
        assert!(chicago(now, Day::Next, 0, 60).is_err());
        assert!(chicago(now, Day::Date { year: 2026, month: 2, day: 29 }, 9, 0).unwrap_err().contains("2026-02-29"));
        assert!(chicago(now, Day::Date { year: 60_000, month: 255, day: 0 }, 9, 0).is_err());
        assert!(chicago(now, Day::Ahead(u32::MAX), 9, 0).is_err());
        assert!(zone("America/Gotham").unwrap_err().contains("America/Gotham"));
        assert!(zone("../etc/passwd").is_err() && zone("").is_err());
        assert!(shown(u64::MAX, &TimeZone::UTC).is_err());
    }

    #[test]
    fn clocks_show_what_they_show() {
        let shown = shown(us("2026-06-02T04:30:15Z"), &zone("America/Chicago").unwrap()).unwrap();
        let expected =
            Shown { year: 2026, month: 6, day: 1, weekday: 1, hour: 23, minute: 30, second: 15, offset_minutes: -300 };
        assert_eq!(shown, expected);
    }
}
