//! What can go wrong on the path, by who is to blame.

use std::sync::Arc;

use signalbox_model::status::Status;
use signalbox_model::timeline::NoLine;
use signalbox_store as store;

/// Why the path couldn't do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store couldn't. Nothing was changed, unless it says that it is fatal.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Something in the store can't be read.
    #[error(transparent)]
    Unreadable(#[from] store::layout::Unreadable),
    /// A message was to go where its life has no way to, or its timeline is full: a defect of ours, and nothing was written.
    #[error(transparent)]
    NoLine(#[from] NoLine),
    /// The host is going down; the caller tries again at the next one.
    #[error("Signalbox is going down")]
    Draining,
    /// A part without which the path can't go on has ended: the process must stop.
    #[error("{part} stopped, and Signalbox can't go on without: {why}")]
    Broken {
        /// Which.
        part: &'static str,
        /// Why.
        why: Arc<str>,
    },
    /// The disk of the store is nearly full; the caller tries again later.
    #[error("{why}")]
    Full {
        /// How much room there is.
        why: String,
    },
    /// Too much waits; the caller tries again later.
    #[error("{waiting} messages wait already")]
    Overloaded {
        /// How many.
        waiting: usize,
    },
}

/// What is wrong with a field of a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// The field, as the request names it.
    pub field: String,
    /// A stable code, such as `number.malformed`.
    pub code: &'static str,
    /// What is wrong and how to mend it. Never repeats a body or a full number.
    pub detail: String,
}

/// Why a message wasn't accepted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    /// The request is wrong in these fields; nothing was recorded.
    #[error("{} field(s) of the request can't be used", .0.len())]
    Invalid(Vec<FieldError>),
    /// Policy says no; the record says why.
    #[error("policy refuses the message")]
    Policy(Box<crate::accept::Rejected>),
    /// The idempotency key was used with another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// A request with the same idempotency key is being worked on.
    #[error("a request with the same idempotency key is being worked on")]
    KeyBusy,
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Self {
        Self::Path(error.into())
    }
}

/// Why nothing was decided on a message that is in doubt.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ResolveRefused {
    /// The tenant has no such message.
    #[error("there is no such message")]
    NotFound,
    /// It isn't in doubt.
    #[error("the message is {0}, not in_doubt: there is nothing to decide")]
    Certain(Status),
    /// Another attempt wouldn't fit into its timeline.
    #[error("the message was tried so often that its timeline is full; call it delivered or failed, or send a new one")]
    Full,
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

impl From<store::Error> for ResolveRefused {
    fn from(error: store::Error) -> Self {
        Self::Path(error.into())
    }
}

/// Why a message wasn't taken back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CancelRefused {
    /// The tenant has no such message.
    #[error("there is no such message")]
    NotFound,
    /// It has gone too far.
    #[error("the message is {0} and can't be taken back any more")]
    TooLate(Status),
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}
