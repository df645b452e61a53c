//! `calendar`: local time.

use super::state::mismatch;
use super::{invalid, wit};
use crate::calendar::{self, Day};
use crate::call::Call;
use crate::question::{Question, Reply};
use jiff::tz::TimeZone;
use wit::calendar as offered;
use wit::types::{CalendarDate, CallError, LocalDay, LocalTime};

impl offered::Host for Call {
    async fn to_local(
        &mut self,
        at: Option<u64>,
        time_zone: Option<String>,
    ) -> wasmtime::Result<Result<LocalTime, CallError>> {
        self.enter();
        let (name, zone) = match self.zone(time_zone).await? {
            Ok(found) => found,
            Err(refused) => return Ok(Err(refused)),
        };
        let shown = calendar::shown(at.unwrap_or(self.now), &zone).map_err(invalid);
        Ok(shown.map(|shown| LocalTime {
            date: CalendarDate { year: shown.year, month: shown.month, day: shown.day },
            weekday: shown.weekday,
            hour: shown.hour,
            minute: shown.minute,
            second: shown.second,
            utc_offset_minutes: shown.offset_minutes,
            time_zone: name,
        }))
    }

    async fn to_instant(
        &mut self,
        day: LocalDay,
        hour: u8,
        minute: u8,
        time_zone: Option<String>,
    ) -> wasmtime::Result<Result<u64, CallError>> {
        self.enter();
        self.local_instant(day, hour, minute, time_zone).await
    }
}

impl Call {
    /// The instant at which clocks show a time of day.
    pub(super) async fn local_instant(
        &mut self,
        day: LocalDay,
        hour: u8,
        minute: u8,
        time_zone: Option<String>,
    ) -> wasmtime::Result<Result<u64, CallError>> {
        let day = match day {
            LocalDay::Next => Day::Next,
            LocalDay::DaysAhead(days) => Day::Ahead(days),
            LocalDay::Date(date) => Day::Date { year: date.year, month: date.month, day: date.day },
            LocalDay::Other(_) => return Ok(Err(invalid("this host has the days next, days-ahead and date"))),
        };
        Ok(match self.zone(time_zone).await? {
            Ok((_, zone)) => calendar::when(self.now, day, hour, minute, &zone).map_err(invalid),
            Err(refused) => Err(refused),
        })
    }

    /// A time zone by name, or the contact's. The latter is a read of the store, and counts as one.
    async fn zone(&mut self, name: Option<String>) -> wasmtime::Result<Result<(String, TimeZone), CallError>> {
        let name = match name {
            Some(name) => name,
            None => {
                self.staging.state_op()?;
                let Reply::Contact(contact) = self.desk.ask(Question::Contact { address: None }).await else {
                    return Err(mismatch());
                };
                match contact.time_zone {
                    Some(name) => name,
                    None => return Ok(Err(invalid("nobody knows the contact's time zone: give one"))),
                }
            }
        };
        let zone = calendar::zone(&name).map_err(invalid);
        Ok(zone.map(|zone| (name, zone)))
    }
}
