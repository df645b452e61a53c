//! Shadows: a version that is shown what the live one was shown, after it, and whose effects are thrown away. What it
//! would have done otherwise is kept for its developer.
//!
//! It never holds up the one that answers: it runs beside the path, few at a time, and is left out when they are busy.
//! It reads what the live one read, as that read it; what only the shadow asks for is read from the store as it is by
//! then. It is given the live one's chance, so that a difference is the code's.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::FutureExt;
use parking_lot::Mutex;
use signalbox_guest::{
    self as guest, Answer as Returned, Contact, DraftDecision, Effects, HttpFailure, HttpRequest, HttpResult, Note,
    PastMessage, Reading, Scope, Surroundings,
};
use signalbox_model::event::Queued;
use signalbox_model::handler::{EventKind, OnFailure};
use signalbox_model::{Conversation, EventId, MessageId, Timestamp};
use tokio::sync::OwnedSemaphorePermit;

use crate::assign::Taker;
use crate::engine::Engine;
use crate::handlers::{Seen, World, invocation, permit};
use crate::redact::presentable;

/// Differences that are kept for each handler.
const DIFFERENCES: usize = 100;
/// Lines that are kept of one run, and characters of a line: what a developer reads, not what a handler can write.
const LINES: usize = 24;
const LINE_CHARS: usize = 400;

/// What a guest asked of its surroundings.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Question {
    State(Scope, String),
    List(Scope, String, Option<String>, usize),
    Recent(usize),
    Contact(String),
    Http(HttpRequest),
}

/// What it was answered.
#[derive(Clone)]
pub(crate) enum Answer {
    State(Option<Vec<u8>>),
    List(Vec<(String, Vec<u8>)>),
    Recent(Vec<PastMessage>),
    Contact(Contact),
    Http(HttpResult),
}

/// How a shadow compares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Events that both were shown.
    pub compared: u64,
    /// Of these, those on which both would have done the same.
    pub same: u64,
    /// And those on which they wouldn't.
    pub different: u64,
    /// Events that the shadow wasn't shown because others were being shown.
    pub left_out: u64,
    /// The last differences, newest first.
    pub differences: Vec<Difference>,
}

/// An event on which the two don't do the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The event.
    pub event: EventId,
    /// Its kind.
    pub kind: EventKind,
    /// When the shadow was done.
    pub at: Timestamp,
    /// The version that answered.
    pub live_version: String,
    /// What it did, a line each; only the lines that the other one hasn't.
    pub live: Vec<String>,
    /// The version that watched.
    pub shadow_version: String,
    /// What it would have done.
    pub shadow: Vec<String>,
}

#[derive(Debug, Default)]
struct Kept {
    compared: u64,
    different: u64,
    left_out: u64,
    differences: VecDeque<Difference>,
}

/// How a handler's shadow compares, since it watches or since the start.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Kept>);

impl Watch {
    pub(crate) fn comparison(&self) -> Comparison {
        let kept = self.0.lock();
        Comparison {
            compared: kept.compared,
            same: kept.compared - kept.different,
            different: kept.different,
            left_out: kept.left_out,
            differences: kept.differences.iter().rev().cloned().collect(),
        }
    }

    fn keep(&self, difference: Option<Difference>) {
        let mut kept = self.0.lock();
        kept.compared += 1;
        if let Some(difference) = difference {
            kept.different += 1;
            kept.differences.push_back(difference);
            if kept.differences.len() > DIFFERENCES {
                kept.differences.pop_front();
            }
        }
    }
}

/// Room for a shadow's run; none if it has no shadow that wants the event, or they are busy.
pub(crate) fn place(engine: &Engine, taker: &Taker, kind: EventKind) -> Option<OwnedSemaphorePermit> {
    let shadow = taker.handler.shadow()?;
    if shadow.meta.digest == taker.version.meta.digest || !shadow.handles(kind) {
        return None;
    }
    let place = engine.shadows.clone().try_acquire_owned().ok();
    if place.is_none() {
        taker.handler.watch.0.lock().left_out += 1;
    }
    place
}

/// What the live version was shown and did.
pub(crate) struct Live<'a> {
    pub(crate) conversation: &'a Conversation,
    pub(crate) queued: &'a Queued,
    pub(crate) about: Option<MessageId>,
    pub(crate) seed: [u8; 32],
    pub(crate) seen: Vec<(Question, Answer)>,
    pub(crate) event: &'a guest::Event<'a>,
    pub(crate) outcome: &'a guest::Outcome,
}

