//! Timers: what is due comes back to the path.
//!
//! ```text
//! held message ─► its conversation's turn again       handler's timer ─► event in the inbox
//! event that failed ─► its turn again                 parts, receipts ─► the wait for them ran out
//! ```

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use signalbox_model::event::Queued;
use signalbox_model::{Conversation, ConversationId, Event, EventId, MessageId, Partition, TenantId, Timestamp};
use signalbox_store::{Expect, InboxSeq, Range, Table, layout};
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::error::Error;
use crate::step::Step;
use crate::turns::{self, Pending};
use crate::wheel::Ticket;
use crate::{counted, early, egress, idempotency, inbound};

/// What is due.
#[derive(Debug)]
pub(crate) enum Due {
    /// A conversation whose event had to wait.
    Turn {
        /// Where.
        partition: Partition,
        /// Which.
        conversation: ConversationId,
    },
    /// A held message.
    Held {
        /// Whose.
        tenant: TenantId,
        /// Which.
        message: MessageId,
        /// Its place in the inbox.
        seq: InboxSeq,
    },
    /// A held message that is to be looked at before its time: what it is held for has changed.
    Called {
        /// Whose.
        tenant: TenantId,
        /// Which.
        message: MessageId,
        /// Its place in the inbox.
        seq: InboxSeq,
    },
    /// A message, with what is behind it in its conversation, whose carrier was busy.
    Busy {
        /// Which.
        carrier: Arc<str>,
        /// Whose.
        conversation: ConversationId,
    },
    /// A handler's timer.
    Timer {
        /// Where.
        partition: Partition,
        /// Its key in the store.
        key: Bytes,
        /// The time it was set to, by which a replaced one is told.
        at: Timestamp,
    },
    /// The wait for the missing parts of a long message.
    Parts {
        /// Where.
        partition: Partition,
        /// Their key in the store.
        key: Bytes,
    },
    /// Time to look for receipts whose message wasn't found.
    ParkedReceipts,
    /// Time to forget what was kept long enough.
    Housekeeping,
}

/// Handlers' timers that are on the wheel, by partition and key: one that is replaced is called off, so that memory
/// holds one for each, however often it is set.
#[derive(Default)]
pub(crate) struct HandlerTimers(Mutex<HashMap<(Partition, Bytes), Ticket>>);

impl HandlerTimers {
    /// Puts a timer on the wheel in place of the one that was there.
    pub(crate) fn set(&self, engine: &Engine, partition: Partition, key: Bytes, at: Timestamp) {
        let mut timers = self.0.lock();
        let ticket = engine.wheel.set(at, Due::Timer { partition, key: key.clone(), at });
        if let Some(replaced) = timers.insert((partition, key), ticket) {
            engine.wheel.call_off(replaced);
        }
    }

    /// Takes a timer off the wheel.
    pub(crate) fn unset(&self, engine: &Engine, partition: Partition, key: Bytes) {
        if let Some(ticket) = self.0.lock().remove(&(partition, key)) {
            engine.wheel.call_off(ticket);
        }
    }
}

/// A handler's timer as it lies in the store.
#[derive(Debug, Serialize, Deserialize)]
struct TimerRow {
    conversation: Conversation,
    name: String,
    at: Timestamp,
    /// Sealed in rows that say so.
    payload: Vec<u8>,
    depth: u8,
}

/// When a handler's timer comes, and how many handlers' sends and soon timers led to it.
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    pub(crate) depth: u8,
}

/// A timer's row in either form; its payload is as it lies.
fn read_row(row: &[u8]) -> Result<TimerRow, Error> {
    let form = if layout::is_sealed(row) {
        layout::decode_as(layout::SEALED, Table::Timer, row)
    } else {
        layout::decode(Table::Timer, row)
    };
    Ok(form?)
}

/// How often the host forgets what was kept long enough.
const HOUSEKEEPING: Duration = Duration::from_secs(3_600);

/// How often parked receipts are looked through for those whose wait ran out.
const PARKED_SWEEP: Duration = Duration::from_secs(30);

/// Brings back what is due, for as long as the host runs.
pub(crate) async fn run(engine: Arc<Engine>, stop: CancellationToken) {
    engine.wheel.set(engine.clock.now() + HOUSEKEEPING, Due::Housekeeping);
    engine.wheel.set(engine.clock.now() + PARKED_SWEEP, Due::ParkedReceipts);
    loop {
        let due = tokio::select! {
            due = engine.wheel.next() => due,
            () = stop.cancelled() => return,
        };
        if let Some(Err(error)) = engine.caught("bringing back what is due", handle(&engine, due)).await {
            engine.step_failed("bringing back what is due", &error);
        }
    }
}

