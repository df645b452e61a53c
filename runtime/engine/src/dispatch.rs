//! Dispatch: the events of a conversation, one at a time.
//!
//! ```text
//! outbound ─► due? ─► on-draft ─► check ─► route ─► step: queued ─► egress
//! inbound  ─► on-message ─► effects ─┐
//! status   ─► on-receipt ─► effects ─┼─► step: effects, record, off the inbox
//! timer    ─► on-timer   ─► effects ─┘
//! ```
//!
//! A restart takes the same way: an event that is still in the inbox is looked at again, and its message's status says
//! how far it had come.

use std::sync::Arc;

use signalbox_guest::{self as guest, Answer, Attribute, DraftChanges, DraftDecision, Effects, FailureKind, Kind};
use signalbox_model::event::Queued;
use signalbox_model::timeline::HandlerMark;
use signalbox_model::{
    Address, Body, Cause, Conversation, ErrorClass, Event, Message, MessageId, Origin, Partition, Status, TenantId,
    Timestamp,
};
use signalbox_store::{Table, layout};
use signalbox_text as text;

use crate::check::{Checkup, check};
use crate::directory::{Account, Deployed};
use crate::effects::{self, Unfit};
use crate::egress;
use crate::engine::Engine;
use crate::error::Error;
use crate::handlers;
use crate::hot::Live;
use crate::route::route;
use crate::settle;
use crate::step::Step;
use crate::timers::Due;
use crate::turns::Pending;

/// What becomes of a conversation's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The event is dealt with, or has gone on to where it waits.
    Done,
    /// The same event again at this time; the conversation waits.
    Again(Timestamp),
}

/// How long an event waits when the path itself couldn't.
const STEP_RETRY: std::time::Duration = std::time::Duration::from_secs(1);

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
        Event::Cancel { tenant, message, .. } => cancel(engine, partition, pending, &tenant, message).await,
        Event::Remember { key, value, .. } => remember(engine, partition, pending, key, value).await,
        Event::Inbound { tenant, message, .. } => inbound(engine, pending, &tenant, message).await,
        Event::StatusChange { tenant, message, n, .. } => status_change(engine, pending, &tenant, message, n).await,
        Event::Timer { conversation, name, due, payload } => {
            timer(engine, partition, pending, conversation, &name, due, &payload).await
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
    let _one = engine.locks.lock(id).await;
    let Some(mut live) = engine.live(tenant, id).await? else {
        return take(engine, id.partition(), pending).await;
    };
    let now = engine.clock.now();
    match live.head.status {
        Status::Accepted => prepare(engine, pending, &mut live).await,
        Status::Held if live.head.held_until.is_none_or(|until| until <= now) => {
            prepare(engine, pending, &mut live).await
        }
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
            settle::in_doubt(engine, Step::new(engine, id.partition()), &mut live, pending.seq, why).await?;
            Ok(Flow::Done)
        }
        _ => take(engine, id.partition(), pending).await,
    }
}

