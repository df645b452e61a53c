//! What a guest asks, and what it is answered.

use crate::effects::Scope;
use crate::http::{HttpRequest, HttpResult, host_of};
use crate::surroundings::{Contact, PastMessage};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A question that a guest waits for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// A state key.
    StateGet {
        /// Whose memory.
        scope: Scope,
        /// The key.
        key: String,
    },
    /// State keys.
    StateList {
        /// Whose memory.
        scope: Scope,
        /// What they begin with.
        prefix: String,
        /// After which.
        after: Option<String>,
        /// How many at most.
        limit: usize,
    },
    /// The conversation's past.
    Recent {
        /// How many messages at most.
        limit: usize,
    },
    /// A contact.
    Contact {
        /// None: the contact of the event's conversation.
        address: Option<String>,
    },
    /// An HTTP request.
    Http(HttpRequest),
}

/// The answer to a question, of the same name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named as the questions are")]
pub enum Reply {
    StateGet(Option<Vec<u8>>),
    StateList(Vec<(String, Vec<u8>)>),
    Recent(Vec<PastMessage>),
    Contact(Contact),
    Http(HttpResult),
    /// What stands behind it couldn't answer.
    Unavailable(String),
    /// It wasn't answered before its time was up.
    Nothing,
}

impl fmt::Display for Question {
    /// Without numbers and bodies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StateGet { scope, key } => write!(f, "state.get({scope:?}, {key:?})"),
            Self::StateList { scope, prefix, after, limit } => {
                write!(f, "state.list({scope:?}, {prefix:?}, after {after:?}, {limit})")
            }
            Self::Recent { limit } => write!(f, "conversation.recent({limit})"),
            Self::Contact { .. } => write!(f, "contacts.get"),
            Self::Http(request) => {
                let bytes = request.body.len();
                write!(f, "http.fetch({} {}…, {bytes} bytes)", request.method, host_of(&request.url))
            }
        }
    }
}

impl Question {
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::StateGet { key, .. } => key.len(),
            Self::StateList { prefix, after, .. } => prefix.len() + after.as_ref().map_or(0, String::len),
            Self::Recent { .. } | Self::Contact { .. } => 32,
            Self::Http(request) => request.url.len() + pairs(&request.headers) + request.body.len(),
        }
    }
}

impl Reply {
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::StateGet(value) => value.as_ref().map_or(0, Vec::len),
            Self::StateList(list) => pairs(list),
            Self::Recent(messages) => messages.iter().map(|message| message.text.len() + 64).sum(),
            Self::Contact(contact) => {
                contact.attributes.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() + 64
            }
            Self::Http(Ok(answer)) => answer.bytes(),
            Self::Http(Err(_)) | Self::Nothing => 16,
            Self::Unavailable(why) => why.len(),
        }
    }
}

fn pairs(pairs: &[(String, Vec<u8>)]) -> usize {
    pairs.iter().map(|(name, value)| name.len() + value.len()).sum()
}
