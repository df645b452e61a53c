//! Which days are holidays, and where.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};
use serde::Deserialize;
use toml::Spanned;

use super::windows::State;
use crate::error::Complaint;
use crate::source::Source;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HolidayFile {
    source: Spanned<String>,
    #[serde(rename = "as_of")]
    _as_of: String,
    holiday: Vec<HolidayTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HolidayTable {
    name: Spanned<String>,
    fixed: Option<Spanned<String>>,
    weekday: Option<Spanned<String>>,
    easter: Option<Spanned<i32>>,
    states: Option<Vec<Spanned<String>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Month and day, and the weekday on which it is observed.
    Fixed(i8, i8),
    /// Month, which of the month's (-1 is the last), and the weekday.
    Nth(i8, i8, Weekday),
    /// So many days after Easter Sunday.
    Easter(i32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Holiday {
    rule: Rule,
    /// Where; everywhere if none is named.
    states: Vec<State>,
}

/// The table of holidays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holidays(Vec<Holiday>);

impl Holidays {
    pub(crate) fn parse(source: Source<'_>) -> Result<Self, Vec<Complaint>> {
        let file: HolidayFile = source.read().map_err(|complaint| vec![complaint])?;
        let mut complaints = Vec::new();
        if file.source.get_ref().trim().is_empty() {
            complaints.push(source.complain_of(&file.source, "is empty: every table says where it is from"));
        }
        let mut holidays = Vec::new();
        for table in &file.holiday {
            match holiday(table) {
                Ok(holiday) => holidays.push(holiday),
                Err(reason) => {
                    complaints.push(source.complain_of(&table.name, format!("`{}` {reason}", table.name.get_ref())))
                }
            }
        }
        if complaints.is_empty() { Ok(Self(holidays)) } else { Err(complaints) }
    }

    /// Whether it is one there.
    pub fn is_holiday(&self, state: State, date: Date) -> bool {
        let there = |holiday: &&Holiday| holiday.states.is_empty() || holiday.states.contains(&state);
        self.0.iter().filter(there).any(|holiday| holiday.rule.is_on(date))
    }
}

impl Rule {
    fn is_on(self, date: Date) -> bool {
        match self {
            Self::Fixed(month, day) => {
                let on = |date: Date| date.month() == month && date.day() == day;
                let beside = |span: Span| date.checked_add(span).is_ok_and(on);
                on(date)
                    || (date.weekday() == Weekday::Monday && beside((-1).day()))
                    || (date.weekday() == Weekday::Friday && beside(1.day()))
            }
            Self::Nth(month, nth, weekday) => {
                date.month() == month && date.weekday() == weekday && nth_of_month(date, nth)
            }
            Self::Easter(days) => {
                let easter = easter(date.year()).and_then(|easter| easter.checked_add(days.days()).ok());
                easter == Some(date)
            }
        }
    }
}

fn nth_of_month(date: Date, nth: i8) -> bool {
    if nth < 0 { date.day() + 7 > date.days_in_month() } else { (date.day() - 1) / 7 + 1 == nth }
}

/// Easter Sunday by the anonymous Gregorian computus.
fn easter(year: i16) -> Option<Date> {
    let year = i32::from(year);
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let h = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let (month, day) = ((h + l - 7 * m + 114) / 31, (h + l - 7 * m + 114) % 31 + 1);
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn holiday(table: &HolidayTable) -> Result<Holiday, String> {
    let rule = match (&table.fixed, &table.weekday, &table.easter) {
        (Some(day), None, None) => fixed(day.get_ref()),
        (None, Some(day), None) => nth(day.get_ref()),
        (None, None, Some(days)) => Some(*days.get_ref()).filter(|days| days.abs() <= 100).map(Rule::Easter),
        _ => None,
    };
    let allowed = "needs one of fixed = \"12-25\", weekday = \"fourth thursday of november\", easter = -2";
    let state = |name: &Spanned<String>| {
        State::parse(name.get_ref())
            .ok_or_else(|| format!("names `{}`, which isn't a state's two letters", name.get_ref()))
    };
    let states = table.states.iter().flatten().map(state).collect::<Result<_, _>>()?;
    Ok(Holiday { rule: rule.ok_or(allowed)?, states })
}

fn fixed(text: &str) -> Option<Rule> {
    let (month, day) = text.split_once('-')?;
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    // A leap year, so that every day is one.
    Date::new(2024, month, day).ok().map(|_| Rule::Fixed(month, day))
}

fn nth(text: &str) -> Option<Rule> {
    const NTH: [(&str, i8); 5] = [("first", 1), ("second", 2), ("third", 3), ("fourth", 4), ("last", -1)];
    const DAYS: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
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
    let [nth, day, of, month] = text.split_whitespace().collect::<Vec<_>>().try_into().ok()?;
    let nth = NTH.iter().find(|(name, _)| *name == nth)?.1;
    let day = DAYS.iter().find(|(name, _)| *name == day)?.1;
    let month = MONTHS.iter().position(|name| *name == month).filter(|_| of == "of")?;
    Some(Rule::Nth(i8::try_from(month).ok()? + 1, nth, day))
}

#[cfg(test)]
mod tests {
    use super::super::Tables;
    use super::super::tests::with;
    use super::*;

    #[test]
    fn holidays_are_on_their_days() {
        let holidays = Tables::built_in().unwrap().holidays;
        let on = |state: &str, date: &str| holidays.is_holiday(State::parse(state).unwrap(), date.parse().unwrap());
        let days = [
            "2026-01-01",
            "2026-01-19",
            "2026-02-16",
            "2026-05-25",
            "2026-06-19",
            "2026-07-03",
            "2026-07-04",
            "2026-09-07",
            "2026-10-12",
            "2026-11-11",
            "2026-11-26",
            "2026-12-25",
            "2027-07-05",
            "2027-07-04",
        ];
        for date in days {
            assert!(on("AL", date), "{date}");
        }
        for date in ["2026-01-02", "2026-05-18", "2026-11-19", "2026-07-02", "2026-12-24", "2026-07-06"] {
            assert!(!on("AL", date), "{date}");
        }
        // 2026: Easter is April 5; 2025: April 20; 2038: April 25.
        assert!(on("LA", "2026-02-17") && on("LA", "2026-04-03") && !on("AL", "2026-04-03"));
        assert!(on("LA", "2025-04-18") && on("LA", "2038-04-23"));
        assert!(on("AL", "2026-04-27") && !on("LA", "2026-04-27"));
    }

    #[test]
    fn entries_are_checked() {
        let error =
            |from: &str, to: &str| with("holidays.toml", |text| text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error("01-01", "02-30").contains("`New Year's Day` needs one of"));
        assert!(error("third monday", "sixth monday").contains("needs one of"));
        assert!(error("\"LA\"", "\"ZZ\"").contains("names `ZZ`"));
    }
}