/// Brings an accepted message to its queue: its time, the tenant's draft handler, the check, the route.
async fn prepare(engine: &Arc<Engine>, pending: &mut Pending, live: &mut Live) -> Result<Flow, Error> {
    let mut step = Step::new(engine, live.message.id.partition());
    let now = step.at;
    if live.message.expires_at <= now {
        let class = Some(ErrorClass::Expired);
        egress::finish(engine, step, live, pending.seq, Status::Expired, Cause::Expired, class).await?;
        return Ok(Flow::Done);
    }
    if let Some(send_at) = live.message.send_at.filter(|at| *at > now && live.head.status == Status::Accepted) {
        return hold(engine, step, live, pending, send_at, "its sender asked for that time".to_owned(), None).await;
    }
    let mut mark = None;
    let mut chosen = None;
    if let Some((account, handler)) = draft_handler(engine, &live.message) {
        match show_draft(engine, &mut step, &account, &handler, &pending.queued, live).await? {
            Drafted::Go { mark: made, route } => (mark, chosen) = (Some(made), route),
            Drafted::Wait { until, why } => return hold(engine, step, live, pending, until, why, None).await,
            Drafted::Drop { mark, why } => {
                let cause = Cause::Rejected { decision: None, handler: Some(mark), why };
                let class = Some(ErrorClass::ContentBlockedPlatform);
                egress::finish(engine, step, live, pending.seq, Status::Rejected, cause, class).await?;
                return Ok(Flow::Done);
            }
            Drafted::Failed { mark, error, retry } => {
                return draft_failed(engine, live, pending, mark, error, retry).await;
            }
        }
    }
    match check(engine, &live.message).await? {
        Checkup::Deny(decision) => {
            let class = decision.class();
            let why = decision.reasons.first().map(|reason| reason.explain.clone()).unwrap_or_default();
            let cause = Cause::Rejected { decision: Some(decision), handler: mark, why };
            egress::finish(engine, step, live, pending.seq, Status::Rejected, cause, class).await?;
        }
        Checkup::Hold { until, decision } => {
            let why = decision.reasons.first().map(|reason| reason.explain.clone()).unwrap_or_default();
            return hold(engine, step, live, pending, until, why, decision.class()).await;
        }
        Checkup::Pass(checked) => match route(engine, &live.message).and_then(|routes| pick(&routes, chosen)) {
            Err(none) => {
                let (cause, class) = (Cause::NoRoute { why: none.why }, Some(ErrorClass::RouteNone));
                egress::finish(engine, step, live, pending.seq, Status::Failed, cause, class).await?;
            }
            Ok(carrier) => {
                let decision = checked.decision().clone();
                let cause = Cause::Queued { carrier: carrier.to_string(), handler: mark, decision };
                step.advance(live, Status::Queued, cause, None)?;
                step.commit().await?;
                egress::enqueue(engine, live, pending.seq, false);
            }
        },
    }
    Ok(Flow::Done)
}

