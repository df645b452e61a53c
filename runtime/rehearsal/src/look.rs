//! What steps look for.

use std::time::Duration;

use signalbox_guest::Scope;
use signalbox_model::{Address, Cause, Direction, Origin, Status, Timestamp};
use signalbox_records::Record;

use crate::calls::Call;
use crate::error::Error;
use crate::play::{Miss, Play, Sent, words};
use crate::script::{Calls, Due, Texts, Wanted, What};
use crate::transcript::{short, value};

/// Two times that are nearer than this are one: the clock ticks while a handler runs.
const SAME: Duration = Duration::from_secs(1);

type Looked = Result<Option<Miss>, Error>;

fn miss(expected: impl Into<String>, got: impl Into<String>) -> Looked {
    Ok(Some(Miss { expected: expected.into(), got: got.into() }))
}

impl Play {
    /// Looks whether what the step says holds.
    pub(crate) async fn look(&mut self, what: &What) -> Looked {
        match what {
            What::Reply { to, carrier, texts } => self.reply(to.as_ref(), carrier.as_deref(), texts),
            What::Nothing { to } => self.nothing(to.as_ref()),
            What::Rejected(texts) => self.rejected(texts).await,
            What::Held => self.held().await,
            What::Timer { name, due } => self.timer(name, *due).await,
            What::State { scope, key, wanted } => self.state(*scope, key, wanted).await,
            What::Note { name, wanted } => self.note(name, wanted),
            What::Log(text) => self.log(text),
            What::Http(calls) => self.http(calls),
            What::Parked(wanted) => self.parked(*wanted).await,
            What::In { .. } | What::Send(_) | What::Receipt { .. } | What::Advance(_) => Ok(None),
        }
    }

    fn reply(&mut self, to: Option<&Address>, carrier: Option<&str>, texts: &Texts) -> Looked {
        let whom = to.unwrap_or(&self.house.conversation.theirs).clone();
        let (words, name) = (texts.words(), to.map_or("the contact".to_owned(), ToString::to_string));
        let Some((got, seen)) = self.got.iter_mut().find(|(got, seen)| !seen && got.to == whom) else {
            let words = if words.is_empty() { words } else { format!(" {words}") };
            return miss(format!("a message to {name}{words}"), "no further message went there");
        };
        *seen = true;
        if let Some(carrier) = carrier.filter(|carrier| **carrier != *got.carrier) {
            return miss(format!("the message to go by `{carrier}`"), format!("it went by `{}`", got.carrier));
        }
        match texts.lack(&got.text) {
            None => Ok(None),
            Some(lack) => miss(format!("the message to {name} {lack}"), format!("{:?}", got.text)),
        }
    }

    fn nothing(&mut self, to: Option<&Address>) -> Looked {
        let unseen = |(got, seen): &&(crate::phone::Got, bool)| !seen && to.is_none_or(|to| *to == got.to);
        match self.got.iter().find(unseen) {
            None => Ok(None),
            Some((got, _)) => miss("no further message", format!("{:?} to {}", got.text, got.to)),
        }
    }

    /// The message of the last send, or else the last message that a handler sent.
    async fn last_sent(&self) -> Result<Option<Record>, Error> {
        let outbound = |record: &Record| {
            record.message.direction == Direction::Outbound && record.message.origin != Origin::Keyword
        };
        match &self.sent {
            Some(Sent::Accepted(id)) => {
                self.house.handle.message(&self.house.conversation.tenant, *id).await.map_err(Error::house)
            }
            _ => {
                let mut records: Vec<_> = self.house.records(1_000).await?.into_iter().filter(outbound).collect();
                records.sort_by_key(|record| record.message.accepted_at);
                Ok(records.pop())
            }
        }
    }

    async fn rejected(&mut self, texts: &Texts) -> Looked {
        let why = if let Some(Sent::Refused(why)) = &self.sent {
            why.clone()
        } else {
            match self.last_sent().await? {
                None => return miss("the last send to be refused", "nothing was sent yet"),
                Some(record) if record.head.status != Status::Rejected => {
                    return miss("the last send to be refused", format!("it is {}", record.head.status));
                }
                Some(record) => reasons(&record),
            }
        };
        match texts.lack(&why) {
            None => Ok(None),
            Some(lack) => miss(format!("the reason {lack}"), format!("{why:?}")),
        }
    }

    async fn held(&mut self) -> Looked {
        if let Some(Sent::Refused(why)) = &self.sent {
            return miss("the last send to wait for its time", format!("it was refused: {why}"));
        }
        match self.last_sent().await? {
            Some(record) if record.head.status == Status::Held => Ok(None),
            Some(record) => miss("the last send to wait for its time", format!("it is {}", record.head.status)),
            None => miss("the last send to wait for its time", "nothing was sent yet"),
        }
    }

    async fn timer(&mut self, name: &str, due: Due) -> Looked {
        let timers = self.house.handle.timers(&self.house.conversation).await.map_err(Error::house)?;
        let now = self.house.clock.peek();
        let set = timers.iter().find(|(set, _)| set == name).map(|(_, at)| *at);
        let others = || match timers.iter().map(|(name, at)| timed(name, *at, now)).collect::<Vec<_>>() {
            none if none.is_empty() => "no timer is set".to_owned(),
            some => format!("set are {}", some.join(", ")),
        };
        let wanted = match due {
            Due::Never if set.is_none() => return Ok(None),
            Due::Never => return miss(format!("no timer `{name}`"), others()),
            Due::Whenever if set.is_some() => return Ok(None),
            Due::Whenever => return miss(format!("a timer `{name}`"), others()),
            Due::In(after) => now + after,
            Due::At(at) => at,
        };
        match set {
            Some(at) if at.since(wanted).max(wanted.since(at)) < SAME => Ok(None),
            _ => miss(format!("a timer {}", timed(name, wanted, now)), others()),
        }
    }

