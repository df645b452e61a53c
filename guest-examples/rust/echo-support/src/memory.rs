//! What the desk remembers of a conversation, and of a contact.

use crate::signalbox::messaging::state::{self, Scope};
use crate::signalbox::messaging::types::CallError;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// How many messages there were in this conversation, this one included. Forgotten after a day of silence.
pub fn count_turn() -> Result<i64, CallError> {
    state::increment(&Scope::Conversation, "turns", 1, Some(DAY_MS))
}

/// What the contact wants to be called.
pub fn name() -> Result<Option<String>, CallError> {
    text(&Scope::Contact, "name")
}

pub fn remember_name(name: &str) -> Result<(), CallError> {
    state::set(&Scope::Contact, "name", name.as_bytes(), None)
}

/// What the conversation was last about.
pub fn topic() -> Result<Option<String>, CallError> {
    text(&Scope::Conversation, "topic")
}

pub fn remember_topic(topic: &str) -> Result<(), CallError> {
    state::set(&Scope::Conversation, "topic", topic.as_bytes(), Some(DAY_MS))
}

fn text(scope: &Scope, key: &str) -> Result<Option<String>, CallError> {
    Ok(state::get(scope, key)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}
