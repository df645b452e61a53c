//! The carrier as a machine without I/O: bytes and time in, bytes out. Connections and the agenda's
//! task drive it under one lock.

use super::agenda::Agenda;
use super::parcel::Parcel;
use super::session::{Ending, Kind, Session, State};
use super::spells::Spells;
use crate::ledger::{Entry, Ledger};
use crate::phones::Phones;
use crate::scenario::Scenario;
use crate::stats::Stats;
use crate::time::Stamps;
use crate::wire::{Status, command, next_frame};
use crate::{ledger, wire};
use bytes::{Bytes, BytesMut};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Bounds of the carrier's memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) pdu_bytes: usize,
    /// Receipts and inbound parts waiting or scheduled.
    pub(crate) parcels: usize,
}

pub(crate) struct Carrier {
    pub(super) scenario: Scenario,
    pub(super) seed: u64,
    pub(super) bounds: Bounds,
    pub(super) stamps: Stamps,
    pub(super) sessions: HashMap<u64, Session>,
    pub(super) accounts: BTreeMap<Arc<str>, Account>,
    pub(super) agenda: Agenda<Event>,
    pub(super) spells: Spells,
    pub(super) ledger: Ledger,
    pub(super) phones: Phones,
    pub(super) stats: Stats,
    pub(super) next_id: u64,
    pub(super) bind_attempts: u64,
    pub(super) mobile_originated: u64,
}

/// A system id that has bound at least once.
#[derive(Default)]
pub(super) struct Account {
    pub(super) sessions: Vec<u64>,
    pub(super) waiting: VecDeque<Parcel>,
    turn: usize,
}

pub(super) enum Event {
    /// Bytes of a response whose time has come.
    Respond { session: u64, pdu: BytesMut },
    /// A bind's answer.
    BindAnswer(super::bind::Answer),
    /// A receipt or inbound part is ready to go.
    Deliver { account: Arc<str>, parcel: Parcel },
    /// Look for `deliver_sm` that were never answered.
    Sweep { session: u64 },
    /// Ask whether the peer lives.
    Enquire { session: u64 },
}

impl Account {
    /// Takes the next waiting parcel and the next receiver, in turn, that has room for it.
    fn next(&mut self, has_room: impl Fn(u64, &Parcel) -> bool) -> Option<(u64, Parcel)> {
        let parcel = self.waiting.front()?;
        let count = self.sessions.len();
        let mut turns = (0..count).map(|step| (self.turn + step) % count);
        let found = turns.find(|at| has_room(self.sessions[*at], parcel))?;
        self.turn = found + 1;
        Some((self.sessions[found], self.waiting.pop_front()?))
    }
}

