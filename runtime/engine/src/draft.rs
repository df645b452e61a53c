//! Draft: an accepted message on its way to its queue.
//!
//! ```text
//! its time ─► on-draft: send as is, rewrite, wait, drop ─► check ─► route ─► step: queued ─► egress
//! ```

use std::sync::Arc;

use signalbox_guest::{self as guest, Answer, Attribute, DraftChanges, DraftDecision};
use signalbox_model::event::Queued;
use signalbox_model::handler::{EventKind, OnFailure};
use signalbox_model::timeline::HandlerMark;
use signalbox_model::{Address, Body, Cause, Decision, ErrorClass, Message, Origin, Status, Timestamp};
use signalbox_store::{Table, layout};
use signalbox_text as text;

use crate::assign::{Asked, Taker, taker};
use crate::check::{Checkup, check_and_change};
use crate::dispatch::Flow;
use crate::effects::{self, Unfit};
use crate::egress;
use crate::engine::Engine;
use crate::error::Error;
use crate::handlers;
use crate::health::Admit;
use crate::hot::Live;
use crate::registered::{self, Seen};
use crate::retry::{Retry, next_attempt, postpone};
use crate::route::{NoRoute, route};
use crate::shown::{Shown, draft_attributes};
use crate::step::Step;
use crate::turns::Pending;

/// Is it time to look at this message?
pub(crate) fn is_due(live: &Live, now: Timestamp) -> bool {
    match live.head.status {
        Status::Accepted => true,
        Status::Held => live.head.held_until.is_none_or(|until| until <= now),
        _ => false,
    }
}

/// Brings an accepted message to its queue: its time, the tenant's draft handler, the check, the route.
///
/// The handler runs without the message's lock: it may take its time, and the message may be taken back meanwhile.
pub(crate) async fn prepare(engine: &Arc<Engine>, pending: &mut Pending, mut live: Live) -> Result<Flow, Error> {
    let (id, seen) = (live.message.id, live.head.entries);
    let mut step = Step::new(engine, id.partition());
    let now = step.at;
    let early = live.message.send_at.filter(|at| *at > now && live.head.status == Status::Accepted);
    let drafted = if early.is_none() && live.message.expires_at > now {
        match draft_taker(engine, &live.message, pending).await {
            Some(taker) => Some((show_draft(engine, &mut step, &taker, &pending.queued, &mut live).await?, taker)),
            None => None,
        }
    } else {
        None
    };
    let _one = engine.locks.lock(id).await;
    let current = engine.live(&live.message.tenant, id).await?;
    if current.is_none_or(|current| current.head.entries != seen) {
        // Something happened to it meanwhile; nothing of this step lands.
        return Ok(Flow::Again(now));
    }
    let live = &mut live;
    if live.message.expires_at <= now {
        let class = Some(ErrorClass::Expired);
        egress::finish(engine, step, live, pending.seq, Status::Expired, Cause::Expired, class).await?;
        return Ok(Flow::Done);
    }
    if let Some(send_at) = early {
        return hold(engine, step, live, pending, send_at, "its sender asked for that time".to_owned(), None).await;
    }
    let mut mark = None;
    let mut chosen = None;
    if let Some((drafted, taker)) = drafted {
        match drafted {
            Drafted::Go { mark: made, route } => (mark, chosen) = (Some(made), route),
            Drafted::Wait { until, why } => return hold(engine, step, live, pending, until, why, None).await,
            Drafted::Drop { mark, why } => {
                let cause = Cause::Rejected { decision: None, handler: Some(mark), why };
                let class = Some(ErrorClass::ContentBlockedPlatform);
                egress::finish(engine, step, live, pending.seq, Status::Rejected, cause, class).await?;
                return Ok(Flow::Done);
            }
            Drafted::Failed(failed) if taker.on_failure == OnFailure::Open => {
                let Failed { mark: handler, error, .. } = failed;
                let attempt = pending.queued.attempts + 1;
                let cause = Cause::HandlerFailed { handler, error, attempt, parked: false };
                let status = live.head.status;
                step.advance(live, status, cause, None)?;
            }
            Drafted::Failed(failed) => return draft_failed(engine, live, pending, &taker, failed).await,
        }
    }
    match check_and_change(engine, &mut step, live).await? {
        Checkup::Rewrite { decision, .. } | Checkup::Deny(decision) => {
            let class = decision.class();
            let why = decision.reasons.first().map(|reason| reason.explain.clone()).unwrap_or_default();
            let cause = Cause::Rejected { decision: Some(decision), handler: mark, why };
            egress::finish(engine, step, live, pending.seq, Status::Rejected, cause, class).await?;
        }
        Checkup::Hold { until, decision, changes } => {
            let why = decision.reasons.first().map(|reason| reason.explain.clone()).unwrap_or_default();
            return hold(engine, step, live, pending, until, why, Some((decision, changes))).await;
        }
        Checkup::Pass(checked, decision) => match route(engine, &live.message).and_then(|routes| pick(&routes, chosen))
        {
            Err(none) => {
                let (cause, class) = (Cause::NoRoute { why: none.why }, Some(ErrorClass::RouteNone));
                egress::finish(engine, step, live, pending.seq, Status::Failed, cause, class).await?;
            }
            Ok(carrier) => {
                let cause = Cause::Queued { carrier: carrier.to_string(), handler: mark, decision };
                egress::go(engine, step, live, pending.seq, &checked, (&carrier, cause)).await?;
            }
        },
    }
    Ok(Flow::Done)
}

