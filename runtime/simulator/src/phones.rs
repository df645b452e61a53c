//! Phones: what reached each number, joined from its parts.

use crate::coding::Part;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};

/// What reached one number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// Whole messages, oldest first.
    pub messages: Vec<Message>,
    /// Messages of which parts are missing; their text is that of the parts there are.
    pub incomplete: Vec<Message>,
}

/// A message as its reader sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// When its last part came, in microseconds since 1970.
    pub time_us: u64,
    /// From.
    pub from: String,
    /// The parts' text, joined in their order.
    pub text: String,
    /// The parts, in the order of their arrival.
    pub parts: Vec<PartSeen>,
}

/// A part as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSeen {
    /// The message id that the carrier gave it.
    pub message_id: String,
    /// Its place, from 1.
    pub sequence: u8,
    /// Parts that the message has.
    pub total: u8,
    /// The concatenation reference; 0 for a single part.
    pub reference: u16,
    /// The PDU's.
    pub esm_class: u8,
    /// The PDU's.
    pub data_coding: u8,
    /// The message's octets, header included, hexadecimal.
    pub octets: String,
    /// Its text alone.
    pub text: String,
}

/// Bounds of the phones' memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) numbers: usize,
    pub(crate) messages_per_number: usize,
}

pub(crate) struct Phones {
    bounds: Bounds,
    inboxes: HashMap<String, Kept>,
}

#[derive(Default)]
struct Kept {
    messages: VecDeque<Message>,
    incomplete: VecDeque<Message>,
}

impl Phones {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, inboxes: HashMap::new() }
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.bounds.numbers > 0
    }

    /// A part reaches `to`. Answers whether that made a message whole.
    pub(crate) fn arrive(&mut self, to: &str, from: String, time_us: u64, part: Option<Part>, seen: PartSeen) -> bool {
        let key = key(to);
        if !self.inboxes.contains_key(key) && self.inboxes.len() >= self.bounds.numbers {
            return part.is_none();
        }
        let inbox = self.inboxes.entry(key.to_owned()).or_default();
        let whole = match part {
            None => Some(Message { time_us, from, text: seen.text.clone(), parts: vec![seen] }),
            Some(part) => inbox.join(from, time_us, part, seen, self.bounds.messages_per_number),
        };
        let is_whole = whole.is_some();
        if let Some(message) = whole {
            push_bounded(&mut inbox.messages, message, self.bounds.messages_per_number);
        }
        is_whole
    }

    pub(crate) fn inbox(&self, number: &str) -> Inbox {
        self.inboxes.get(key(number)).map_or_else(Inbox::default, |kept| Inbox {
            messages: kept.messages.iter().cloned().collect(),
            incomplete: kept.incomplete.iter().cloned().collect(),
        })
    }
}

impl Kept {
    fn join(&mut self, from: String, time_us: u64, part: Part, seen: PartSeen, max: usize) -> Option<Message> {
        let same = |message: &Message| {
            let first = &message.parts[0];
            message.from == from && (first.reference, first.total) == (part.reference, part.total)
        };
        let at = self.incomplete.iter().position(same).unwrap_or_else(|| {
            push_bounded(&mut self.incomplete, Message { time_us, from, text: String::new(), parts: vec![] }, max);
            self.incomplete.len() - 1
        });
        let message = &mut self.incomplete[at];
        message.parts.push(seen);
        message.time_us = time_us;
        message.text = joined(&message.parts);
        let has = |sequence| message.parts.iter().any(|seen| seen.sequence == sequence);
        if (1..=part.total).all(has) { self.incomplete.remove(at) } else { None }
    }
}

/// The text of each place's first arrival, in order.
fn joined(parts: &[PartSeen]) -> String {
    let mut order: Vec<&PartSeen> = parts.iter().collect();
    order.sort_by_key(|seen| seen.sequence);
    order.dedup_by_key(|seen| seen.sequence);
    order.iter().map(|seen| seen.text.as_str()).collect()
}

fn push_bounded<T>(queue: &mut VecDeque<T>, value: T, max: usize) {
    if queue.len() >= max.max(1) {
        queue.pop_front();
    }
    queue.push_back(value);
}

fn key(number: &str) -> &str {
    number.trim_start_matches('+')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(sequence: u8, text: &str) -> PartSeen {
        PartSeen {
            message_id: sequence.to_string(),
            sequence,
            total: 3,
            reference: 9,
            esm_class: 0x40,
            data_coding: 0,
            octets: String::new(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn parts_join_in_order_whatever_the_order_of_arrival() {
        let mut phones = Phones::new(Bounds { numbers: 1, messages_per_number: 2 });
        let place = |sequence| Some(Part { reference: 9, total: 3, sequence });
        for (sequence, text, whole) in [(3, "c", false), (1, "a", false), (3, "c", false), (2, "b", true)] {
            assert_eq!(phones.arrive("+1", "+2".to_owned(), 0, place(sequence), seen(sequence, text)), whole);
        }
        let inbox = phones.inbox("1");
        assert_eq!((inbox.messages[0].text.as_str(), inbox.messages[0].parts.len()), ("abc", 4));
        assert!(inbox.incomplete.is_empty());
    }

    #[test]
    fn inboxes_are_bounded_in_number_and_length() {
        let mut phones = Phones::new(Bounds { numbers: 1, messages_per_number: 2 });
        for text in ["a", "b", "c"] {
            phones.arrive("1", "+2".to_owned(), 0, None, seen(1, text));
        }
        phones.arrive("2", "+2".to_owned(), 0, None, seen(1, "z"));
        let texts: Vec<_> = phones.inbox("1").messages.into_iter().map(|message| message.text).collect();
        assert_eq!(texts, ["b", "c"]);
        assert_eq!(phones.inbox("2"), Inbox::default());
    }
}
