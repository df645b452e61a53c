//! What happened to a message: appended, never overwritten.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::decision::Decision;
use crate::error_class::ErrorClass;
use crate::id::{EventId, InvocationId};
use crate::receipt::ReceiptState;
use crate::status::Status;

/// Something that a handler put on the record: what it understood, so that models can learn from records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// The name, such as `intent`.
    pub key: String,
    /// What it says.
    pub value: NoteValue,
}

/// A note's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteValue {
    /// One of a small set.
    Label(String),
    /// A measure.
    Number(f64),
    /// Words.
    Text(String),
}

/// Why an entry was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Cause {
    /// It became durable; the policy's first word on it.
    Accepted {
        /// The first check.
        decision: Decision,
    },
    /// It waits.
    Held {
        /// Until then.
        until: Timestamp,
        /// For this, in words.
        why: String,
        /// What the tenant's draft handler did before that, if it did: it isn't asked again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handler: Option<HandlerMark>,
        /// The policy's decision, when it is policy that holds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decision: Option<Decision>,
    },
    /// It passed its checks and stands in a carrier's queue.
    Queued {
        /// The route it took.
        carrier: String,
        /// What the tenant's draft handler did, if one ran.
        handler: Option<HandlerMark>,
        /// The last check.
        decision: Decision,
    },
    /// Policy or the tenant's handler stopped it.
    Rejected {
        /// The check that did, if it was policy.
        decision: Option<Decision>,
        /// The handler that did, if it was one.
        handler: Option<HandlerMark>,
        /// In words.
        why: String,
    },
    /// The intent to send was made durable.
    Sending {
        /// By this carrier.
        carrier: String,
        /// Which attempt this is, from 1.
        attempt: u16,
    },
    /// The carrier answered.
    Sent {
        /// This carrier.
        carrier: String,
        /// Its ids, one a part, as written.
        carrier_ids: Vec<String>,
    },
    /// The carrier refused it, for now or for good.
    Refused {
        /// This carrier.
        carrier: String,
        /// Its own code.
        raw_code: String,
        /// Which part, from 0, if it has several.
        part: Option<u8>,
    },
    /// It surely never left: the bind fell before it was written.
    Unsent {
        /// This carrier.
        carrier: String,
    },
    /// No answer came; the carrier may have it.
    InDoubt {
        /// This carrier.
        carrier: String,
        /// In words.
        why: String,
    },
    /// Somebody or a setting decided what an in-doubt message does.
    Resolved {
        /// In words.
        how: String,
    },
    /// A receipt came.
    Receipt {
        /// From this carrier.
        carrier: String,
        /// The id it named, as written.
        carrier_id: String,
        /// Which part, from 0.
        part: u8,
        /// What it says.
        state: ReceiptState,
        /// The carrier's code.
        raw_code: Option<String>,
        /// The carrier's clock.
        carrier_time: Option<Timestamp>,
    },
    /// Its validity ran out here.
    Expired,
    /// Taken back.
    Canceled {
        /// By whom, in words.
        by: String,
    },
    /// No carrier is set up for it, or none will take it.
    NoRoute {
        /// In words.
        why: String,
    },
    /// An inbound message became durable.
    Received {
        /// From this carrier.
        carrier: String,
        /// How many parts came.
        parts: u8,
        /// How many there should have been; more than `parts` when the wait for them ran out.
        of: u8,
        /// The keyword that the host obeyed before any handler, if it was one.
        keyword: Option<String>,
    },
    /// A handler's effects were committed.
    Handled {
        /// The run.
        handler: HandlerMark,
    },
    /// No handler is bound, or the host answered by itself.
    Unhandled {
        /// In words.
        why: String,
    },
    /// A handler failed.
    HandlerFailed {
        /// The run.
        handler: HandlerMark,
        /// What its tenant reads.
        error: String,
        /// The attempt, from 1.
        attempt: u8,
        /// Whether it will be tried again.
        parked: bool,
    },
    /// The carrier hasn't got it and said to come back.
    Busy {
        /// This carrier.
        carrier: String,
        /// Its own code.
        raw_code: String,
        /// It isn't tried again before this.
        until: Timestamp,
    },
    /// It stood in the queue of a carrier that is gone, and takes another.
    Rerouted {
        /// This one.
        carrier: String,
        /// From that one.
        from: String,
        /// For this, in words.
        why: String,
    },
}

