//! Handlers: one event of the path, shown to the tenant's component.

use std::sync::Arc;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signalbox_guest::{
    self as guest, Contact, FailureKind, HttpRequest, HttpResult, Invocation, Kind, MessageIds, PastMessage, Reading,
    Scope, SendPlace, Surroundings, Unavailable,
};
use signalbox_model::conversation::stable_hash;
use signalbox_model::event::Queued;
use signalbox_model::handler::EventKind;
use signalbox_model::timeline::{HandlerMark, Note, NoteValue};
use signalbox_model::{
    Address, Category, Conversation, ConversationId, Direction, InvocationId, MessageId, Partition, TenantId, Timestamp,
};
use signalbox_registry::{self as registry, Level, Permission};
use signalbox_store::{Range, Table, layout};

use crate::assign::Taker;
use crate::contacts;
use crate::directory::Kit;
use crate::engine::Engine;
use crate::error::Error;
use crate::health::End;
use crate::hot::Live;
use crate::logs::Said;
use crate::outbound::Permit;
use crate::shadow::{Answer, Question};
use crate::{recordings, rollback, shadow, shown};

/// A value of a handler's state, as it lies in the store.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StateRow {
    pub(crate) value: Vec<u8>,
    pub(crate) expires_at: Option<u64>,
    /// Which change made it: no other of the same key has the same, and none has 0. A conversation's own state has none:
    /// nobody else writes it.
    pub(crate) version: u64,
}

/// A value of a handler's state as it lies under `key`, opened; `None` if it was erased.
pub(crate) async fn read_state(engine: &Engine, key: &[u8], row: &[u8]) -> Result<Option<StateRow>, Error> {
    if !layout::is_sealed(row) {
        return Ok(Some(layout::decode(Table::State, row)?));
    }
    let sealed: StateRow = layout::decode_as(layout::SEALED, Table::State, row)?;
    let value = engine.open_words(Table::State, key, &sealed.value).await?;
    Ok(value.map(|value| StateRow { value, ..sealed }))
}

/// What a run saw of its tenant's state: keys as they are stored, with their versions; 0 where there was nothing.
pub(crate) type Seen = Vec<(Vec<u8>, u64)>;

/// Shows `event` to its taker. Nothing has happened when it returns: effects are committed by the caller, or not.
/// With it comes what was seen of the tenant's state.
pub(crate) async fn call(
    engine: &Arc<Engine>,
    taker: &Taker,
    queued: &Queued,
    conversation: &Conversation,
    about: Option<MessageId>,
    id: InvocationId,
    event: guest::Event<'_>,
) -> (guest::Outcome, Seen) {
    let (handler, version) = (&taker.handler, &taker.version);
    let kind = event_kind(event.kind());
    let event_id = queued.id.to_string();
    let seed = seed(queued, &version.meta.digest);
    let kit = handler.kit(version);
    let invocation = invocation(engine, taker, &kit, queued, conversation, &event_id, seed, event);
    engine.metrics.invocations.inc();
    let place = shadow::place(engine, taker, kind);
    let seen = place.as_ref().map(|_| Vec::new());
    let permit = permit(taker, &kit);
    let mut world =
        World { engine, conversation, id: conversation.id(), about, now: queued.at, permit, seen, shared: Seen::new() };
    // Boxed: a guest's whole call is kilobytes of state, which would be moved about with the step that makes it.
    let outcome = if recordings::wants(handler.recording.mode) {
        let is_kept = |outcome: &guest::Outcome| recordings::is_kept(handler.recording.mode, queued.id, outcome);
        let recorded = Box::pin(engine.host.record_if(&taker.code, &invocation, &mut world, is_kept));
        let (outcome, recording) = recorded.await;
        recordings::keep(engine, conversation, taker, queued, (id, kind), &outcome, recording);
        outcome
    } else {
        Box::pin(engine.host.invoke(&taker.code, &invocation, &mut world)).await
    };
    let shared = std::mem::take(&mut world.shared);
    let seen = world.seen.take().unwrap_or_default();
    let now = engine.clock.now();
    let (logs, usage, failure) = match &outcome {
        Ok(completed) => (&completed.logs, &completed.usage, None),
        Err(failure) => {
            engine.metrics.handler_failures.inc();
            (&failure.logs, &failure.usage, Some(failure.message.as_str()))
        }
    };
    let said = Said {
        tenant: &conversation.tenant,
        handler: &handler.meta.name,
        version: &version.label,
        event: queued.id,
        kind,
        attempt: queued.attempts + 1,
        at: now,
    };
    engine.logs.keep(&said, logs, failure);
    handler.tally.run(now, usage, failure.is_some());
    let end = end(&outcome);
    version.health.lock().note(end, queued.attempts == 0, now, &engine.config);
    if end != End::Well {
        rollback::suspect(engine, taker, now);
    }
    if let Some(place) = place {
        let live = shadow::Live { conversation, queued, about, seed, seen, event: &event, outcome: &outcome };
        shadow::show(engine, taker, place, live);
    }
    (outcome, shared)
}

