//! What a handler asked for. It is a value: nothing happened yet, and the engine commits all of it with the event or
//! none.

use serde::{Deserialize, Serialize};

/// All that one call asked for, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Effects {
    /// Messages to be queued.
    pub sends: Vec<OutgoingMessage>,
    /// Ids of messages to be withdrawn. Those sent in the same call are already gone from `sends`.
    pub cancels: Vec<String>,
    /// State to be written: one entry per key, its last value.
    pub state: Vec<StateWrite>,
    /// Timers to be set or unset: one entry per name, its last state.
    pub timers: Vec<TimerWrite>,
    /// Remarks for the record.
    pub notes: Vec<Note>,
}

impl Effects {
    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.sends.is_empty()
            && self.cancels.is_empty()
            && self.state.is_empty()
            && self.timers.is_empty()
            && self.notes.is_empty()
    }
}

/// A file to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Where the bytes lie.
    pub url: String,
    /// The media type; empty if the handler didn't say.
    pub content_type: String,
    /// Size; 0 if the handler didn't say.
    pub size_bytes: u64,
}

/// A message to be queued. Sender and recipient are filled in from the conversation where the handler left them out;
/// whether the tenant may use them is for the engine to check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingMessage {
    /// The id that the handler was told.
    pub id: String,
    /// From.
    pub sender: String,
    /// To.
    pub recipient: String,
    /// The text.
    pub text: String,
    /// The files.
    pub media: Vec<Media>,
    /// How to send it.
    pub options: SendOptions,
}

/// How a message is to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendOptions {
    /// Category, `conversational` if none.
    pub category: Option<String>,
    /// The registered campaign.
    pub campaign: Option<String>,
    /// Not before this instant, in microseconds.
    pub not_before: Option<u64>,
    /// Give up after so many milliseconds.
    pub valid_for_ms: Option<u64>,
    /// Tags for the record.
    pub tags: Vec<(String, String)>,
}

/// Whose memory a state key is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// One of the tenant's numbers with one contact.
    Conversation,
    /// The contact, over all numbers.
    Contact,
    /// The tenant.
    Tenant,
}

/// The last value of a state key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateWrite {
    /// Whose memory.
    pub scope: Scope,
    /// The key.
    pub key: String,
    /// The new value; none to forget the key.
    pub value: Option<Vec<u8>>,
    /// Set if the handler did nothing but add to what was there: so much. The value is the sum as the handler saw it;
    /// where others write as well, the sum is what counts, and whoever carries this out adds.
    pub added: Option<i64>,
    /// When the value is forgotten by itself, in microseconds since 1970; none for never.
    pub expires_at: Option<u64>,
}

/// The last state of a timer in the event's conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerWrite {
    /// The name.
    pub name: String,
    /// When and what, or none to unset it.
    pub set: Option<TimerSet>,
}

/// When a timer is due, and what it hands back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerSet {
    /// Microseconds since 1970.
    pub at: u64,
    /// Handed back in the timer's event.
    pub payload: Vec<u8>,
}

/// A remark for the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Note {
    /// A label.
    Label(String),
    /// A finite number.
    Number(String, f64),
    /// A short text.
    Text(String, String),
}
