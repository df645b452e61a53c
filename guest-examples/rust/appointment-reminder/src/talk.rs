//! What patients are told. Times are those of their own clock; nothing is repeated of what they wrote.

use crate::booking::{self, Visit};
use crate::dates;
use crate::signalbox::messaging::types::{CalendarDate, CallError};
use crate::signalbox::messaging::{calendar, notes, settings};
use crate::understand::{Day, Meant};

/// A day before.
pub fn reminder(visit: &Visit) -> Result<String, CallError> {
    let when = dates::spoken(&visit.local);
    Ok(match visit.confirmed {
        true => format!("{}: see you on {when}. To change it, answer with another day.", clinic()),
        false => {
            format!("{}: you have a visit on {when}. Answer YES to confirm, or with another day to move it.", clinic())
        }
    })
}

/// The answer to somebody who has a visit.
pub fn answer(visit: &Visit, meant: &Meant) -> Result<String, CallError> {
    if meant.calls_off {
        Visit::call_off()?;
        return Ok(format!("{}: your visit is called off. Call {} to book again.", clinic(), phone()));
    }
    if meant.wants_change {
        return change(visit, meant);
    }
    match (Visit::offered()?, meant.confirms, meant.declines) {
        (Some(offered), true, _) => {
            offered.book()?;
            offered.confirm()?;
            notes::label("moved")?;
            Ok(format!("{}: moved. See you on {}.", clinic(), dates::spoken(&offered.local)))
        }
        (Some(_), false, true) => {
            booking::withdraw_offer()?;
            Ok(format!("{}: your visit stays on {}.", clinic(), dates::spoken(&visit.local)))
        }
        (None, true, _) => {
            visit.confirm()?;
            Ok(format!("{}: thank you. See you on {}.", clinic(), dates::spoken(&visit.local)))
        }
        (None, false, true) => {
            Ok(format!("{}: which day would suit you? Or call {} to call the visit off.", clinic(), phone()))
        }
        (_, false, false) => Ok(format!(
            "{}: nobody reads this number, and health is nothing for texts. Please call {}. For your visit on {}: answer YES, \
             or another day.",
            clinic(),
            phone(),
            dates::spoken(&visit.local)
        )),
    }
}

/// The answer to somebody who has none.
pub fn without_visit() -> Result<String, CallError> {
    Ok(format!("{}: we have no visit for this number. Please call {}.", clinic(), phone()))
}

/// A wish for another time, with or without a confirmation of the old one. The old visit stays until the new one is agreed:
/// a patient must not be left without any.
fn change(visit: &Visit, meant: &Meant) -> Result<String, CallError> {
    let kept = if meant.confirms {
        visit.confirm()?;
        format!("{}: you are confirmed for {}. ", clinic(), dates::spoken(&visit.local))
    } else {
        format!("{}: ", clinic())
    };
    let date = match meant.day {
        Some(day) => wanted_date(day, visit)?,
        None if meant.time.is_some() => visit.local.date,
        None => return Ok(format!("{kept}Which day would suit you?")),
    };
    let offered = visit.moved_to(date, meant.time)?;
    if offered.at <= booking::now() {
        return Ok(format!("{kept}That time is past. Which other day would suit you?"));
    }
    if !booking::is_open_on(dates::weekday(date)) {
        let day = dates::spoken_weekday(dates::weekday(date));
        return Ok(format!("{kept}We are closed on {day}s. Which other day would suit you?"));
    }
    offered.offer()?;
    let when = dates::spoken(&offered.local);
    Ok(match meant.confirms {
        true => format!("{kept}We can do {when} instead: answer YES to move, NO to keep it."),
        false => format!(
            "{kept}We can do {when}. Answer YES to move your visit there, NO to keep {}.",
            dates::spoken(&visit.local)
        ),
    })
}

/// The next such day from today on, by the patient's calendar. A weekday is never today, and never the visit's own day.
fn wanted_date(day: Day, visit: &Visit) -> Result<CalendarDate, CallError> {
    let today = calendar::to_local(None, Some(&visit.local.time_zone))?.date;
    Ok(match day {
        Day::Today => today,
        Day::Tomorrow => dates::after(today, 1),
        Day::Weekday(weekday) => {
            let ahead = (i64::from(weekday) - i64::from(dates::weekday(today)) - 1).rem_euclid(7) + 1;
            let date = dates::after(today, ahead);
            if dates::to_days(date) == dates::to_days(visit.local.date) { dates::after(date, 7) } else { date }
        }
        Day::OfMonth(day) => next_with(today, |date| date.day == day),
        Day::Date { month, day } => next_with(today, |date| date.month == month && date.day == day),
    })
}

/// The first such day from today on. Within four years and a bit every date comes, the leap day included; one that never
/// comes ("February 30") ends there, where no clinic books.
fn next_with(today: CalendarDate, is: impl Fn(CalendarDate) -> bool) -> CalendarDate {
    let days = 0..3_000;
    days.map(|ahead| dates::after(today, ahead)).find(|date| is(*date)).unwrap_or(today)
}

fn clinic() -> String {
    settings::get("clinic").unwrap_or_else(|| "The clinic".into())
}

fn phone() -> String {
    settings::get("phone").unwrap_or_else(|| "us".into())
}
