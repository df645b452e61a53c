//! The path of a `submit_sm`: its fate, its answer, its line in the ledger, its receipt.

use super::carrier::{Carrier, Event};
use super::fate::{self, Fate};
use super::parcel::{Content, Parcel};
use super::receipt::{self, Receipt};
use super::session::Ending;
use crate::coding::{Part, decode, part_of};
use crate::hex::hex;
use crate::ledger::{Entry, Submitted};
use crate::phones::PartSeen;
use crate::scenario::{DefaultAlphabet, Outcome};
use crate::wire::{Status, Submit, command, put_pdu, put_tlv, tag};
use bytes::{BufMut, Bytes, BytesMut};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What the scenario makes of one submit.
struct Ruling {
    status: Status,
    /// The carrier has the message, whatever it answers.
    accepted: bool,
    answer: AnswerKind,
    garbage_after: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AnswerKind {
    Whole,
    Silence,
    CloseInstead,
    Half,
}

impl Carrier {
    pub(super) fn submit(&mut self, id: u64, sequence: u32, body: &Bytes, now: Instant) {
        const RESPONSE: u32 = command::SUBMIT_SM | command::RESPONSE;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let speaks_tlvs = session.speaks_tlvs();
        let Some(account) = session.account().cloned().filter(|_| session.may_submit()) else {
            return session.put(RESPONSE, Status::WRONG_BIND_STATE, sequence, |_| {});
        };
        let Ok(submit) = Submit::parse(body) else {
            return session.put(RESPONSE, Status::INVALID_LENGTH, sequence, |_| {});
        };
        self.stats.submits += 1;
        let (n, dest) = (self.stats.submits, submit.dest.number());
        let fate = fate::decide(&self.scenario, self.seed, n, &dest);
        let ruling = self.rule(&fate, n, now);
        let (part, octets) = part_of(submit.esm_class, submit.message, submit.sar);
        let latin1 = self.scenario.default_alphabet == DefaultAlphabet::Latin1;
        let text = decode(submit.data_coding, octets, latin1);
        let ids = ruling.accepted.then(|| self.take_ids(speaks_tlvs));
        self.book(id, &account, sequence, &submit, (part, &text), ids.as_ref(), &ruling, now);
        if let Some(ids) = &ids
            && fate.outcome == Outcome::Delivered
        {
            self.reach_phone(&submit, dest, part, &text, &ids.0, now);
        }
        let early = ids.as_ref().is_some_and(|ids| self.plan_receipt(&account, &submit, &fate, ids, &text, now));
        let message_id = ids.map_or_else(String::new, |ids| ids.0);
        let wait = fate.response_delay + if early { self.scenario.receipts.early_by.0 } else { Duration::ZERO };
        self.answer(id, sequence, &ruling, &message_id, wait, now);
    }

    fn rule(&mut self, fate: &Fate, n: u64, now: Instant) -> Ruling {
        let passing = self.spells.refuse(&self.scenario, fate, now);
        let status = passing.or(fate.refused).unwrap_or(Status::OK);
        let faults = &self.scenario.faults;
        let is_turn = |every: u64| every > 0 && n.is_multiple_of(every);
        let answer = if is_turn(faults.disconnect_every) {
            AnswerKind::CloseInstead
        } else if is_turn(faults.cut_pdu_every) {
            AnswerKind::Half
        } else if fate.silent {
            AnswerKind::Silence
        } else {
            AnswerKind::Whole
        };
        let dropped = answer == AnswerKind::Silence && self.scenario.response.silence_drops;
        let accepted = status == Status::OK && !dropped;
        self.stats.unanswered += u64::from(answer != AnswerKind::Whole);
        let count = match status {
            Status::OK if accepted => &mut self.stats.accepted,
            Status::OK => return Ruling { status, accepted, answer, garbage_after: false },
            Status::THROTTLED if passing.is_some() => &mut self.stats.throttled,
            Status::QUEUE_FULL if passing.is_some() => &mut self.stats.queue_full,
            _ => &mut self.stats.refused,
        };
        *count += 1;
        let garbage_after = answer == AnswerKind::Whole && is_turn(self.scenario.faults.garbage_every);
        Ruling { status, accepted, answer, garbage_after }
    }

    fn take_ids(&mut self, speaks_tlvs: bool) -> (String, String) {
        let id = self.next_id;
        self.next_id += 1;
        receipt::ids(self.scenario.message_id, id, speaks_tlvs)
    }

    #[expect(clippy::too_many_arguments, reason = "a ledger line says everything about a submit")]
    fn book(
        &mut self,
        bind: u64,
        account: &Arc<str>,
        sequence_number: u32,
        submit: &Submit<'_>,
        (part, text): (Option<Part>, &str),
        ids: Option<&(String, String)>,
        ruling: &Ruling,
        now: Instant,
    ) {
        let time_us = self.stamps.micros(now);
        self.ledger.append(time_us, || {
            Entry::Submit(Submitted {
                bind,
                system_id: account.to_string(),
                sequence_number,
                source: submit.source.number(),
                dest: submit.dest.number(),
                text: text.to_owned(),
                text_sha256: hex(&Sha256::digest(text)),
                data_coding: submit.data_coding,
                esm_class: submit.esm_class,
                registered_delivery: submit.registered_delivery,
                part: part.map(|part| (part.reference, part.total, part.sequence)),
                message_id: ids.map(|ids| ids.0.clone()),
                status: ruling.status.0,
                accepted: ruling.accepted,
                answered: ruling.answer == AnswerKind::Whole,
            })
        });
    }

