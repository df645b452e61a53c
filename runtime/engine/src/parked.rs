//! Parked: events that had their attempts and wait for a person to look at them.

use std::str::FromStr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_model::event::Queued;
use signalbox_model::handler::EventKind;
use signalbox_model::{ConversationId, Event, EventId, MessageId, Partition, TenantId, Timestamp};
use signalbox_store::{Expect, Range, Table, layout};

use crate::engine::Engine;
use crate::error::Error;
use crate::step::Step;

/// Rows of a partition that are read at a time.
const PAGE: usize = 256;
/// The most events of a page, and the most that one call tries again.
pub const MAX_PAGE: usize = 100;
/// The most events that one call tries again; the next call goes on.
pub const MAX_RETRIES: usize = 10_000;

/// An event that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    pub(crate) queued: Queued,
    /// The handler that failed.
    pub handler: String,
    /// Its version's digest.
    pub digest: String,
    /// What its tenant reads.
    pub error: String,
    /// When it was given up.
    pub at: Timestamp,
}

impl Parked {
    pub(crate) fn new(queued: Queued, handler: String, digest: String, error: String, at: Timestamp) -> Self {
        Self { queued, handler, digest, error, at }
    }

    /// The event.
    pub fn id(&self) -> EventId {
        self.queued.id
    }

    /// Whose event it is.
    pub(crate) fn conversation(&self) -> ConversationId {
        self.queued.event.conversation()
    }

    /// How often it was tried.
    pub fn attempts(&self) -> u8 {
        self.queued.attempts
    }

    /// Its kind.
    pub fn kind(&self) -> EventKind {
        match self.queued.event {
            Event::StatusChange { .. } => EventKind::Receipt,
            Event::Timer { .. } => EventKind::Timer,
            Event::Outbound { .. } => EventKind::Draft,
            _ => EventKind::Message,
        }
    }

    /// The message that it is about, if it is about one.
    pub fn message(&self) -> Option<MessageId> {
        match self.queued.event {
            Event::Outbound { message, .. } | Event::Inbound { message, .. } | Event::StatusChange { message, .. } => {
                Some(message)
            }
            _ => None,
        }
    }

    /// The timer's name, if it is one.
    pub fn timer(&self) -> Option<&str> {
        match &self.queued.event {
            Event::Timer { name, .. } => Some(name),
            _ => None,
        }
    }
}

/// Which parked events.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those of this handler.
    pub handler: Option<String>,
    /// Those of this kind.
    pub kind: Option<EventKind>,
    /// Those given up at or after this.
    pub after: Option<Timestamp>,
    /// Those given up before this.
    pub before: Option<Timestamp>,
    /// Those whose version isn't the live one any more.
    pub after_deploy: bool,
}

/// Where a page goes on: behind this event, downward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParkedCursor(EventId);

impl FromStr for ParkedCursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| "is no cursor: give the `next_cursor` of the page before".to_owned())
    }
}

impl std::fmt::Display for ParkedCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Parked events, those that happened last first.
#[derive(Debug, Clone)]
pub struct ParkedPage {
    /// The events.
    pub events: Vec<Parked>,
    /// Where the next page begins, if there is one.
    pub next: Option<ParkedCursor>,
}

/// A parked event in either form; what a timer was to say is as it lies.
pub(crate) fn read_row(row: &[u8]) -> Result<Parked, layout::Unreadable> {
    if layout::is_sealed(row) {
        layout::decode_as(layout::SEALED, Table::ParkedEvent, row)
    } else {
        layout::decode(Table::ParkedEvent, row)
    }
}

/// Writes an event that was given up.
pub(crate) async fn stage(
    engine: &Engine,
    step: &mut Step<'_>,
    tenant: &TenantId,
    mut parked: Parked,
) -> Result<(), Error> {
    let key = layout::parked_event_key(tenant, parked.id());
    let mut row = layout::encode(&parked);
    if let Event::Timer { conversation, payload, .. } = &mut parked.queued.event
        && let Some(sealed) = engine.seal_in(conversation, (Table::ParkedEvent, &key), payload).await?
    {
        *payload = sealed;
        row = layout::encode_as(layout::SEALED, &parked);
    }
    step.batch.put(Table::ParkedEvent, key, row);
    Ok(())
}

fn fits(engine: &Engine, tenant: &TenantId, filter: &Filter, parked: &Parked) -> bool {
    let is_stale = || {
        let account = engine.directory.account(tenant);
        let live = account.and_then(|account| Some(account.handlers.get(&parked.handler)?.meta.live.clone()));
        live.is_some_and(|live| live != parked.digest)
    };
    filter.handler.as_ref().is_none_or(|handler| *handler == parked.handler)
        && filter.kind.is_none_or(|kind| kind == parked.kind())
        && filter.after.is_none_or(|after| parked.at >= after)
        && filter.before.is_none_or(|before| parked.at < before)
        && (!filter.after_deploy || is_stale())
}

