//! Where a recipient may be, whether solicitations may be sent there now, and when next.
//!
//! A number tells a set of states and a set of time zones; the window has to be open in all of them.

use std::borrow::Cow;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use signalbox_model::{ConversationId, E164, Timestamp};

use crate::data::{Cap, Clocks, State, Tables, Zone};

/// What is known of where a contact is, besides the number.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// The time zone that the contact gave.
    pub zone: Option<&'a str>,
    /// The ZIP code that the contact gave.
    pub zip: Option<&'a str>,
}

/// Where a recipient may be.
#[derive(Debug, Clone)]
pub struct Whereabouts<'a> {
    tables: &'a Tables,
    /// The states of the United States that are possible; empty abroad.
    states: &'a [State],
    /// The zones that are possible, by their numbers.
    zones: Cow<'a, [u8]>,
    /// The one that the contact gave, instead.
    own: Option<Zone>,
}

/// Windows close for a Sunday and a holiday on end; two weeks without a common window never has one.
const SEARCH_DAYS: i32 = 14;
/// Each round moves on by at least one opening of one place; there are few a day.
const SEARCH_ROUNDS: usize = 128;

impl Tables {
    /// How long after something opens a conversation's messages go: of what waited for it, each at a time of its own.
    pub fn share_of_spread(&self, conversation: &ConversationId) -> Duration {
        let spread = u64::from(self.windows.spread_minutes()) * 60_000_000;
        let share = xxhash_rust::xxh3::xxh3_64(conversation.as_bytes()).checked_rem(spread).unwrap_or(0);
        Duration::from_micros(share)
    }

    /// Where the holder of a number may be; `None` where nothing tells.
    pub fn whereabouts(&self, number: E164, known: Known<'_>) -> Option<Whereabouts<'_>> {
        let place = self.places.of(number);
        let by_zip = known.zip.map(|zip| self.places.states_of_zip(zip)).filter(|states| !states.is_empty());
        let (states, zones) = match by_zip {
            // Who gave a ZIP code lives there: the number is no better witness.
            Some(states) => (states, Cow::Owned(self.places.zones_of(states))),
            None => {
                let place = place?;
                (&place.states[..], Cow::Borrowed(&place.zones[..]))
            }
        };
        let own = known.zone.and_then(|zone| TimeZone::get(zone).ok()).map(Zone::plain);
        Some(Whereabouts { tables: self, states, zones, own })
    }
}

impl Whereabouts<'_> {
    /// Whether it is in the United States or a territory.
    pub fn is_us(&self) -> bool {
        !self.states.is_empty()
    }

    /// Whether there is one zone and one state only.
    pub fn is_certain(&self) -> bool {
        self.zones().count() == 1 && self.states.len() == 1
    }

    /// The time zone by its IANA name, if there is one only.
    pub fn zone_name(&self) -> Option<&str> {
        let first = self.zones().next()?.iana_name()?;
        self.zones().all(|zone| zone.iana_name() == Some(first)).then_some(first)
    }

    /// The states that are possible.
    pub fn states(&self) -> &[State] {
        self.states
    }

    /// The hour of the day there: the earliest and the latest that it may be.
    pub fn hours(&self, now: Timestamp) -> Option<(u32, u32)> {
        let now = instant(now)?;
        let hour = |zone: &Zone| {
            let clocks = zone.around(now);
            let steady = clocks.steady().map(|shown| shown.second / 3_600);
            u32::try_from(steady.unwrap_or_else(|| clocks.show().hour().into())).unwrap_or(0)
        };
        let hours = self.zones().map(hour).map(|hour| (hour, hour));
        hours.reduce(|(earliest, latest), (hour, _)| (earliest.min(hour), latest.max(hour)))
    }

    /// The strictest caps on solicitations in 24 hours: in all, and on one subject. 0 where there is none.
    pub fn caps(&self) -> (u32, u32) {
        let (mut all, mut subject) = (u32::MAX, u32::MAX);
        for cap in self.states.iter().filter_map(|state| self.tables.windows.cap(*state)) {
            match cap {
                Cap::Contact(cap) => all = all.min(cap),
                Cap::Subject(cap) => subject = subject.min(cap),
            }
        }
        let or_none = |cap| if cap == u32::MAX { 0 } else { cap };
        (or_none(all), or_none(subject))
    }