/// One run of a handler, as the record keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HandlerMark {
    /// The handler's name.
    pub name: String,
    /// The first 12 hexadecimal digits of its digest.
    pub version: String,
    /// The run.
    pub invocation: InvocationId,
    /// The event it handled.
    pub event: EventId,
    /// What it did, in a word or two: `sent as is`, `rewrote`, `replied`.
    pub action: String,
    /// The route that it chose for a draft.
    pub route: Option<String>,
    /// CPU time in microseconds.
    pub cpu_us: u32,
    /// What it put on the record.
    pub notes: Vec<Note>,
}

/// One line of a message's timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Position in this message's timeline: 0, 1, 2 … without holes.
    pub n: u16,
    /// Rises strictly within the conversation; has holes.
    pub seq: u64,
    /// The host's clock.
    pub at: Timestamp,
    /// The message's status after it.
    pub status: Status,
    /// Why.
    pub cause: Cause,
    /// The canonical class, when something went wrong.
    pub class: Option<ErrorClass>,
}

/// Where one part of a long message is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartStatus {
    /// The carrier's id, as written.
    pub carrier_id: String,
    /// `sent` until a receipt says otherwise.
    pub status: Status,
}

/// A transition that the message's life doesn't have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message that is {from} can't become {to}")]
pub struct IllegalTransition {
    /// Where it is.
    pub from: Status,
    /// Where it was to go.
    pub to: Status,
}

/// Lines that a message may have. What repeats itself (a busy carrier, a hold) ends the message before; only its end, and what
/// its carrier has it as, is written beyond. Far below what `n` can count, and a timeline of this length can still be read.
pub const MOST_LINES: u16 = 4_096;

/// Lines that are kept free for an attempt and its end.
const ATTEMPT: u16 = 8;

/// Why a line couldn't be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoLine {
    /// The message's life has no such transition.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// It has [`MOST_LINES`], and this one wouldn't end it.
    #[error("the message's timeline has {MOST_LINES} lines already")]
    Full,
}

/// A timeline folded: where the message is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its status.
    pub status: Status,
    /// How many entries there are; the next one's `n`.
    pub entries: u16,
    /// The last entry's `seq`.
    pub seq: u64,
    /// When it last changed.
    pub at: Timestamp,
    /// The carrier that has it or will have it.
    pub carrier: Option<Arc<str>>,
    /// Its parts, once they were sent.
    pub parts: Vec<PartStatus>,
    /// How many times it was written ahead for sending.
    pub attempts: u16,
    /// How many times it came back from there: its carrier was busy, or lost the bind before.
    pub setbacks: u16,
    /// How many times it was in doubt.
    pub doubts: u16,
    /// Until when it is held.
    pub held_until: Option<Timestamp>,
    /// Inbound: parts of it never came.
    pub is_incomplete: bool,
    /// Its draft handler has answered, and what that asked for is done: it is shown to none again.
    pub drafted: bool,
    /// The route that the handler chose.
    pub route: Option<Arc<str>>,
    /// The class of the last trouble.
    pub class: Option<ErrorClass>,
}

impl Head {
    /// The head of a message whose timeline begins with `first`.
    pub fn begin(first: &Entry) -> Self {
        let mut head = Self {
            status: first.status,
            entries: 0,
            seq: 0,
            at: first.at,
            carrier: None,
            parts: Vec::new(),
            attempts: 0,
            setbacks: 0,
            doubts: 0,
            held_until: None,
            is_incomplete: false,
            drafted: false,
            route: None,
            class: None,
        };
        head.take_in(first);
        head
    }

    /// Folds a whole timeline; `None` when it is empty.
    pub fn fold<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Option<Self> {
        let mut entries = entries.into_iter();
        let mut head = Self::begin(entries.next()?);
        for entry in entries {
            head.take_in(entry);
        }
        Some(head)
    }

    /// The one way by which a message changes: makes the next entry, or says that its life has no such transition.
    ///
    /// Where `to` is the status that it has already, the entry records something without moving it; that is also
    /// how a report that comes too late (after a terminal status) is kept.
    pub fn append(
        &mut self,
        to: Status,
        cause: Cause,
        class: Option<ErrorClass>,
        at: Timestamp,
        seq: u64,
    ) -> Result<Entry, NoLine> {
        if to != self.status && !self.status.may_become(to) {
            return Err(IllegalTransition { from: self.status, to }.into());
        }
        let goes_round =
            to == self.status || matches!(to, Status::Queued | Status::Held | Status::Sending | Status::Received);
        if self.is_full() && goes_round {
            return Err(NoLine::Full);
        }
        let entry = Entry { n: self.entries, seq, at, status: to, cause, class };
        self.take_in(&entry);
        Ok(entry)
    }