/// The operator took away the carrier that a message was queued for: it takes another, or fails.
async fn reroute(engine: &Arc<Engine>, pending: &Pending, live: &mut Live) -> Result<Flow, Error> {
    let mut step = Step::new(engine, live.message.id.partition());
    let decision = check(engine, &live.message).await?.into_decision();
    match route(engine, &live.message) {
        Ok(routes) => {
            let cause = Cause::Queued { carrier: routes[0].to_string(), handler: None, decision };
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

fn pick(routes: &[Arc<str>], chosen: Option<String>) -> Result<Arc<str>, crate::route::NoRoute> {
    match chosen {
        None => Ok(routes[0].clone()),
        Some(name) => routes.iter().find(|route| ***route == *name).cloned().ok_or_else(|| crate::route::NoRoute {
            why: format!("the handler chose the route `{name}`, which this message doesn't have"),
        }),
    }
}

async fn hold(
    engine: &Engine,
    mut step: Step<'_>,
    live: &mut Live,
    pending: &Pending,
    until: Timestamp,
    why: String,
    class: Option<ErrorClass>,
) -> Result<Flow, Error> {
    step.advance(live, Status::Held, Cause::Held { until, why }, class)?;
    step.commit().await?;
    let (tenant, message) = (live.message.tenant.clone(), live.message.id);
    engine.wheel.set(until, Due::Held { tenant, message, seq: pending.seq });
    Ok(Flow::Done)
}

/// The tenant's draft handler, if one sees this message. The host's own answers are not the tenant's to change.
fn draft_handler(engine: &Engine, message: &Message) -> Option<(Arc<Account>, Arc<Deployed>)> {
    if message.origin == Origin::Keyword {
        return None;
    }
    handler_for(engine, &message.tenant, message.ours(), Kind::Draft)
}

fn handler_for(
    engine: &Engine,
    tenant: &TenantId,
    number: &signalbox_model::Address,
    kind: Kind,
) -> Option<(Arc<Account>, Arc<Deployed>)> {
    let account = engine.directory.account(tenant)?;
    let handler = engine.directory.bound(tenant, number).filter(|handler| handler.code.handles(kind))?;
    Some((account, handler))
}

/// What a draft handler made of a message.
enum Drafted {
    Go { mark: HandlerMark, route: Option<String> },
    Wait { until: Timestamp, why: String },
    Drop { mark: HandlerMark, why: String },
    Failed { mark: HandlerMark, error: String, retry: Retry },
}

/// Whether a failed event is worth another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    Never,
    WhenTheHostSees,
    After(std::time::Duration),
}

impl Retry {
    fn of(kind: &FailureKind) -> Self {
        match kind {
            FailureKind::Retry(Some(ms)) => Self::After(std::time::Duration::from_millis(*ms)),
            kind if kind.is_retryable() => Self::WhenTheHostSees,
            _ => Self::Never,
        }
    }
}

/// Shows a draft to its handler, and puts what the handler asked for into the step.
async fn show_draft<'e>(
    engine: &'e Engine,
    step: &mut Step<'e>,
    account: &Account,
    handler: &Deployed,
    queued: &Queued,
    live: &mut Live,
) -> Result<Drafted, Error> {
    let partition = live.message.id.partition();
    let conversation = live.message.conversation();
    let outcome = {
        let shown = Shown::new(&live.message);
        let draft = shown.draft(&live.message);
        handlers::call(
            engine,
            account,
            handler,
            queued,
            &conversation,
            Some(live.message.id),
            guest::Event::Draft(draft),
        )
        .await
    };
    let completed = match outcome {
        Ok(completed) => completed,
        Err(failure) => {
            let mark = handlers::mark(engine, handler, queued, partition, "failed", &failure.usage, &[]);
            return Ok(Drafted::Failed { mark, retry: Retry::of(&failure.kind), error: failure.message });
        }
    };
    let notes = completed.effects.notes.clone();
    let mark = |action: &str| handlers::mark(engine, handler, queued, partition, action, &completed.usage, &notes);
    let Answer::Draft(decision) = completed.answer else {
        let error = "the handler gave no decision on the draft".to_owned();
        return Ok(Drafted::Failed { mark: mark("failed"), error, retry: Retry::Never });
    };
    let (drafted, changed) = match decision {
        DraftDecision::Send => (Drafted::Go { mark: mark("let it pass"), route: None }, None),
        DraftDecision::Drop(why) => (Drafted::Drop { mark: mark("dropped it"), why }, None),
        DraftDecision::Change(changes) => {
            let until = changes.not_before.map(Timestamp::from_micros).filter(|until| *until > step.at);
            let route = changes.route.clone();
            match rewritten(engine, &live.message, *changes) {
                Err(error) => {
                    return Ok(Drafted::Failed { mark: mark("failed"), error, retry: Retry::Never });
                }
                Ok(changed) => match until {
                    Some(until) => {
                        (Drafted::Wait { until, why: format!("handler {} asked for that time", handler.name) }, changed)
                    }
                    None => {
                        let action = if changed.is_some() { "rewrote it" } else { "let it pass" };
                        (Drafted::Go { mark: mark(action), route }, changed)
                    }
                },
            }
        }
    };
    match effects::stage(engine, step, &conversation, queued, live.message.depth, completed.effects).await {
        Ok(()) => {}
        Err(Unfit::Path(error)) => return Err(error),
        Err(Unfit::Effect(error)) => {
            // What was staged so far must not land: the step is begun anew.
            *step = Step::new(engine, partition);
            let mark = handlers::mark(engine, handler, queued, partition, "failed", &completed.usage, &[]);
            return Ok(Drafted::Failed { mark, error, retry: Retry::Never });
        }
    }
    if let Some(changed) = changed {
        step.rewrite(&changed);
        live.message = Arc::new(changed);
    }
    Ok(drafted)
}

/// The message as its handler wants it; `None` where nothing of it changes.
fn rewritten(engine: &Engine, message: &Message, changes: DraftChanges) -> Result<Option<Message>, String> {
    let DraftChanges { text: new_text, media, sender, .. } = changes;
    if new_text.is_none() && media.is_none() && sender.is_none() {
        return Ok(None);
    }
    let mut changed = message.clone();
    if let Some(sender) = sender {
        let sender: Address = sender.parse().map_err(|error| format!("the sender that the handler chose {error}"))?;
        if sender != changed.from {
            return Err("the handler chose another sender; a message belongs to the conversation of its sender: drop \
                        this one and send another from there"
                .to_owned());
        }
    }
    let body = Body {
        text: new_text.unwrap_or_else(|| message.body.text.clone()),
        media_urls: media.map_or_else(
            || message.body.media_urls.clone(),
            |media| media.into_iter().map(|media| media.url).collect(),
        ),
    };
    if body.text.is_empty() && body.media_urls.is_empty() {
        return Err("the handler left nothing of the message: drop it rather than empty it".to_owned());
    }
    let prepared = text::prepare_within(&body.text, text::Smart::On, engine.config.max_segments)
        .map_err(|error| format!("the text that the handler wrote can't be sent: {error}"))?;
    (changed.encoding, changed.segments) = (prepared.encoding, prepared.segments);
    let text = prepared.text.into_owned();
    changed.original.get_or_insert_with(|| message.body.clone());
    changed.body = Body { text, media_urls: body.media_urls };
    Ok(Some(changed))
}

/// A draft whose handler fails doesn't leave: it is tried again, and then rejected.
async fn draft_failed(
    engine: &Engine,
    live: &mut Live,
    pending: &mut Pending,
    mark: HandlerMark,
    error: String,
    retry: Retry,
) -> Result<Flow, Error> {
    let attempt = pending.queued.attempts + 1;
    let mut step = Step::new(engine, live.message.id.partition());
    let Some(at) = next_attempt(engine, attempt, retry) else {
        let cause = Cause::Rejected { decision: None, handler: Some(mark), why: error };
        let class = Some(ErrorClass::ContentBlockedPlatform);
        egress::finish(engine, step, live, pending.seq, Status::Rejected, cause, class).await?;
        return Ok(Flow::Done);
    };
    let status = live.head.status;
    step.advance(live, status, Cause::HandlerFailed { handler: mark, error, attempt, parked: false }, None)?;
    postpone(step, pending, at).await
}

/// When a failed event is tried again; never, once it had its attempts.
fn next_attempt(engine: &Engine, failed: u8, retry: Retry) -> Option<Timestamp> {
    if failed >= engine.config.max_attempts {
        return None;
    }
    match retry {
        Retry::Never => None,
        Retry::WhenTheHostSees => Some(engine.retry_at(failed)),
        Retry::After(wait) => Some(engine.clock.now() + wait),
    }
}

/// Writes down that an attempt failed, and when the next one is.
async fn postpone(mut step: Step<'_>, pending: &mut Pending, at: Timestamp) -> Result<Flow, Error> {
    let attempts = pending.queued.attempts + 1;
    step.batch.put(Table::Retry, layout::inbox_key(pending.seq), layout::encode(&(attempts, at)));
    step.commit().await?;
    (pending.queued.attempts, pending.queued.not_before) = (attempts, at);
    Ok(Flow::Again(at))
}

/// An inbound message, for the tenant's handler.
async fn inbound(engine: &Engine, pending: &mut Pending, tenant: &TenantId, id: MessageId) -> Result<Flow, Error> {
    let _one = engine.locks.lock(id).await;
    let Some(mut live) = engine.live(tenant, id).await? else { return take(engine, id.partition(), pending).await };
    let message = live.message.clone();
    let Some((account, handler)) = handler_for(engine, tenant, message.ours(), Kind::Message) else {
        let mut step = Step::new(engine, id.partition());
        let why = "the number's handler was taken away".to_owned();
        step.advance(&mut live, Status::Unhandled, Cause::Unhandled { why }, None)?;
        step.take_event(pending);
        step.commit().await?;
        return Ok(Flow::Done);
    };
    let keyword = engine.policy.load().keywords.find(&message.body.text).map(|(keyword, _)| keyword.as_str());
    let shown = Shown::new(&message);
    let attributes: Vec<_> = keyword.iter().map(|value| Attribute { name: "keyword", value }).collect();
    let event = guest::Event::Message(shown.inbound(&message, &attributes));
    let conversation = message.conversation();
    let run = run(engine, &account, &handler, pending, &conversation, Some(&message), event).await?;
    match run {
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
            let cause = Cause::HandlerFailed { handler: mark, error, attempt, parked: next.is_none() };
            step.advance(&mut live, status, cause, None)?;
            match next {
                Some(at) => postpone(step, pending, at).await,
                None => park(step, pending).await,
            }
        }
    }
}

