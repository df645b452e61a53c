//! What the desk says.

use crate::memory;
use crate::signalbox::messaging::settings;
use crate::signalbox::messaging::types::CallError;

/// The timer that asks whether all is well.
pub const FOLLOW_UP: &str = "follow-up";

/// An answer, and what it is about.
pub struct Answer {
    pub intent: &'static str,
    pub text: String,
    pub follow_up: bool,
}

impl Answer {
    fn new(intent: &'static str, text: impl Into<String>) -> Self {
        Self { intent, text: text.into(), follow_up: false }
    }

    fn and_follow_up(mut self) -> Self {
        self.follow_up = true;
        self
    }
}

/// Answers a message by the first keyword in it.
pub fn answer(text: &str, turn: i64) -> Result<Answer, CallError> {
    let lower = text.trim().to_lowercase();
    if let Some(name) = introduced_name(text.trim(), &lower) {
        memory::remember_name(name)?;
        return Ok(Answer::new("introduction", format!("Nice to meet you, {name}. How can we help?")));
    }
    let has = |word: &str| lower.split(|c: char| !c.is_alphanumeric()).any(|w| w == word);
    let answer = if has("hours") || has("open") {
        Answer::new("hours", settings::get("hours").unwrap_or_else(|| "We are here Monday to Friday, 9 to 17.".into()))
    } else if has("agent") || has("human") {
        Answer::new("agent", "A colleague will write to you here shortly.").and_follow_up()
    } else if has("order") {
        order_status(&lower).and_follow_up()
    } else if has("thanks") || has("thank") {
        Answer::new("thanks", "You're welcome.")
    } else {
        return echo(text, turn);
    };
    memory::remember_topic(answer.intent)?;
    Ok(answer)
}

/// What is said when the timer is due.
pub fn follow_up(intent: &str, name: Option<&str>) -> String {
    let about = match intent {
        "order" => "your order",
        "agent" => "your question",
        _ => "all",
    };
    match name {
        Some(name) => format!("Hello {name}, is {about} settled? Write AGENT if not."),
        None => format!("Is {about} settled? Write AGENT if not."),
    }
}

/// How long to wait before asking again: the setting `follow-up-ms`, or an hour.
pub fn follow_up_delay_ms() -> u64 {
    settings::get("follow-up-ms").and_then(|ms| ms.parse().ok()).unwrap_or(60 * 60 * 1000)
}

fn introduced_name<'a>(text: &'a str, lower: &str) -> Option<&'a str> {
    const OPENING: &str = "my name is ";
    if !lower.starts_with(OPENING) {
        return None;
    }
    let name = text.get(OPENING.len()..)?.trim().trim_end_matches(['.', '!']);
    (!name.is_empty() && name.len() <= 40).then_some(name)
}

fn order_status(lower: &str) -> Answer {
    let number = lower.split(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty());
    match number {
        Some(number) => Answer::new("order", format!("Order {number} is on its way. We'll ask again later.")),
        None => Answer::new("order", "Please send the word ORDER and your order's number."),
    }
}

fn echo(text: &str, turn: i64) -> Result<Answer, CallError> {
    let greeting = match (memory::name()?, memory::topic()?) {
        (Some(name), Some(topic)) => format!("{name}, is this still about {topic}? "),
        (Some(name), None) => format!("{name}, "),
        (None, _) => String::new(),
    };
    let text = format!("{greeting}you wrote: {text} (message {turn}). Try HOURS, ORDER or AGENT.");
    Ok(Answer::new("echo", text))
}
