//! The message's life and its legal transitions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a message is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Durable here; not yet through its checks.
    Accepted,
    /// Waits for a time or a condition.
    Held,
    /// Checked and waiting for its turn, a rate or a bind.
    Queued,
    /// The intent to send is durable; bytes may be on the wire.
    Sending,
    /// The carrier took it.
    Sent,
    /// The carrier says that the handset has it.
    Delivered,
    /// The carrier says that the handset won't have it.
    Undelivered,
    /// Its validity ran out, here or at the carrier.
    Expired,
    /// Refused by policy or by the tenant's handler; never left the host.
    Rejected,
    /// The carrier refused it for good, or nobody would take it.
    Failed,
    /// Taken back by the tenant before it left.
    Canceled,
    /// Bytes may have left and no answer came: held until somebody decides.
    InDoubt,
    /// Inbound: durable here.
    Received,
    /// Inbound: the handler's effects are committed.
    Handled,
    /// Inbound: no handler is bound.
    Unhandled,
    /// Inbound: the handler failed each attempt; parked.
    HandlerFailed,
}

impl Status {
    /// Every status, in the order of life.
    pub const ALL: [Self; 16] = [
        Self::Accepted,
        Self::Held,
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Undelivered,
        Self::Expired,
        Self::Rejected,
        Self::Failed,
        Self::Canceled,
        Self::InDoubt,
        Self::Received,
        Self::Handled,
        Self::Unhandled,
        Self::HandlerFailed,
    ];

    /// The name in the API and in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::InDoubt => "in_doubt",
            Self::Received => "received",
            Self::Handled => "handled",
            Self::Unhandled => "unhandled",
            Self::HandlerFailed => "handler_failed",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// No later report may move it, except another terminal one that is kept beside it.
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Delivered
                | Self::Undelivered
                | Self::Expired
                | Self::Rejected
                | Self::Failed
                | Self::Canceled
                | Self::Handled
                | Self::Unhandled
        )
    }

    /// The host still has to do something for it to go on.
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::Accepted | Self::Held | Self::Queued | Self::Sending)
    }

    /// May a message go from here to `next`? The one place that knows.
    ///
    /// A status may follow itself where something is worth a record without moving the message: a part of a long
    /// message was sent, a hold was prolonged.
    pub const fn may_become(self, next: Self) -> bool {
        use Status::{
            Accepted, Canceled, Delivered, Expired, Failed, Handled, HandlerFailed, Held, InDoubt, Queued, Received,
            Rejected, Sending, Sent, Undelivered, Unhandled,
        };
        match self {
            Accepted => matches!(next, Held | Queued | Rejected | Failed | Canceled | Expired),
            Held => matches!(next, Held | Accepted | Queued | Rejected | Failed | Canceled | Expired),
            Queued => matches!(next, Queued | Held | Sending | Rejected | Failed | Canceled | Expired),
            // Back to the queue when the carrier surely doesn't have it (throttled, or never written).
            Sending => {
                matches!(
                    next,
                    Sent | Queued | Failed | InDoubt | Expired | Delivered | Undelivered | Rejected | Canceled
                )
            }
            Sent => matches!(next, Sent | Delivered | Undelivered | Expired | Failed),
            InDoubt => matches!(next, Queued | Sent | Delivered | Undelivered | Expired | Failed | Canceled),
            Received => matches!(next, Received | Handled | Unhandled | HandlerFailed),
            HandlerFailed => matches!(next, Received | Handled | Unhandled | HandlerFailed),
            Delivered | Undelivered | Expired | Rejected | Failed | Canceled | Handled | Unhandled => false,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_follows_a_terminal_status() {
        for from in Status::ALL.into_iter().filter(|s| s.is_terminal()) {
            assert!(Status::ALL.into_iter().all(|next| !from.may_become(next)), "{from}");
        }
    }

    #[test]
    fn nothing_reaches_the_wire_without_having_been_queued() {
        let before: Vec<_> = Status::ALL.into_iter().filter(|s| s.may_become(Status::Sending)).collect();
        assert_eq!(before, [Status::Queued]);
    }

    #[test]
    fn every_unfinished_message_can_finish() {
        for from in Status::ALL.into_iter().filter(|s| !s.is_terminal()) {
            let mut seen = vec![from];
            while let Some(next) =
                Status::ALL.into_iter().find(|n| !seen.contains(n) && seen.iter().any(|s| s.may_become(*n)))
            {
                seen.push(next);
            }
            assert!(seen.iter().any(|s| s.is_terminal()), "{from}");
        }
    }

    #[test]
    fn names_round_trip() {
        assert!(Status::ALL.into_iter().all(|s| Status::parse(s.as_str()) == Some(s)));
    }
}
