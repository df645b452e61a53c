//! What the session does with each PDU of the peer.

use std::time::Instant;

use super::window::Owner;
use super::{BindKind, Closed, Event, Role, Session, State};
use crate::Error;
use crate::pdu::*;

impl<T> Session<T> {
    /// Takes a frame. Decoding can as well be done elsewhere, and its result given to [`receive`](Self::receive).
    pub fn receive_frame(&mut self, frame: Frame, now: Instant) {
        let header = frame.header;
        self.receive(header, frame.decode(), now);
    }

    /// Takes a PDU, or what was wrong with one.
    pub fn receive(&mut self, header: Header, decoded: Result<Command, Error>, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        self.heard = now;
        match decoded {
            Ok(command) if header.command_id.is_response() => self.answer(command),
            Ok(command) => self.requested(command, now),
            Err(error) => self.malformed(header, error),
        }
        self.unbind_if_drained(now);
    }

    /// The stream can't be read any further: says so to the peer, as well as it can be said, and ends the session.
    pub fn out_of_step(&mut self, length: u32) {
        if self.state != State::Closed {
            self.refuse_by(CommandId::GENERIC_NACK, CommandStatus::ESME_RINVCMDLEN, 0);
            self.close(Closed::BadFrame { length });
        }
    }

    fn answer(&mut self, answer: Command) {
        let Some(owner) = self.window.answered(answer.sequence_number, answer.pdu.command_id()) else {
            return self.emit(Event::Unmatched(answer));
        };
        match &answer.pdu {
            Pdu::SubmitSmResp(SubmitSmResp { tlvs, .. })
            | Pdu::DataSmResp(DataSmResp { tlvs, .. })
            | Pdu::DeliverSmResp(DeliverSmResp { tlvs, .. })
            | Pdu::SubmitMultiResp(SubmitMultiResp { tlvs, .. }) => self.note_congestion(tlvs),
            _ => {}
        }
        match owner {
            Owner::Caller(token) => self.emit(Event::Answered { token, answer }),
            Owner::Bind(kind) => self.bind_answered(kind, answer),
            Owner::EnquireLink => self.enquiring = false,
            Owner::Unbind => self.close(Closed::Unbound),
        }
    }

    fn bind_answered(&mut self, kind: BindKind, answer: Command) {
        if !answer.command_status.is_ok() {
            return self.close(Closed::BindRefused(answer.command_status));
        }
        match answer.pdu {
            Pdu::BindTransmitterResp(body) | Pdu::BindReceiverResp(body) | Pdu::BindTransceiverResp(body) => {
                self.negotiate(body.tlvs.sc_interface_version());
                self.bound(kind);
            }
            // A generic_nack of status 0: not a yes.
            _ => self.close(Closed::BindRefused(CommandStatus::ESME_RBINDFAIL)),
        }
    }

    fn requested(&mut self, request: Command, now: Instant) {
        let Command { sequence_number, pdu, .. } = request;
        let command = pdu.command_id();
        if command.name().is_none() {
            return self.refuse_by(CommandId::GENERIC_NACK, CommandStatus::ESME_RINVCMDID, sequence_number);
        }
        if let Some(status) = self.refusal(command) {
            return self.refuse_by(command.response(), status, sequence_number);
        }
        match pdu {
            Pdu::EnquireLink => self.refuse_by(CommandId::ENQUIRE_LINK_RESP, CommandStatus::ESME_ROK, sequence_number),
            Pdu::Unbind => {
                self.refuse_by(CommandId::UNBIND_RESP, CommandStatus::ESME_ROK, sequence_number);
                self.close(Closed::PeerUnbound);
            }
            Pdu::BindTransmitter(bind) => self.bind_requested(BindKind::Transmitter, bind, sequence_number),
            Pdu::BindReceiver(bind) => self.bind_requested(BindKind::Receiver, bind, sequence_number),
            Pdu::BindTransceiver(bind) => self.bind_requested(BindKind::Transceiver, bind, sequence_number),
            Pdu::Outbind(outbind) => {
                self.state = State::Outbound;
                self.deadline = now + self.config.bind_timeout;
                self.emit(Event::Outbind(outbind));
            }
            Pdu::AlertNotification(alert) => self.emit(Event::Alert(alert)),
            request => {
                self.count_unanswered();
                self.emit(Event::Request { sequence_number, request });
            }
        }
    }

    fn bind_requested(&mut self, kind: BindKind, bind: Bind, sequence_number: u32) {
        self.negotiate(Some(Version::from_octet(bind.interface_version)));
        self.bind_request = Some((sequence_number, kind));
        self.emit(Event::BindRequested { kind, bind });
    }

    /// Why a request is turned away unseen, if it is.
    fn refusal(&self, request: CommandId) -> Option<CommandStatus> {
        let is_bind =
            matches!(request, CommandId::BIND_TRANSMITTER | CommandId::BIND_RECEIVER | CommandId::BIND_TRANSCEIVER);
        if is_bind && (self.bind_request.is_some() || self.state.bound().is_some()) {
            return Some(CommandStatus::ESME_RALYBND);
        }
        let draining = matches!(self.state, State::Draining(_));
        let link = matches!(request, CommandId::ENQUIRE_LINK | CommandId::UNBIND);
        if self.state.allows(self.role.peer(), request) && (link || !draining) {
            return None;
        }
        // While we leave, a message isn't wrong, only late: the peer shall keep it and try again.
        Some(match (self.state, self.role) {
            (State::Draining(_) | State::Unbinding, Role::Esme) => CommandStatus::ESME_RX_T_APPN,
            (State::Draining(_) | State::Unbinding, Role::Smsc) => CommandStatus::ESME_RSYSERR,
            _ => CommandStatus::ESME_RINVBNDSTS,
        })
    }

    fn malformed(&mut self, header: Header, error: Error) {
        let status = match &error {
            Error::Decode { field, fault, .. } => fault.status(field),
            _ => CommandStatus::ESME_RINVCMDLEN,
        };
        // Told first: the answer may end the session, and its end is the last event.
        self.emit(Event::Malformed(error));
        if !header.command_id.is_response() {
            return self.refuse_by(header.command_id.response(), status, header.sequence_number);
        }
        // Its status and number are good: the request is answered, only the details are lost.
        if let Ok(answer) = Command::without_body(&header) {
            self.answer(answer);
        }
    }

    /// Answers by a header alone (but for the NUL that a `deliver_sm_resp` always has).
    fn refuse_by(&mut self, answer: CommandId, status: CommandStatus, sequence_number: u32) {
        let answer = match answer {
            CommandId::DELIVER_SM_RESP => Pdu::DeliverSmResp(DeliverSmResp::default()),
            other => Pdu::Unknown(other),
        };
        let appended = self.append(&answer, status, sequence_number);
        debug_assert!(appended.is_ok(), "a header always fits");
    }
}
