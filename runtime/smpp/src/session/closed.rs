//! Why a session ended.

use crate::pdu::CommandStatus;

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// We unbound, and the peer agreed.
    #[error("unbound")]
    Unbound,
    /// We unbound, and the peer didn't answer in time.
    #[error("unbound, without an answer")]
    UnbindUnanswered,
    /// The peer unbound.
    #[error("unbound by the peer")]
    PeerUnbound,
    /// The peer closed the connection.
    #[error("connection closed by the peer{}", if *mid_pdu { " inside a PDU" } else { "" })]
    PeerClosed {
        /// Whether a PDU had begun.
        mid_pdu: bool,
    },
    /// Reading or writing failed.
    #[error("connection lost: {0:?}")]
    Io(std::io::ErrorKind),
    /// The peer sent a length that no PDU has.
    #[error("out of step: command_length {length}")]
    BadFrame {
        /// That length.
        length: u32,
    },
    /// The peer didn't answer `enquire_link`, and sent nothing else.
    #[error("enquire_link unanswered")]
    EnquireLinkUnanswered,
    /// No bind, or no answer to ours, in time.
    #[error("not bound in time")]
    BindTimeout,
    /// The bind was refused.
    #[error("bind refused: {0}")]
    BindRefused(CommandStatus),
    /// We dropped the connection.
    #[error("aborted")]
    Aborted,
}

impl Closed {
    /// Whether the peer may still be told something (that we heard its `unbind`, why it is refused). Otherwise nothing
    /// more is written, so that what was never written stays so.
    pub fn leaves_last_words(&self) -> bool {
        matches!(self, Closed::PeerUnbound | Closed::BadFrame { .. } | Closed::BindRefused(_))
    }
}