/// Shows the event to the shadow, beside the path.
pub(crate) fn show(engine: &Arc<Engine>, taker: &Taker, place: OwnedSemaphorePermit, live: Live<'_>) {
    let Some(version) = taker.handler.shadow().cloned() else { return };
    let (engine, handler, live_version) = (engine.clone(), taker.handler.clone(), taker.version.label.clone());
    let (conversation, queued) = (live.conversation.clone(), live.queued.clone());
    let (about, seed, seen) = (live.about, live.seed, live.seen);
    let did = lines(live.outcome);
    let event = OwnedEvent::new(live.event);
    engine.clone().tasks.spawn(async move {
        let _place = place;
        let Some(code) = version.code(&*engine.store, &engine.host).await else { return };
        let taker = Taker { handler, version, code, on_failure: OnFailure::default() };
        let event_id = queued.id.to_string();
        let id = conversation.id();
        let kit = taker.handler.kit(&taker.version);
        let (engine_ref, conversation_ref, permit) = (&*engine, &conversation, permit(&taker, &kit));
        let now = queued.at;
        let world = World {
            engine: engine_ref,
            conversation: conversation_ref,
            id,
            about,
            now,
            permit,
            seen: None,
            shared: Seen::new(),
        };
        let mut world = Remembered { world, seen };
        let attributes = event.attributes();
        let event = event.borrow(&attributes);
        let kind = crate::handlers::event_kind(event.kind());
        let invocation = invocation(&engine, &taker, &kit, &queued, &conversation, &event_id, seed, event);
        let outcome = engine.host.invoke(&taker.code, &invocation, &mut world).await;
        let now = engine.clock.now();
        let usage = outcome.as_ref().map_or_else(|failure| failure.usage, |completed| completed.usage);
        taker.handler.tally.run(now, &usage, outcome.is_err());
        let would = lines(&outcome);
        let difference = (did != would).then(|| Difference {
            event: queued.id,
            kind,
            at: now,
            live_version,
            live: without(&did, &would),
            shadow_version: taker.version.label.clone(),
            shadow: without(&would, &did),
        });
        taker.handler.watch.keep(difference);
    });
}

/// The lines that the other one hasn't, at most so many.
fn without(lines: &[String], others: &[String]) -> Vec<String> {
    let mut lines: Vec<_> = lines.iter().filter(|line| !others.contains(line)).cloned().collect();
    let over = lines.len().saturating_sub(LINES);
    if over > 0 {
        lines.truncate(LINES);
        lines.push(format!("and {over} more"));
    }
    lines
}

/// What a run asked for, a line each: the same for two runs that ask for the same.
fn lines(outcome: &guest::Outcome) -> Vec<String> {
    let completed = match outcome {
        Ok(completed) => completed,
        // A trap names the functions that it was in, and those differ; that it failed is what matters.
        Err(failure) => return vec![line(format!("fails: {}", failure.message))],
    };
    let mut lines = Vec::new();
    if let Returned::Draft(decision) = &completed.answer {
        lines.push(line(match decision {
            DraftDecision::Send => "lets the draft pass".to_owned(),
            DraftDecision::Drop(why) => format!("drops the draft: {why}"),
            DraftDecision::Change(changes) => format!("changes the draft: {changes:?}"),
        }));
    }
    effects(&completed.effects, &mut lines);
    lines
}

fn effects(effects: &Effects, lines: &mut Vec<String>) {
    for send in &effects.sends {
        let media: String = send.media.iter().map(|media| format!(", with {}", media.url)).collect();
        let options =
            if send.options == guest::SendOptions::default() { String::new() } else { format!(", {:?}", send.options) };
        lines.push(line(format!("sends “{}” from {} to {}{media}{options}", send.text, send.sender, send.recipient)));
    }
    lines.extend(effects.cancels.iter().map(|id| line(format!("takes back {id}"))));
    for write in &effects.state {
        let scope = format!("{:?}", write.scope).to_lowercase();
        lines.push(line(match &write.value {
            Some(value) => format!("writes {scope} state {} = {}", write.key, String::from_utf8_lossy(value)),
            None => format!("forgets {scope} state {}", write.key),
        }));
    }
    for timer in &effects.timers {
        lines.push(line(match &timer.set {
            Some(set) => format!("sets timer {} to {}", timer.name, Timestamp::from_micros(set.at).to_rfc3339()),
            None => format!("unsets timer {}", timer.name),
        }));
    }
    lines.extend(effects.notes.iter().map(|note| {
        line(match note {
            Note::Label(label) => format!("notes {label}"),
            Note::Number(key, number) => format!("notes {key} = {number}"),
            Note::Text(key, text) => format!("notes {key} = {text}"),
        })
    }));
}

fn line(text: String) -> String {
    presentable(&text).chars().take(LINE_CHARS).collect()
}

/// What the live version read, as it read it, and the store behind it.
struct Remembered<'e> {
    world: World<'e>,
    seen: Vec<(Question, Answer)>,
}

impl Remembered<'_> {
    fn recall(&self, question: &Question) -> Option<Answer> {
        self.seen.iter().find(|(asked, _)| asked == question).map(|(_, answer)| answer.clone())
    }
}

