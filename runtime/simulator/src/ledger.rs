//! The carrier's book: every submit, receipt and inbound part, numbered in one row.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1, over all kinds of lines.
    pub n: u64,
    /// Microseconds since 1970.
    pub time_us: u64,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A `submit_sm` arrived.
    Submit(Submitted),
    /// A receipt was sent.
    Receipt(Delivered),
    /// An inbound part was sent.
    Mo(Delivered),
    /// The answer to an earlier line's `deliver_sm`. In the file only: in memory the earlier line has it.
    Ack {
        /// The earlier line.
        of: u64,
        /// The peer's status.
        status: u32,
    },
    /// A session began or ended.
    Session(Session),
}

/// A `submit_sm` and its fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// The session it came over.
    pub bind: u64,
    /// Whose.
    pub system_id: String,
    /// The PDU's.
    pub sequence_number: u32,
    /// From.
    pub source: String,
    /// To.
    pub dest: String,
    /// This part's text.
    pub text: String,
    /// SHA-256 of that text in UTF-8, hexadecimal.
    pub text_sha256: String,
    /// The PDU's.
    pub data_coding: u8,
    /// The PDU's.
    pub esm_class: u8,
    /// The PDU's.
    pub registered_delivery: u8,
    /// Reference, number of parts, this part.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<(u16, u8, u8)>,
    /// As the response says it; none if refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message_id: Option<String>,
    /// The response's status.
    pub status: u32,
    /// Whether the carrier took the message: a withheld response may hide either.
    pub accepted: bool,
    /// Whether a whole response was, or will be, written.
    pub answered: bool,
}

/// A `deliver_sm` and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The session it went over.
    pub bind: u64,
    /// Whose.
    pub system_id: String,
    /// The PDU's.
    pub sequence_number: u32,
    /// From.
    pub source: String,
    /// To.
    pub dest: String,
    /// From 1.
    pub attempt: u32,
    /// A receipt's message id, as the `submit_sm_resp` said it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message_id: Option<String>,
    /// A receipt's state.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<String>,
    /// An inbound part's message, as `POST /phones/{number}/send` answered it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mo: Option<u64>,
    /// Reference, number of parts, this part.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<(u16, u8, u8)>,
    /// The status of the peer's `deliver_sm_resp`, once it came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub acked: Option<u32>,
}

/// A session's turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The session.
    pub bind: u64,
    /// Whose; empty before a bind.
    pub system_id: String,
    /// `bound`, `refused`, `closed` or `broken` (by the carrier).
    pub event: String,
}

/// Part of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Lines after the number asked for, oldest first.
    pub lines: Vec<Line>,
    /// What to ask for next.
    pub next: u64,
    /// Lines that were forgotten before they could be read, because the ledger is bounded.
    pub forgotten: u64,
}

/// The book itself.
pub(crate) struct Ledger {
    lines: VecDeque<Line>,
    /// Lines kept in memory; 0 keeps none and numbers still run.
    max_lines: usize,
    last: u64,
    file: Option<BufWriter<File>>,
    write_errors: u64,
}

impl Ledger {
    pub(crate) fn open(max_lines: usize, path: Option<&Path>) -> Result<Self, Error> {
        let file = path
            .map(|path| {
                let opened = File::options().create(true).append(true).open(path);
                opened.map_err(|error| Error::File { name: path.display().to_string(), error })
            })
            .transpose()?
            .map(BufWriter::new);
        Ok(Self { lines: VecDeque::new(), max_lines, last: 0, file, write_errors: 0 })
    }

    /// Whether lines go anywhere; if not, callers need not build them.
    pub(crate) fn is_kept(&self) -> bool {
        self.max_lines > 0 || self.file.is_some()
    }

    /// Appends what `entry` builds, and answers its number.
    pub(crate) fn append(&mut self, time_us: u64, entry: impl FnOnce() -> Entry) -> u64 {
        self.last += 1;
        if self.is_kept() {
            let line = Line { n: self.last, time_us, entry: entry() };
            self.write(&line);
            if self.max_lines > 0 {
                if self.lines.len() == self.max_lines {
                    self.lines.pop_front();
                }
                self.lines.push_back(line);
            }
        }
        self.last
    }

    /// Notes the peer's answer to line `of`.
    pub(crate) fn acknowledge(&mut self, time_us: u64, of: u64, status: u32) {
        if let Some(at) = self.index_of(of)
            && let Entry::Receipt(sent) | Entry::Mo(sent) = &mut self.lines[at].entry
        {
            sent.acked = Some(status);
        }
        if self.file.is_some() {
            // It has the number of the line it answers, so that numbers in memory and file agree.
            self.write(&Line { n: of, time_us, entry: Entry::Ack { of, status } });
        }
    }

    pub(crate) fn page(&self, after: u64, limit: usize) -> Page {
        let oldest = self.last - self.lines.len() as u64;
        let start = usize::try_from(after.saturating_sub(oldest)).unwrap_or(usize::MAX).min(self.lines.len());
        let lines: Vec<Line> = self.lines.range(start..).take(limit).cloned().collect();
        let next = lines.last().map_or(after.max(oldest), |line| line.n);
        Page { lines, next, forgotten: oldest.saturating_sub(after) }
    }

    /// Hands buffered lines to the system, so that a reader of the file sees them.
    pub(crate) fn flush(&mut self) {
        if let Some(file) = &mut self.file
            && !file.buffer().is_empty()
            && file.flush().is_err()
        {
            self.write_errors += 1;
        }
    }

    pub(crate) fn write_errors(&self) -> u64 {
        self.write_errors
    }

    fn write(&mut self, line: &Line) {
        if let Some(file) = &mut self.file {
            let written = serde_json::to_writer(&mut *file, line).is_ok() && file.write_all(b"\n").is_ok();
            self.write_errors += u64::from(!written);
        }
    }

    fn index_of(&self, n: u64) -> Option<usize> {
        let oldest = self.last - self.lines.len() as u64;
        let at = usize::try_from(n.checked_sub(oldest + 1)?).ok()?;
        (at < self.lines.len()).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(bind: u64) -> Entry {
        Entry::Session(Session { bind, system_id: String::new(), event: "closed".to_owned() })
    }

    #[test]
    fn a_full_ledger_forgets_the_oldest_and_says_how_many() {
        let mut ledger = Ledger::open(3, None).unwrap();
        for bind in 1..=5 {
            ledger.append(0, || turn(bind));
        }
        let page = ledger.page(0, 10);
        assert_eq!((page.lines[0].n, page.lines.len(), page.next, page.forgotten), (3, 3, 5, 2));
        let page = ledger.page(3, 1);
        assert_eq!((page.lines[0].n, page.next, page.forgotten), (4, 4, 0));
        assert_eq!(ledger.page(5, 10), Page { lines: vec![], next: 5, forgotten: 0 });
    }

    #[test]
    fn the_file_has_every_line_as_json_and_acks_name_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(0, Some(&path)).unwrap();
        let n = ledger.append(7, || turn(1));
        ledger.acknowledge(9, n, 0);
        ledger.flush();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Line> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0], Line { n: 1, time_us: 7, entry: turn(1) });
        assert_eq!(lines[1].entry, Entry::Ack { of: 1, status: 0 });
    }
}