/// A status change, for the tenant's handler.
async fn status_change(
    engine: &Engine,
    pending: &mut Pending,
    tenant: &TenantId,
    id: MessageId,
    n: u16,
) -> Result<Flow, Error> {
    let _one = engine.locks.lock(id).await;
    let Some(mut live) = engine.live(tenant, id).await? else { return take(engine, id.partition(), pending).await };
    let message = live.message.clone();
    let Some((account, handler)) = handler_for(engine, tenant, message.ours(), Kind::Receipt) else {
        return take(engine, id.partition(), pending).await;
    };
    let Some(told) = signalbox_records::told(&*engine.store, tenant, id, n).await.map_err(crate::engine::read_error)?
    else {
        return take(engine, id.partition(), pending).await;
    };
    let shown = Shown::new(&message);
    let status = told.entry.status.as_str().replace('_', "-");
    let raw_code = match &told.entry.cause {
        Cause::Receipt { raw_code, .. } => raw_code.clone(),
        Cause::Refused { raw_code, .. } => Some(raw_code.clone()),
        _ => None,
    };
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
        attributes: &[],
    });
    let conversation = message.conversation();
    let run = run(engine, &account, &handler, pending, &conversation, Some(&message), event).await?;
    let at = live.head.status;
    match run {
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
            let cause = Cause::HandlerFailed { handler: mark, error, attempt, parked: next.is_none() };
            step.advance(&mut live, at, cause, None)?;
            match next {
                Some(at) => postpone(step, pending, at).await,
                None => park(step, pending).await,
            }
        }
    }
}

