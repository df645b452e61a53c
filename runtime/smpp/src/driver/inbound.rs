//! Requests of the peer, and answering them.

use std::sync::Arc;

use super::shared::{Shared, now};
use crate::Error;
use crate::pdu::*;
use crate::session::Role;

/// A request of the peer: `deliver_sm` and `data_sm` for an ESME; `submit_sm`, `submit_multi`, `data_sm`, `query_sm`, `cancel_sm` and
/// `replace_sm` for an SMSC. Also `alert_notification`, which has no answer: its responder does nothing.
#[derive(Debug)]
pub struct Inbound {
    /// What the peer asks.
    pub request: Pdu,
    /// To be used once what the answer promises is done.
    pub responder: Responder,
}

/// Answers one request, in any order with others. Dropped unused, it says that the error passes (`ESME_RX_T_APPN` to an
/// SMSC, `ESME_RSYSERR` to an ESME), so that the peer keeps the message and tries again.
#[must_use = "the peer waits for an answer"]
pub struct Responder {
    shared: Arc<Shared>,
    command: CommandId,
    sequence_number: u32,
    answered: bool,
}

impl Responder {
    pub(super) fn new(shared: Arc<Shared>, command: CommandId, sequence_number: u32) -> Self {
        Self { shared, command, sequence_number, answered: command == CommandId::ALERT_NOTIFICATION }
    }

    /// Answers with a status and nothing else.
    ///
    /// # Errors
    /// [`Error::Illegal`] if the session is closed.
    pub fn answer(self, status: CommandStatus) -> Result<(), Error> {
        match self.command {
            CommandId::DELIVER_SM => self.answer_with(status, &DeliverSmResp::default()),
            CommandId::SUBMIT_SM => self.answer_with(status, &SubmitSmResp::default()),
            CommandId::SUBMIT_MULTI => self.answer_with(status, &SubmitMultiResp::default()),
            CommandId::DATA_SM => self.answer_with(status, &DataSmResp::default()),
            CommandId::QUERY_SM => self.answer_with(status, &QuerySmResp::default()),
            other => self.answer_with(status, &Pdu::Unknown(other.response())),
        }
    }

    /// Takes a `submit_sm`, `submit_multi` or `data_sm` under this id.
    ///
    /// # Errors
    /// [`Error::Encode`] if the id is too long for the peer (8 octets for 3.3, else 64); the peer is then told of an error that
    /// passes. [`Error::Illegal`] if the session is closed.
    pub fn accept(self, message_id: COctetString) -> Result<(), Error> {
        let ok = CommandStatus::ESME_ROK;
        match self.command {
            CommandId::SUBMIT_MULTI => self.answer_with(ok, &SubmitMultiResp { message_id, ..Default::default() }),
            CommandId::DATA_SM => self.answer_with(ok, &DataSmResp { message_id, ..Default::default() }),
            _ => self.answer_with(ok, &SubmitSmResp { message_id, ..Default::default() }),
        }
    }

    /// Answers with a body, which must be of the kind that answers this request.
    ///
    /// # Errors
    /// As [`Responder::accept`]; [`Error::Illegal`] also if the kind is another.
    pub fn answer_with(mut self, status: CommandStatus, answer: &impl Encode) -> Result<(), Error> {
        if self.answered {
            return Ok(());
        }
        let command = answer.command_id();
        if command != self.command.response() && command != CommandId::GENERIC_NACK {
            let state = self.shared.peek(|session| session.state());
            return Err(Error::Illegal { command, state });
        }
        self.send(status, answer)
    }

    fn send(&mut self, status: CommandStatus, answer: &impl Encode) -> Result<(), Error> {
        self.shared.step(|session| session.respond(answer, status, self.sequence_number, now()))?;
        self.answered = true;
        Ok(())
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let status = match self.shared.peek(|session| session.role()) {
            Role::Esme => CommandStatus::ESME_RX_T_APPN,
            Role::Smsc => CommandStatus::ESME_RSYSERR,
        };
        let answer = match self.command {
            CommandId::DELIVER_SM => Pdu::DeliverSmResp(DeliverSmResp::default()),
            other => Pdu::Unknown(other.response()),
        };
        // A closed session has nobody left to tell.
        let _ = self.send(status, &answer);
    }
}

impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Responder({}, {})", self.command, self.sequence_number)
    }
}
