//! The session: requests and PDUs in, events and octets out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::BytesMut;

use super::window::{InFlight, Owner, Window};
use super::{BindKind, Closed, Event, Role, SessionConfig, State, Written};
use crate::Error;
use crate::pdu::*;

/// One SMPP session, without sockets or clock.
///
/// PDUs come in by [`receive`](Self::receive), time by [`tick`](Self::tick); octets to write are taken by
/// [`take_output`](Self::take_output) and confirmed by [`wrote`](Self::wrote); all else comes out as events.
/// `enquire_link`, `unbind` and everything illegal is answered here.
#[derive(Debug)]
pub struct Session<T> {
    pub(super) role: Role,
    pub(super) config: SessionConfig,
    pub(super) state: State,
    pub(super) dialect: Dialect,
    peer_version: Option<Version>,
    congestion: Option<u8>,
    pub(super) bind_request: Option<(u32, BindKind)>,
    pub(super) window: Window<T>,
    /// Requests of the peer that wait for our answer.
    unanswered: usize,
    out: BytesMut,
    /// Octets ever put into `out`, and of those, octets ever handed to the connection.
    appended: u64,
    written: u64,
    events: VecDeque<Event<T>>,
    /// When the state must be left: being bound in time, being drained in time.
    pub(super) deadline: Instant,
    pub(super) heard: Instant,
    pub(super) deaf_since: Option<Instant>,
    pub(super) enquiring: bool,
}

impl<T> Session<T> {
    /// A session on a connection that was made `now`.
    pub fn new(role: Role, config: SessionConfig, now: Instant) -> Self {
        Self {
            role,
            state: State::Open,
            dialect: config.version.dialect(),
            peer_version: None,
            congestion: None,
            bind_request: None,
            window: Window::new(),
            unanswered: 0,
            out: BytesMut::new(),
            appended: 0,
            written: 0,
            events: VecDeque::new(),
            deadline: now + config.bind_timeout,
            heard: now,
            deaf_since: None,
            enquiring: false,
            config,
        }
    }

    /// Which end this is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// The version that the peer named, once bound.
    pub fn peer_version(&self) -> Option<Version> {
        self.peer_version
    }

    /// What is written to this peer.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The last `congestion_state` that rode on an answer, 0–100.
    pub fn congestion(&self) -> Option<u8> {
        self.congestion
    }