/// Where a version may send HTTP requests.
pub(crate) fn permit<'a>(taker: &'a Taker, kit: &'a Kit) -> Permit<'a> {
    Permit { manifest: taker.version.manifest.as_ref(), granted: &taker.handler.hosts, secrets: &kit.secrets }
}

/// What a version of a handler is called with.
#[expect(clippy::too_many_arguments, reason = "they are what an invocation is made of")]
pub(crate) fn invocation<'a>(
    engine: &Engine,
    taker: &Taker,
    kit: &Kit,
    queued: &Queued,
    conversation: &Conversation,
    event_id: &'a str,
    seed: [u8; 32],
    event: guest::Event<'a>,
) -> Invocation<'a> {
    let limits = taker.handler.caps.grant(taker.version.manifest.as_ref(), event.kind());
    Invocation {
        event,
        event_id,
        attempt: u32::from(queued.attempts) + 1,
        // The event's own time: a second attempt sees the same clock.
        now: queued.at.as_micros(),
        seed,
        limits,
        settings: kit.settings.clone(),
        secrets: kit.held.clone(),
        ids: Arc::new(Ids { tenant: conversation.tenant.clone(), partitions: engine.store.partitions() }),
    }
}

/// What a run says of its version.
fn end(outcome: &guest::Outcome) -> End {
    match outcome.as_ref().map_err(|failure| &failure.kind) {
        Ok(_) => End::Well,
        Err(FailureKind::Reject) => End::TurnedDown,
        Err(FailureKind::Unavailable | FailureKind::NotExported) => End::HostFailed,
        Err(_) => End::Failed,
    }
}

/// The same kind, as the rest of the house calls it.
pub(crate) const fn event_kind(kind: Kind) -> EventKind {
    match kind {
        Kind::Message => EventKind::Message,
        Kind::Draft => EventKind::Draft,
        Kind::Receipt => EventKind::Receipt,
        Kind::Timer => EventKind::Timer,
    }
}

/// The id of a run that is about to be.
pub(crate) fn run_id(engine: &Engine, partition: Partition) -> InvocationId {
    InvocationId::new(engine.clock.now(), partition, &engine.chance)
}

/// The record of a run.
pub(crate) fn mark(
    taker: &Taker,
    queued: &Queued,
    invocation: InvocationId,
    action: impl Into<String>,
    usage: &guest::Usage,
    notes: &[guest::Note],
) -> HandlerMark {
    HandlerMark {
        name: taker.handler.meta.name.clone(),
        version: taker.version.label.clone(),
        invocation,
        event: queued.id,
        action: action.into(),
        route: None,
        cpu_us: u32::try_from(usage.cpu.as_micros()).unwrap_or(u32::MAX),
        notes: notes.iter().map(note).collect(),
    }
}

fn note(note: &guest::Note) -> Note {
    match note {
        guest::Note::Label(name) => Note { key: "label".to_owned(), value: NoteValue::Label(name.clone()) },
        guest::Note::Number(key, number) => Note { key: key.clone(), value: NoteValue::Number(*number) },
        guest::Note::Text(key, text) => Note { key: key.clone(), value: NoteValue::Text(text.clone()) },
    }
}

