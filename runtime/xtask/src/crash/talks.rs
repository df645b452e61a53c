//! Phones' texts and the handler's answers to them: what the API says of both, held against the carrier's book.
//!
//! The handler counts in its state the texts of a conversation and answers `you wrote: … (message 7)`. So the answers
//! show whether each text was handled, and whether its effects, answer and count, landed together and once.

use super::books::{Books, digits};
use super::phones::Text;
use super::timelines::{self, Timeline};
use super::{Failure, Report};
use crate::house::{SECOND_NUMBER, Server};
use crate::progress;
use anyhow::Result;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

/// What the API says of the answering number's conversations.
#[derive(Debug, Default)]
pub struct OnRecord {
    pub texts: Vec<Spoken>,
    pub replies: Vec<Spoken>,
    /// Of the replies, by id.
    pub timelines: HashMap<String, Timeline>,
}

/// A message of a conversation.
#[derive(Debug)]
pub struct Spoken {
    pub id: String,
    pub phone: String,
    pub text: String,
    pub status: String,
}

/// How long the last texts may take to be brought, handled and answered.
const PATIENCE: Duration = Duration::from_secs(90);

impl OnRecord {
    fn read(server: &mut Server) -> Result<Self> {
        let number = digits(SECOND_NUMBER);
        let texts = server.api.list_all(&format!("direction=inbound&to=%2B{number}"))?;
        let replies = server.api.list_all(&format!("direction=outbound&from=%2B{number}"))?;
        let read = |all: &[Value], phone: &str| all.iter().map(|message| Spoken::read(message, phone)).collect();
        Ok(Self { texts: read(&texts, "from"), replies: read(&replies, "to"), timelines: HashMap::new() })
    }

    fn is_settled(&self) -> bool {
        let has_settled =
            |reply: &Spoken| Timeline { status: reply.status.clone(), ..Timeline::default() }.is_settled();
        self.texts.iter().all(|text| text.status != "received") && self.replies.iter().all(has_settled)
    }
}

impl Spoken {
    fn read(message: &Value, phone: &str) -> Self {
        let field = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        Self { id: field("id"), phone: digits(&field(phone)), text: field("text"), status: field("status") }
    }
}

/// Waits until the house has every text and no more comes of any; what isn't so in time is as it is then.
pub fn settled(server: &mut Server, books: &mut Books, folder: &Path, written: &[Text]) -> Result<OnRecord> {
    let until = Instant::now() + PATIENCE;
    progress::step(&format!("{} texts settle", written.len()), || {
        loop {
            books.read_carrier(folder)?;
            let is_taken = |text: &Text| books.texts.get(&text.mo).is_some_and(|brought| brought.acknowledged > 0);
            let mut record = OnRecord::read(server).or_else(|error| server.process.check().and(Err(error)))?;
            if written.iter().all(is_taken) && record.is_settled() || Instant::now() >= until {
                let ids: Vec<&str> = record.replies.iter().map(|reply| reply.id.as_str()).collect();
                record.timelines = timelines::ask(&server.api, &ids)?;
                return Ok(record);
            }
            std::thread::sleep(Duration::from_millis(250));
        }
    })
}

struct Judge<'a> {
    books: &'a Books,
    record: &'a OnRecord,
    report: &'a mut Report,
}

/// Holds what was promised of handlers' effects against the books.
pub fn judge(books: &Books, written: &[Text], record: &OnRecord, report: &mut Report) {
    report.texts = written.len();
    let mut judge = Judge { books, record, report };
    judge.texts(written);
    judge.counts();
    judge.replies();
    judge.strangers(written);
}