    async fn state(&mut self, scope: Scope, key: &str, wanted: &Wanted) -> Looked {
        let found = self.house.handle.state(&self.house.conversation, scope, key).await.map_err(Error::house)?;
        let found = found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        match found {
            None if wanted.is_absent() => Ok(None),
            None => miss(format!("something kept under `{key}`"), "nothing is"),
            Some(found) if wanted.is_absent() => miss(format!("nothing kept under `{key}`"), format!("{found:?}")),
            Some(found) => match wanted.lack(&found) {
                None => Ok(None),
                Some(lack) => miss(format!("what is kept under `{key}` {lack}"), format!("{found:?}")),
            },
        }
    }

    fn note(&mut self, name: &str, wanted: &Wanted) -> Looked {
        let notes: Vec<_> = self.transcript.notes.iter().map(|note| (&*note.key, value(&note.value))).collect();
        // A label's name is all that it says.
        if wanted.is_anything() && notes.iter().any(|(key, value)| *key == "label" && value == name) {
            return Ok(None);
        }
        let named: Vec<_> = notes.iter().filter(|(key, _)| *key == name).map(|(_, value)| value.clone()).collect();
        if wanted.is_absent() {
            return match named.first() {
                None => Ok(None),
                Some(value) => miss(format!("no note `{name}`"), format!("{value:?}")),
            };
        }
        if named.iter().any(|value| wanted.lack(value).is_none()) {
            return Ok(None);
        }
        let lack = named.first().and_then(|value| wanted.lack(value)).unwrap_or_else(|| "to be there".to_owned());
        let got: Vec<_> = notes.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let got = if got.is_empty() { "nothing was noted since".to_owned() } else { got.join(", ") };
        miss(format!("the note `{name}` {lack}"), got)
    }

    fn log(&mut self, text: &str) -> Looked {
        let lines = &self.transcript.logged;
        if lines.iter().any(|line| line.contains(text)) {
            return Ok(None);
        }
        let got = if lines.is_empty() { "the log is empty".to_owned() } else { format!("it has {lines:?}") };
        miss(format!("a line of the log to contain {text:?}"), got)
    }

    fn http(&mut self, wanted: &Calls) -> Looked {
        let made = self.house.calls.since(0);
        let count = made.iter().filter(|call| wanted.fits(call)).count() as u64;
        if wanted.times.map_or(count > 0, |times| count == times) {
            return Ok(None);
        }
        let how_often = match wanted.times {
            None => "a call".to_owned(),
            Some(1) => "1 call".to_owned(),
            Some(times) => format!("{times} calls"),
        };
        let calls: Vec<_> = made.iter().map(shown).collect();
        let calls =
            if calls.is_empty() { "none was made".to_owned() } else { format!("made were {}", calls.join("; ")) };
        miss(format!("{how_often} {} {}{}", wanted.method, wanted.url, wanted.words()), format!("{count} fit; {calls}"))
    }

    async fn parked(&mut self, wanted: bool) -> Looked {
        let parked = self.house.parked().await? > self.parked_before;
        if parked == wanted {
            return Ok(None);
        }
        if parked {
            return miss("no event to be set aside", "one was: its handler failed for good");
        }
        let again = self.house.handle.next_due().map(|at| format!("; something is due at {}", short(at)));
        miss("the event to be set aside", format!("it isn't{}", again.unwrap_or_default()))
    }
}

/// Why a message was refused.
fn reasons(record: &Record) -> String {
    let last = record.entries.iter().rev().find_map(|entry| match &entry.cause {
        Cause::Rejected { decision, why, .. } => {
            let reasons = decision.iter().flat_map(|decision| &decision.reasons);
            let rules: Vec<_> = reasons.map(|reason| format!("{}: {}", reason.rule, reason.explain)).collect();
            Some(if rules.is_empty() { why.clone() } else { rules.join("; ") })
        }
        _ => None,
    });
    last.unwrap_or_default()
}

fn timed(name: &str, at: Timestamp, now: Timestamp) -> String {
    // To the second: the clock ticks while a handler runs.
    let seconds = (at.since(now) + SAME / 2).as_secs();
    format!("`{name}` at {} (in {})", short(at), words(Duration::from_secs(seconds)))
}

fn shown(call: &Call) -> String {
    let body = if call.body.is_empty() { String::new() } else { format!(" {}", call.body) };
    format!("{} {}{body}", call.method, call.url)
}

impl Calls {
    fn fits(&self, call: &Call) -> bool {
        let has = |(name, value): (&String, &String)| call.headers.iter().any(|(n, v)| n == name && v == value);
        self.method == call.method
            && self.url.matches(&call.url)
            && self.body_contains.iter().all(|text| call.body.contains(text))
            && self.headers.iter().all(has)
    }

    fn words(&self) -> String {
        let mut words: Vec<_> = self.body_contains.iter().map(|text| format!("a body with {text:?}")).collect();
        words.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        if words.is_empty() { String::new() } else { format!(" with {}", words.join(", ")) }
    }
}