    /// Nothing more is added but the message's end.
    pub const fn is_full(&self) -> bool {
        self.entries >= MOST_LINES
    }

    /// Is there room for another attempt at the message?
    pub const fn has_room(&self) -> bool {
        self.entries <= MOST_LINES - ATTEMPT
    }

    fn take_in(&mut self, entry: &Entry) {
        self.status = entry.status;
        self.entries = entry.n.saturating_add(1);
        self.seq = entry.seq;
        self.at = entry.at;
        if entry.class.is_some() {
            self.class = entry.class;
        }
        // A line about a message that stays held, such as a failed attempt at it, doesn't end the hold.
        if entry.status != Status::Held {
            self.held_until = None;
        }
        match &entry.cause {
            Cause::Held { until, handler, decision, .. } => {
                self.held_until = Some(*until);
                // Without a decision it was its handler that had it wait, and wants to be asked again.
                self.answered(handler.as_ref().filter(|_| decision.is_some()));
            }
            Cause::Queued { carrier, handler, .. } => {
                self.goes_by(carrier);
                self.answered(handler.as_ref());
            }
            Cause::Rerouted { carrier, .. } => self.goes_by(carrier),
            Cause::Busy { .. } | Cause::Unsent { .. } => self.setbacks = self.setbacks.saturating_add(1),
            Cause::InDoubt { .. } => self.doubts = self.doubts.saturating_add(1),
            Cause::Sending { carrier, attempt } => {
                self.goes_by(carrier);
                self.attempts = *attempt;
            }
            Cause::Received { parts, of, .. } => self.is_incomplete = parts < of,
            Cause::Sent { carrier_ids, .. } => {
                let sent = |id: &String| PartStatus { carrier_id: id.clone(), status: Status::Sent };
                self.parts = carrier_ids.iter().map(sent).collect();
            }
            Cause::Receipt { part, state, .. } => {
                if let (Some(part), Some(status)) = (self.parts.get_mut(usize::from(*part)), state.status())
                    && !part.status.is_terminal()
                {
                    part.status = status;
                }
            }
            _ => {}
        }
    }

    fn answered(&mut self, handler: Option<&HandlerMark>) {
        let Some(mark) = handler else { return };
        self.drafted = true;
        self.route = mark.route.as_deref().map(Arc::from);
    }

    fn goes_by(&mut self, carrier: &str) {
        if self.carrier.as_deref() != Some(carrier) {
            self.carrier = Some(carrier.into());
        }
    }