async fn handle(engine: &Arc<Engine>, due: Due) -> Result<(), Error> {
    match due {
        Due::Turn { partition, conversation } => turns::resume(engine, partition, conversation),
        Due::Held { tenant, message, seq } => release(engine, tenant, (message, seq), false).await?,
        Due::Called { tenant, message, seq } => release(engine, tenant, (message, seq), true).await?,
        Due::Busy { carrier, conversation } => egress::resume(engine, &carrier, conversation),
        Due::Timer { partition, key, at } => fire(engine, partition, key, at).await?,
        Due::Parts { partition, key } => inbound::give_up_parts(engine, partition, key).await?,
        Due::ParkedReceipts => {
            engine.wheel.set(engine.clock.now() + PARKED_SWEEP, Due::ParkedReceipts);
            early::give_up(engine).await?;
        }
        Due::Housekeeping => {
            engine.wheel.set(engine.clock.now() + HOUSEKEEPING, Due::Housekeeping);
            for partition in (0..engine.store.partitions()).map(Partition::new) {
                idempotency::forget_old(engine, partition).await?;
            }
            counted::forget_old(engine).await?;
        }
    }
    Ok(())
}

/// A held message goes through its conversation again.
async fn release(
    engine: &Arc<Engine>,
    tenant: TenantId,
    (message, seq): (MessageId, InboxSeq),
    called: bool,
) -> Result<(), Error> {
    let Some(live) = engine.live(&tenant, message).await? else { return Ok(()) };
    let conversation = live.message.conversation_id();
    let partition = message.partition();
    let now = engine.clock.now();
    let event = Event::Outbound { tenant, message, conversation };
    let id = EventId::derived(live.message.accepted_at, partition, seq.0);
    let queued = Queued { id, at: live.message.accepted_at, attempts: 0, not_before: now, event };
    engine.turns.add(engine, partition, Pending { seq, queued, pin: None, proposed: None, called, panics: 0 });
    Ok(())
}

/// Writes a handler's timer; one of the same name in the conversation is replaced.
pub(crate) async fn stage_set(
    engine: &Engine,
    step: &mut Step<'_>,
    conversation: &Conversation,
    name: &str,
    Moment { at, depth }: Moment,
    payload: Vec<u8>,
) -> Result<(), Error> {
    let key = layout::timer_key(conversation.id(), name);
    let row = TimerRow { conversation: conversation.clone(), name: name.to_owned(), at, payload, depth };
    let row = match engine.seal_in(conversation, (Table::Timer, &key), &row.payload).await? {
        Some(payload) => layout::encode_as(layout::SEALED, &TimerRow { payload, ..row }),
        None => layout::encode(&row),
    };
    step.batch.put(Table::Timer, key.clone(), row);
    step.set_timer(key, at);
    Ok(())
}

/// Unsets a handler's timer.
pub(crate) fn stage_cancel(step: &mut Step<'_>, conversation: &Conversation, name: &str) {
    let key = layout::timer_key(conversation.id(), name);
    step.batch.delete(Table::Timer, key.clone());
    step.unset_timer(key);
}

/// A handler's timer has come: it leaves the timers and enters the inbox in one commit.
async fn fire(engine: &Engine, partition: Partition, key: Bytes, at: Timestamp) -> Result<(), Error> {
    let Some(value) = engine.store.get(partition, Table::Timer, key.clone()).await? else { return Ok(()) };
    let mut row = read_row(&value)?;
    if row.at != at {
        return Ok(());
    }
    if layout::is_sealed(&value) {
        // One that was erased comes without what it was to say: its row is on its way out.
        let Some(payload) = engine.open_words(Table::Timer, &key, &row.payload).await? else { return Ok(()) };
        row.payload = payload;
    }
    let mut step = Step::new(engine, partition);
    step.batch.check(Table::Timer, key.clone(), Expect::Equals(value));
    step.batch.delete(Table::Timer, key.clone());
    step.unset_timer(key);
    let TimerRow { conversation, name, at: due, payload, depth } = row;
    step.event(partition, Event::Timer { conversation, name, due, payload, depth });
    match step.commit().await {
        // Replaced or unset meanwhile: whoever did that set its own time.
        Err(Error::Store(signalbox_store::Error::Conflict { .. })) => Ok(()),
        other => other.map(|_| ()),
    }
}

/// The timers of a conversation, by name.
pub(crate) async fn of(engine: &Engine, conversation: &Conversation) -> Result<Vec<(String, Timestamp)>, Error> {
    let id = conversation.id();
    let home = id.partition(engine.store.partitions());
    let mut range = Range::prefix(Table::Timer, layout::timer_key(id, ""), 1_000);
    let mut timers = Vec::new();
    loop {
        let page = engine.store.range(home, range.clone()).await?;
        for (_, value) in &page {
            let TimerRow { name, at, .. } = read_row(value)?;
            timers.push((name, at));
        }
        match page.last() {
            Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
            _ => return Ok(timers),
        }
    }
}

/// Brings a partition's timers back into memory at start.
pub(crate) async fn recover(engine: &Engine, partition: Partition) -> Result<(), Error> {
    let mut range = Range::prefix(Table::Timer, Vec::new(), 1_000);
    loop {
        let page = engine.store.range(partition, range.clone()).await?;
        for (key, value) in &page {
            let row = read_row(value)?;
            engine.handler_timers.set(engine, partition, key.clone(), row.at);
        }
        match page.last() {
            Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
            _ => return Ok(()),
        }
    }
}
