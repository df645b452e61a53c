//! Binds: who is let in, and what they are told.

use super::carrier::{Carrier, Event};
use super::fate::{BINDS, dice};
use super::session::{Kind, State};
use crate::scenario::{BindRules, InterfaceVersion};
use crate::wire::{Fields, Header, Malformed, Status, command, put_tlv, tag};
use bytes::{BufMut, Bytes};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A bind's answer, perhaps waiting for its time.
pub(super) struct Answer {
    session: u64,
    kind: Kind,
    request: Header,
    status: Status,
    account: Arc<str>,
    version: InterfaceVersion,
}

/// A bind's fields (3.4 §4.1.1) that this carrier looks at.
struct Request<'a> {
    system_id: &'a [u8],
    password: &'a [u8],
    version: InterfaceVersion,
}

/// How often a bound session is looked at for unanswered `deliver_sm`, as a share of their timeout.
const SWEEPS_PER_TIMEOUT: u32 = 4;

impl<'a> Request<'a> {
    fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::new(body);
        // Longer than the specification's 16 and 9: carriers hand out longer ones.
        let system_id = fields.c_string(64, "system_id")?;
        let password = fields.c_string(64, "password")?;
        fields.c_string(64, "system_type")?;
        let version = match fields.octet("interface_version")? {
            0..0x34 => InterfaceVersion::V33,
            0x34..0x50 => InterfaceVersion::V34,
            _ => InterfaceVersion::V50,
        };
        Ok(Self { system_id, password, version })
    }
}

impl Carrier {
    pub(super) fn bind(&mut self, id: u64, kind: Kind, request: Header, body: &Bytes, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.state != State::Open {
            let answer = request.command | command::RESPONSE;
            return session.put(answer, Status::ALREADY_BOUND, request.sequence, |_| {});
        }
        self.bind_attempts += 1;
        let mut dice = dice(self.seed, BINDS, self.bind_attempts);
        let by_chance = self.scenario.bind.refuse_rate.draw(&mut dice);
        let delay = self.scenario.bind.delay.draw(&mut dice);
        let unlucky = by_chance || self.bind_attempts <= self.scenario.bind.refuse_first;
        let (account, version, status) = match Request::parse(body) {
            Ok(bind) => (
                Arc::from(String::from_utf8_lossy(bind.system_id)),
                bind.version,
                judge(&self.scenario.bind, &bind, unlucky),
            ),
            Err(_) => (Arc::from(""), InterfaceVersion::V33, Status::INVALID_LENGTH),
        };
        session.state = State::Binding;
        let version = version.min(self.scenario.bind.interface_version);
        let answer = Answer { session: id, kind, request, status, account, version };
        if delay.is_zero() {
            self.answer_bind(answer, now);
        } else {
            self.agenda.add(now + delay, Event::BindAnswer(answer));
        }
    }

    pub(super) fn answer_bind(&mut self, answer: Answer, now: Instant) {
        let Answer { session: id, kind, request, status, account, version } = answer;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.wake.notify_one();
        let response = request.command | command::RESPONSE;
        if status != Status::OK {
            session.state = State::Open;
            session.put(response, status, request.sequence, |_| {});
            self.stats.binds_refused += 1;
            return self.note_session(id, &account, "refused", now);
        }
        session.version = version;
        session.state = State::Bound { kind, account: Arc::clone(&account) };
        let own_version = self.scenario.bind.interface_version;
        session.put(response, Status::OK, request.sequence, |out| {
            out.put_slice(b"SIGNALBOX-SIM\0");
            if version >= InterfaceVersion::V34 {
                put_tlv(out, tag::SC_INTERFACE_VERSION, &[own_version.octet()]);
            }
        });
        self.stats.binds += 1;
        self.stats.bound += 1;
        self.accounts.entry(Arc::clone(&account)).or_default().sessions.push(id);
        self.note_session(id, &account, "bound", now);
        self.agenda.add(now + self.sweep_every(), Event::Sweep { session: id });
        let enquire_every = self.scenario.bind.enquire_link_every.0;
        if !enquire_every.is_zero() {
            self.agenda.add(now + enquire_every, Event::Enquire { session: id });
        }
        self.pump(&account, now);
    }

    pub(super) fn sweep_every(&self) -> Duration {
        (self.scenario.deliver.response_timeout.0 / SWEEPS_PER_TIMEOUT).max(Duration::from_millis(10))
    }
}

fn judge(rules: &BindRules, bind: &Request<'_>, unlucky: bool) -> Status {
    let refused = |usual| rules.refuse_status.unwrap_or(usual);
    if unlucky {
        return refused(Status::BIND_FAILED);
    }
    if rules.system_id.as_ref().is_some_and(|expected| expected.as_bytes() != bind.system_id) {
        return Status::WRONG_SYSTEM_ID;
    }
    if rules.password.as_ref().is_some_and(|expected| expected.as_bytes() != bind.password) {
        return Status::WRONG_PASSWORD;
    }
    Status::OK
}

impl InterfaceVersion {
    fn octet(self) -> u8 {
        match self {
            Self::V33 => 0x33,
            Self::V34 => 0x34,
            Self::V50 => 0x50,
        }
    }
}
