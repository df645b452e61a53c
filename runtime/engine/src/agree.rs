//! Agreement: a run that saw something of its tenant's state and writes there lands only if that is still as it was.
//!
//! ```text
//! run ─► step: what it asks for, written down with the event ─┬─► home of the state: compare, change ─► verdict
//!        ▲                                                    │
//!        └── something had changed: run again ◄───────────────┴── step: all of it, the event off the inbox
//! ```
//!
//! The state's home is another partition, and a step is one commit of one partition. So the run's effects are first
//! written down beside its event, and the changes are sent home with what was seen; the verdict comes back the same way.
//! From the home's commit on the run has happened: whatever crashes, its effects are there to be carried out, once.
//! Meanwhile its conversation waits.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_guest::{Effects, Scope, Usage};
use signalbox_model::event::{Change, Condition, StateChange};
use signalbox_model::{Conversation, ConversationId, Event, InvocationId, Partition, TenantId};
use signalbox_store::{InboxSeq, Table, layout};

use crate::assign::Taker;
use crate::dispatch::Flow;
use crate::effects;
use crate::engine::Engine;
use crate::error::Error;
use crate::handlers::{self, Seen, StateRow};
use crate::step::Step;
use crate::turns::{self, Pending, RetryRow};

/// Each run that has to be repeated had another one come before it, so this is reached by a handler that all of a busy
/// tenant's conversations run at once, and then waits like one that failed.
pub(crate) const MOST_RUNS: u8 = 50;

/// What a run asked for, while it waits to hear whether it may have it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Proposed {
    /// Which run of its event it is, from 1.
    pub(crate) run: u8,
    /// Its name.
    pub(crate) id: InvocationId,
    /// What it asked for.
    pub(crate) effects: Effects,
    /// What it used.
    pub(crate) usage: Usage,
    /// Whether its changes were made, once that is known.
    pub(crate) made: Option<bool>,
}

/// Whether others have to agree to what a run asks for: it saw something of its tenant's state, and sets or deletes there.
/// What is only added needs nobody's word.
pub(crate) fn is_needed(effects: &Effects, seen: &Seen) -> bool {
    !seen.is_empty() && effects.state.iter().any(|write| write.scope == Scope::Tenant && write.added.is_none())
}

/// Writes down what a run asks for, and asks the home of its tenant's state.
pub(crate) async fn propose(
    engine: &Engine,
    mut step: Step<'_>,
    pending: &mut Pending,
    taker: &Taker,
    conversation: &Conversation,
    (id, effects, usage): (InvocationId, Effects, Usage),
    seen: Seen,
) -> Result<(), Error> {
    let run = pending.proposed.as_ref().map_or(0, |before| before.run) + 1;
    let shared = effects.state.iter().filter(|write| write.scope == Scope::Tenant);
    let changes = shared.map(|write| effects::change(engine, conversation, write.clone()));
    let changes = futures_util::future::try_join_all(changes).await?;
    let partition = step.partition();
    let condition = Condition { seen, partition, conversation: conversation.id(), event: pending.seq.0, run };
    effects::remember(engine, &mut step, conversation, Scope::Tenant, changes, Some(condition));
    let proposed = Some(Proposed { run, id, effects, usage, made: None });
    let (attempts, at, pin) = (pending.queued.attempts, pending.queued.not_before, Some(taker.pin()));
    let row = RetryRow { attempts, at, pin, proposed };
    let key = layout::inbox_key(pending.seq);
    let bytes = row.to_bytes(engine, conversation, &key).await?;
    step.batch.put(Table::Retry, key, bytes);
    step.commit().await?;
    (pending.pin, pending.proposed) = (row.pin, row.proposed);
    Ok(())
}

