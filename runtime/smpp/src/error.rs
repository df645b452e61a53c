//! The crate's one error type, and what can be wrong with one field.

use crate::pdu::{CommandId, CommandStatus};
use crate::session::State;

/// Everything that can go wrong here. No variant carries a field's content: bodies, numbers and passwords stay out of logs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer sent a PDU whose body can't be read. The stream itself is still in step.
    #[error("{command}: {field} at octet {offset}: {fault}")]
    Decode {
        /// Which PDU.
        command: CommandId,
        /// The field's name in the specification, or `tlvs` for the optional parameters.
        field: &'static str,
        /// Where the field begins, counted from the first octet of the header.
        offset: usize,
        /// What is wrong there.
        fault: Fault,
    },
    /// Our own PDU can't be written as it is; nothing of it was.
    #[error("{command}: {field}: {fault}")]
    Encode {
        /// Which PDU.
        command: CommandId,
        /// The field's name in the specification.
        field: &'static str,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A length that no PDU has: the stream is out of step (or isn't SMPP) and can't be read any further.
    #[error("command_length {length} is outside 16..={max}")]
    FrameLength {
        /// The length that the peer claimed.
        length: u32,
        /// The most that this side takes.
        max: usize,
    },
    /// The PDU may not be sent in this state and role.
    #[error("{command} is not allowed in state {state}")]
    Illegal {
        /// Which PDU.
        command: CommandId,
        /// The session's state.
        state: State,
    },
    /// As many requests as the window holds are unanswered.
    #[error("the window of {window} requests is full")]
    WindowFull {
        /// The window's size in PDUs.
        window: usize,
    },
    /// The peer answered our bind with an error.
    #[error("bind refused: {status}")]
    BindRefused {
        /// The `command_status` of its answer.
        status: CommandStatus,
    },
    /// The session ended.
    #[error("session closed: {0}")]
    Closed(crate::session::Closed),
    /// Connecting, TLS or configuration of the socket failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The TLS settings can't be used.
    #[error("TLS settings: {0}")]
    Tls(#[from] rustls::Error),
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The PDU ends before the field does.
    #[error("{wanted} octets wanted, {left} left")]
    Truncated {
        /// Octets that the field needs.
        wanted: usize,
        /// Octets that the PDU still has.
        left: usize,
    },
    /// A C-octet string without its NUL.
    #[error("no terminating NUL")]
    Unterminated,
    /// Longer than the specification (or the peer's version) lets it be.
    #[error("{octets} octets, at most {limit} allowed")]
    TooLong {
        /// Its length, without a terminating NUL.
        octets: usize,
        /// The most it may have, without a terminating NUL.
        limit: usize,
    },
    /// A list with more items than its count can say.
    #[error("{items} items, at most {limit} allowed")]
    TooMany {
        /// How many there are.
        items: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A NUL inside a C-octet string would end it early at the peer.
    #[error("a NUL inside the string")]
    InteriorNul,
    /// A value that the specification doesn't know and that can't be skipped.
    #[error("value {0} is not known")]
    UnknownValue(u8),
    /// The peer takes no TLVs, and without this one the message would be another message.
    #[error("TLV 0x{0:04x} is needed, but the peer takes no TLVs")]
    NeedsTlvs(u16),
}

impl Fault {
    /// The status with which a request that has this fault in `field` is answered.
    pub fn status(self, field: &str) -> CommandStatus {
        match field {
            "tlvs" => CommandStatus::ESME_RINVOPTPARSTREAM,
            "short_message" | "sm_length" => CommandStatus::ESME_RINVMSGLEN,
            "dest_flag" => CommandStatus::ESME_RINVDESTFLAG,
            _ => CommandStatus::ESME_RINVCMDLEN,
        }
    }
}
