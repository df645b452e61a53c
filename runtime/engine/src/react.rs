//! React: what happened to a conversation, shown to the tenant's handler.
//!
//! ```text
//! inbound message ─► on-message ─┐
//! status change   ─► on-receipt ─┼─► step: effects, record, off the inbox
//! timer           ─► on-timer   ─┘
//! ```

use std::sync::Arc;

use signalbox_guest::{self as guest, Effects};
use signalbox_model::event::Queued;
use signalbox_model::handler::EventKind;
use signalbox_model::timeline::HandlerMark;
use signalbox_model::{
    Cause, Conversation, ErrorClass, Event, Message, MessageId, Partition, Status, TenantId, Timestamp,
};

use crate::agree::{self, MOST_RUNS};
use crate::assign::{Asked, Taker, taker};
use crate::dispatch::{Flow, take};
use crate::effects::{self, Unfit};
use crate::engine::{Engine, read_error};
use crate::error::Error;
use crate::handlers;
use crate::health::Admit;
use crate::retry::{Retry, next_attempt, park, postpone};
use crate::shown::{self, Shown};
use crate::step::Step;
use crate::turns::Pending;

/// An inbound message, for the tenant's handler.
pub(crate) async fn inbound(
    engine: &Arc<Engine>,
    pending: &mut Pending,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Flow, Error> {
    // Nothing but its conversation's turn changes an inbound message: it needs no lock.
    let Some(mut live) = engine.live(tenant, id).await? else { return take(engine, id.partition(), pending).await };
    let message = live.message.clone();
    let asked = Asked::about(engine, &message, EventKind::Message);
    let Some(taker) = taker(engine, tenant, &asked, pending.pin.as_ref()).await else {
        let mut step = Step::new(engine, id.partition());
        let why = "the number's handler was taken away".to_owned();
        step.advance(&mut live, Status::Unhandled, Cause::Unhandled { why }, None)?;
        step.take_event(pending);
        step.commit().await?;
        return Ok(Flow::Done);
    };
    let keyword = engine.policy.load().intents.find(&message.body.text, None).map(|found| found.intent.as_str());
    let shown = Shown::new(&message);
    let known = shown::inbound_attributes(&live, keyword);
    let attributes = shown::borrowed(&known);
    let event = guest::Event::Message(shown.inbound(&message, &attributes));
    let conversation = message.conversation();
    let run = run(engine, &taker, pending, &conversation, Some(&message), event).await?;
    match run {
        Run::Rest(until) => Ok(Flow::Again(until)),
        Run::Waits => Ok(Flow::Wait),
        Run::Fit { mut step, mark } => {
            step.advance(&mut live, Status::Handled, Cause::Handled { handler: mark }, None)?;
            step.take_event(pending);
            step.commit().await?;
            Ok(Flow::Done)
        }
        Run::Failed { mark, error, retry } => {
            let attempt = pending.queued.attempts + 1;
            let next = next_attempt(engine, attempt, retry);
            let mut step = Step::new(engine, id.partition());
            let status = if next.is_some() { live.head.status } else { Status::HandlerFailed };
            let parked = next.is_none();
            let cause = Cause::HandlerFailed { handler: mark, error: error.clone(), attempt, parked };
            step.advance(&mut live, status, cause, None)?;
            match next {
                Some(at) => postpone(step, pending, &taker, at).await,
                None => park(engine, step, pending, tenant, &taker, error).await,
            }
        }
    }
}

/// A status change, for the tenant's handler.
pub(crate) async fn status_change(
    engine: &Arc<Engine>,
    pending: &mut Pending,
    tenant: &TenantId,
    id: MessageId,
    n: u16,
) -> Result<Flow, Error> {
    let Some(live) = engine.live(tenant, id).await? else { return take(engine, id.partition(), pending).await };
    let message = live.message;
    let asked = Asked::about(engine, &message, EventKind::Receipt);
    let Some(taker) = taker(engine, tenant, &asked, pending.pin.as_ref()).await else {
        return take(engine, id.partition(), pending).await;
    };
    let Some(told) = signalbox_records::told(&*engine.store, tenant, id, n).await.map_err(read_error)? else {
        return take(engine, id.partition(), pending).await;
    };
    let shown = Shown::new(&message);
    let status = told.entry.status.as_str().replace('_', "-");
    let raw_code = match &told.entry.cause {
        Cause::Receipt { raw_code, .. } => raw_code.clone(),
        Cause::Refused { raw_code, .. } | Cause::Busy { raw_code, .. } => Some(raw_code.clone()),
        _ => None,
    };
    let known = shown::receipt_attributes(&told);
    let attributes = shown::borrowed(&known);
    let event = guest::Event::Receipt(guest::Receipt {
        message: &shown.id,
        channel: shown.channel,
        sender: &shown.from,
        recipient: &shown.to,
        status: &status,
        is_final: told.entry.status.is_terminal(),
        error_class: told.entry.class.map(ErrorClass::as_str),
        carrier_code: raw_code.as_deref(),
        changed_at: told.entry.at.as_micros(),
        attributes: &attributes,
    });
    let conversation = message.conversation();
    let run = run(engine, &taker, pending, &conversation, Some(&message), event).await?;
    // Receipts may have moved the message while the handler ran; what is noted here doesn't.
    let _one = engine.locks.lock(id).await;
    let Some(mut live) = engine.live(tenant, id).await? else { return take(engine, id.partition(), pending).await };
    let at = live.head.status;
    match run {
        Run::Rest(until) => Ok(Flow::Again(until)),
        Run::Waits => Ok(Flow::Wait),
        Run::Fit { mut step, mark } => {
            if !mark.notes.is_empty() {
                step.advance(&mut live, at, Cause::Handled { handler: mark }, None)?;
            }
            step.take_event(pending);
            step.commit().await?;
            Ok(Flow::Done)
        }
        Run::Failed { mark, error, retry } => {
            let attempt = pending.queued.attempts + 1;
            let next = next_attempt(engine, attempt, retry);
            let mut step = Step::new(engine, id.partition());
            let parked = next.is_none();
            let cause = Cause::HandlerFailed { handler: mark, error: error.clone(), attempt, parked };
            step.advance(&mut live, at, cause, None)?;
            match next {
                Some(at) => postpone(step, pending, &taker, at).await,
                None => park(engine, step, pending, tenant, &taker, error).await,
            }
        }
    }
}

/// A timer that has come, for the tenant's handler.
pub(crate) async fn timer(
    engine: &Arc<Engine>,
    partition: Partition,
    pending: &mut Pending,
    conversation: Conversation,
    name: &str,
    due: Timestamp,
    payload: &[u8],
) -> Result<Flow, Error> {
    let tenant = &conversation.tenant;
    let asked = Asked::timer(engine, &conversation);
    let Some(taker) = taker(engine, tenant, &asked, pending.pin.as_ref()).await else {
        return take(engine, partition, pending).await;
    };
    let (number, contact) = (conversation.ours.to_string(), conversation.theirs.to_string());
    let event = guest::Event::Timer(guest::Timer {
        name,
        conversation: guest::Conversation { number: &number, contact: &contact },
        payload,
        due_at: due.as_micros(),
        attributes: &[],
    });
    match run(engine, &taker, pending, &conversation, None, event).await? {
        Run::Rest(until) => Ok(Flow::Again(until)),
        Run::Waits => Ok(Flow::Wait),
        Run::Fit { mut step, mark } => {
            let about = if mark.notes.is_empty() { None } else { latest(engine, &conversation).await? };
            // Held to the end of the step: receipts may move the message meanwhile.
            let _one = match about {
                Some(id) => Some(engine.locks.lock(id).await),
                None => None,
            };
            if let Some(id) = about
                && let Some(mut live) = engine.live(tenant, id).await?
            {
                let at = live.head.status;
                step.advance(&mut live, at, Cause::Handled { handler: mark }, None)?;
            }
            step.take_event(pending);
            step.commit().await?;
            Ok(Flow::Done)
        }
        Run::Failed { error, retry, .. } => {
            let attempt = pending.queued.attempts + 1;
            let step = Step::new(engine, partition);
            tracing::warn!(%tenant, handler = taker.handler.meta.name, timer = name, attempt, "a timer's handler failed; its log says why");
            match next_attempt(engine, attempt, retry) {
                Some(at) => postpone(step, pending, &taker, at).await,
                None => park(engine, step, pending, tenant, &taker, error).await,
            }
        }
    }
}

/// The latest message of a conversation: what a timer's handler notes is put on its record, for a timer has none.
async fn latest(engine: &Engine, conversation: &Conversation) -> Result<Option<MessageId>, Error> {
    let past = signalbox_records::history::pointers(&*engine.store, conversation.id(), 1).await.map_err(read_error)?;
    Ok(past.first().map(|(id, _)| *id))
}

/// How a run ended.
enum Run<'e> {
    /// Its effects are in the step, together with nothing else yet.
    Fit { step: Box<Step<'e>>, mark: HandlerMark },
    /// It has no effects.
    Failed { mark: HandlerMark, error: String, retry: Retry },
    /// It wasn't run: the version failed too often, and rests until then.
    Rest(Timestamp),
    /// Others have to agree first.
    Waits,
}

async fn run<'e>(
    engine: &'e Arc<Engine>,
    taker: &Taker,
    pending: &mut Pending,
    conversation: &Conversation,
    about: Option<&Message>,
    event: guest::Event<'_>,
) -> Result<Run<'e>, Error> {
    let made = pending.proposed.as_ref().map(|proposed| proposed.made);
    match made {
        Some(None) => return Ok(Run::Waits),
        Some(Some(true)) => return land(engine, taker, pending, conversation, about).await,
        Some(Some(false)) | None => {}
    }
    if let Admit::Wait(until) = taker.version.health.lock().admit(engine.clock.now()) {
        return Ok(Run::Rest(until));
    }
    let queued = &pending.queued.clone();
    let partition = conversation.id().partition(engine.store.partitions());
    let id = handlers::run_id(engine, partition);
    let failed = |error: String, retry, usage: &guest::Usage| Run::Failed {
        mark: handlers::mark(taker, queued, id, "failed", usage, &[]),
        error,
        retry,
    };
    if pending.proposed.as_ref().is_some_and(|proposed| proposed.run >= MOST_RUNS) {
        let error = format!("what it read of its tenant's state was changed by others, {MOST_RUNS} times in a row");
        return Ok(failed(error, Retry::WhenTheHostSees, &guest::Usage::default()));
    }
    let about_id = about.map(|m| m.id);
    let (outcome, seen) = handlers::call(engine, taker, queued, conversation, about_id, id, event).await;
    let completed = match outcome {
        Ok(completed) => completed,
        Err(failure) => return Ok(failed(failure.message, Retry::of(&failure.kind), &failure.usage)),
    };
    let (effects, usage) = (completed.effects, completed.usage);
    let depth = depth(queued, about);
    let unfit = |unfit| match unfit {
        Unfit::Effect(error) => Ok(failed(error, Retry::Never, &usage)),
        Unfit::Path(error) => Err(error),
    };
    let mut step = Step::new(engine, partition);
    if agree::is_needed(&effects, &seen) {
        if let Err(error) = effects::fit(engine, conversation, queued, depth, &effects).await {
            return unfit(error);
        }
        agree::propose(engine, step, pending, taker, conversation, (id, effects, usage), seen).await?;
        return Ok(Run::Waits);
    }
    let mark = handlers::mark(taker, queued, id, describe(&effects), &usage, &effects.notes);
    match effects::stage(engine, &mut step, taker, conversation, queued, depth, effects).await {
        Ok(()) => Ok(Run::Fit { step: Box::new(step), mark }),
        Err(error) => unfit(error),
    }
}