/// At the state's home: changes of it, if what they depend on is as it was seen. Only here is this state written, one
/// event at a time.
pub(crate) async fn remember(
    engine: &Engine,
    partition: Partition,
    pending: &Pending,
    tenant: TenantId,
    changes: Vec<StateChange>,
    condition: Option<Condition>,
) -> Result<Flow, Error> {
    let mut step = Step::new(engine, partition);
    let made = match &condition {
        Some(condition) => is_as_seen(engine, partition, condition).await?,
        None => true,
    };
    if made {
        for change in changes {
            make(engine, &mut step, pending, &tenant, change).await?;
        }
    }
    if let Some(Condition { partition, conversation, event, run, .. }) = condition {
        step.event(partition, Event::Verdict { tenant, conversation, event, run, made });
    }
    step.take_event(pending);
    step.commit().await?;
    Ok(Flow::Done)
}

async fn row(engine: &Engine, partition: Partition, key: &[u8]) -> Result<Option<StateRow>, Error> {
    match engine.store.get(partition, Table::State, key.to_vec().into()).await? {
        Some(row) => handlers::read_state(engine, key, &row).await,
        None => Ok(None),
    }
}

async fn is_as_seen(engine: &Engine, partition: Partition, condition: &Condition) -> Result<bool, Error> {
    for (key, seen) in &condition.seen {
        let version = row(engine, partition, key).await?.map_or(0, |row| row.version);
        if version != *seen {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn make(
    engine: &Engine,
    step: &mut Step<'_>,
    pending: &Pending,
    tenant: &TenantId,
    StateChange { key, change, expires_at }: StateChange,
) -> Result<(), Error> {
    let mut form = layout::encode::<StateRow> as fn(&StateRow) -> Bytes;
    let value = match change {
        Change::Set(value) => Some(value),
        Change::SetSealed(value) => {
            form = |row| layout::encode_as(layout::SEALED, row);
            Some(value)
        }
        Change::Forget => None,
        Change::Add(by) => {
            let before = row(engine, step.partition(), &key).await?;
            let before = before.filter(|row| row.expires_at.is_none_or(|at| at > pending.queued.at.as_micros()));
            let Some(sum) = sum(before.as_ref().map(|row| &row.value[..]), by) else {
                tracing::warn!(%tenant, by, "a handler's addition was left out: what is there is no number any more, or too large a one");
                return Ok(());
            };
            Some(sum.to_string().into_bytes())
        }
    };
    match value {
        Some(value) => {
            // Places in an inbox rise, and are never used again.
            let row = StateRow { value, expires_at, version: pending.seq.0 };
            step.batch.put(Table::State, key, form(&row));
        }
        None => drop(step.batch.delete(Table::State, key)),
    }
    Ok(())
}

fn sum(before: Option<&[u8]>, by: i64) -> Option<i64> {
    let before = before.map_or(Some(0), |text| std::str::from_utf8(text).ok()?.parse::<i64>().ok())?;
    before.checked_add(by)
}

/// Where the run's event waits: what came of it. It is written down before anybody acts on it.
pub(crate) async fn verdict(
    engine: &Arc<Engine>,
    partition: Partition,
    pending: &Pending,
    conversation: ConversationId,
    event: InboxSeq,
    run: u8,
    made: bool,
) -> Result<Flow, Error> {
    let key = layout::inbox_key(event);
    let row = engine.store.get(partition, Table::Retry, key.clone()).await?;
    let told = row.map(|row| RetryRow::told(&row, run, made)).transpose()?.flatten();
    let mut step = Step::new(engine, partition);
    step.take_event(pending);
    let Some(told) = told else {
        step.commit().await?;
        return Ok(Flow::Done);
    };
    step.batch.put(Table::Retry, key, told);
    step.commit().await?;
    turns::tell(engine, partition, conversation, event, made);
    Ok(Flow::Done)
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn numbers_are_text_and_what_is_none_is_left_alone() {
        assert_eq!(sum(None, 3), Some(3));
        assert_eq!(sum(Some(b"-3"), 5), Some(2));
        assert_eq!(sum(Some(b"three"), 5), None);
        assert_eq!(sum(Some(i64::MAX.to_string().as_bytes()), 1), None);
    }
}