impl Surroundings for Remembered<'_> {
    fn state_get<'a>(&'a mut self, scope: Scope, key: &'a str) -> Reading<'a, Option<Vec<u8>>> {
        match self.recall(&Question::State(scope, key.to_owned())) {
            Some(Answer::State(value)) => std::future::ready(Ok(value)).boxed(),
            _ => self.world.state_get(scope, key),
        }
    }

    fn state_list<'a>(
        &'a mut self,
        scope: Scope,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> Reading<'a, Vec<(String, Vec<u8>)>> {
        match self.recall(&Question::List(scope, prefix.to_owned(), after.map(str::to_owned), limit)) {
            Some(Answer::List(found)) => std::future::ready(Ok(found)).boxed(),
            _ => self.world.state_list(scope, prefix, after, limit),
        }
    }

    fn recent(&mut self, limit: usize) -> Reading<'_, Vec<PastMessage>> {
        match self.recall(&Question::Recent(limit)) {
            Some(Answer::Recent(messages)) => std::future::ready(Ok(messages)).boxed(),
            _ => self.world.recent(limit),
        }
    }

    fn contact<'a>(&'a mut self, address: &'a str) -> Reading<'a, Contact> {
        match self.recall(&Question::Contact(address.to_owned())) {
            Some(Answer::Contact(contact)) => std::future::ready(Ok(contact)).boxed(),
            _ => self.world.contact(address),
        }
    }

    /// What the live version asked for, it is told, too; but nothing leaves on behalf of a version that only watches.
    fn http(&mut self, request: HttpRequest) -> Reading<'_, HttpResult> {
        let denied = || Err(HttpFailure::Denied("a shadow sends no request that the live version didn't".to_owned()));
        let result = match self.recall(&Question::Http(request)) {
            Some(Answer::Http(result)) => result,
            _ => denied(),
        };
        std::future::ready(Ok(result)).boxed()
    }
}

/// An event that outlives the step in which it was shown.
struct OwnedEvent {
    kind: OwnedKind,
    /// Texts, in an order that each kind knows.
    texts: Vec<String>,
    attributes: Vec<(String, String)>,
    at: u64,
}

enum OwnedKind {
    Message,
    Draft { channel: &'static str, origin: String, category: String },
    Receipt { is_final: bool, error_class: Option<String>, carrier_code: Option<String> },
    Timer { payload: Vec<u8> },
}

impl OwnedEvent {
    fn new(event: &guest::Event<'_>) -> Self {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let attributes =
            |all: &[guest::Attribute<'_>]| all.iter().map(|one| (one.name.to_owned(), one.value.to_owned())).collect();
        match event {
            guest::Event::Message(m) => Self {
                kind: OwnedKind::Message,
                texts: own(&[m.id, m.channel, m.sender, m.recipient, m.text]),
                attributes: attributes(m.attributes),
                at: m.received_at,
            },
            guest::Event::Draft(d) => Self {
                kind: OwnedKind::Draft {
                    channel: if d.channel == "mms" { "mms" } else { "sms" },
                    origin: d.origin.to_owned(),
                    category: d.category.to_owned(),
                },
                texts: own(&[d.id, d.sender, d.recipient, d.text]),
                attributes: attributes(d.attributes),
                at: d.accepted_at,
            },
            guest::Event::Receipt(r) => Self {
                kind: OwnedKind::Receipt {
                    is_final: r.is_final,
                    error_class: r.error_class.map(str::to_owned),
                    carrier_code: r.carrier_code.map(str::to_owned),
                },
                texts: own(&[r.message, r.channel, r.sender, r.recipient, r.status]),
                attributes: attributes(r.attributes),
                at: r.changed_at,
            },
            guest::Event::Timer(t) => Self {
                kind: OwnedKind::Timer { payload: t.payload.to_vec() },
                texts: own(&[t.name, t.conversation.number, t.conversation.contact]),
                attributes: attributes(t.attributes),
                at: t.due_at,
            },
        }
    }

    fn attributes(&self) -> Vec<guest::Attribute<'_>> {
        self.attributes.iter().map(|(name, value)| guest::Attribute { name, value }).collect()
    }

    fn borrow<'a>(&'a self, attributes: &'a [guest::Attribute<'a>]) -> guest::Event<'a> {
        let text = |i: usize| self.texts[i].as_str();
        match &self.kind {
            OwnedKind::Message => guest::Event::Message(guest::InboundMessage {
                id: text(0),
                channel: text(1),
                sender: text(2),
                recipient: text(3),
                text: text(4),
                media: &[],
                received_at: self.at,
                attributes,
            }),
            OwnedKind::Draft { channel, origin, category } => guest::Event::Draft(guest::OutboundDraft {
                id: text(0),
                channel,
                origin,
                category,
                sender: text(1),
                recipient: text(2),
                text: text(3),
                media: &[],
                accepted_at: self.at,
                attributes,
            }),
            OwnedKind::Receipt { is_final, error_class, carrier_code } => guest::Event::Receipt(guest::Receipt {
                message: text(0),
                channel: text(1),
                sender: text(2),
                recipient: text(3),
                status: text(4),
                is_final: *is_final,
                error_class: error_class.as_deref(),
                carrier_code: carrier_code.as_deref(),
                changed_at: self.at,
                attributes,
            }),
            OwnedKind::Timer { payload } => guest::Event::Timer(guest::Timer {
                name: text(0),
                conversation: guest::Conversation { number: text(1), contact: text(2) },
                payload,
                due_at: self.at,
                attributes,
            }),
        }
    }
}