fn pick(routes: &[Arc<str>], chosen: Option<String>) -> Result<Arc<str>, NoRoute> {
    match chosen {
        None => Ok(routes[0].clone()),
        Some(name) => routes.iter().find(|route| ***route == *name).cloned().ok_or_else(|| NoRoute {
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
    decision: Option<(Decision, Option<u64>)>,
) -> Result<Flow, Error> {
    if !live.head.has_room() {
        egress::end_full(engine, step, live, pending.seq).await?;
        return Ok(Flow::Done);
    }
    let (decision, changes) = decision.map_or((None, None), |(decision, changes)| (Some(decision), changes));
    let class = decision.as_ref().and_then(Decision::class);
    step.advance(live, Status::Held, Cause::Held { until, why, decision }, class)?;
    if pending.queued.attempts > 0 {
        // It comes back as if it were new.
        step.batch.delete(Table::Retry, layout::inbox_key(pending.seq));
    }
    step.commit().await?;
    let (tenant, message) = (live.message.tenant.clone(), live.message.id);
    registered::is_held(engine, (tenant, message, pending.seq), Seen { until, class, changes });
    Ok(Flow::Done)
}

/// Who sees this draft, if anybody does. The host's own answers are not the tenant's to change.
async fn draft_taker(engine: &Engine, message: &Message, pending: &Pending) -> Option<Taker> {
    if message.origin == Origin::Keyword {
        return None;
    }
    taker(engine, &message.tenant, &Asked::about(message, EventKind::Draft), pending.pin.as_ref()).await
}

/// What a draft handler made of a message.
enum Drafted {
    Go { mark: HandlerMark, route: Option<String> },
    Wait { until: Timestamp, why: String },
    Drop { mark: HandlerMark, why: String },
    Failed(Failed),
}

/// A draft handler that has no effect.
struct Failed {
    mark: HandlerMark,
    error: String,
    retry: Retry,
}

/// Shows a draft to its handler, and puts what the handler asked for into the step.
async fn show_draft<'e>(
    engine: &'e Arc<Engine>,
    step: &mut Step<'e>,
    taker: &Taker,
    queued: &Queued,
    live: &mut Live,
) -> Result<Drafted, Error> {
    let partition = live.message.id.partition();
    let conversation = live.message.conversation();
    // A message that was held is shown at the time it was held for: to its handler, that is now. Written down with the
    // hold, it's the same at every attempt.
    let at = live.head.held_until.filter(|_| live.head.status == Status::Held).unwrap_or(queued.at).max(queued.at);
    let queued = &Queued { at, ..queued.clone() };
    let id = handlers::run_id(engine, partition);
    let failed = |usage: &guest::Usage, error: String, retry: Retry| {
        let mark = handlers::mark(taker, queued, id, "failed", usage, &[]);
        Ok(Drafted::Failed(Failed { mark, error, retry }))
    };
    if let Admit::Wait(until) = taker.version.health.lock().admit(engine.clock.now()) {
        let error = format!("the handler failed too often in a row and isn't called before {}", until.to_rfc3339());
        return failed(&guest::Usage::default(), error, Retry::WhenTheHostSees);
    }
    let outcome = {
        let shown = Shown::new(&live.message);
        let routes = route(engine, &live.message).unwrap_or_default();
        let known = draft_attributes(&live.message, &routes);
        let attributes: Vec<_> = known.iter().map(|(name, value)| Attribute { name, value }).collect();
        let draft = guest::Event::Draft(shown.draft(&live.message, &attributes));
        let about = Some(live.message.id);
        handlers::call(engine, taker, queued, &conversation, about, id, draft).await.0
    };
    let completed = match outcome {
        Ok(completed) => completed,
        Err(failure) => return failed(&failure.usage, failure.message, Retry::of(&failure.kind)),
    };
    let notes = completed.effects.notes.clone();
    let mark = |action: &str| handlers::mark(taker, queued, id, action, &completed.usage, &notes);
    let Answer::Draft(decision) = completed.answer else {
        let error = "the handler gave no decision on the draft".to_owned();
        return failed(&completed.usage, error, Retry::Never);
    };
    let (drafted, changed) = match decision {
        DraftDecision::Send => (Drafted::Go { mark: mark("let it pass"), route: None }, None),
        DraftDecision::Drop(why) => (Drafted::Drop { mark: mark("dropped it"), why }, None),
        DraftDecision::Change(changes) => {
            let until = changes.not_before.map(Timestamp::from_micros).filter(|until| *until > step.at);
            let route = changes.route.clone();
            match rewritten(engine, &live.message, *changes) {
                Err(error) => return failed(&completed.usage, error, Retry::Never),
                Ok(changed) => match until {
                    Some(until) => (
                        Drafted::Wait {
                            until,
                            why: format!("handler {} asked for that time", taker.handler.meta.name),
                        },
                        changed,
                    ),
                    None => {
                        let action = if changed.is_some() { "rewrote it" } else { "let it pass" };
                        (Drafted::Go { mark: mark(action), route }, changed)
                    }
                },
            }
        }
    };
    match effects::stage(engine, step, taker, &conversation, queued, live.message.depth, completed.effects).await {
        Ok(()) => {}
        Err(Unfit::Path(error)) => return Err(error),
        Err(Unfit::Effect(error)) => {
            // What was staged so far must not land: the step is begun anew.
            *step = Step::new(engine, partition);
            return failed(&completed.usage, error, Retry::Never);
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

/// A draft whose handler fails doesn't leave: it is tried again, and then rejected, or held for another round of attempts
/// by whatever answers then.
async fn draft_failed(
    engine: &Engine,
    live: &mut Live,
    pending: &mut Pending,
    taker: &Taker,
    failed: Failed,
) -> Result<Flow, Error> {
    let Failed { mark, error, retry } = failed;
    let attempt = pending.queued.attempts + 1;
    let mut step = Step::new(engine, live.message.id.partition());
    let next = next_attempt(engine, attempt, retry);
    if next.is_none() && taker.on_failure == OnFailure::Hold {
        let until = (step.at + engine.longest_wait()).min(live.message.expires_at);
        let why = format!("handler {} failed: {error}", taker.handler.meta.name);
        return hold(engine, step, live, pending, until, why, None).await;
    }
    let Some(at) = next else {
        let cause = Cause::Rejected { decision: None, handler: Some(mark), why: error };
        let class = Some(ErrorClass::ContentBlockedPlatform);
        egress::finish(engine, step, live, pending.seq, Status::Rejected, cause, class).await?;
        return Ok(Flow::Done);
    };
    let status = live.head.status;
    step.advance(live, status, Cause::HandlerFailed { handler: mark, error, attempt, parked: false }, None)?;
    postpone(step, pending, taker, at).await
}
