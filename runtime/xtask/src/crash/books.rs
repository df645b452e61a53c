//! What the outside wrote down.

use super::rounds::{CARRIER_BOOK, SENDERS};
use super::timelines::Timelines;
use crate::house::{Hook, SECOND_NUMBER, until};
use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

/// A message as sender and carrier can both know it: recipient and hash of the text, which is another for each.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub to: String,
    pub text_sha256: String,
}

/// A message that was sent to the API.
#[derive(Debug)]
pub struct Sent {
    pub key: Key,
    /// If it was accepted.
    pub id: Option<String>,
    /// The HTTP status; none if no answer came.
    pub status: Option<u16>,
}

/// How a phone's text was brought to the house.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// Times that it was acknowledged.
    pub acknowledged: usize,
    /// Times that no answer came: the house may have it, or not.
    pub unanswered: usize,
}

/// All books.
#[derive(Debug, Default)]
pub struct Books {
    pub sent: Vec<Sent>,
    /// Submits that the carrier took: the ids that it gave, by message.
    pub submits: HashMap<Key, Vec<String>>,
    /// Phones' texts, by the carrier's number of each.
    pub texts: HashMap<u64, Brought>,
    /// How often each text of the answering number reached a phone, by phone and text.
    pub replies: HashMap<(String, String), usize>,
    /// The carrier's ids whose receipt was acknowledged.
    pub receipts: HashSet<String>,
    /// Types of the events told, by message id.
    pub hooks: HashMap<String, Vec<String>>,
}

/// Pages that the webhook receiver keeps. Who read so many has caught up, however many come meanwhile.
const PAGES_KEPT: usize = 10;

/// What the webhook receiver was told. It keeps so many only, so it is read while they come.
#[derive(Debug, Default)]
pub struct Told {
    hooks: Vec<Hook>,
    after: u64,
}

impl Told {
    /// All that came since the last look. The receiver gives a page at a time: those behind a number, and the number to go
    /// on with, which is the same where there are none.
    pub fn read(&mut self, mut page: impl FnMut(u64) -> Result<(Vec<Hook>, u64)>) -> Result<()> {
        for _ in 0..PAGES_KEPT {
            let (hooks, next) = page(self.after)?;
            if next == self.after {
                break;
            }
            self.after = next;
            self.hooks.extend(hooks);
        }
        Ok(())
    }
}

/// A line of a sender's book.
#[derive(Deserialize)]
struct SentLine {
    id: Option<String>,
    to: String,
    text_sha256: String,
    status: Option<u16>,
}

/// A line of the carrier's.
#[derive(Deserialize)]
struct CarrierLine {
    n: u64,
    #[serde(flatten)]
    entry: Entry,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Entry {
    Submit {
        source: String,
        dest: String,
        text: String,
        text_sha256: String,
        message_id: Option<String>,
        accepted: bool,
    },
    Receipt {
        message_id: Option<String>,
    },
    Mo {
        mo: u64,
    },
    Ack {
        of: u64,
        status: u32,
    },
    #[serde(other)]
    Other,
}

/// What a `deliver_sm` carried.
enum Parcel {
    Receipt(String),
    Text(u64),
}

impl Books {
    /// The senders' and the carrier's.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut books = Self::default();
        for (_, _, book) in SENDERS {
            for line in lines::<SentLine>(&folder.join(book))? {
                let key = Key { to: digits(&line.to), text_sha256: line.text_sha256 };
                books.sent.push(Sent { key, id: line.id, status: line.status });
            }
        }
        books.read_carrier(folder)?;
        Ok(books)
    }

    /// The carrier's again, from its beginning.
    pub fn read_carrier(&mut self, folder: &Path) -> Result<()> {
        self.submits.clear();
        self.texts.clear();
        self.replies.clear();
        let mut parcels: HashMap<u64, Parcel> = HashMap::new();
        for CarrierLine { n, entry } in lines(&folder.join(CARRIER_BOOK))? {
            match entry {
                Entry::Submit { source, dest, text, accepted: true, .. }
                    if digits(&source) == digits(SECOND_NUMBER) =>
                {
                    *self.replies.entry((digits(&dest), text)).or_default() += 1;
                }
                Entry::Submit { dest, text_sha256, message_id, accepted: true, .. } => {
                    let key = Key { to: digits(&dest), text_sha256 };
                    self.submits.entry(key).or_default().push(message_id.unwrap_or_default());
                }
                Entry::Receipt { message_id: Some(id) } => {
                    parcels.insert(n, Parcel::Receipt(id));
                }
                Entry::Mo { mo } => {
                    self.texts.entry(mo).or_default().unanswered += 1;
                    parcels.insert(n, Parcel::Text(mo));
                }
                Entry::Ack { of, status } => self.answered(parcels.remove(&of), status == 0),
                _ => {}
            }
        }
        Ok(())
    }