/// What a run proposed was agreed to, and its tenant's state is changed already: the rest of it.
async fn land<'e>(
    engine: &'e Arc<Engine>,
    taker: &Taker,
    pending: &Pending,
    conversation: &Conversation,
    about: Option<&Message>,
) -> Result<Run<'e>, Error> {
    let agreed = pending.proposed.clone().expect("it was looked at");
    let (mut effects, usage, queued) = (agreed.effects, agreed.usage, &pending.queued);
    effects.state.retain(|write| write.scope != guest::Scope::Tenant);
    let partition = conversation.id().partition(engine.store.partitions());
    let mark = handlers::mark(taker, queued, agreed.id, describe(&effects), &usage, &effects.notes);
    let mut step = Step::new(engine, partition);
    let depth = depth(queued, about);
    match effects::stage(engine, &mut step, taker, conversation, queued, depth, effects).await {
        Ok(()) => Ok(Run::Fit { step: Box::new(step), mark }),
        // It fitted when it was proposed; since then a message that it takes back has left the store, or the host was
        // started with other limits.
        Err(Unfit::Effect(error)) => Ok(Run::Failed { mark, error, retry: Retry::Never }),
        Err(Unfit::Path(error)) => Err(error),
    }
}

/// How many handlers' sends and soon timers led to an event.
fn depth(queued: &Queued, about: Option<&Message>) -> u8 {
    match &queued.event {
        Event::Timer { depth, .. } => *depth,
        _ => about.map_or(0, |message| message.depth),
    }
}

/// What a run did, in a few words.
fn describe(effects: &Effects) -> String {
    let count = |n: usize, one: &str, many: &str| match n {
        0 => None,
        1 => Some(format!("{one} once")),
        n => Some(format!("{many} {n} times")),
    };
    let parts: Vec<_> = [
        count(effects.sends.len(), "sent", "sent"),
        count(effects.timers.len(), "set a timer", "set timers"),
        count(effects.cancels.len(), "canceled", "canceled"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "looked at it".to_owned() } else { parts.join(", ") }
}
