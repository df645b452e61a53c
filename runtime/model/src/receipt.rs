//! A carrier's delivery receipt, in our words.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::status::Status;

/// What a receipt says of its message (SMPP `message_state`, or its text's `stat:`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptState {
    /// 0 (5.0): waits at the carrier.
    Scheduled,
    /// 1: on its way.
    Enroute,
    /// 2: the handset has it.
    Delivered,
    /// 3: its validity ran out at the carrier.
    Expired,
    /// 4: deleted at the carrier.
    Deleted,
    /// 5: can't be delivered.
    Undeliverable,
    /// 6: read on somebody's behalf.
    Accepted,
    /// 7: the carrier doesn't know.
    Unknown,
    /// 8: refused.
    Rejected,
    /// 9 (5.0): skipped.
    Skipped,
}

impl ReceiptState {
    /// The status that the message takes; `None` where it doesn't move.
    pub const fn status(self) -> Option<Status> {
        match self {
            Self::Scheduled | Self::Enroute | Self::Unknown | Self::Accepted => None,
            Self::Delivered => Some(Status::Delivered),
            Self::Expired => Some(Status::Expired),
            Self::Deleted | Self::Undeliverable | Self::Rejected | Self::Skipped => Some(Status::Undelivered),
        }
    }
}

/// A delivery receipt as a connector understood it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The carrier's id for the message, as written.
    pub carrier_id: String,
    /// What it says.
    pub state: ReceiptState,
    /// The carrier's own code, as written (`err:`, `network_error_code`), if it gave one.
    pub raw_code: Option<String>,
    /// When the carrier says it happened, if it does; carriers' clocks and zones are not to be trusted.
    pub carrier_time: Option<Timestamp>,
}