    fn answered(&mut self, parcel: Option<Parcel>, taken: bool) {
        match parcel {
            Some(Parcel::Receipt(id)) if taken => {
                self.receipts.insert(id);
            }
            Some(Parcel::Text(mo)) => {
                let text = self.texts.entry(mo).or_default();
                text.unanswered = text.unanswered.saturating_sub(1);
                text.acknowledged += usize::from(taken);
            }
            _ => {}
        }
    }

    /// The webhook receiver's, once each ended message was told; what isn't told in time is missing.
    pub fn read_hooks(
        &mut self,
        mut told: Told,
        mut page: impl FnMut(u64) -> Result<(Vec<Hook>, u64)>,
        timelines: &Timelines,
    ) -> Result<()> {
        let mut missing: HashSet<&str> = timelines.ended().collect();
        let mut unread = Ok(());
        let in_time = until("webhooks", Duration::from_secs(60), || {
            unread = told.read(&mut page);
            for hook in told.hooks.drain(..) {
                missing.remove(hook.message.as_str());
                self.hooks.entry(hook.message).or_default().push(hook.event);
            }
            Ok((unread.is_err() || missing.is_empty()).then_some(()))
        });
        // The verdict names those that are missing. What can't be read says nothing of them.
        drop(in_time);
        unread
    }
}

/// A last line that is cut, because its writer is at it, is left out.
fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    let mut input = BufReader::new(file);
    let mut lines = Vec::new();
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 && line.ends_with('\n') {
        let read = serde_json::from_str(&line);
        lines.push(read.with_context(|| format!("{}, line {}", path.display(), lines.len() + 1))?);
        line.clear();
    }
    Ok(lines)
}

/// Some write the plus and some don't.
pub(super) fn digits(number: &str) -> String {
    number.trim_start_matches('+').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::timelines::Timeline;

    fn hook(message: &str) -> Hook {
        Hook { event: "message.delivered".to_owned(), message: message.to_owned(), made_us: None }
    }

    fn ended(ids: &[&str]) -> Timelines {
        let delivered = || Timeline { status: "delivered".to_owned(), ..Timeline::default() };
        Timelines(ids.iter().map(|id| ((*id).to_owned(), delivered())).collect())
    }

    /// A receiver that gives these a page each.
    fn pages<'a>(messages: &'a [&'a str]) -> impl FnMut(u64) -> Result<(Vec<Hook>, u64)> + 'a {
        move |after| {
            let page = messages.get(usize::try_from(after)?);
            Ok(page.map_or((vec![], after), |message| (vec![hook(message)], after + 1)))
        }
    }

    #[test]
    fn what_was_told_in_the_rounds_and_behind_them_is_in_the_book() {
        let mut told = Told::default();
        told.read(pages(&["msg_a"])).unwrap();
        let mut books = Books::default();
        books.read_hooks(told, pages(&["msg_a", "msg_b"]), &ended(&["msg_a", "msg_b"])).unwrap();
        assert_eq!(books.hooks.len(), 2);
        assert!(books.hooks.values().all(|events| events.len() == 1), "each once");
    }

    #[test]
    fn a_look_at_the_receiver_takes_all_its_pages() {
        let mut told = Told::default();
        told.read(pages(&["msg_a", "msg_b", "msg_c"])).unwrap();
        assert_eq!((told.hooks.len(), told.after), (3, 3));
    }

    #[test]
    fn a_receiver_that_cant_be_read_is_no_missing_webhook() {
        let page = |_| anyhow::bail!("the sink forgot webhooks before they were read");
        let error = Books::default().read_hooks(Told::default(), page, &ended(&["msg_a"])).unwrap_err();
        assert!(error.to_string().contains("forgot"), "{error}");
    }
}