    /// What the message becomes when part `part` becomes `status`: it is delivered when every part is, and the first
    /// part that fails decides otherwise.
    pub fn roll_up(&self, part: usize, status: Status) -> Status {
        if status != Status::Delivered {
            return status;
        }
        let others = self.parts.iter().enumerate().filter(|(i, _)| *i != part);
        if others.clone().all(|(_, p)| p.status == Status::Delivered) { Status::Delivered } else { self.status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Verdict;

    fn allow() -> Decision {
        Decision { verdict: Verdict::Allow, reasons: vec![], rules: 0, trace: Default::default() }
    }

    fn accepted() -> Head {
        let cause = Cause::Accepted { decision: allow() };
        Head::begin(&Entry { n: 0, seq: 1, at: Timestamp::EPOCH, status: Status::Accepted, cause, class: None })
    }

    fn queued() -> Cause {
        Cause::Queued { carrier: "c".into(), handler: None, decision: allow() }
    }

    fn sent(ids: &[&str]) -> Head {
        let mut head = accepted();
        let mut step = |to, cause| head.append(to, cause, None, Timestamp::EPOCH, 2).unwrap();
        step(Status::Queued, queued());
        step(Status::Sending, Cause::Sending { carrier: "c".into(), attempt: 1 });
        let carrier_ids = ids.iter().map(ToString::to_string).collect();
        step(Status::Sent, Cause::Sent { carrier: "c".into(), carrier_ids });
        head
    }

    fn receipt(part: u8, state: ReceiptState) -> Cause {
        Cause::Receipt { carrier: "c".into(), carrier_id: "1".into(), part, state, raw_code: None, carrier_time: None }
    }

    #[test]
    fn entries_are_numbered_without_holes() {
        assert_eq!(sent(&["1"]).entries, 4);
    }

    #[test]
    fn an_unqueued_message_cannot_be_sent() {
        let refused = accepted().append(Status::Sending, Cause::Expired, None, Timestamp::EPOCH, 2);
        assert_eq!(refused, Err(IllegalTransition { from: Status::Accepted, to: Status::Sending }.into()));
    }

    #[test]
    fn a_failed_attempt_at_a_held_message_leaves_the_time_that_it_was_held_for() {
        let mut head = accepted();
        let until = Timestamp::from_millis(7);
        let held = Cause::Held { until, why: "asked for".into(), handler: None, decision: None };
        head.append(Status::Held, held, None, Timestamp::EPOCH, 2).unwrap();
        let other = Cause::NoRoute { why: "a line that isn't about the hold".into() };
        head.append(Status::Held, other, None, Timestamp::EPOCH, 3).unwrap();
        assert_eq!(head.held_until, Some(until));
        head.append(Status::Queued, queued(), None, Timestamp::EPOCH, 4).unwrap();
        assert_eq!(head.held_until, None);
    }

    #[test]
    fn a_full_timeline_takes_only_what_ends_its_message() {
        let mut head = accepted();
        let step = |head: &mut Head, to, cause| head.append(to, cause, None, Timestamp::EPOCH, 2);
        step(&mut head, Status::Queued, queued()).unwrap();
        while !head.is_full() {
            step(&mut head, Status::Sending, Cause::Sending { carrier: "c".into(), attempt: 1 }).unwrap();
            step(&mut head, Status::Queued, Cause::Unsent { carrier: "c".into() }).unwrap();
        }
        assert!(!head.has_room());
        let attempt = step(&mut head, Status::Sending, Cause::Sending { carrier: "c".into(), attempt: 1 });
        assert_eq!(attempt, Err(NoLine::Full));
        assert_eq!(step(&mut head, Status::Queued, queued()), Err(NoLine::Full));
        let last = step(&mut head, Status::Failed, Cause::NoRoute { why: "none takes it".into() }).unwrap();
        assert_eq!((last.n, head.status), (MOST_LINES, Status::Failed));
        assert_eq!(step(&mut head, Status::Failed, receipt(0, ReceiptState::Delivered)), Err(NoLine::Full));
    }

    #[test]
    fn setbacks_and_doubts_are_counted() {
        let mut head = accepted();
        let mut step = |to, cause| drop(head.append(to, cause, None, Timestamp::EPOCH, 2).unwrap());
        let sending = || Cause::Sending { carrier: "c".into(), attempt: 1 };
        step(Status::Queued, queued());
        step(Status::Sending, sending());
        step(Status::Queued, Cause::Busy { carrier: "c".into(), raw_code: "x".into(), until: Timestamp::EPOCH });
        step(Status::Sending, sending());
        step(Status::Queued, Cause::Unsent { carrier: "c".into() });
        step(Status::Sending, sending());
        step(Status::InDoubt, Cause::InDoubt { carrier: "c".into(), why: "no answer".into() });
        assert_eq!((head.setbacks, head.doubts), (2, 1));
    }

    #[test]
    fn a_long_message_is_delivered_when_every_part_is() {
        let mut head = sent(&["1", "2"]);
        assert_eq!(head.roll_up(0, Status::Delivered), Status::Sent);
        head.append(Status::Sent, receipt(0, ReceiptState::Delivered), None, Timestamp::EPOCH, 3).unwrap();
        assert_eq!(head.roll_up(1, Status::Delivered), Status::Delivered);
        assert_eq!(head.roll_up(1, Status::Undelivered), Status::Undelivered);
    }

    #[test]
    fn a_late_report_is_kept_without_moving_a_finished_message() {
        let mut head = sent(&["1"]);
        head.append(Status::Delivered, receipt(0, ReceiptState::Delivered), None, Timestamp::EPOCH, 3).unwrap();
        assert!(
            head.append(Status::Undelivered, receipt(0, ReceiptState::Expired), None, Timestamp::EPOCH, 4).is_err()
        );
        head.append(Status::Delivered, receipt(0, ReceiptState::Expired), None, Timestamp::EPOCH, 4).unwrap();
        assert_eq!((head.status, head.parts[0].status), (Status::Delivered, Status::Delivered));
    }
}