    /// Our requests in flight.
    pub fn in_flight(&self) -> usize {
        self.window.callers()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event<T>> {
        self.events.pop_front()
    }

    /// All events; `into` is empty before.
    pub fn take_events(&mut self, into: &mut VecDeque<Event<T>>) {
        debug_assert!(into.is_empty());
        std::mem::swap(&mut self.events, into);
    }

    /// Octets that wait to be taken.
    pub fn pending_output(&self) -> usize {
        self.out.len()
    }

    /// Takes what is to be written; `into` is empty before, and its room is used again.
    pub fn take_output(&mut self, into: &mut BytesMut) {
        debug_assert!(into.is_empty());
        std::mem::swap(&mut self.out, into);
    }

    /// So many more octets were handed to the connection.
    pub fn wrote(&mut self, octets: usize) {
        self.written += octets as u64;
    }

    // Binding

    /// Asks to be bound.
    ///
    /// # Errors
    /// [`Error::Illegal`] unless an ESME's and open; [`Error::Encode`].
    pub fn bind(&mut self, kind: BindKind, bind: &Bind, now: Instant) -> Result<(), Error> {
        let request = match kind {
            BindKind::Transmitter => Pdu::BindTransmitter(bind.clone()),
            BindKind::Receiver => Pdu::BindReceiver(bind.clone()),
            BindKind::Transceiver => Pdu::BindTransceiver(bind.clone()),
        };
        self.check_legal(request.command_id())?;
        self.send(&request, Owner::Bind(kind), now + self.config.bind_timeout).map(drop)
    }

    /// Lets the ESME in that asked by [`Event::BindRequested`]; `system_id` is our name.
    ///
    /// # Errors
    /// [`Error::Illegal`] if none has asked; [`Error::Encode`] if the name is too long.
    pub fn accept_bind(&mut self, system_id: &COctetString) -> Result<(), Error> {
        let (sequence_number, kind) = self.asked_to_bind()?;
        let mut body = BindResp { system_id: system_id.clone(), tlvs: Tlvs::new() };
        if self.dialect.tlvs {
            body.tlvs.set_u8(Tag::SC_INTERFACE_VERSION, self.config.version.octet());
        }
        self.append(&bind_answer(kind, body), CommandStatus::ESME_ROK, sequence_number)?;
        self.bind_request = None;
        self.bound(kind);
        Ok(())
    }

    /// Turns it away, and ends the session.
    ///
    /// # Errors
    /// [`Error::Illegal`] if none has asked.
    pub fn refuse_bind(&mut self, status: CommandStatus) -> Result<(), Error> {
        let (sequence_number, kind) = self.asked_to_bind()?;
        self.append(&bind_answer(kind, BindResp::default()), status, sequence_number)?;
        self.close(Closed::BindRefused(status));
        Ok(())
    }

    fn asked_to_bind(&self) -> Result<(u32, BindKind), Error> {
        let illegal = Error::Illegal { command: BindKind::default().command_id().response(), state: self.state };
        self.bind_request.ok_or(illegal)
    }

    /// The peer spoke of itself as `version` (or of nothing): what may be written to it follows.
    pub(super) fn negotiate(&mut self, version: Option<Version>) {
        self.peer_version = version;
        self.dialect = version.unwrap_or(self.config.assumed_peer_version).min(self.config.version).dialect();
    }

    pub(super) fn bound(&mut self, kind: BindKind) {
        self.state = State::Bound(kind);
        self.emit(Event::Bound);
    }

    // Requests and answers

    /// Sends a request; `token` comes back with its outcome.
    ///
    /// # Errors
    /// [`Error::Illegal`], [`Error::WindowFull`] or [`Error::Encode`]: nothing was sent then, and the token is dropped.
    pub fn request(&mut self, request: &impl Encode, token: T, now: Instant) -> Result<u32, Error> {
        self.check_legal(request.command_id())?;
        if matches!(self.state, State::Draining(_)) {
            return Err(Error::Illegal { command: request.command_id(), state: self.state });
        }
        if self.window.callers() >= self.config.window {
            return Err(Error::WindowFull { window: self.config.window });
        }
        self.send(request, Owner::Caller(token), now + self.config.response_timeout)
    }

    /// Answers a request of the peer.
    ///
    /// # Errors
    /// [`Error::Illegal`] when closed; [`Error::Encode`], in which case the request is still unanswered.
    pub fn respond(
        &mut self,
        answer: &impl Encode,
        status: CommandStatus,
        sequence_number: u32,
        now: Instant,
    ) -> Result<(), Error> {
        if self.state == State::Closed {
            return Err(Error::Illegal { command: answer.command_id(), state: self.state });
        }
        self.append(answer, status, sequence_number)?;
        self.unanswered = self.unanswered.saturating_sub(1);
        self.unbind_if_drained(now);
        Ok(())
    }

    /// Sends an `alert_notification`, which has no answer.
    ///
    /// # Errors
    /// [`Error::Illegal`] or [`Error::Encode`].
    pub fn alert(&mut self, alert: &AlertNotification) -> Result<(), Error> {
        self.check_legal(CommandId::ALERT_NOTIFICATION)?;
        let sequence_number = self.window.next_sequence();
        self.append(alert, CommandStatus::ESME_ROK, sequence_number)
    }

    /// Asks the ESME that we connected to, to bind as receiver.
    ///
    /// # Errors
    /// [`Error::Illegal`] unless an SMSC's and open; [`Error::Encode`].
    pub fn outbind(&mut self, outbind: &Outbind) -> Result<(), Error> {
        self.check_legal(CommandId::OUTBIND)?;
        let sequence_number = self.window.next_sequence();
        self.append(outbind, CommandStatus::ESME_ROK, sequence_number)?;
        self.state = State::Outbound;
        Ok(())
    }

    fn check_legal(&self, command: CommandId) -> Result<(), Error> {
        let twice = self.state == State::Open && command != CommandId::OUTBIND && self.bind_in_flight();
        match self.state.allows(self.role, command) && !twice {
            true => Ok(()),
            false => Err(Error::Illegal { command, state: self.state }),
        }
    }

    fn bind_in_flight(&self) -> bool {
        self.window.any(|owner| matches!(owner, Owner::Bind(_)))
    }

    pub(super) fn send(&mut self, request: &impl Encode, owner: Owner<T>, deadline: Instant) -> Result<u32, Error> {
        let sequence_number = self.window.next_sequence();
        let position = self.appended;
        self.append(request, CommandStatus::ESME_ROK, sequence_number)?;
        self.window.insert(sequence_number, InFlight { owner, command: request.command_id(), deadline, position });
        Ok(sequence_number)
    }

    pub(super) fn append(&mut self, pdu: &impl Encode, status: CommandStatus, number: u32) -> Result<(), Error> {
        let before = self.out.len();
        encode(pdu, status, number, self.dialect, &mut self.out)?;
        self.appended += (self.out.len() - before) as u64;
        Ok(())
    }

    // Ending

    /// Stops new requests, waits for those in flight in both directions (no longer than the response timeout), then unbinds.
    pub fn unbind(&mut self, now: Instant) {
        match self.state {
            State::Bound(kind) => {
                self.state = State::Draining(kind);
                self.deadline = now + self.config.response_timeout;
                self.unbind_if_drained(now);
            }
            State::Open | State::Outbound => self.close(Closed::Aborted),
            State::Draining(_) | State::Unbinding | State::Closed => {}
        }
    }

    /// Call after anything that may have been the last thing in flight.
    pub(super) fn unbind_if_drained(&mut self, now: Instant) {
        let idle = self.window.callers() == 0 && self.unanswered == 0;
        if matches!(self.state, State::Draining(_)) && (idle || now >= self.deadline) {
            self.state = State::Unbinding;
            let sent = self.send(&Pdu::Unbind, Owner::Unbind, now + self.config.response_timeout);
            debug_assert!(sent.is_ok(), "a header always fits");
        }
    }

    /// Ends the session. What is in flight is lost; last words that wait in the output may still be written, and requests that
    /// wait there are taken back, so that [`Written::Never`] stays true.
    pub fn close(&mut self, reason: Closed) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Closed;
        self.bind_request = None;
        let taken = self.appended - self.out.len() as u64;
        let last_words = reason.leaves_last_words();
        // With last words to say, what the owner has taken it will still write, to end on a whole PDU.
        let in_doubt_before = if last_words { taken } else { self.written };
        let mut withdrawn = Vec::new();
        for request in self.window.drain() {
            let written = if request.position < in_doubt_before { Written::MayHave } else { Written::Never };
            if last_words && written == Written::Never {
                withdrawn.push((request.position - taken) as usize);
            }
            if let Owner::Caller(token) = request.owner {
                self.emit(Event::Lost { token, written });
            }
        }
        match last_words {
            true => self.out = without(&self.out, &withdrawn),
            false => self.out.clear(),
        }
        self.emit(Event::Closed(reason));
    }

