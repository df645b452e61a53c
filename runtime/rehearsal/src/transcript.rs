//! The conversation so far, as people read it, and what handlers noted since something last happened.

use std::collections::HashMap;

use signalbox_model::timeline::{HandlerMark, Note, NoteValue};
use signalbox_model::{Cause, Entry, MessageId, Timestamp};
use signalbox_records::Record;

use crate::error::Error;
use crate::house::House;

/// Messages of one conversation that are looked through; a script that makes more shows the latest.
const MOST_MESSAGES: usize = 1_000;

/// The conversation so far.
#[derive(Default)]
pub(crate) struct Transcript {
    lines: Vec<String>,
    /// How much of the phones, the calls, the log and each timeline is in it.
    phones: usize,
    calls: usize,
    log: Option<u64>,
    entries: HashMap<MessageId, u16>,
    /// What handlers noted since the last step that did something.
    pub(crate) notes: Vec<Note>,
    /// Every line of the handler's log.
    pub(crate) logged: Vec<String>,
}

impl Transcript {
    /// A step does something.
    pub(crate) fn begin(&mut self, house: &House, what: String) {
        self.notes.clear();
        self.add(house, what);
    }

    fn add(&mut self, house: &House, what: String) {
        self.lines.push(format!("{} {what}", short(house.clock.peek())));
    }

    /// The lines.
    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }

    /// Takes in what has happened since.
    pub(crate) async fn take_in(&mut self, house: &House) -> Result<(), Error> {
        for line in self.new_log(house) {
            self.add(house, line);
        }
        for call in house.calls.since(self.calls) {
            self.calls += 1;
            self.add(house, format!("  call {} {}: {}", call.method, call.url, call.end));
        }
        for (record, entry) in self.new_entries(house).await? {
            if let Some(mark) = mark(&entry.cause) {
                self.notes.extend(mark.notes.iter().cloned());
                for note in &mark.notes {
                    self.add(house, format!("  note {} = {}", note.key, value(&note.value)));
                }
            }
            if let Some(line) = told(&record, &entry) {
                self.add(house, line);
            }
        }
        for got in house.phones.since(self.phones) {
            self.phones += 1;
            let whom = if got.to == house.conversation.theirs { "contact".to_owned() } else { got.to.to_string() };
            self.add(house, format!("-> {whom}: {:?}", got.text));
        }
        Ok(())
    }

    fn new_log(&mut self, house: &House) -> Vec<String> {
        let lines = house.log(self.log);
        self.log = lines.last().map(|line| line.n).or(self.log);
        self.logged.extend(lines.iter().map(|line| line.text.clone()));
        lines.iter().map(|line| format!("  log {}: {}", line.level, line.text)).collect()
    }

    async fn new_entries(&mut self, house: &House) -> Result<Vec<(Record, Entry)>, Error> {
        let mut new = Vec::new();
        for record in house.records(MOST_MESSAGES).await? {
            let known = self.entries.insert(record.message.id, record.head.entries).unwrap_or(0);
            let fresh: Vec<_> = record.entries.iter().filter(|entry| entry.n >= known).cloned().collect();
            new.extend(fresh.into_iter().map(|entry| (record.clone(), entry)));
        }
        new.sort_by_key(|(_, entry)| (entry.at, entry.seq));
        Ok(new)
    }
}

/// The run of a handler that an entry tells of.
fn mark(cause: &Cause) -> Option<&HandlerMark> {
    match cause {
        Cause::Handled { handler } | Cause::HandlerFailed { handler, .. } => Some(handler),
        Cause::Queued { handler, .. } | Cause::Held { handler, .. } | Cause::Rejected { handler, .. } => {
            handler.as_ref()
        }
        _ => None,
    }
}

/// What is worth telling of an entry; what phones got is told by the phones.
fn told(record: &Record, entry: &Entry) -> Option<String> {
    let text = &record.message.body.text;
    Some(match &entry.cause {
        Cause::Rejected { why, .. } => format!("  refused: {text:?}: {why}"),
        Cause::Held { until, why, .. } => format!("  held until {}: {text:?}: {why}", short(*until)),
        Cause::NoRoute { why } => format!("  no route: {text:?}: {why}"),
        Cause::Expired => format!("  expired: {text:?}"),
        Cause::Canceled { by } => format!("  taken back by {by}: {text:?}"),
        Cause::Unhandled { why } => format!("  not handled: {why}"),
        Cause::Received { keyword: Some(keyword), .. } => format!("  the host obeys {keyword}"),
        Cause::HandlerFailed { attempt, parked: false, .. } => format!("  attempt {attempt} failed; it is tried again"),
        Cause::HandlerFailed { attempt, .. } => format!("  attempt {attempt} failed; the event is set aside"),
        _ => return None,
    })
}

/// A note's value as text.
pub(crate) fn value(value: &NoteValue) -> String {
    match value {
        NoteValue::Label(text) | NoteValue::Text(text) => text.clone(),
        NoteValue::Number(number) => number.to_string(),
    }
}

/// Month, day and time to the second.
pub(crate) fn short(at: Timestamp) -> String {
    let text = at.to_rfc3339();
    format!("{} {}", &text[5..10], &text[11..19])
}
