//! The visit that a patient has booked, and the one that was offered in its place.

use crate::dates;
use crate::signalbox::messaging::state::{self, Scope};
use crate::signalbox::messaging::types::{CalendarDate, CallError, LocalDay, LocalTime};
use crate::signalbox::messaging::{calendar, contacts, settings, timers};
use std::time::{SystemTime, UNIX_EPOCH};

/// The reminder's timer.
pub const REMIND: &str = "remind";

const VISIT: &str = "visit";
const OFFER: &str = "offer";
/// An offer is not open for ever: who says YES days later means something else.
const OFFER_TTL_MS: u64 = 24 * 60 * 60 * 1_000;

/// A visit: an instant, seen by the patient's clock.
pub struct Visit {
    /// Microseconds since 1970.
    pub at: u64,
    /// What the patient's clock shows then.
    pub local: LocalTime,
    /// The patient has said that they come.
    pub confirmed: bool,
}

impl Visit {
    /// One at a time of a zone's clock.
    pub fn at(date: CalendarDate, hour: u8, minute: u8, zone: &str) -> Result<Self, CallError> {
        let at = calendar::to_instant(&LocalDay::Date(date), hour, minute, Some(zone))?;
        Self::seen(at, false)
    }

    /// One at the same time of day on another date, by the patient's clock.
    pub fn moved_to(&self, date: CalendarDate, time: Option<(u8, u8)>) -> Result<Self, CallError> {
        let (hour, minute) = time.unwrap_or((self.local.hour, self.local.minute));
        Self::at(date, hour, minute, &self.local.time_zone)
    }

    /// The booked one.
    pub fn booked() -> Result<Option<Self>, CallError> {
        let Some(bytes) = state::get(&Scope::Conversation, VISIT)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        let (at, status) = text.split_once(' ').unwrap_or((&text, ""));
        at.parse().ok().map(|at| Self::seen(at, status == "confirmed")).transpose()
    }

    /// The offered one.
    pub fn offered() -> Result<Option<Self>, CallError> {
        let Some(bytes) = state::get(&Scope::Conversation, OFFER)? else { return Ok(None) };
        String::from_utf8_lossy(&bytes).parse().ok().map(|at| Self::seen(at, false)).transpose()
    }

    fn seen(at: u64, confirmed: bool) -> Result<Self, CallError> {
        let local = calendar::to_local(Some(at), Some(&patients_zone()?))?;
        Ok(Self { at, local, confirmed })
    }

    /// Books it in place of what was booked, and sets its reminder: a day before, at the same time of day by the patient's
    /// clock. A visit that is nearer than that has none, since its booking was just talked about.
    pub fn book(&self) -> Result<(), CallError> {
        self.keep()?;
        withdraw_offer()?;
        let day_before = LocalDay::Date(dates::after(self.local.date, -1));
        let (hour, minute, zone) = (self.local.hour, self.local.minute, self.local.time_zone.as_str());
        if calendar::to_instant(&day_before, hour, minute, Some(zone))? > now() {
            timers::set_local(REMIND, &day_before, hour, minute, Some(zone), &[])?;
            Ok(())
        } else {
            timers::cancel(REMIND)
        }
    }

    /// Notes that the patient comes.
    pub fn confirm(&self) -> Result<(), CallError> {
        Self { at: self.at, local: self.local.clone(), confirmed: true }.keep()
    }

    /// Forgets it with all that belongs to it.
    pub fn call_off() -> Result<(), CallError> {
        state::delete(&Scope::Conversation, VISIT)?;
        withdraw_offer()?;
        timers::cancel(REMIND)
    }

    /// Offers it in place of the booked one.
    pub fn offer(&self) -> Result<(), CallError> {
        state::set(&Scope::Conversation, OFFER, self.at.to_string().as_bytes(), Some(OFFER_TTL_MS))
    }

    fn keep(&self) -> Result<(), CallError> {
        let status = if self.confirmed { "confirmed" } else { "booked" };
        state::set(&Scope::Conversation, VISIT, format!("{} {status}", self.at).as_bytes(), None)
    }
}

/// Forgets what was offered.
pub fn withdraw_offer() -> Result<(), CallError> {
    state::delete(&Scope::Conversation, OFFER)
}

/// The event's own clock, which the host gives. A message may have been accepted long before it is looked at.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// The clinic's.
pub fn clinic_zone() -> Result<String, CallError> {
    settings::get("time-zone").ok_or_else(|| CallError::Invalid("the setting `time-zone` is missing".into()))
}

fn patients_zone() -> Result<String, CallError> {
    match contacts::get(None)?.time_zone {
        Some(zone) => Ok(zone),
        None => clinic_zone(),
    }
}

/// Whether the clinic takes visits on a day of the week, 0 for Monday.
pub fn is_open_on(weekday: u8) -> bool {
    let open = settings::get("open-days").unwrap_or_else(|| "Mon Tue Wed Thu Fri".into()).to_lowercase();
    open.split(|c: char| !c.is_alphabetic())
        .any(|day| day.len() >= 3 && dates::WEEKDAYS[usize::from(weekday)].starts_with(day))
}