impl Judge<'_> {
    fn fail(&mut self, promise: &'static str, message: &str, expected: impl Into<String>, found: impl Into<String>) {
        let (message, expected, found) = (message.to_owned(), expected.into(), found.into());
        self.report.failures.push(Failure { promise, message, expected, found });
    }

    /// Each text is taken once, or once more for each time that the house didn't answer; and each that was taken is
    /// answered once.
    fn texts(&mut self, written: &[Text]) {
        let mut taken: HashMap<(&str, &str), Vec<&Spoken>> = HashMap::new();
        for text in &self.record.texts {
            taken.entry((&text.phone, &text.text)).or_default().push(text);
        }
        let mut answers: HashMap<(&str, &str), usize> = HashMap::new();
        for reply in &self.record.replies {
            if let Some((text, _)) = answered(&reply.text) {
                *answers.entry((&reply.phone, text)).or_default() += 1;
            }
        }
        for text in written {
            let (name, key) = (format!("text {}", text.mo), (text.phone.as_str(), text.text.as_str()));
            let brought = self.books.texts.get(&text.mo).copied().unwrap_or_default();
            let taken = taken.get(&key).map(Vec::as_slice).unwrap_or_default();
            let (fewest, most) = (brought.acknowledged, brought.acknowledged + brought.unanswered);
            self.report.texts_brought_again += usize::from(most > 1);
            self.report.texts_taken_again += usize::from(taken.len() > 1);
            if fewest == 0 {
                self.fail("taken", &name, "an acknowledgement in the end", "none");
            }
            if !(fewest..=most).contains(&taken.len()) {
                let unanswered = brought.unanswered;
                let expected = format!("on record {fewest} to {most} times, {unanswered} having had no answer");
                self.fail("taken", &name, expected, taken.len().to_string());
            }
            for message in taken.iter().filter(|message| message.status != "handled") {
                self.fail("handled", &message.id, "handled", message.status.clone());
            }
            let answers = answers.get(&key).copied().unwrap_or(0);
            if answers != taken.len() {
                let expected = format!("{} answer(s), one each time that it was taken", taken.len());
                self.fail("answered", &name, expected, answers.to_string());
            }
        }
    }

    /// A conversation's counts have neither holes nor doubles.
    fn counts(&mut self) {
        let mut counts: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for reply in &self.record.replies {
            if let Some((_, count)) = answered(&reply.text) {
                counts.entry(&reply.phone).or_default().push(count);
            }
        }
        for (phone, mut counts) in counts {
            counts.sort_unstable();
            let wrong = counts.iter().zip(1..).find(|(count, expected)| **count != *expected);
            if let Some((found, expected)) = wrong {
                let name = format!("the conversation with the phone that ends in {}", &phone[phone.len() - 2..]);
                self.fail("counted", &name, format!("{expected} as the next count"), found.to_string());
            }
        }
    }

    /// Each answer reached its phone once, or once more for each time that it was in doubt.
    fn replies(&mut self) {
        for reply in &self.record.replies {
            let timeline = self.record.timelines.get(&reply.id).cloned().unwrap_or_default();
            let key = (reply.phone.clone(), reply.text.clone());
            let submits = self.books.replies.get(&key).copied().unwrap_or(0);
            self.report.replies += 1;
            self.report.replies_in_doubt += usize::from(timeline.in_doubt > 0);
            self.report.replies_sent_again += usize::from(submits > 1);
            if answered(&reply.text).is_none() {
                self.fail("answered", &reply.id, "an answer to a text", "something else");
            }
            if !timeline.is_settled() {
                self.fail("settled", &reply.id, "an end, or held, or in doubt", timeline.status.clone());
            }
            let fewest = usize::from(timeline.status != "in_doubt");
            if !(fewest..=1 + timeline.in_doubt).contains(&submits) {
                let expected = format!("{fewest} to {} submit(s)", 1 + timeline.in_doubt);
                self.fail("once", &reply.id, expected, format!("{submits}, and status {}", timeline.status));
            }
        }
    }

    /// What nobody wrote, and answers that are on no record.
    fn strangers(&mut self, written: &[Text]) {
        let known: HashSet<(&str, &str)> = written.iter().map(|text| (&*text.phone, &*text.text)).collect();
        for text in self.record.texts.iter().filter(|text| !known.contains(&(&*text.phone, &*text.text))) {
            self.report.failures.push(Failure {
                promise: "taken",
                message: text.id.clone(),
                expected: "texts that a phone wrote".to_owned(),
                found: "another".to_owned(),
            });
        }
        let known: HashSet<(&str, &str)> =
            self.record.replies.iter().map(|reply| (&*reply.phone, &*reply.text)).collect();
        let strange = self.books.replies.keys().filter(|(phone, text)| !known.contains(&(&**phone, &**text))).count();
        if strange > 0 {
            self.fail("once", "answers at phones", "all on record", format!("{strange} that aren't"));
        }
    }
}