/// What the guest's randomness comes from: the same for each attempt at an event, another for each event and version.
fn seed(queued: &Queued, digest: &str) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"signalbox seed");
    hash.update(queued.id.as_bytes());
    hash.update(digest.as_bytes());
    hash.finalize().into()
}

/// Derives the ids of messages that a handler sends, so that a second attempt comes to the same ones.
struct Ids {
    tenant: TenantId,
    partitions: u16,
}

impl MessageIds for Ids {
    fn message_id(&self, place: &SendPlace<'_>) -> String {
        let home = conversation(&self.tenant, place.sender, place.recipient)
            .map_or(Partition::new(0), |conversation| conversation.id().partition(self.partitions));
        let hash = stable_hash(&[b"send", place.event_id.as_bytes(), &place.ordinal.to_be_bytes()]);
        let chance = u64::from_be_bytes(hash[..8].try_into().expect("eight of sixteen bytes"));
        MessageId::derived(Timestamp::from_micros(place.happened_at), home, chance).to_string()
    }
}

fn conversation(tenant: &TenantId, ours: &str, theirs: &str) -> Option<Conversation> {
    Some(Conversation { tenant: tenant.clone(), ours: ours.parse().ok()?, theirs: theirs.parse().ok()? })
}

/// The scope of a handler's state in the store, and the partition in which it lives.
pub(crate) fn scope(engine: &Engine, conversation: &Conversation, scope: Scope) -> (layout::Scope, Partition) {
    let tenant = conversation.tenant.as_str().as_bytes();
    let partitions = engine.store.partitions();
    match scope {
        Scope::Conversation => {
            let id = conversation.id();
            (layout::Scope::Conversation(id), id.partition(partitions))
        }
        Scope::Contact => {
            let hash = contacts::hash(&conversation.tenant, &conversation.theirs);
            (layout::Scope::Contact(hash), Partition::of_hash(&hash, partitions))
        }
        Scope::Tenant => {
            let hash = stable_hash(&[b"tenant", tenant]);
            (layout::Scope::Tenant(hash), Partition::of_hash(&hash, partitions))
        }
    }
}

fn past_message(live: &Live) -> PastMessage {
    PastMessage {
        id: live.message.id.to_string(),
        inbound: live.message.direction == Direction::Inbound,
        text: live.message.body.text.clone(),
        status: live.head.status.as_str().replace('_', "-"),
        at: live.message.accepted_at.as_micros(),
        attributes: shown::past_attributes(&live.message),
    }
}

/// What a guest can read.
pub(crate) struct World<'e> {
    pub(crate) engine: &'e Engine,
    pub(crate) conversation: &'e Conversation,
    pub(crate) id: ConversationId,
    /// The message of the event, which is not part of its own past.
    pub(crate) about: Option<MessageId>,
    pub(crate) now: Timestamp,
    pub(crate) permit: Permit<'e>,
    /// What was read, where somebody wants to know it afterwards.
    pub(crate) seen: Option<Vec<(Question, Answer)>>,
    /// What was read of the tenant's state.
    pub(crate) shared: Seen,
}

impl World<'_> {
    fn note(&mut self, question: impl FnOnce() -> Question, answer: impl FnOnce() -> Answer) {
        if let Some(seen) = &mut self.seen {
            seen.push((question(), answer()));
        }
    }

    /// The value of a row, if it isn't past its time.
    async fn alive(
        &mut self,
        in_scope: Scope,
        key: &[u8],
        bytes: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, Unavailable> {
        let row = match bytes {
            Some(bytes) => read_state(self.engine, key, bytes).await.map_err(unavailable)?,
            None => None,
        };
        if in_scope == Scope::Tenant {
            self.shared.push((key.to_vec(), row.as_ref().map_or(0, |row| row.version)));
        }
        let Some(row) = row else { return Ok(None) };
        let gone = row.expires_at.is_some_and(|at| at <= self.now.as_micros());
        Ok((!gone).then_some(row.value))
    }
}

fn unavailable(error: impl std::fmt::Display) -> Unavailable {
    Unavailable(error.to_string())
}

