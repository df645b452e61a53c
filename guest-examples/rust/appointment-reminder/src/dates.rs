//! Days of the calendar, and how people write them. Clocks and time zones are the host's (`calendar`).

use crate::signalbox::messaging::types::{CalendarDate, LocalTime};

/// Monday is 0.
pub const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Reads `2026-06-05T14:30`.
pub fn parse(text: &str) -> Option<(CalendarDate, u8, u8)> {
    let (date, time) = text.split_once('T')?;
    let mut parts = date.splitn(3, '-');
    let date = CalendarDate {
        year: parts.next()?.parse().ok()?,
        month: parts.next()?.parse().ok()?,
        day: parts.next()?.parse().ok()?,
    };
    let (hour, minute) = time.split_once(':')?;
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    let real = (1970..=9999).contains(&date.year)
        && (1..=12).contains(&date.month)
        && from_days(to_days(date)) == (date.year, date.month, date.day);
    (real && hour < 24 && minute < 60).then_some((date, hour, minute))
}

/// Days since 1970-01-01. Years begin in March here, so that the leap day is the last.
pub fn to_days(date: CalendarDate) -> i64 {
    let (year, month) = (i64::from(date.year), i64::from(date.month));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + i64::from(date.day) - 719_469
}

/// The day after so many days.
pub fn after(date: CalendarDate, days: i64) -> CalendarDate {
    let (year, month, day) = from_days(to_days(date) + days);
    CalendarDate { year, month, day }
}

fn from_days(days: i64) -> (u16, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as u16, month as u8, day as u8)
}

/// 0 for Monday to 6 for Sunday.
pub fn weekday(date: CalendarDate) -> u8 {
    // The first of January 1970 was a Thursday.
    (to_days(date) + 3).rem_euclid(7) as u8
}

/// The month that a word begins with, 1 for January.
pub fn month(word: &str) -> Option<u8> {
    let found = MONTHS.iter().position(|month| *month == word || (word.len() >= 3 && month.starts_with(word)))?;
    Some(found as u8 + 1)
}

/// "Friday, June 5 at 2:30 PM".
pub fn spoken(local: &LocalTime) -> String {
    format!("{} at {}", spoken_day(local.date), spoken_time(local.hour, local.minute))
}

fn spoken_day(date: CalendarDate) -> String {
    let month = capital(MONTHS[usize::from(date.month) - 1]);
    format!("{}, {month} {}", spoken_weekday(weekday(date)), date.day)
}

/// "Friday".
pub fn spoken_weekday(weekday: u8) -> String {
    capital(WEEKDAYS[usize::from(weekday)])
}

fn spoken_time(hour: u8, minute: u8) -> String {
    let (shown, half) = (if hour % 12 == 0 { 12 } else { hour % 12 }, if hour < 12 { "AM" } else { "PM" });
    if minute == 0 { format!("{shown} {half}") } else { format!("{shown}:{minute:02} {half}") }
}

fn capital(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}
