//! What was promised, held against the books.

use super::Report;
use super::books::{Books, Key, Sent};
use super::timelines::{Timeline, Timelines};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Which promise: `durable`, `settled`, `ended`, `reached`, `once`, `receipts`, `webhooks`, or of phones'
    /// texts: `taken`, `handled`, `answered`, `counted`.
    pub promise: &'static str,
    /// The message's id, or what else names it.
    pub message: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: expected {}; found {}", self.promise, self.message, self.expected, self.found)
    }
}

/// The only end that a run makes possible: its carrier refuses and loses nothing, no rule forbids what is sent, nobody takes
/// anything back, and a message is valid for far longer than a run takes.
const THE_END: &str = "delivered";

struct Judge<'a> {
    books: &'a Books,
    report: Report,
}

/// Holds every promise against the books.
pub fn judge(books: &Books, timelines: &Timelines) -> Report {
    let mut judge = Judge { books, report: Report::default() };
    let mut whose = HashMap::new();
    for sent in &books.sent {
        judge.count(sent);
        let timeline = sent.id.as_ref().and_then(|id| timelines.0.get(id));
        judge.message(sent, timeline);
        for id in books.submits.get(&sent.key).into_iter().flatten() {
            whose.insert(id.as_str(), (sent, timeline));
        }
    }
    judge.strangers();
    judge.receipts(&whose);
    judge.report.submits = books.submits.values().map(Vec::len).sum();
    judge.report.webhooks = books.hooks.values().map(Vec::len).sum();
    judge.report
}

impl Judge<'_> {
    fn fail(&mut self, promise: &'static str, message: &str, expected: impl Into<String>, found: impl Into<String>) {
        let (message, expected, found) = (message.to_owned(), expected.into(), found.into());
        self.report.failures.push(Failure { promise, message, expected, found });
    }

    fn count(&mut self, sent: &Sent) {
        let report = &mut self.report;
        match (&sent.id, sent.status) {
            (Some(_), _) => report.accepted += 1,
            (None, Some(_)) => report.refused += 1,
            (None, None) => report.unanswered += 1,
        }
    }

    fn message(&mut self, sent: &Sent, timeline: Option<&Timeline>) {
        let submits = self.books.submits.get(&sent.key).map_or(0, Vec::len);
        let Some(id) = &sent.id else {
            // Never answered: it may have been accepted, but it can't have gone out twice for that.
            if submits > 1 {
                self.fail(
                    "once",
                    &name(&sent.key),
                    "at most one submit",
                    format!("{submits}, and no answer to its sender"),
                );
            }
            return;
        };
        let Some(timeline) = timeline else {
            self.fail("durable", id, "a message that was answered with 202 is known", "404");
            return;
        };
        *self.report.statuses.entry(timeline.status.clone()).or_default() += 1;
        self.report.in_doubt += usize::from(timeline.in_doubt > 0);
        self.report.sent_again += usize::from(submits > 1);
        self.state(id, timeline, submits);
        self.webhook(id, timeline);
    }

    fn state(&mut self, id: &str, timeline: &Timeline, submits: usize) {
        let (status, in_doubt) = (&timeline.status, timeline.in_doubt);
        if !timeline.is_settled() {
            self.fail("settled", id, "an end, or held, or in doubt", format!("{status}, and {submits} submit(s)"));
        }
        if timeline.has_ended() && status != THE_END {
            let expected = "delivered, in doubt or held: the carrier takes everything, and nobody takes anything back";
            self.fail("ended", id, expected, format!("{status}, and {submits} submit(s)"));
        }
        let says_it_left = matches!(status.as_str(), "sent" | "delivered" | "undelivered");
        if says_it_left && submits == 0 {
            self.fail("reached", id, "a submit in the carrier's book", format!("{status}, and none"));
        }
        if submits > 1 + in_doubt {
            let expected = format!("at most {} submit(s), having been in doubt {in_doubt} time(s)", 1 + in_doubt);
            self.fail("once", id, expected, format!("{submits}, and status {status}"));
        }
    }

    fn webhook(&mut self, id: &str, timeline: &Timeline) {
        if !timeline.has_ended() {
            return;
        }
        let event = format!("message.{}", timeline.status);
        let told = self.books.hooks.get(id).map(Vec::as_slice).unwrap_or_default();
        if !told.contains(&event) {
            self.fail("webhooks", id, event, format!("{told:?}"));
        }
    }

    /// Submits that nobody asked for.
    fn strangers(&mut self) {
        let known: HashSet<&Key> = self.books.sent.iter().map(|sent| &sent.key).collect();
        let mut strangers: Vec<_> = self.books.submits.iter().filter(|(key, _)| !known.contains(key)).collect();
        strangers.sort();
        for (key, ids) in strangers {
            self.fail("once", &name(key), "submits of what was sent only", format!("carrier id(s) {}", ids.join(", ")));
        }
    }

    /// Every receipt that was acknowledged is in its message's timeline.
    fn receipts(&mut self, whose: &HashMap<&str, (&Sent, Option<&Timeline>)>) {
        let mut receipts: Vec<_> = self.books.receipts.iter().collect();
        receipts.sort();
        for carrier_id in receipts {
            self.report.receipts += 1;
            let Some((sent, Some(timeline))) = whose.get(carrier_id.as_str()) else { continue };
            let id = sent.id.as_deref().unwrap_or_default();
            let expected = format!("delivered: the receipt for carrier id {carrier_id} was acknowledged");
            if !timeline.carrier_ids.contains(carrier_id) {
                // The answer that named the id never came, and the house said so.
                self.report.receipts_unmatchable += 1;
                if timeline.in_doubt == 0 {
                    let found = format!("{}, never in doubt, ids {:?}", timeline.status, timeline.carrier_ids);
                    self.fail("receipts", id, expected, found);
                }
            } else if timeline.status != "delivered" {
                self.fail("receipts", id, expected, timeline.status.clone());
            }
        }
    }
}