/// The text that a reply answers, and the handler's count of it.
fn answered(reply: &str) -> Option<(&str, u64)> {
    let (text, rest) = reply.strip_prefix("you wrote: ")?.split_once(" (message ")?;
    Some((text, rest.split_once(')')?.0.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::books::Brought;
    use super::*;

    const PHONE: &str = "15553000000";

    /// Two texts, each taken and answered as it should be.
    struct Story {
        books: Books,
        written: Vec<Text>,
        record: OnRecord,
    }

    fn spoken(id: &str, text: &str, status: &str) -> Spoken {
        Spoken { id: id.to_owned(), phone: PHONE.to_owned(), text: text.to_owned(), status: status.to_owned() }
    }

    fn reply(text: &str, count: u64) -> String {
        format!("you wrote: {text} (message {count}). Try HOURS, ORDER or AGENT.")
    }

    fn story() -> Story {
        let mut story = Story { books: Books::default(), written: vec![], record: OnRecord::default() };
        for (mo, text) in [(1, "Ping 0"), (2, "Ping 1")] {
            story.written.push(Text { mo, phone: PHONE.to_owned(), text: text.to_owned() });
            story.books.texts.insert(mo, Brought { acknowledged: 1, unanswered: 0 });
            story.taken(mo, text);
        }
        story
    }

    impl Story {
        fn taken(&mut self, count: u64, text: &str) {
            self.record.texts.push(spoken(&format!("in_{count}"), text, "handled"));
            let (id, text) = (format!("out_{count}"), reply(text, count));
            self.record.replies.push(spoken(&id, &text, "delivered"));
            let timeline = Timeline { status: "delivered".to_owned(), ..Timeline::default() };
            self.record.timelines.insert(id, timeline);
            self.books.replies.insert((PHONE.to_owned(), text), 1);
        }

        fn broken(&self) -> Vec<&'static str> {
            let mut report = Report::default();
            judge(&self.books, &self.written, &self.record, &mut report);
            report.failures.iter().map(|failure| failure.promise).collect()
        }
    }

    #[test]
    fn nothing_is_wrong_with_texts_that_were_answered_once() {
        assert_eq!(story().broken(), [""; 0]);
    }

    #[test]
    fn a_text_may_be_taken_twice_only_if_an_answer_to_it_was_lost() {
        let mut story = story();
        story.taken(3, "Ping 1");
        assert_eq!(story.broken(), ["taken"]);
        story.books.texts.insert(2, Brought { acknowledged: 1, unanswered: 1 });
        assert_eq!(story.broken(), [""; 0]);
    }

    #[test]
    fn a_text_that_was_acknowledged_and_is_gone_is_found() {
        let mut story = story();
        story.record.texts.pop();
        assert_eq!(story.broken(), ["taken", "answered"]);
    }

    #[test]
    fn a_text_without_its_answer_is_found() {
        let mut story = story();
        let lost = story.record.replies.pop().unwrap();
        story.books.replies.remove(&(PHONE.to_owned(), lost.text));
        assert_eq!(story.broken(), ["answered"]);
    }

    #[test]
    fn a_text_that_was_handled_twice_is_found_by_its_answers() {
        let mut story = story();
        story.taken(3, "Ping 1");
        story.record.texts.pop();
        assert_eq!(story.broken(), ["answered"]);
    }

    #[test]
    fn counts_have_neither_holes_nor_doubles() {
        for (was, is) in [(2, 3), (2, 1)] {
            let mut story = story();
            let (old, new) = (reply("Ping 1", was), reply("Ping 1", is));
            story.record.replies[1].text.clone_from(&new);
            story.books.replies.remove(&(PHONE.to_owned(), old));
            story.books.replies.insert((PHONE.to_owned(), new), 1);
            assert_eq!(story.broken(), ["counted"], "{is}");
        }
    }

    #[test]
    fn an_answer_may_come_twice_only_if_it_was_in_doubt() {
        let mut story = story();
        story.books.replies.insert((PHONE.to_owned(), reply("Ping 1", 2)), 2);
        assert_eq!(story.broken(), ["once"]);
        story.record.timelines.get_mut("out_2").unwrap().in_doubt = 1;
        assert_eq!(story.broken(), [""; 0]);
    }

    #[test]
    fn an_answer_that_never_reached_its_phone_is_found() {
        let mut story = story();
        story.books.replies.clear();
        assert_eq!(story.broken(), ["once", "once"]);
    }

    #[test]
    fn an_answer_that_is_on_no_record_is_found() {
        let mut story = story();
        story.books.replies.insert((PHONE.to_owned(), reply("Ping 1", 9)), 1);
        assert_eq!(story.broken(), ["once"]);
    }

    #[test]
    fn a_text_that_waits_for_ever_is_found() {
        let mut story = story();
        story.record.texts[0].status = "received".to_owned();
        assert_eq!(story.broken(), ["handled"]);
    }
}
