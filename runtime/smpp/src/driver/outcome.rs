//! What becomes of a request, and how its sender is told.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};

use crate::pdu::{COctetString, Command, CommandStatus, Pdu, SubmitSmResp, Tlvs};
use crate::session::Written;

/// What became of a request.
#[allow(clippy::large_enum_variant, reason = "nearly every outcome is a response; a box would cost each an allocation")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The peer answered, for good or ill.
    Response(Command),
    /// It didn't in time: what it did is unknown.
    Timeout,
    /// The session ended first.
    Disconnected {
        /// Whether the peer may know of the request.
        written: Written,
    },
}

/// What became of a `submit_sm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// The carrier answered, for good or ill.
    Response(SubmitResponse),
    /// It didn't in time: the message is in doubt.
    Timeout,
    /// The session ended first.
    Disconnected {
        /// [`Written::Never`]: safe to send again. [`Written::MayHave`]: in doubt.
        written: Written,
    },
}

/// A carrier's answer to a `submit_sm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitResponse {
    /// 0 if it took the message.
    pub status: CommandStatus,
    /// Its id for the message, if it gave one; opaque.
    pub message_id: Option<COctetString>,
    /// What else it said: `congestion_state`, `additional_status_info_text`, …
    pub tlvs: Tlvs,
}

impl From<Outcome> for SubmitOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Response(Command { command_status: status, pdu, .. }) => {
                let SubmitSmResp { message_id, tlvs } = match pdu {
                    Pdu::SubmitSmResp(body) => body,
                    // A generic_nack has nothing but its status.
                    _ => SubmitSmResp::default(),
                };
                let message_id = Some(message_id).filter(|id| !id.is_empty());
                SubmitOutcome::Response(SubmitResponse { status, message_id, tlvs })
            }
            Outcome::Timeout => SubmitOutcome::Timeout,
            Outcome::Disconnected { written } => SubmitOutcome::Disconnected { written },
        }
    }
}

/// A `submit_sm`'s outcome beside the number that its sender gave it.
pub type Tagged = (u64, SubmitOutcome);

/// Who is told.
pub(super) enum Waiter {
    One(oneshot::Sender<Outcome>),
    Many(u64, mpsc::UnboundedSender<Tagged>),
}

impl Waiter {
    pub fn tell(self, outcome: Outcome) {
        // Whoever doesn't wait any more doesn't want to know.
        match self {
            Waiter::One(one) => drop(one.send(outcome)),
            Waiter::Many(tag, many) => drop(many.send((tag, outcome.into()))),
        }
    }
}

/// A request's outcome to come. Dropping it doesn't take the request back.
#[derive(Debug)]
pub struct Pending(pub(super) oneshot::Receiver<Outcome>);

impl Future for Pending {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        // The connection's task always tells; it can only be gone with its whole runtime.
        let gone = Outcome::Disconnected { written: Written::MayHave };
        Pin::new(&mut self.0).poll(cx).map(|outcome| outcome.unwrap_or(gone))
    }
}

/// A `submit_sm`'s outcome to come. Dropping it doesn't take the message back.
#[derive(Debug)]
pub struct Submission(pub(super) Pending);

impl Future for Submission {
    type Output = SubmitOutcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<SubmitOutcome> {
        Pin::new(&mut self.0).poll(cx).map(SubmitOutcome::from)
    }
}
