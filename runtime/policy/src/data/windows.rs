//! When solicitations may be sent, by state and day.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Weekday;
use serde::Deserialize;
use toml::Spanned;

use crate::error::Complaint;
use crate::source::Source;

/// A state or territory of the United States: its two letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State([u8; 2]);

const STATES: &str = "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC \
    ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY PR VI GU MP AS";

impl State {
    /// From its two letters.
    pub fn parse(letters: &str) -> Option<Self> {
        let known = STATES.split_ascii_whitespace().find(|state| *state == letters)?;
        Some(Self(known.as_bytes().try_into().ok()?))
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        STATES.split_ascii_whitespace().filter_map(Self::parse)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or("??"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowFile {
    #[serde(rename = "as_of")]
    _as_of: String,
    spread_minutes: Spanned<u32>,
    conversation: Conversation,
    federal: Entry,
    states: BTreeMap<Spanned<String>, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    source: Spanned<String>,
    certainty: Spanned<String>,
    hours: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    source: Spanned<String>,
    certainty: Spanned<String>,
    every_day: Spanned<String>,
    saturday: Option<Spanned<String>>,
    sunday: Option<Spanned<String>>,
    holidays: Option<Spanned<String>>,
    per_24h: Option<u32>,
    per_24h_of: Option<Spanned<String>>,
}

/// Minutes of a day between which a window is open: `[opens, closes)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// Minutes after midnight.
    pub opens: u16,
    /// Minutes after midnight.
    pub closes: u16,
}

/// How often somebody may be solicited in 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    /// In all.
    Contact(u32),
    /// On one subject.
    Subject(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Week {
    /// From Monday; `None` is closed all day.
    days: [Option<Hours>; 7],
    closed_on_holidays: bool,
    cap: Option<Cap>,
}

/// The table of windows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    federal: Week,
    states: BTreeMap<State, Week>,
    spread_minutes: u32,
    conversation_hours: u32,
}

/// A day has so many minutes; a spread over more would reach the next window.
const MAX_SPREAD: u32 = 240;
/// Whoever wrote a month ago expects no answer.
const MAX_CONVERSATION: u32 = 720;

impl Windows {
    pub(crate) fn parse(source: Source<'_>) -> Result<Self, Vec<Complaint>> {
        let file: WindowFile = source.read().map_err(|complaint| vec![complaint])?;
        let mut complaints = Vec::new();
        if *file.spread_minutes.get_ref() > MAX_SPREAD {
            complaints.push(source.complain_of(&file.spread_minutes, format!("is more than {MAX_SPREAD}")));
        }
        let said = &file.conversation;
        said_whence(source, [&said.source, &said.certainty], &mut complaints);
        if !(1..=MAX_CONVERSATION).contains(said.hours.get_ref()) {
            complaints.push(source.complain_of(&said.hours, format!("isn't 1 to {MAX_CONVERSATION} hours")));
        }
        let conversation_hours = *said.hours.get_ref();
        let federal = week(source, &file.federal, &mut complaints);
        let mut states = BTreeMap::new();
        for (name, entry) in &file.states {
            match State::parse(name.get_ref()) {
                Some(state) => drop(states.insert(state, week(source, entry, &mut complaints))),
                None => complaints
                    .push(source.complain_of(name, format!("`{}` isn't a state's two letters", name.get_ref()))),
            }
        }
        let spread_minutes = file.spread_minutes.into_inner();
        if complaints.is_empty() {
            Ok(Self { federal, states, spread_minutes, conversation_hours })
        } else {
            Err(complaints)
        }
    }

    fn week(&self, state: Option<State>) -> &Week {
        state.and_then(|state| self.states.get(&state)).unwrap_or(&self.federal)
    }

    /// When a state's window is open on such a day; the federal one where no state is given or it has none of its own.
    pub fn hours(&self, state: Option<State>, day: Weekday, holiday: bool) -> Option<Hours> {
        let week = self.week(state);
        let hours = week.days[usize::try_from(day.to_monday_zero_offset()).ok()?];
        hours.filter(|_| !(holiday && week.closed_on_holidays))
    }

    /// Whether holidays make a difference there.
    pub fn minds_holidays(&self, state: Option<State>) -> bool {
        self.week(state).closed_on_holidays
    }

    /// How often somebody there may be solicited in 24 hours.
    pub fn cap(&self, state: State) -> Option<Cap> {
        self.week(Some(state)).cap
    }

    /// For how many hours after somebody wrote an answer is an answer.
    pub fn conversation_hours(&self) -> u32 {
        self.conversation_hours
    }

    /// Over how many minutes after opening what waited is spread.
    pub fn spread_minutes(&self) -> u32 {
        self.spread_minutes
    }
}

fn said_whence(source: Source<'_>, fields: [&Spanned<String>; 2], complaints: &mut Vec<Complaint>) {
    for field in fields.into_iter().filter(|field| field.get_ref().trim().is_empty()) {
        complaints.push(source.complain_of(field, "is empty: every window says where it is from and how sure that is"));
    }
}

fn week(source: Source<'_>, entry: &Entry, complaints: &mut Vec<Complaint>) -> Week {
    said_whence(source, [&entry.source, &entry.certainty], complaints);
    let mut day = |value: &Spanned<String>| match hours(value.get_ref()) {
        Ok(hours) => hours,
        Err(reason) => {
            complaints.push(source.complain_of(value, reason));
            None
        }
    };
    let every = day(&entry.every_day);
    let saturday = entry.saturday.as_ref().map_or(every, &mut day);
    let sunday = entry.sunday.as_ref().map_or(every, &mut day);
    let closed_on_holidays = match &entry.holidays {
        None => false,
        Some(value) => {
            if value.get_ref() != "closed" {
                complaints.push(
                    source.complain_of(value, "isn't \"closed\"; leave it out where holidays are days like others"),
                );
            }
            true
        }
    };
    let cap = match (entry.per_24h, entry.per_24h_of.as_ref().map(|of| (of, of.get_ref().as_str()))) {
        (None, None) => None,
        (Some(cap), Some((_, "contact"))) => Some(Cap::Contact(cap)),
        (Some(cap), Some((_, "subject"))) => Some(Cap::Subject(cap)),
        (_, of) => {
            let reason = "per_24h goes with per_24h_of = \"contact\" or \"subject\"";
            complaints.push(match of {
                Some((value, _)) => source.complain_of(value, reason),
                None => source.complain_of(&entry.every_day, reason),
            });
            None
        }
    };
    Week { days: [every, every, every, every, every, saturday, sunday], closed_on_holidays, cap }
}

/// `08:00-21:00`, or `closed`.
fn hours(text: &str) -> Result<Option<Hours>, String> {
    if text == "closed" {
        return Ok(None);
    }
    let minutes = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours <= 24 && minutes < 60 && hours * 60 + minutes <= 1_440).then_some(hours * 60 + minutes)
    };
    let read = || {
        let (opens, closes) = text.split_once('-')?;
        let hours = Hours { opens: minutes(opens)?, closes: minutes(closes)? };
        (hours.opens < hours.closes).then_some(hours)
    };
    read().map(Some).ok_or_else(|| "isn't a window such as \"08:00-21:00\", nor \"closed\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Tables;
    use super::super::tests::with;
    use super::*;

    #[test]
    fn windows_are_the_states_own_or_the_federal_one() {
        let windows = Tables::built_in().unwrap().windows;
        let open = |state: &str, day, holiday| {
            windows.hours(State::parse(state), day, holiday).map(|hours| (hours.opens / 60, hours.closes / 60))
        };
        assert_eq!(open("NY", Weekday::Monday, true), Some((8, 21)));
        assert_eq!(open("FL", Weekday::Monday, false), Some((8, 20)));
        assert_eq!(open("TX", Weekday::Sunday, false), Some((12, 21)));
        assert_eq!(open("RI", Weekday::Saturday, false), Some((10, 17)));
        assert_eq!(open("AL", Weekday::Sunday, false), None);
        assert_eq!(open("AL", Weekday::Monday, true), None);
        assert_eq!(open("AL", Weekday::Monday, false), Some((8, 20)));
        assert_eq!(windows.cap(State::parse("FL").unwrap()), Some(Cap::Subject(3)));
        assert_eq!(windows.cap(State::parse("MD").unwrap()), Some(Cap::Contact(3)));
        assert_eq!(windows.cap(State::parse("NY").unwrap()), None);
    }

    #[test]
    fn entries_are_checked() {
        let error =
            |from: &str, to: &str| with("windows.toml", |text| text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error("08:00-21:00", "21:00-08:00").contains("isn't a window"));
        assert!(error("[states.AL]", "[states.XX]").contains("two letters"));
        assert!(error("sunday = \"closed\"", "sunday = \"shut\"").contains("nor \"closed\""));
        assert!(error("holidays = \"closed\"", "holidays = \"open\"").contains("leave it out"));
        assert!(error("per_24h_of = \"subject\"", "").contains("goes with"));
        assert!(error("certainty = \"primary\"", "certainty = \"\"").contains("how sure"));
        assert!(error("hours = 24", "hours = 1000").contains("1 to 720"));
        assert!(error("spread_minutes = 30", "spread_minutes = 300").contains("more than 240"));
    }
}