    /// Whether solicitations may be sent now, wherever it is.
    pub fn is_open(&self, now: Timestamp) -> bool {
        instant(now).is_some_and(|now| self.pairs().all(|(state, zone)| self.is_open_in(state, zone, now)))
    }

    fn is_open_in(&self, state: Option<State>, zone: &Zone, now: jiff::Timestamp) -> bool {
        let windows = &self.tables.windows;
        // Nearly always no clock changes these days, and no holiday matters: then the time of the day tells.
        let steady = zone.around(now).steady().filter(|_| !windows.minds_holidays(state));
        match steady.and_then(|shown| Some((shown.second, windows.hours(state, shown.weekday()?, false)))) {
            Some((second, hours)) => {
                hours.is_some_and(|hours| (i64::from(hours.opens) * 60..i64::from(hours.closes) * 60).contains(&second))
            }
            None => self.opens(state, zone, now) == Some(now),
        }
    }

    /// When solicitations may be sent next, wherever it is; `now` if that is now.
    pub fn next_open(&self, now: Timestamp) -> Option<Timestamp> {
        let mut at = instant(now)?;
        let last = at.checked_add(jiff::SignedDuration::from_hours(i64::from(SEARCH_DAYS) * 24)).ok()?;
        for _ in 0..SEARCH_ROUNDS {
            let mut latest = at;
            for (state, zone) in self.pairs() {
                latest = latest.max(self.opens(state, zone, at)?);
            }
            if latest == at {
                return timestamp(at).map(|at| at.max(now));
            }
            at = latest;
            if at > last {
                return None;
            }
        }
        None
    }

    /// When what waits for the window goes: soon after it opens, each conversation at a time of its own, so that messages of
    /// one stay in their order.
    pub fn turn(&self, now: Timestamp, conversation: &ConversationId) -> Option<Timestamp> {
        let opens = self.next_open(now)?;
        let turn = opens + self.tables.share_of_spread(conversation);
        // A window that is shorter than the spread has room at its beginning.
        Some(if self.is_open(turn) { turn } else { opens })
    }

    fn zones(&self) -> impl Iterator<Item = &Zone> {
        let by_number = if self.own.is_some() { &[] } else { &self.zones[..] };
        self.own.iter().chain(by_number.iter().filter_map(|at| self.tables.places.zone(*at)))
    }

    /// Every state with every zone; no state is any place under the federal window.
    fn pairs(&self) -> impl Iterator<Item = (Option<State>, &Zone)> {
        let states = self.states.iter().copied().map(Some);
        let states = states.chain(self.states.is_empty().then_some(None));
        states.flat_map(|state| self.zones().map(move |zone| (state, zone)))
    }

