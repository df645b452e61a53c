//! Draft: an accepted message on its way to its queue.
//!
//! ```text
//! its time ─► on-draft: send as is, rewrite, drop ─► check ─► route ─► step: queued ─► egress
//!    ▲           │ wait                              │ ▲
//!    └───────────┘                              hold └─┘ its time
//! ```
//!
//! A draft is shown until its handler has answered, and then no more: what the handler asked for lands with the line that
//! says so (`held` or `queued`), and the head remembers it. A handler that has it wait is asked again at the time it named.

use std::sync::Arc;

use signalbox_guest::{self as guest, Answer, DraftChanges, DraftDecision};
use signalbox_model::event::Queued;
use signalbox_model::handler::{EventKind, OnFailure};
use signalbox_model::timeline::HandlerMark;
use signalbox_model::{Address, Body, Cause, Decision, ErrorClass, EventId, Message, Origin, Status, Timestamp};
use signalbox_store::{Table, layout};
use signalbox_text as text;

use crate::assign::{Asked, Taker, taker};
use crate::check::{Checkup, check_and_change};
use crate::content::{self, Written};
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
use crate::shown::{Shown, borrowed, draft_attributes};
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
    let drafted = if early.is_none() && live.message.expires_at > now && !live.head.drafted {
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
        let wait = Wait { until: send_at, why: "its sender asked for that time".to_owned(), handler: None };
        return hold(engine, step, live, pending, wait, None).await;
    }
    let mut mark = None;
    if let Some((drafted, taker)) = drafted {
        match drafted {
            Drafted::Go(made) => mark = Some(made),
            Drafted::Wait(wait) => return hold(engine, step, live, pending, wait, None).await,
            // It waits as other events do, and spends none of its attempts.
            Drafted::Rest(until) => return Ok(Flow::Again(until.min(live.message.expires_at))),
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
            let wait = Wait { until, why, handler: mark };
            return hold(engine, step, live, pending, wait, Some((decision, changes))).await;
        }
        Checkup::Pass(checked, decision) => {
            let chosen = mark.as_ref().map_or(live.head.route.as_deref(), |mark| mark.route.as_deref());
            match route_of(engine, &live.message, chosen) {
                Err(none) => {
                    let (cause, class) = (Cause::NoRoute { why: none.why }, Some(ErrorClass::RouteNone));
                    egress::finish(engine, step, live, pending.seq, Status::Failed, cause, class).await?;
                }
                Ok(carrier) => {
                    let cause = Cause::Queued { carrier: carrier.to_string(), handler: mark, decision };
                    egress::go(engine, step, live, pending.seq, &checked, (&carrier, cause)).await?;
                }
            }
        }
    }
    Ok(Flow::Done)
}

/// The carrier that a message goes by: the one that its handler chose, or the preferred one.
pub(crate) fn route_of(engine: &Engine, message: &Message, chosen: Option<&str>) -> Result<Arc<str>, NoRoute> {
    let routes = route(engine, message)?;
    match chosen {
        None => Ok(routes[0].clone()),
        Some(name) => routes.iter().find(|route| ***route == *name).cloned().ok_or_else(|| NoRoute {
            why: format!("the handler chose the route `{name}`, which this message doesn't have"),
        }),
    }
}

/// What a message waits for.
struct Wait {
    until: Timestamp,
    why: String,
    /// The handler that has answered, if one has just now.
    handler: Option<HandlerMark>,
}

async fn hold(
    engine: &Engine,
    mut step: Step<'_>,
    live: &mut Live,
    pending: &Pending,
    Wait { until, why, handler }: Wait,
    decision: Option<(Decision, Option<u64>)>,
) -> Result<Flow, Error> {
    if !live.head.has_room() {
        egress::end_full(engine, step, live, pending.seq).await?;
        return Ok(Flow::Done);
    }
    let (decision, changes) = decision.map_or((None, None), |(decision, changes)| (Some(decision), changes));
    let class = decision.as_ref().and_then(Decision::class);
    step.advance(live, Status::Held, Cause::Held { until, why, handler, decision }, class)?;
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
    taker(engine, &message.tenant, &Asked::about(engine, message, EventKind::Draft), pending.pin.as_ref()).await
}