    pub(super) fn emit(&mut self, event: Event<T>) {
        self.events.push_back(event);
    }

    pub(super) fn count_unanswered(&mut self) {
        self.unanswered += 1;
    }

    pub(super) fn note_congestion(&mut self, tlvs: &Tlvs) {
        if !tlvs.is_empty() {
            self.congestion = tlvs.congestion_state().or(self.congestion);
        }
    }

    pub(super) fn postpone(&mut self, by: Duration) {
        self.window.postpone(by);
        self.heard += by;
        self.deadline += by;
    }
}

pub(super) fn bind_answer(kind: BindKind, body: BindResp) -> Pdu {
    match kind {
        BindKind::Transmitter => Pdu::BindTransmitterResp(body),
        BindKind::Receiver => Pdu::BindReceiverResp(body),
        BindKind::Transceiver => Pdu::BindTransceiverResp(body),
    }
}

/// The PDUs of `out`, but for those that begin at `starts` (ascending).
fn without(out: &[u8], starts: &[usize]) -> BytesMut {
    let mut kept = BytesMut::new();
    let mut at = 0;
    for &start in starts {
        kept.extend_from_slice(&out[at..start]);
        let length = Header::parse(&out[start..]).map_or(0, |header| header.command_length as usize);
        at = start + length;
    }
    kept.extend_from_slice(&out[at..]);
    kept
}