    /// When the window of one state in one zone is open next: `at` itself if it is open then.
    fn opens(&self, state: Option<State>, zone: &Zone, at: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let clocks = zone.around(at);
        let mut date = clocks.show().date();
        for _ in 0..=SEARCH_DAYS {
            if let Some((opens, closes)) = self.on(state, clocks, date)
                && at < closes
            {
                return Some(opens.max(at));
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn on(&self, state: Option<State>, clocks: Clocks<'_>, date: Date) -> Option<(jiff::Timestamp, jiff::Timestamp)> {
        let windows = &self.tables.windows;
        let minds = state.filter(|_| windows.minds_holidays(state));
        let holiday = minds.is_some_and(|state| self.tables.holidays.is_holiday(state, date));
        let hours = windows.hours(state, date.weekday(), holiday)?;
        let moment = |minutes: u16| {
            let (date, minutes) = if minutes >= 1_440 { (date.tomorrow().ok()?, 0) } else { (date, minutes) };
            let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
            clocks.when(date.at(hour, minute, 0, 0))
        };
        Some((moment(hours.opens)?, moment(hours.closes)?))
    }
}

/// Our time as `jiff` has it.
pub(crate) fn instant(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_microsecond(i64::try_from(at.as_micros()).ok()?).ok()
}

/// The other way.
pub(crate) fn timestamp(at: jiff::Timestamp) -> Option<Timestamp> {
    u64::try_from(at.as_microsecond()).ok().map(Timestamp::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_model::Address;

    fn tables() -> Tables {
        Tables::built_in().unwrap()
    }

    fn number(text: &str) -> E164 {
        let Address::E164(number) = text.parse().unwrap() else { panic!() };
        number
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn next(to: &str, now: &str) -> String {
        let tables = tables();
        let place = tables.whereabouts(number(to), Known::default()).unwrap();
        let next = place.next_open(at(now)).unwrap();
        assert_eq!(place.is_open(at(now)), next == at(now));
        assert!(place.is_open(next));
        next.to_rfc3339()[..16].to_owned()
    }

    #[test]
    fn windows_open_by_the_recipients_clock() {
        let table = [
            // New York, federal hours, winter and summer.
            ("+12125550123", "2026-11-23T12:59:59Z", "2026-11-23T13:00"),
            ("+12125550123", "2026-11-24T01:59:59Z", "2026-11-24T01:59"),
            ("+12125550123", "2026-11-24T02:00:00Z", "2026-11-24T13:00"),
            ("+12125550123", "2026-07-01T12:00:00Z", "2026-07-01T12:00"),
            // The mornings after the clocks went.
            ("+12125550123", "2026-03-08T06:00:00Z", "2026-03-08T12:00"),
            ("+12125550123", "2026-11-01T06:00:00Z", "2026-11-01T13:00"),
            // Florida's Panhandle may be in either zone: 8 in the later, until 20 in the earlier.
            ("+18505550123", "2026-11-23T13:30:00Z", "2026-11-23T14:00"),
            ("+18505550123", "2026-11-24T01:00:00Z", "2026-11-24T14:00"),
            // Texas rests on Sunday mornings.
            ("+15125550123", "2026-11-22T15:30:00Z", "2026-11-22T18:00"),
            // Alabama from Saturday evening to Monday, and over a holiday on a Monday.
            ("+12055550123", "2026-11-22T02:00:00Z", "2026-11-23T14:00"),
            ("+12055550123", "2026-09-06T02:00:00Z", "2026-09-08T13:00"),
            // Arizona has no summer time, but for the Navajo Nation, which may be meant.
            ("+16025550123", "2026-07-01T14:30:00Z", "2026-07-01T15:00"),
            ("+19285550123", "2026-07-02T03:30:00Z", "2026-07-02T15:00"),
        ];
        for (to, now, expected) in table {
            assert_eq!(next(to, now), expected, "{to} {now}");
        }
    }

    #[test]
    fn what_the_contact_said_counts_more_than_the_number() {
        let tables = tables();
        let place = |zone, zip| tables.whereabouts(number("+12125550123"), Known { zone, zip }).unwrap();
        let nine_utc = at("2026-11-23T17:30:00Z");
        assert!(place(None, None).is_open(nine_utc));
        assert!(!place(Some("Pacific/Honolulu"), None).is_open(nine_utc));
        // A ZIP code in Hawaii, and one in Alabama on a Sunday.
        assert!(!place(None, Some("96813")).is_open(nine_utc));
        assert!(!place(None, Some("35203")).is_open(at("2026-11-22T18:00:00Z")));
        assert!(place(Some("nowhere"), Some("0")).is_open(nine_utc));
        assert!(tables.whereabouts(number("+442079460123"), Known::default()).is_none());
        assert!(!tables.whereabouts(number("+14165550123"), Known::default()).unwrap().is_us());
    }

    #[test]
    fn what_waited_goes_out_spread() {
        let tables = tables();
        let place = tables.whereabouts(number("+12125550123"), Known::default()).unwrap();
        let now = at("2026-11-23T05:00:00Z");
        let opens = place.next_open(now).unwrap();
        let mut minutes = [0; 30];
        for n in 0..3_000_u64 {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&n.to_be_bytes());
            let id = ConversationId::from_bytes(id);
            let turn = place.turn(now, &id).unwrap();
            assert_eq!(place.turn(now, &id), Some(turn), "the same conversation has the same turn");
            minutes[usize::try_from(turn.since(opens).as_secs() / 60).unwrap()] += 1;
        }
        assert!(minutes.iter().all(|count| (50..200).contains(count)), "{minutes:?}");
    }

    #[test]
    fn a_place_that_never_opens_has_no_next_time() {
        let tables = crate::data::tests::with("windows.toml", |text| {
            text.replacen("every_day = \"08:00-21:00\"", "every_day = \"closed\"", 1)
        })
        .unwrap();
        let place = tables.whereabouts(number("+12125550123"), Known::default()).unwrap();
        assert_eq!(place.next_open(at("2026-11-23T05:00:00Z")), None);
        assert_eq!(place.next_open(Timestamp::MAX), None);
        assert!(!place.is_open(Timestamp::MAX));
    }
}