    fn reach_phone(
        &mut self,
        submit: &Submit<'_>,
        dest: String,
        part: Option<Part>,
        text: &str,
        message_id: &str,
        now: Instant,
    ) {
        if !self.phones.is_kept() {
            // Without inboxes nothing is joined; a part counts as a message.
            self.stats.messages += 1;
            return;
        }
        let place = part.unwrap_or(Part { reference: 0, total: 1, sequence: 1 });
        let seen = PartSeen {
            message_id: message_id.to_owned(),
            sequence: place.sequence,
            total: place.total,
            reference: place.reference,
            esm_class: submit.esm_class,
            data_coding: submit.data_coding,
            octets: hex(submit.message),
            text: text.to_owned(),
        };
        let time_us = self.stamps.micros(now);
        let whole = self.phones.arrive(&dest, submit.source.number(), time_us, part, seen);
        self.stats.messages += u64::from(whole);
    }

    /// Sends or schedules the receipt that was asked for; says whether it went ahead of the response.
    fn plan_receipt(
        &mut self,
        account: &Arc<str>,
        submit: &Submit<'_>,
        fate: &Fate,
        ids: &(String, String),
        text: &str,
        now: Instant,
    ) -> bool {
        if !is_wanted(submit.registered_delivery, fate.outcome) {
            return false;
        }
        self.stats.receipts_due += 1;
        let plan = &fate.receipt;
        if plan.lost {
            self.stats.receipts_lost += 1;
            return false;
        }
        let due = if plan.early { now } else { now + plan.delay };
        let receipt = Box::new(Receipt {
            ids: ids.clone(),
            source: submit.source.clone(),
            dest: submit.dest.clone(),
            outcome: fate.outcome,
            error: fate.error,
            dialect: plan.dialect,
            submitted_us: self.stamps.micros(now),
            done_us: self.stamps.micros(due),
            excerpt: receipt::excerpt(text),
        });
        if plan.duplicate {
            let again = Parcel::new(Content::Receipt(receipt.clone()));
            self.schedule(account, again, now + plan.delay * 2, now);
        }
        self.schedule(account, Parcel::new(Content::Receipt(receipt)), due, now);
        plan.early
    }

    fn answer(&mut self, id: u64, sequence: u32, ruling: &Ruling, message_id: &str, wait: Duration, now: Instant) {
        if ruling.answer == AnswerKind::Silence {
            return;
        }
        if ruling.answer == AnswerKind::CloseInstead {
            return self.end(id, Ending::Close, now);
        }
        let congestion = self.scenario.congestion_state;
        let garbage = self.scenario.faults.garbage;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let state = congestion.filter(|_| session.speaks_tlvs());
        let body = |out: &mut BytesMut| put_body(out, ruling.status, message_id, state);
        if ruling.answer == AnswerKind::Whole && !ruling.garbage_after && wait.is_zero() {
            return session.put(command::SUBMIT_SM | command::RESPONSE, ruling.status, sequence, body);
        }
        let mut pdu = BytesMut::new();
        put_pdu(&mut pdu, command::SUBMIT_SM | command::RESPONSE, ruling.status, sequence, body);
        if ruling.answer == AnswerKind::Half {
            pdu.truncate(pdu.len() / 2);
            self.write(id, &pdu);
            return self.end(id, Ending::Close, now);
        }
        if ruling.garbage_after {
            self.put_garbage(&mut pdu, garbage);
        }
        if wait.is_zero() {
            self.write(id, &pdu);
        } else {
            self.agenda.add(now + wait, Event::Respond { session: id, pdu });
        }
    }
}

/// A response that isn't a success has no body (3.4 §4.4.2).
fn put_body(out: &mut BytesMut, status: Status, message_id: &str, congestion: Option<u8>) {
    if status != Status::OK {
        return;
    }
    out.put_slice(message_id.as_bytes());
    out.put_u8(0);
    if let Some(state) = congestion {
        put_tlv(out, tag::CONGESTION_STATE, &[state]);
    }
}

/// `registered_delivery`, bits 0–1 (3.4 §5.2.17; 3 from 5.0 §4.7.21).
fn is_wanted(registered_delivery: u8, outcome: Outcome) -> bool {
    match registered_delivery & 3 {
        0 => false,
        1 => true,
        2 => outcome != Outcome::Delivered,
        _ => outcome == Outcome::Delivered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_go_to_those_who_asked_for_that_outcome() {
        for (asked, delivered, failed) in [(0, false, false), (1, true, true), (2, false, true), (3, true, false)] {
            assert_eq!(is_wanted(asked, Outcome::Delivered), delivered);
            assert_eq!(is_wanted(asked | 0x10, Outcome::Expired), failed);
        }
    }
}