/// Up to `most` events of a partition that fit, newest first, behind `cursor`.
async fn of_partition(
    engine: &Engine,
    tenant: &TenantId,
    partition: Partition,
    filter: &Filter,
    cursor: Option<ParkedCursor>,
    most: usize,
) -> Result<Vec<Parked>, Error> {
    let mut range = Range::prefix(Table::ParkedEvent, layout::tenant_prefix(tenant), PAGE).reversed();
    if let Some(ParkedCursor(last)) = cursor {
        range = range.resume(layout::parked_event_key(tenant, last));
    }
    let mut found = Vec::new();
    loop {
        let page = engine.store.range(partition, range.clone()).await?;
        for (_, value) in &page {
            let parked = read_row(value)?;
            if fits(engine, tenant, filter, &parked) {
                found.push(parked);
            }
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE && found.len() < most => range = range.resume(last.clone()),
            _ => {
                found.truncate(most);
                return Ok(found);
            }
        }
    }
}

/// A tenant's parked events, those that happened last first.
pub(crate) async fn list(
    engine: &Engine,
    tenant: &TenantId,
    filter: &Filter,
    cursor: Option<ParkedCursor>,
    limit: usize,
) -> Result<ParkedPage, Error> {
    let limit = limit.clamp(1, MAX_PAGE);
    let mut events = Vec::new();
    for partition in (0..engine.store.partitions()).map(Partition::new) {
        events.extend(of_partition(engine, tenant, partition, filter, cursor, limit + 1).await?);
    }
    events.sort_by_key(|parked| std::cmp::Reverse(parked.id()));
    let more = events.len() > limit;
    events.truncate(limit);
    let next = events.last().filter(|_| more).map(|last| ParkedCursor(last.id()));
    Ok(ParkedPage { events, next })
}

/// Tries an event again, with the version that answers now; `false` if it isn't parked.
pub(crate) async fn retry(engine: &Engine, tenant: &TenantId, event: EventId) -> Result<bool, Error> {
    let Some((partition, key, row)) = find(engine, tenant, event).await? else { return Ok(false) };
    let mut parked = read_row(&row)?;
    if layout::is_sealed(&row)
        && let Event::Timer { payload, .. } = &mut parked.queued.event
    {
        let opened = engine.open_words(Table::ParkedEvent, &key, payload).await?;
        let Some(opened) = opened else { return Ok(false) };
        *payload = opened;
    }
    let mut step = Step::new(engine, partition);
    step.batch.check(Table::ParkedEvent, key.clone(), Expect::Equals(row));
    step.batch.delete(Table::ParkedEvent, key);
    // The same event under the same id: what it sends has the ids that it would have had.
    let queued = Queued { attempts: 0, not_before: step.at, ..parked.queued };
    step.queue(partition, &queued);
    landed(step).await
}

/// Forgets an event; `false` if it isn't parked.
pub(crate) async fn discard(engine: &Engine, tenant: &TenantId, event: EventId) -> Result<bool, Error> {
    let Some((partition, key, row)) = find(engine, tenant, event).await? else { return Ok(false) };
    let mut step = Step::new(engine, partition);
    step.batch.check(Table::ParkedEvent, key.clone(), Expect::Equals(row));
    step.batch.delete(Table::ParkedEvent, key);
    landed(step).await
}

/// Tries every event again that fits, oldest first within a partition; how many, and whether there are more.
pub(crate) async fn retry_all(engine: &Engine, tenant: &TenantId, filter: &Filter) -> Result<(usize, bool), Error> {
    let mut retried = 0;
    for partition in (0..engine.store.partitions()).map(Partition::new) {
        let mut events = of_partition(engine, tenant, partition, filter, None, MAX_RETRIES + 1).await?;
        // In the order in which they happened: a conversation's events take their turns in it.
        events.reverse();
        for parked in events {
            if retried == MAX_RETRIES {
                return Ok((retried, true));
            }
            retried += usize::from(retry(engine, tenant, parked.id()).await?);
        }
    }
    Ok((retried, false))
}

/// Where an event is parked, and how.
async fn find(engine: &Engine, tenant: &TenantId, event: EventId) -> Result<Option<(Partition, Bytes, Bytes)>, Error> {
    let partition = event.partition();
    if partition.index() >= engine.store.partitions() {
        return Ok(None);
    }
    let key = layout::parked_event_key(tenant, event);
    let row = engine.store.get(partition, Table::ParkedEvent, key.clone()).await?;
    Ok(row.map(|row| (partition, key, row)))
}

/// Commits; `false` if somebody else was faster.
async fn landed(step: Step<'_>) -> Result<bool, Error> {
    match step.commit().await {
        Ok(_) => Ok(true),
        Err(Error::Store(signalbox_store::Error::Conflict { .. })) => Ok(false),
        Err(error) => Err(error),
    }
}