/// What a draft handler made of a message.
enum Drafted {
    Go(HandlerMark),
    Wait(Wait),
    /// It wasn't asked: it failed too often, and rests until then.
    Rest(Timestamp),
    Drop {
        mark: HandlerMark,
        why: String,
    },
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
    let queued = &Queued { at, id: look(live, queued), ..queued.clone() };
    let id = handlers::run_id(engine, partition);
    let failed = |usage: &guest::Usage, error: String, retry: Retry| {
        let mark = handlers::mark(taker, queued, id, "failed", usage, &[]);
        Ok(Drafted::Failed(Failed { mark, error, retry }))
    };
    if let Admit::Wait(until) = taker.version.health.lock().admit(engine.clock.now()) {
        if taker.on_failure != OnFailure::Open {
            return Ok(Drafted::Rest(until));
        }
        let error = format!("the handler failed too often in a row and isn't called before {}", until.to_rfc3339());
        return failed(&guest::Usage::default(), error, Retry::WhenTheHostSees);
    }
    let outcome = {
        let shown = Shown::new(&live.message);
        let routes = route(engine, &live.message).unwrap_or_default();
        let known = draft_attributes(&live.message, &routes);
        let attributes = borrowed(&known);
        let draft = guest::Event::Draft(shown.draft(&live.message, &attributes));
        let about = Some(live.message.id);
        handlers::call(engine, taker, queued, &conversation, about, id, draft).await.0
    };
    let completed = match outcome {
        Ok(completed) => completed,
        Err(failure) => return failed(&failure.usage, failure.message, Retry::of(&failure.kind)),
    };
    let notes = completed.effects.notes.clone();
    let mark = |action: &str, route| HandlerMark {
        route,
        ..handlers::mark(taker, queued, id, action, &completed.usage, &notes)
    };
    let Answer::Draft(decision) = completed.answer else {
        let error = "the handler gave no decision on the draft".to_owned();
        return failed(&completed.usage, error, Retry::Never);
    };
    let (drafted, changed) = match decision {
        DraftDecision::Send => (Drafted::Go(mark("let it pass", None)), None),
        DraftDecision::Drop(why) => (Drafted::Drop { mark: mark("dropped it", None), why }, None),
        DraftDecision::Change(changes) => {
            let until = changes.not_before.map(Timestamp::from_micros).filter(|until| *until > step.at);
            let route = changes.route.clone();
            match rewritten(engine, &live.message, *changes) {
                Err(error) => return failed(&completed.usage, error, Retry::Never),
                Ok(changed) => {
                    let action = match (&changed, until) {
                        (Some(_), None) => "rewrote it",
                        (None, None) => "let it pass",
                        (Some(_), Some(_)) => "rewrote it and had it wait",
                        (None, Some(_)) => "had it wait",
                    };
                    let made = mark(action, route);
                    let drafted = match until {
                        Some(until) => {
                            let why = format!("handler {} asked for that time", taker.handler.meta.name);
                            Drafted::Wait(Wait { until, why, handler: Some(made) })
                        }
                        None => Drafted::Go(made),
                    };
                    (drafted, changed)
                }
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

/// The event by which a draft is shown. One that its handler had wait comes as another event each time, so that what is sent at
/// each has an id of its own; and as the same one at every attempt, whether its time or a restart brings it back.
fn look(live: &Live, queued: &Queued) -> EventId {
    if live.head.status == Status::Accepted {
        return queued.id;
    }
    let message = live.message.id;
    let [.., a, b, c, d, e, f, g, h] = *message.as_bytes();
    let chance = u64::from_be_bytes([a, b, c, d, e, f, g, h]).rotate_left(u32::from(live.head.entries));
    EventId::derived(live.message.accepted_at, message.partition(), chance)
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
    let written = Written {
        text: &body.text,
        smart: text::Smart::On,
        media_urls: &body.media_urls,
        campaign: message.campaign.as_deref(),
        tags: &message.tags,
    };
    let prepared = content::prepare_handlers(engine, &written)
        .map_err(|error| format!("what the handler made of the message can't be sent: {error}"))?;
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
        // It hasn't answered, and nothing of what it did is there: the next look shows it the draft anew.
        let wait = Wait { until, why: format!("handler {} failed: {error}", taker.handler.meta.name), handler: None };
        return hold(engine, step, live, pending, wait, None).await;
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