fn name(key: &Key) -> String {
    format!("the text with SHA-256 {}…", key.text_sha256.get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One message, of which everything is as it should be: sent once, receipted, told.
    struct Story {
        books: Books,
        timelines: Timelines,
    }

    fn key() -> Key {
        Key { to: "15551000000".to_owned(), text_sha256: "aa".repeat(32) }
    }

    fn story() -> Story {
        let timeline = Timeline { status: "delivered".to_owned(), in_doubt: 0, carrier_ids: vec!["7".to_owned()] };
        let mut books = Books::default();
        books.sent.push(Sent { key: key(), id: Some("msg_a".to_owned()), status: Some(202) });
        books.submits.insert(key(), vec!["7".to_owned()]);
        books.receipts.insert("7".to_owned());
        books.hooks.insert("msg_a".to_owned(), vec!["message.delivered".to_owned()]);
        Story { books, timelines: Timelines(HashMap::from([("msg_a".to_owned(), timeline)])) }
    }

    impl Story {
        fn timeline(&mut self) -> &mut Timeline {
            self.timelines.0.get_mut("msg_a").unwrap()
        }

        fn broken(&self) -> Vec<&'static str> {
            judge(&self.books, &self.timelines).failures.iter().map(|failure| failure.promise).collect()
        }
    }

    #[test]
    fn nothing_is_wrong_with_a_message_that_went_well() {
        let report = judge(&story().books, &story().timelines);
        assert_eq!(report.failures, []);
        assert_eq!((report.accepted, report.submits, report.receipts, report.webhooks), (1, 1, 1, 1));
    }

    #[test]
    fn an_accepted_message_that_is_gone_is_named() {
        let mut story = story();
        story.timelines.0.clear();
        let report = judge(&story.books, &story.timelines);
        assert_eq!((report.failures[0].promise, report.failures[0].message.as_str()), ("durable", "msg_a"));
    }

    #[test]
    fn a_message_may_come_twice_only_if_it_was_in_doubt() {
        let mut story = story();
        story.books.submits.get_mut(&key()).unwrap().push("8".to_owned());
        assert_eq!(story.broken(), ["once"]);
        story.timeline().in_doubt = 1;
        assert_eq!(story.broken(), [""; 0]);
    }

    #[test]
    fn a_message_that_was_accepted_under_two_ids_is_found_by_its_text() {
        let mut story = story();
        story.books.sent[0].id = None;
        story.books.submits.get_mut(&key()).unwrap().push("8".to_owned());
        assert_eq!(story.broken(), ["once"]);
    }

    #[test]
    fn a_submit_that_nobody_asked_for_is_found() {
        let mut story = story();
        story.books.submits.insert(Key { to: "1".to_owned(), text_sha256: "bb".to_owned() }, vec!["9".to_owned()]);
        assert_eq!(story.broken(), ["once"]);
    }

    #[test]
    fn a_message_must_have_reached_the_carrier_to_be_delivered() {
        let mut story = story();
        story.books.submits.clear();
        assert_eq!(story.broken(), ["reached"]);
    }

    #[test]
    fn a_message_that_waits_for_ever_is_not_settled() {
        let mut story = story();
        story.timeline().status = "queued".to_owned();
        assert!(story.broken().contains(&"settled"));
        for visible in ["held", "in_doubt"] {
            story.timeline().status = visible.to_owned();
            assert!(!story.broken().contains(&"settled"), "{visible}");
        }
    }

    #[test]
    fn an_end_that_the_run_does_not_make_possible_is_found() {
        for end in ["failed", "expired", "rejected", "canceled", "undelivered"] {
            let mut story = story();
            story.books.receipts.clear();
            story.books.submits.clear();
            story.books.hooks.insert("msg_a".to_owned(), vec![format!("message.{end}")]);
            story.timeline().status = end.to_owned();
            assert!(story.broken().contains(&"ended"), "{end}");
        }
    }

    #[test]
    fn a_receipt_that_was_acknowledged_must_be_in_the_timeline() {
        let mut story = story();
        story.timeline().status = "expired".to_owned();
        assert!(story.broken().contains(&"receipts"));
    }

    #[test]
    fn a_receipt_for_an_id_that_nobody_heard_needs_a_message_in_doubt() {
        let mut story = story();
        story.timeline().carrier_ids.clear();
        assert_eq!(story.broken(), ["receipts"]);
        story.timeline().in_doubt = 1;
        assert_eq!(story.broken(), [""; 0]);
    }

    #[test]
    fn an_ended_message_must_have_been_told() {
        let mut story = story();
        story.books.hooks.clear();
        assert_eq!(story.broken(), ["webhooks"]);
    }
}