/// A timer that has come, for the tenant's handler.
async fn timer(
    engine: &Engine,
    partition: Partition,
    pending: &mut Pending,
    conversation: Conversation,
    name: &str,
    due: Timestamp,
    payload: &[u8],
) -> Result<Flow, Error> {
    let tenant = &conversation.tenant;
    let Some((account, handler)) = handler_for(engine, tenant, &conversation.ours, Kind::Timer) else {
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
    match run(engine, &account, &handler, pending, &conversation, None, event).await? {
        Run::Fit { mut step, .. } => {
            step.take_event(pending);
            step.commit().await?;
            Ok(Flow::Done)
        }
        Run::Failed { error, retry, .. } => {
            let attempt = pending.queued.attempts + 1;
            let step = Step::new(engine, partition);
            tracing::warn!(%tenant, handler = handler.name, timer = name, attempt, error, "a timer's handler failed");
            match next_attempt(engine, attempt, retry) {
                Some(at) => postpone(step, pending, at).await,
                None => park(step, pending).await,
            }
        }
    }
}

/// How a run ended.
enum Run<'e> {
    /// Its effects are in the step, together with nothing else yet.
    Fit { step: Step<'e>, mark: HandlerMark },
    /// It has no effects.
    Failed { mark: HandlerMark, error: String, retry: Retry },
}

async fn run<'e>(
    engine: &'e Engine,
    account: &Account,
    handler: &Deployed,
    pending: &Pending,
    conversation: &Conversation,
    about: Option<&Message>,
    event: guest::Event<'_>,
) -> Result<Run<'e>, Error> {
    let queued = &pending.queued;
    let partition = conversation.id().partition(engine.store.partitions());
    let failed = |error: String, retry, usage: &guest::Usage| Run::Failed {
        mark: handlers::mark(engine, handler, queued, partition, "failed", usage, &[]),
        error,
        retry,
    };
    let completed =
        match handlers::call(engine, account, handler, queued, conversation, about.map(|m| m.id), event).await {
            Ok(completed) => completed,
            Err(failure) => return Ok(failed(failure.message, Retry::of(&failure.kind), &failure.usage)),
        };
    let action = describe(&completed.effects);
    let mark = handlers::mark(engine, handler, queued, partition, action, &completed.usage, &completed.effects.notes);
    let mut step = Step::new(engine, partition);
    match effects::stage(engine, &mut step, conversation, queued, about.map_or(0, |m| m.depth), completed.effects).await
    {
        Ok(()) => Ok(Run::Fit { step, mark }),
        Err(Unfit::Effect(error)) => Ok(failed(error, Retry::Never, &completed.usage)),
        Err(Unfit::Path(error)) => Err(error),
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

/// A handler's message from another partition becomes a message here.
async fn adopt(engine: &Engine, partition: Partition, pending: &Pending, message: Message) -> Result<Flow, Error> {
    let mut step = Step::new(engine, partition);
    effects::adopt(engine, &mut step, Arc::new(message)).await?;
    step.take_event(pending);
    step.commit().await?;
    Ok(Flow::Done)
}

/// A handler takes back a message: done if it hasn't gone too far.
async fn cancel(
    engine: &Engine,
    partition: Partition,
    pending: &Pending,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Flow, Error> {
    match crate::cancel::cancel(engine, tenant, id, "its tenant's handler").await {
        Ok(_) | Err(crate::error::CancelRefused::NotFound | crate::error::CancelRefused::TooLate(_)) => {}
        Err(crate::error::CancelRefused::Path(error)) => return Err(error),
    }
    take(engine, partition, pending).await
}

/// A write to state that lives here.
async fn remember(
    engine: &Engine,
    partition: Partition,
    pending: &Pending,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
) -> Result<Flow, Error> {
    let mut step = Step::new(engine, partition);
    match value {
        Some(value) => step.batch.put(Table::State, key, value),
        None => step.batch.delete(Table::State, key),
    };
    step.take_event(pending);
    step.commit().await?;
    Ok(Flow::Done)
}

/// Nothing is left to do for the event.
async fn take(engine: &Engine, partition: Partition, pending: &Pending) -> Result<Flow, Error> {
    let mut step = Step::new(engine, partition);
    step.take_event(pending);
    step.commit().await?;
    Ok(Flow::Done)
}

/// The event had its attempts: it is set aside, whole, to be looked at and tried again by hand.
async fn park(mut step: Step<'_>, pending: &Pending) -> Result<Flow, Error> {
    let mut queued = pending.queued.clone();
    queued.attempts += 1;
    step.batch.put(Table::ParkedEvent, queued.id.as_bytes().to_vec(), layout::encode(&queued));
    step.take_event(pending);
    step.commit().await?;
    Ok(Flow::Done)
}

/// A message in the form in which guests are shown it.
struct Shown {
    id: String,
    from: String,
    to: String,
    channel: &'static str,
    origin: &'static str,
}

impl Shown {
    fn new(message: &Message) -> Self {
        Self {
            id: message.id.to_string(),
            from: message.from.to_string(),
            to: message.to.to_string(),
            channel: if message.body.media_urls.is_empty() { "sms" } else { "mms" },
            origin: match message.origin {
                Origin::Api { .. } => "api",
                Origin::Handler { .. } => "handler",
                Origin::Keyword | Origin::Carrier { .. } => "host",
            },
        }
    }

    fn draft<'a>(&'a self, message: &'a Message) -> guest::OutboundDraft<'a> {
        guest::OutboundDraft {
            id: &self.id,
            channel: self.channel,
            origin: self.origin,
            category: message.category.as_str(),
            sender: &self.from,
            recipient: &self.to,
            text: &message.body.text,
            media: &[],
            accepted_at: message.accepted_at.as_micros(),
            attributes: &[],
        }
    }

    fn inbound<'a>(&'a self, message: &'a Message, attributes: &'a [Attribute<'a>]) -> guest::InboundMessage<'a> {
        guest::InboundMessage {
            id: &self.id,
            channel: self.channel,
            sender: &self.from,
            recipient: &self.to,
            text: &message.body.text,
            media: &[],
            received_at: message.accepted_at.as_micros(),
            attributes,
        }
    }
}