impl Carrier {
    pub(crate) fn new(scenario: Scenario, seed: u64, bounds: Bounds, ledger: Ledger, phones: Phones) -> Self {
        let now = Instant::now();
        // Ten digits, from the seed: two runs with different seeds rarely share an id.
        let drawn = 1_000_000_000 + (seed ^ (seed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9) % 8_000_000_000;
        Self {
            next_id: scenario.message_id.first.unwrap_or(drawn),
            scenario,
            seed,
            bounds,
            stamps: Stamps::start(),
            sessions: HashMap::new(),
            accounts: BTreeMap::new(),
            agenda: Agenda::new(now),
            spells: Spells::default(),
            ledger,
            phones,
            stats: Stats::default(),
            bind_attempts: 0,
            mobile_originated: 0,
        }
    }

    /// A connection was taken. `None` if the scenario hangs up on it.
    pub(crate) fn open(&mut self) -> Option<(u64, Arc<Notify>)> {
        self.stats.connections += 1;
        if self.scenario.bind.hang_up {
            self.stats.disconnects += 1;
            return None;
        }
        let session = Session::new();
        let wake = Arc::clone(&session.wake);
        self.sessions.insert(self.stats.connections, session);
        Some((self.stats.connections, wake))
    }

    /// Bytes came in; `input` keeps what isn't a whole PDU yet.
    pub(crate) fn feed(&mut self, id: u64, input: &mut BytesMut, now: Instant) {
        loop {
            if self.sessions.get(&id).is_none_or(|session| session.ending.is_some()) {
                return input.clear();
            }
            match next_frame(input, self.bounds.pdu_bytes) {
                Ok(Some((header, body))) => self.pdu(id, header, &body, now),
                Ok(None) => return,
                Err(_) => {
                    self.nack(id, Status::INVALID_LENGTH, 0);
                    self.end(id, Ending::Close, now);
                }
            }
        }
    }

    /// Moves waiting bytes to `out`, and says whether the connection ends after them.
    pub(crate) fn collect(&mut self, id: u64, out: &mut BytesMut) -> Option<Ending> {
        let session = self.sessions.get_mut(&id)?;
        if out.is_empty() {
            std::mem::swap(out, &mut session.out);
        } else {
            out.extend_from_slice(&session.out);
            session.out.clear();
        }
        session.ending
    }

    /// The connection is gone.
    pub(crate) fn closed(&mut self, id: u64, now: Instant) {
        self.leave(id, "closed", now);
        self.sessions.remove(&id);
    }

    /// The session is bound no more; what its peer hadn't acknowledged goes to the account's next receiver.
    fn leave(&mut self, id: u64, event: &str, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let State::Bound { account, .. } = std::mem::replace(&mut session.state, State::Unbound) else { return };
        let mut unanswered: Vec<_> = session.outstanding.drain().collect();
        unanswered.sort_by_key(|(_, outstanding)| outstanding.line);
        self.stats.bound -= 1;
        self.stats.redelivered += unanswered.len() as u64;
        self.stats.pending += unanswered.len() as u64;
        let entry = self.accounts.entry(Arc::clone(&account)).or_default();
        entry.sessions.retain(|session| *session != id);
        for (_, outstanding) in unanswered.into_iter().rev() {
            entry.waiting.push_front(outstanding.parcel);
        }
        self.note_session(id, &account, event, now);
        self.pump(&account, now);
    }

    /// Does what is due, and says when to come again.
    pub(crate) fn tick(&mut self, now: Instant) -> Option<Instant> {
        for event in self.agenda.take_due(now) {
            self.happen(event, now);
        }
        self.agenda.arm()
    }

    pub(crate) fn take_wake(&mut self) -> bool {
        self.agenda.take_wake()
    }

    pub(crate) fn flush_ledger(&mut self) {
        self.ledger.flush();
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats { ledger_write_errors: self.ledger.write_errors(), ..self.stats.clone() }
    }

    pub(crate) fn stats_ref(&self) -> &Stats {
        &self.stats
    }

    pub(crate) fn ledger_page(&self, after: u64, limit: usize) -> ledger::Page {
        self.ledger.page(after, limit)
    }

    pub(crate) fn inbox(&self, number: &str) -> crate::Inbox {
        self.phones.inbox(number)
    }

    pub(crate) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The next messages are handled so; spells that were running end.
    pub(crate) fn set_scenario(&mut self, scenario: Scenario) {
        if let Some(first) = scenario.message_id.first.filter(|_| scenario.message_id != self.scenario.message_id) {
            self.next_id = first;
        }
        self.scenario = scenario;
        self.spells = Spells::default();
    }

    fn happen(&mut self, event: Event, now: Instant) {
        match event {
            Event::Respond { session, pdu } => self.write(session, &pdu),
            Event::BindAnswer(answer) => self.answer_bind(answer, now),
            Event::Deliver { account, parcel } => self.hand_over(&account, parcel, now),
            Event::Sweep { session } => self.sweep(session, now),
            Event::Enquire { session } => self.enquire(session, now),
        }
    }

    fn pdu(&mut self, id: u64, header: wire::Header, body: &Bytes, now: Instant) {
        let wire::Header { command, sequence, .. } = header;
        match command {
            command::BIND_TRANSMITTER => self.bind(id, Kind::Transmitter, header, body, now),
            command::BIND_RECEIVER => self.bind(id, Kind::Receiver, header, body, now),
            command::BIND_TRANSCEIVER => self.bind(id, Kind::Transceiver, header, body, now),
            command::SUBMIT_SM => self.submit(id, sequence, body, now),
            command::ENQUIRE_LINK => self.answer_link(id, sequence),
            command::UNBIND => self.unbind(id, sequence, now),
            _ if command == command::DELIVER_SM | command::RESPONSE => self.delivered(id, header, now),
            _ if command == command::ENQUIRE_LINK | command::RESPONSE => self.stats.links_answered += 1,
            command::GENERIC_NACK => self.nacked(id, header, now),
            _ if command & command::RESPONSE != 0 => {}
            _ => self.nack(id, Status::UNKNOWN_COMMAND, sequence),
        }
    }

    fn answer_link(&mut self, id: u64, sequence: u32) {
        let congestion = self.scenario.congestion_state;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let state = congestion.filter(|_| session.speaks_tlvs());
        session.put(command::ENQUIRE_LINK | command::RESPONSE, Status::OK, sequence, |out| {
            if let Some(state) = state {
                wire::put_tlv(out, wire::tag::CONGESTION_STATE, &[state]);
            }
        });
    }

    fn unbind(&mut self, id: u64, sequence: u32, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.put(command::UNBIND | command::RESPONSE, Status::OK, sequence, |_| {});
        session.end(Ending::Close);
        self.leave(id, "closed", now);
    }

    pub(super) fn nack(&mut self, id: u64, status: Status, sequence: u32) {
        self.stats.nacks_sent += 1;
        if let Some(session) = self.sessions.get_mut(&id) {
            session.put(command::GENERIC_NACK, status, sequence, |_| {});
        }
    }

    /// The carrier breaks the connection off.
    pub(super) fn end(&mut self, id: u64, ending: Ending, now: Instant) {
        self.stats.disconnects += 1;
        if let Some(session) = self.sessions.get_mut(&id) {
            session.end(ending);
        }
        self.leave(id, "broken", now);
    }

    /// Appends whole or broken bytes as they are, unless the connection is ending.
    pub(super) fn write(&mut self, id: u64, bytes: &[u8]) {
        if let Some(session) = self.sessions.get_mut(&id).filter(|session| session.ending.is_none()) {
            session.out.extend_from_slice(bytes);
            session.wake.notify_one();
        }
    }

    fn enquire(&mut self, id: u64, now: Instant) {
        let every = self.scenario.bind.enquire_link_every.0;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if every.is_zero() || session.state == State::Unbound {
            return;
        }
        let sequence = session.take_sequence();
        session.put(command::ENQUIRE_LINK, Status::OK, sequence, |_| {});
        session.wake.notify_one();
        self.agenda.add(now + every, Event::Enquire { session: id });
    }

    pub(super) fn note_session(&mut self, id: u64, system_id: &str, event: &str, now: Instant) {
        let time_us = self.stamps.micros(now);
        self.ledger.append(time_us, || {
            let (system_id, event) = (system_id.to_owned(), event.to_owned());
            Entry::Session(ledger::Session { bind: id, system_id, event })
        });
    }

    /// Gives waiting parcels to the account's receivers, in turn, while they have room.
    pub(super) fn pump(&mut self, name: &Arc<str>, now: Instant) {
        let window_pdus = self.scenario.deliver.window_pdus;
        loop {
            let Self { accounts, sessions, .. } = self;
            let Some(account) = accounts.get_mut(name) else { return };
            let has_room =
                |id, parcel: &Parcel| sessions.get(&id).is_some_and(|session| session.has_room(window_pdus, parcel));
            let Some((id, parcel)) = account.next(has_room) else { return };
            self.stats.pending -= 1;
            self.send(id, name, parcel, now);
        }
    }
}
