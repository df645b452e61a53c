//! What a patient's text means. It may mean several things at once, so the parts are looked for one by one.

use crate::dates;

/// What a text means.
#[derive(Debug, Default)]
pub struct Meant {
    /// They come.
    pub confirms: bool,
    /// They don't, or not to what was offered.
    pub declines: bool,
    /// They want the visit called off.
    pub calls_off: bool,
    /// They want another time, perhaps without saying which.
    pub wants_change: bool,
    /// The day that they want.
    pub day: Option<Day>,
    /// The time of day that they want.
    pub time: Option<(u8, u8)>,
}

/// A day as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    Today,
    Tomorrow,
    /// 0 for Monday.
    Weekday(u8),
    /// "the 9th".
    OfMonth(u8),
    /// "June 9" or "6/9".
    Date {
        month: u8,
        day: u8,
    },
}

impl Meant {
    /// What goes on the record.
    pub fn labels(&self) -> Vec<&'static str> {
        let all = [
            (self.confirms, "confirm"),
            (self.wants_change, "change-request"),
            (self.calls_off, "call-off"),
            (self.declines && !self.calls_off, "decline"),
        ];
        let found: Vec<_> = all.into_iter().filter(|(is, _)| *is).map(|(_, label)| label).collect();
        if found.is_empty() { vec!["unclear"] } else { found }
    }
}

const YES: [&str; 16] = [
    "yes",
    "y",
    "yeah",
    "yep",
    "yup",
    "ok",
    "okay",
    "sure",
    "confirm",
    "confirmed",
    "c",
    "si",
    "sí",
    "great",
    "perfect",
    "fine",
];
const YES_PHRASES: [&str; 8] = [
    "sounds good",
    "works for me",
    "that works",
    "see you",
    "i'll be there",
    "ill be there",
    "will be there",
    "count me in",
];
const NO: [&str; 5] = ["no", "n", "nope", "nah", "neither"];
const CHANGE_PHRASES: [&str; 16] = [
    "instead",
    "reschedule",
    "another day",
    "another time",
    "different day",
    "different time",
    "can we do",
    "could we do",
    "can you do",
    "move it",
    "move my",
    "change my",
    "change it",
    "push it",
    "how about",
    "what about",
];
const CANT_PHRASES: [&str; 9] = [
    "can't make",
    "cant make",
    "cannot make",
    "can not make",
    "won't make",
    "can't come",
    "cant come",
    "not able to",
    "doesn't work",
];
const CALL_OFF_PHRASES: [&str; 8] = [
    "cancel my",
    "cancel the",
    "cancel it",
    "please cancel",
    "want to cancel",
    "need to cancel",
    "call it off",
    "have to cancel",
];
const NOT_CALLED_OFF: [&str; 4] = ["don't cancel", "dont cancel", "do not cancel", "not cancel"];

/// Reads a text.
pub fn read(text: &str) -> Meant {
    let lower = text.to_lowercase().replace('’', "'");
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric() && !"':/".contains(c)).filter(|word| !word.is_empty()).collect();
    let spaced = words.join(" ");
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| contains_words(&spaced, phrase));
    let (day, time) = (day(&words), time(&words));
    let calls_off = has(&CALL_OFF_PHRASES) && !has(&NOT_CALLED_OFF);
    let cant = has(&CANT_PHRASES);
    let no = words.iter().any(|word| NO.contains(word));
    let yes = words.iter().any(|word| YES.contains(word)) || has(&YES_PHRASES) || has(&NOT_CALLED_OFF);
    let asks = has(&CHANGE_PHRASES);
    // A day by itself ("Tuesday at 3?") is a wish; "yes, see you Tuesday" names the day that is agreed.
    let names_other = day.is_some() && (!yes || asks || cant || spaced.contains(" but "));
    let wants_change = !calls_off && (asks || cant || names_other);
    Meant {
        confirms: yes && !no && !cant && !calls_off,
        declines: (no && !wants_change) || calls_off,
        calls_off,
        wants_change,
        day,
        time,
    }
}

fn contains_words(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, found)| {
        let before = text[..at].chars().next_back().is_none_or(|c| c == ' ');
        before && text[at + found.len()..].chars().next().is_none_or(|c| c == ' ')
    })
}

fn day(words: &[&str]) -> Option<Day> {
    words.iter().enumerate().find_map(|(at, word)| {
        let next = words.get(at + 1).copied().unwrap_or_default();
        match *word {
            "today" => Some(Day::Today),
            "tomorrow" | "tmrw" | "tmw" => Some(Day::Tomorrow),
            // "may" and "mar" are months only with a day behind.
            word => weekday(word)
                .map(Day::Weekday)
                .or_else(|| Some(Day::Date { month: dates::month(word)?, day: ordinal(next, true)? }))
                .or_else(|| slashed(word))
                .or_else(|| Some(Day::OfMonth(ordinal(word, false)?))),
        }
    })
}

fn weekday(word: &str) -> Option<u8> {
    let word = word.strip_suffix("'s").unwrap_or(word);
    // "sun", "mon", "tues": but not "we", "so" or "sat" of "I sat".
    let known = |name: &&str| **name == *word || (word.len() >= 3 && name.starts_with(word) && word != "sat");
    dates::WEEKDAYS.iter().position(|name| known(&name)).map(|found| found as u8)
}

/// "9th"; "9" too where a bare number can only be a day.
fn ordinal(word: &str, bare: bool) -> Option<u8> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &word[digits.len()..];
    if !(matches!(suffix, "st" | "nd" | "rd" | "th") || (bare && suffix.is_empty())) {
        return None;
    }
    digits.parse().ok().filter(|day| (1..=31).contains(day))
}

fn slashed(word: &str) -> Option<Day> {
    let (month, day) = word.split_once('/')?;
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(Day::Date { month, day })
}

/// "3pm", "3:30 pm", "15:00", "at 3", "noon". Without AM or PM, what a clinic is open at: 7 to 12 in the morning, 1 to 6 after.
fn time(words: &[&str]) -> Option<(u8, u8)> {
    words.iter().enumerate().find_map(|(at, word)| {
        if *word == "noon" {
            return Some((12, 0));
        }
        let next = words.get(at + 1).copied().unwrap_or_default();
        let after_at = at > 0 && matches!(words[at - 1], "at" | "around");
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let half = match (&word[digits.len()..], next) {
            ("am" | "a", _) | ("", "am") => Some(0),
            ("pm" | "p", _) | ("", "pm") => Some(12),
            ("", _) => None,
            _ => return None,
        };
        let (hour, minute) = digits.split_once(':').unwrap_or((digits, "0"));
        if half.is_none() && !digits.contains(':') && !after_at {
            return None;
        }
        let (hour, minute): (u8, u8) = (hour.parse().ok()?, minute.parse().ok()?);
        let hour = match half {
            Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
            Some(_) => return None,
            None if (1..=6).contains(&hour) => hour + 12,
            None => hour,
        };
        (hour < 24 && minute < 60).then_some((hour, minute))
    })
}
