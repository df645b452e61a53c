//! Local time.

use crate::deeds::Done;
use crate::signalbox::messaging::types::{CalendarDate, CallError, LocalDay};
use crate::signalbox::messaging::{calendar, outbox, timers};

/// The contact's time zone where the host knows it.
pub fn local() -> Done {
    let shown = calendar::to_local(None, None)?;
    let at = timers::set_local("morning", &LocalDay::DaysAhead(1), 9, 0, None, b"tomorrow")?;
    let date = CalendarDate { year: 2026, month: 7, day: 4 };
    let fourth = calendar::to_instant(&LocalDay::Date(date), 12, 0, Some("Europe/Paris"))?;
    let day = shown.date;
    outbox::reply(&format!(
        "{}-{}-{} {}:{:02} day {} {} {}, {at}, {fourth}",
        day.year,
        day.month,
        day.day,
        shown.hour,
        shown.minute,
        shown.weekday,
        shown.utc_offset_minutes,
        shown.time_zone
    ))?;
    Ok(())
}

pub fn bad() -> Done {
    let zone = Some("America/Chicago");
    let refusals = [
        calendar::to_local(None, Some("America/Gotham")).map(drop),
        calendar::to_instant(&LocalDay::Next, 24, 0, zone).map(drop),
        timers::set_local("past", &LocalDay::DaysAhead(0), 0, 0, zone, b"").map(drop),
        timers::set_local("", &LocalDay::Next, 9, 0, zone, b"").map(drop),
        timers::set_local("nowhere", &LocalDay::Next, 9, 0, None, b"").map(drop),
    ];
    let refused = refusals.iter().filter(|r| matches!(r, Err(CallError::Invalid(_)))).count();
    outbox::reply(&format!("{refused} of {}", refusals.len()))?;
    Ok(())
}
