//! Secrets out of a recording.

use super::{End, Recording};
use crate::effects::{Effects, Note};
use crate::logs::SHORTEST_MASKED;
use crate::outcome::{Answer, DraftDecision};
use crate::question::{Question, Reply};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, Encoding, HEXLOWER, HEXUPPER};
use std::collections::BTreeMap;

/// Shorter ones are only looked for as they are: their encoded forms would be found by chance.
const SHORTEST_ENCODED: usize = 8;

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
    let mut pairs: Vec<_> = known.flat_map(|(name, value)| forms(name, value)).collect();
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

/// A secret's value and its stand-in, and the same in the forms in which requests carry it. Where the stand-in takes the
/// same form, a replay asks the same.
fn forms(name: &str, value: &str) -> Vec<(String, String)> {
    let stand_in = stand_in(name, value.len());
    let mut forms = vec![(value.to_owned(), stand_in.clone())];
    if value.len() < SHORTEST_ENCODED {
        return forms;
    }
    let (bytes, other) = (value.as_bytes(), stand_in.as_bytes());
    for encoding in [&BASE64, &BASE64URL, &HEXLOWER, &HEXUPPER] {
        forms.push((encoding.encode(bytes), encoding.encode(other)));
    }
    forms.push((percent(value), percent(&stand_in)));
    // Inside of something longer, such as `user:secret`, its letters depend on where it begins.
    for encoding in [&BASE64_NOPAD, &BASE64URL_NOPAD] {
        forms.extend((0..3).map(|before| (middle(encoding, before, bytes), middle(encoding, before, other))));
    }
    forms
}

/// The letters that are this text's alone when `before` bytes (of three) stand before it and others behind.
fn middle(encoding: &Encoding, before: usize, text: &[u8]) -> String {
    let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(text.iter().copied()).collect();
    let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
    encoding.encode(&padded)[from..to].to_owned()
}

fn percent(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
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
