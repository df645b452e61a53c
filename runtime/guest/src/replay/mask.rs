//! Secrets out of a recording.

use super::{End, Recording};
use crate::effects::{Effects, Note};
use crate::logs::SHORTEST_MASKED;
use crate::outcome::{Answer, DraftDecision};
use crate::question::{Question, Reply};
use std::collections::BTreeMap;

/// What stands in a recording where the secret of this name stood, and what a replayed handler is given for it. It has the
/// secret's length: what is cut, padded or measured stays as it was.
pub fn stand_in(name: &str, bytes: usize) -> String {
    let mut text = format!("[secret {name}]");
    text.truncate(text.floor_char_boundary(bytes));
    text.extend(std::iter::repeat_n('.', bytes - text.len()));
    text
}

/// Values and their stand-ins, the longest first: one may be a part of another.
struct Mask(Vec<(String, String)>);

/// Puts stand-ins for secrets wherever a guest may have put a secret, or a server may have repeated one.
pub(super) fn mask(recording: &mut Recording, secrets: &BTreeMap<String, String>) {
    let known = secrets.iter().filter(|(_, value)| value.len() >= SHORTEST_MASKED);
    let mut pairs: Vec<_> = known.map(|(name, value)| (value.clone(), stand_in(name, value.len()))).collect();
    if pairs.is_empty() {
        return;
    }
    pairs.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    let mask = Mask(pairs);
    for exchange in &mut recording.answers {
        mask.question(&mut exchange.question);
        mask.reply(&mut exchange.reply);
    }
    match &mut recording.end {
        End::Failed { message, .. } => mask.text(message),
        End::Completed { answer, effects } => {
            mask.answer(answer);
            mask.effects(effects);
        }
    }
}

impl Mask {
    fn text(&self, text: &mut String) {
        for (value, stand_in) in &self.0 {
            if text.contains(value) {
                *text = text.replace(value, stand_in);
            }
        }
    }

    fn bytes(&self, bytes: &mut Vec<u8>) {
        for (value, stand_in) in &self.0 {
            let value = value.as_bytes();
            let mut from = 0;
            while let Some(at) = bytes[from..].windows(value.len()).position(|window| window == value) {
                bytes.splice(from + at..from + at + value.len(), stand_in.bytes());
                from += at + stand_in.len();
            }
        }
    }

    fn pairs(&self, pairs: &mut [(String, Vec<u8>)]) {
        for (name, value) in pairs {
            self.text(name);
            self.bytes(value);
        }
    }

    fn question(&self, question: &mut Question) {
        match question {
            Question::StateGet { key, .. } => self.text(key),
            Question::StateList { prefix, after, .. } => {
                self.text(prefix);
                after.iter_mut().for_each(|after| self.text(after));
            }
            Question::Recent { .. } | Question::Contact { .. } => {}
            Question::Http(request) => {
                self.text(&mut request.url);
                self.pairs(&mut request.headers);
                self.bytes(&mut request.body);
            }
        }
    }

    fn reply(&self, reply: &mut Reply) {
        match reply {
            Reply::StateGet(value) => value.iter_mut().for_each(|value| self.bytes(value)),
            Reply::StateList(list) => self.pairs(list),
            Reply::Recent(messages) => messages.iter_mut().for_each(|message| self.text(&mut message.text)),
            Reply::Http(Ok(answer)) => {
                self.pairs(&mut answer.headers);
                self.bytes(&mut answer.body);
            }
            Reply::Contact(contact) => contact.attributes.iter_mut().for_each(|(_, value)| self.text(value)),
            Reply::Http(Err(_)) | Reply::Unavailable(_) | Reply::Nothing => {}
        }
    }

    fn answer(&self, answer: &mut Answer) {
        match answer {
            Answer::Draft(DraftDecision::Drop(reason)) => self.text(reason),
            Answer::Draft(DraftDecision::Change(changes)) => changes.text.iter_mut().for_each(|text| self.text(text)),
            Answer::Draft(DraftDecision::Send) | Answer::Done => {}
        }
    }

    fn effects(&self, effects: &mut Effects) {
        for send in &mut effects.sends {
            self.text(&mut send.text);
            send.media.iter_mut().for_each(|media| self.text(&mut media.url));
            send.options.tags.iter_mut().for_each(|(_, value)| self.text(value));
        }
        for write in &mut effects.state {
            self.text(&mut write.key);
            write.value.iter_mut().for_each(|value| self.bytes(value));
        }
        for timer in &mut effects.timers {
            self.text(&mut timer.name);
            timer.set.iter_mut().for_each(|set| self.bytes(&mut set.payload));
        }
        for note in &mut effects.notes {
            match note {
                Note::Label(text) | Note::Text(_, text) => self.text(text),
                Note::Number(..) => {}
            }
        }
    }
}
