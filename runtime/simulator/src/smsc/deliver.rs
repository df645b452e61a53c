//! `deliver_sm` toward the peer: sent once there is room, and again until it is acknowledged.

use super::carrier::{Carrier, Event};
use super::parcel::Parcel;
use super::session::Outstanding;
use crate::wire::{Header, Status, command};
use std::sync::Arc;
use tokio::time::Instant;

impl Carrier {
    /// Hands `parcel` over at `due`, which may be now.
    pub(super) fn schedule(&mut self, account: &Arc<str>, parcel: Parcel, due: Instant, now: Instant) {
        if due <= now {
            self.hand_over(account, parcel, now);
        } else if self.agenda.len() >= self.bounds.parcels {
            self.stats.given_up += 1;
        } else {
            self.agenda.add(due, Event::Deliver { account: Arc::clone(account), parcel });
        }
    }

    /// Puts `parcel` at the end of the account's queue.
    pub(super) fn hand_over(&mut self, account: &Arc<str>, parcel: Parcel, now: Instant) {
        let entry = self.accounts.entry(Arc::clone(account)).or_default();
        if entry.waiting.len() >= self.bounds.parcels {
            self.stats.given_up += 1;
            return;
        }
        entry.waiting.push_back(parcel);
        self.stats.pending += 1;
        self.pump(account, now);
    }

    pub(super) fn send(&mut self, id: u64, account: &Arc<str>, parcel: Parcel, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let sequence = session.take_sequence();
        let deliver = parcel.deliver(session.speaks_tlvs());
        session.put(command::DELIVER_SM, Status::OK, sequence, |out| deliver.put(out));
        drop(deliver);
        session.wake.notify_one();
        let time_us = self.stamps.micros(now);
        let line = self.ledger.append(time_us, || parcel.entry(id, account, sequence));
        let count = if parcel.is_receipt() { &mut self.stats.receipts_sent } else { &mut self.stats.mo_sent };
        *count += 1;
        session.outstanding.insert(sequence, Outstanding { parcel, line, sent: now });
    }

    /// A `deliver_sm_resp` came.
    pub(super) fn delivered(&mut self, id: u64, header: Header, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(Outstanding { parcel, line, .. }) = session.outstanding.remove(&header.sequence) else { return };
        let Some(account) = session.account().cloned() else { return };
        self.ledger.acknowledge(self.stamps.micros(now), line, header.status);
        let (is_receipt, status) = (parcel.is_receipt(), Status(header.status));
        let count = match (is_receipt, status == Status::OK) {
            (true, true) => &mut self.stats.receipts_acked,
            (true, false) => &mut self.stats.receipts_refused,
            (false, true) => &mut self.stats.mo_acked,
            (false, false) => &mut self.stats.mo_refused,
        };
        *count += 1;
        if status.asks_for_a_retry() {
            self.again(&account, parcel, now + self.scenario.deliver.retry_after.0, now);
        }
        self.pump(&account, now);
    }

    /// A peer that nacks a `deliver_sm` won't take it the next time either.
    pub(super) fn nacked(&mut self, id: u64, header: Header, now: Instant) {
        self.stats.nacks_received += 1;
        let status = if header.status == 0 { Status::UNKNOWN_COMMAND.0 } else { header.status };
        self.delivered(id, Header { status, ..header }, now);
    }

    /// Sends again what was never answered.
    pub(super) fn sweep(&mut self, id: u64, now: Instant) {
        let timeout = self.scenario.deliver.response_timeout.0;
        let every = self.sweep_every();
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(account) = session.account().cloned() else { return };
        let mut late: Vec<_> = session.outstanding.extract_if(|_, waiting| now - waiting.sent >= timeout).collect();
        late.sort_by_key(|(_, waiting)| waiting.line);
        for (_, waiting) in late {
            self.again(&account, waiting.parcel, now, now);
        }
        self.agenda.add(now + every, Event::Sweep { session: id });
    }

    fn again(&mut self, account: &Arc<str>, mut parcel: Parcel, due: Instant, now: Instant) {
        if parcel.attempt >= self.scenario.deliver.attempts {
            self.stats.given_up += 1;
            return;
        }
        parcel.attempt += 1;
        self.stats.redelivered += 1;
        self.schedule(account, parcel, due, now);
    }
}