impl Surroundings for World<'_> {
    fn state_get<'a>(&'a mut self, in_scope: Scope, key: &'a str) -> Reading<'a, Option<Vec<u8>>> {
        async move {
            let (place, home) = scope(self.engine, self.conversation, in_scope);
            let stored = layout::state_key(place, key);
            let row = self.engine.store.get(home, Table::State, stored.clone()).await.map_err(unavailable)?;
            let value = self.alive(in_scope, &stored, row.as_deref()).await?;
            self.note(|| Question::State(in_scope, key.to_owned()), || Answer::State(value.clone()));
            Ok(value)
        }
        .boxed()
    }

    fn state_list<'a>(
        &'a mut self,
        in_scope: Scope,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> Reading<'a, Vec<(String, Vec<u8>)>> {
        async move {
            let (place, home) = scope(self.engine, self.conversation, in_scope);
            let mut range = Range::prefix(Table::State, layout::state_key(place, prefix), limit);
            if let Some(after) = after.filter(|after| *after >= prefix) {
                range = range.resume(layout::state_key(place, after));
            }
            let mut found = Vec::new();
            loop {
                let page = self.engine.store.range(home, range.clone()).await.map_err(unavailable)?;
                for (key, bytes) in &page {
                    if let Some(value) = self.alive(in_scope, key, Some(bytes)).await? {
                        // A scope's tag and hash stand before the name.
                        found.push((String::from_utf8_lossy(&key[17..]).into_owned(), value));
                    }
                }
                match page.last() {
                    Some((last, _)) if page.len() == limit && found.len() < limit => range = range.resume(last.clone()),
                    _ => break,
                }
            }
            found.truncate(limit);
            let question = || Question::List(in_scope, prefix.to_owned(), after.map(str::to_owned), limit);
            self.note(question, || Answer::List(found.clone()));
            Ok(found)
        }
        .boxed()
    }

    fn recent(&mut self, limit: usize) -> Reading<'_, Vec<PastMessage>> {
        async move {
            let store = &*self.engine.store;
            let past = signalbox_records::history::pointers(store, self.id, limit + 1).await.map_err(unavailable)?;
            let past = past.into_iter().map(|(id, _)| id).filter(|id| Some(*id) != self.about).take(limit);
            let mut messages = Vec::new();
            for id in past {
                let live = self.engine.live(&self.conversation.tenant, id).await.map_err(unavailable)?;
                messages.extend(live.as_ref().map(past_message));
            }
            self.note(|| Question::Recent(limit), || Answer::Recent(messages.clone()));
            Ok(messages)
        }
        .boxed()
    }

    fn contact<'a>(&'a mut self, address: &'a str) -> Reading<'a, Contact> {
        async move {
            let theirs: Address = address.parse().map_err(unavailable)?;
            let Conversation { tenant, ours, .. } = &self.conversation;
            let asked = registry::Question::new(tenant, ours, None, &theirs, Category::Conversational);
            let permission = self.engine.consent.permission(asked).await.map_err(unavailable)?;
            let consent = match permission {
                Permission { revoked: Some(_), .. } => "opted-out",
                Permission { level: Level::None, .. } => "none",
                Permission { .. } => "granted",
            };
            let recorded =
                contacts::read(self.engine, &self.conversation.tenant, &theirs).await.map_err(unavailable)?;
            let contacts::Contact { time_zone, attributes } = recorded.unwrap_or_default();
            let time_zone = time_zone.or_else(|| contacts::likely_zone(self.engine, &theirs, &attributes));
            let contact = Contact {
                address: address.to_owned(),
                consent: consent.to_owned(),
                time_zone,
                attributes: attributes.into_iter().collect(),
            };
            self.note(|| Question::Contact(address.to_owned()), || Answer::Contact(contact.clone()));
            Ok(contact)
        }
        .boxed()
    }

    fn http(&mut self, request: HttpRequest) -> Reading<'_, HttpResult> {
        async move {
            let asked = self.seen.is_some().then(|| request.clone());
            let result = self.permit.send(&*self.engine.outbound, request).await;
            if let Some(asked) = asked {
                self.note(|| Question::Http(asked), || Answer::Http(result.clone()));
            }
            Ok(result)
        }
        .boxed()
    }
}
