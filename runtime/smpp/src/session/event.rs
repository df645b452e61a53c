//! What a session tells its owner.

use super::{BindKind, Closed};
use crate::Error;
use crate::pdu::{AlertNotification, Bind, Command, Outbind, Pdu};

/// Whether a request's octets may have reached the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// None of them was handed to the connection: the peer can't know of it, and it is safe to send it again.
    Never,
    /// Some or all of them were: what the peer did is in doubt.
    MayHave,
}

/// What happened in a session. `T` is what the owner gave along with a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<T> {
    /// Now bound.
    Bound,
    /// An ESME wants to bind: see [`Session::accept_bind`](super::Session::accept_bind).
    BindRequested {
        /// How.
        kind: BindKind,
        /// Who it says it is.
        bind: Bind,
    },
    /// An SMSC asks for a bind as receiver.
    Outbind(Outbind),
    /// A request to be answered by [`Session::respond`](super::Session::respond).
    Request {
        /// What to answer with.
        sequence_number: u32,
        /// What it asks.
        request: Pdu,
    },
    /// A phone can be reached; there is no answer to this.
    Alert(AlertNotification),
    /// One of our requests was answered, for good or ill.
    Answered {
        /// Whose.
        token: T,
        /// The answer: its own kind, or `generic_nack`.
        answer: Command,
    },
    /// One of our requests was not answered in time: its outcome is unknown.
    TimedOut {
        /// Whose.
        token: T,
    },
    /// The session ended before one of our requests was answered.
    Lost {
        /// Whose.
        token: T,
        /// Whether the peer may know of it.
        written: Written,
    },
    /// An answer to nothing that is in flight; after a timeout it may be a late one.
    Unmatched(Command),
    /// A PDU whose body couldn't be read. It was answered as far as it could be.
    Malformed(Error),
    /// The session ended. The last event.
    Closed(Closed),
}
