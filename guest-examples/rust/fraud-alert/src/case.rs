//! The case that is open in a conversation, and answers that are still to be called back.

use crate::signalbox::messaging::state::{self, Scope};
use crate::signalbox::messaging::types::CallError;
use crate::signalbox::messaging::{settings, timers};
use std::time::{SystemTime, UNIX_EPOCH};

/// Asks again at half time.
pub const ASK_AGAIN: &str = "ask-again";
/// Ends the case.
pub const DEADLINE: &str = "deadline";
/// Tells the bank once more; the case's id is behind it.
pub const CALL_BACK: &str = "call-back-";

/// With doubling pauses that is about a quarter of an hour; then people take over.
pub const TRIES_MOST: u32 = 6;
const FIRST_PAUSE_MS: u64 = 30_000;

const OPEN: &str = "case";
const UNCLEAR: &str = "unclear";
const MINUTE_MS: u64 = 60_000;

/// An open case.
pub struct Case {
    /// The bank's id of it.
    pub id: String,
    /// The message that asked.
    pub alert: String,
    /// When it ends, in microseconds since 1970.
    pub deadline: u64,
}

/// An answer that the bank hasn't got yet.
pub struct Kept {
    pub case: String,
    pub answer: String,
    pub tries: u32,
}

impl Case {
    /// The open one, if there is one.
    pub fn open() -> Result<Option<Self>, CallError> {
        let Some(bytes) = state::get(&Scope::Conversation, OPEN)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        let mut parts = text.splitn(3, ' ');
        let read = |deadline: &str, id: &str, alert: &str| {
            Some(Self { id: id.to_owned(), alert: alert.to_owned(), deadline: deadline.parse().ok()? })
        };
        match (parts.next(), parts.next(), parts.next()) {
            (Some(deadline), Some(id), Some(alert)) => Ok(read(deadline, id, alert)),
            _ => Ok(None),
        }
    }

    /// Opens one, with its timers.
    pub fn start(id: &str, alert: &str) -> Result<(), CallError> {
        let (now, whole_ms) = (now(), deadline_ms());
        let deadline = now + whole_ms * 1_000;
        state::set(&Scope::Conversation, OPEN, format!("{deadline} {id} {alert}").as_bytes(), None)?;
        state::delete(&Scope::Conversation, UNCLEAR)?;
        timers::set_at(ASK_AGAIN, now + whole_ms * 500, &[])?;
        timers::set_at(DEADLINE, deadline, &[])
    }

    /// Closes it: from here on no answer counts.
    pub fn close(&self) -> Result<(), CallError> {
        state::delete(&Scope::Conversation, OPEN)?;
        timers::cancel(ASK_AGAIN)?;
        timers::cancel(DEADLINE)
    }
}

/// Keeps an answer for another try, each after twice the pause of the last.
pub fn keep_trying(case: &str, answer: &str, tries: u32) -> Result<(), CallError> {
    let pause = FIRST_PAUSE_MS << tries.saturating_sub(1).min(TRIES_MOST);
    // A name for each case: the answer to an earlier one may still be underway.
    let name = format!("{CALL_BACK}{case}");
    timers::set_after(&name, pause, format!("{tries} {answer} {case}").as_bytes())
}

/// Reads what a timer brought back.
pub fn kept(payload: &[u8]) -> Option<Kept> {
    let text = std::str::from_utf8(payload).ok()?;
    let mut parts = text.splitn(3, ' ');
    let (tries, answer, case) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Kept { case: case.to_owned(), answer: answer.to_owned(), tries: tries.parse().ok()? })
}

/// How often the open case was answered with something else than YES or NO.
pub fn count_unclear() -> Result<i64, CallError> {
    state::increment(&Scope::Conversation, UNCLEAR, 1, Some(deadline_ms()))
}

/// What may be a case's id: it becomes part of a URL.
pub fn is_id(id: &str) -> bool {
    (1..=48).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// The event's own clock, which the host gives. An alert may have been accepted long before it goes out.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

fn deadline_ms() -> u64 {
    let minutes: f64 = settings::get("deadline-minutes").and_then(|text| text.parse().ok()).unwrap_or(15.0);
    (minutes.clamp(1.0, 24.0 * 60.0) * MINUTE_MS as f64) as u64
}
