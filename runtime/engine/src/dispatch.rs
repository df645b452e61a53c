//! Dispatch: the events of a conversation, one at a time.
//!
//! ```text
//! outbound message ─► draft.rs ─► egress.rs          sends, cancels and state from other partitions ─► here
//! inbound message, status change, timer ─► react.rs
//! ```
//!
//! A restart takes the same way: an event that is still in the inbox is looked at again, and its message's status says
//! how far it had come.

use std::sync::Arc;
use std::time::Duration;

use signalbox_model::event::Queued;
use signalbox_model::{Cause, ErrorClass, Event, Message, MessageId, Partition, Status, TenantId, Timestamp};
use signalbox_store::InboxSeq;

use crate::check::check;
use crate::counted::Place;
use crate::engine::Engine;
use crate::error::{CancelRefused, Error};
use crate::hot::Live;
use crate::step::Step;
use crate::timers::Due;
use crate::turns::Pending;
use crate::{agree, cancel, draft, effects, egress, react, settle};

/// What becomes of a conversation's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The event is dealt with, or has gone on to where it waits.
    Done,
    /// The same event again at this time; the conversation waits.
    Again(Timestamp),
    /// The same event again once others have said whether what it proposed was made; the conversation waits.
    Wait,
}

/// How long an event waits when the path itself couldn't.
const STEP_RETRY: Duration = Duration::from_secs(1);

/// Handles one event.
pub(crate) async fn handle(engine: &Arc<Engine>, partition: Partition, pending: &mut Pending) -> Flow {
    let now = engine.clock.now();
    if pending.queued.not_before > now {
        return Flow::Again(pending.queued.not_before);
    }
    match try_handle(engine, partition, pending).await {
        Ok(flow) => flow,
        Err(error) => {
            engine.step_failed("handling an event", &error);
            Flow::Again(now + STEP_RETRY)
        }
    }
}

async fn try_handle(engine: &Arc<Engine>, partition: Partition, pending: &mut Pending) -> Result<Flow, Error> {
    match pending.queued.event.clone() {
        Event::Outbound { tenant, message, .. } => outbound(engine, pending, &tenant, message).await,
        Event::Adopt { message } => adopt(engine, partition, pending, *message).await,
        Event::Cancel { tenant, message, .. } => take_back(engine, partition, pending, &tenant, message).await,
        Event::Remember { tenant, changes, condition, .. } => {
            agree::remember(engine, partition, pending, tenant, changes, condition).await
        }
        Event::Verdict { conversation, event, run, made, .. } => {
            agree::verdict(engine, partition, pending, conversation, InboxSeq(event), run, made).await
        }
        Event::Inbound { tenant, message, .. } => react::inbound(engine, pending, &tenant, message).await,
        Event::StatusChange { tenant, message, n, .. } => {
            react::status_change(engine, pending, &tenant, message, n).await
        }
        Event::Timer { conversation, name, due, payload, .. } => {
            react::timer(engine, partition, pending, conversation, &name, due, &payload).await
        }
    }
}

/// An outbound message, as far as it has come.
async fn outbound(
    engine: &Arc<Engine>,
    pending: &mut Pending,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Flow, Error> {
    let Some(live) = engine.live(tenant, id).await? else {
        return take_outbound(engine, id, pending).await;
    };
    if draft::is_due(&live, engine.clock.now()) || (pending.called && live.head.status == Status::Held) {
        return draft::prepare(engine, pending, live).await;
    }
    let _one = engine.locks.lock(id).await;
    let Some(mut live) = engine.live(tenant, id).await? else {
        return take_outbound(engine, id, pending).await;
    };
    let now = engine.clock.now();
    match live.head.status {
        Status::Held => {
            let until = live.head.held_until.unwrap_or(now);
            engine.wheel.set(until, Due::Held { tenant: tenant.clone(), message: id, seq: pending.seq });
            Ok(Flow::Done)
        }
        Status::Queued if live.head.carrier.as_deref().is_none_or(|name| engine.carrier(name).is_none()) => {
            reroute(engine, pending, &mut live).await
        }
        Status::Queued => {
            egress::enqueue(engine, &live, pending.seq, false);
            Ok(Flow::Done)
        }
        // Written ahead, and no answer is on record: the host went down in between.
        Status::Sending => {
            let why = "the host went down before the carrier's answer".to_owned();
            if settle::in_doubt(engine, Step::new(engine, id.partition()), &mut live, pending.seq, why).await? {
                egress::enqueue(engine, &live, pending.seq, true);
            }
            Ok(Flow::Done)
        }
        _ => take_outbound(engine, id, pending).await,
    }
}

/// A message came to its end before its turn: what is left is its event.
async fn take_outbound(engine: &Engine, id: MessageId, pending: &Pending) -> Result<Flow, Error> {
    let flow = take(engine, id.partition(), pending).await?;
    engine.waiting.event_leaves(id);
    Ok(flow)
}

/// The operator took away the carrier that a message was queued for: it takes another, or fails.
async fn reroute(engine: &Arc<Engine>, pending: &Pending, live: &mut Live) -> Result<Flow, Error> {
    let mut step = Step::new(engine, live.message.id.partition());
    let decision = check(engine, &live.message, Place::Look).await?.into_decision();
    match draft::route_of(engine, &live.message, live.head.route.as_deref()) {
        Ok(carrier) => {
            let cause = Cause::Queued { carrier: carrier.to_string(), handler: None, decision };
            step.advance(live, Status::Queued, cause, None)?;
            step.commit().await?;
            egress::enqueue(engine, live, pending.seq, false);
        }
        Err(none) => {
            let (cause, class) = (Cause::NoRoute { why: none.why }, Some(ErrorClass::RouteNone));
            egress::finish(engine, step, live, pending.seq, Status::Failed, cause, class).await?;
        }
    }
    Ok(Flow::Done)
}

/// A handler's message from another partition becomes a message here.
async fn adopt(engine: &Engine, partition: Partition, pending: &Pending, message: Message) -> Result<Flow, Error> {
    let mut step = Step::new(engine, partition);
    effects::adopt(engine, &mut step, Arc::new(message)).await?;
    step.take_event(pending);
    step.commit().await?;
    Ok(Flow::Done)
}

/// A handler takes back a message: done if it hasn't gone too far. It was sent before this event was, so if it isn't a
/// message yet, it is about to become one in its conversation: then this goes to the end of that one's line.
async fn take_back(
    engine: &Arc<Engine>,
    partition: Partition,
    pending: &Pending,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Flow, Error> {
    if let Some(home) = engine.turns.adopting(partition, id).filter(|home| *home != pending.queued.event.conversation())
    {
        let event = Event::Cancel { tenant: tenant.clone(), message: id, conversation: home };
        let queued = Queued { event, ..pending.queued.clone() };
        let moved = Pending { seq: pending.seq, queued, pin: None, proposed: None, called: false, panics: 0 };
        engine.turns.add(engine, partition, moved);
        return Ok(Flow::Done);
    }
    match cancel::cancel(engine, tenant, id, "its tenant's handler").await {
        Ok(_) | Err(CancelRefused::NotFound | CancelRefused::TooLate(_)) => {}
        Err(CancelRefused::Path(error)) => return Err(error),
    }
    take(engine, partition, pending).await
}

/// Nothing is left to do for the event.
pub(crate) async fn take(engine: &Engine, partition: Partition, pending: &Pending) -> Result<Flow, Error> {
    let mut step = Step::new(engine, partition);
    step.take_event(pending);
    step.commit().await?;
    Ok(Flow::Done)
}
