//! Accept: a request becomes a message that is durable before the answer.
//!
//! ```text
//! request ─► draft (fields, text, segments) ─► check ─► step: message, first line, queue entry ─► answer
//!                                                └─ deny: a record of the refusal, and 422
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use signalbox_model::handler::EventKind;
use signalbox_model::{
    Address, Body, Category, Cause, Conversation, Decision, Direction, Encoding, Event, KeyId, Message, MessageId,
    Origin, Partition, Status, TenantId, Timestamp,
};
use signalbox_text as text;

use crate::assign::{Asked, assigned};
use crate::check::{Checkup, check};
use crate::content::{self, Written, field};
use crate::counted::Place;
use crate::engine::Engine;
use crate::error::{Error, FieldError, Refused};
use crate::idempotency;
use crate::route::route;
use crate::step::Step;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// For this tenant.
    pub tenant: TenantId,
    /// With this key.
    pub key: KeyId,
}

/// What a tenant wants sent, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Request {
    /// Sender.
    pub from: String,
    /// Recipient.
    pub to: String,
    /// The text.
    pub text: String,
    /// Media.
    pub media_urls: Vec<String>,
    /// The campaign.
    pub campaign: Option<String>,
    /// What it is for.
    pub category: Category,
    /// Not before this, RFC 3339.
    pub send_at: Option<String>,
    /// For so long, in seconds.
    pub valid_for: Option<u64>,
    /// Labels.
    pub tags: Vec<String>,
    /// Where status changes go besides.
    pub callback_url: Option<String>,
    /// Leave typographic characters as they are.
    pub exact: bool,
}

/// What became of an accepted request.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The message.
    pub id: MessageId,
    /// `accepted`, or where it is by now when the answer is given again.
    pub status: Status,
    /// How its text is encoded.
    pub encoding: Encoding,
    /// How many segments it takes.
    pub segments: u8,
    /// How many typographic characters were folded so that it fits GSM 03.38.
    pub folded: u32,
}

/// A message that policy refused: it is on the record, and never leaves.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// The message.
    pub id: MessageId,
    /// Why.
    pub decision: Decision,
}

/// What would become of a request.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// How its text would be encoded.
    pub encoding: Encoding,
    /// How many segments it would take.
    pub segments: u8,
    /// Septets or UTF-16 units.
    pub units: usize,
    /// What would be folded.
    pub folded: Vec<text::Folded>,
    /// The text as it would be sent.
    pub text: String,
    /// The carriers that would be tried, in order.
    pub route: Result<Vec<Arc<str>>, String>,
    /// What policy says.
    pub decision: Decision,
    /// The handler that would see it first, if one is bound.
    pub handler: Option<String>,
}

/// A request whose fields are in order; not yet checked by policy.
struct Draft {
    message: Message,
    folded: Vec<text::Folded>,
    units: usize,
}

/// Accepts one request.
pub(crate) async fn accept(
    engine: &Engine,
    caller: &Caller,
    request: &Request,
    idempotency_key: Option<&str>,
) -> Result<Accepted, Refused> {
    let requests = std::slice::from_ref(request);
    let mut results = accept_batch(engine, caller, requests, idempotency_key).await?;
    results.pop().expect("one request has one result")
}

/// Accepts up to `max_batch` requests: each has its own result, in order.
pub(crate) async fn accept_batch(
    engine: &Engine,
    caller: &Caller,
    requests: &[Request],
    idempotency_key: Option<&str>,
) -> Result<Vec<Result<Accepted, Refused>>, Refused> {
    admit(engine, requests.len())?;
    let claim = match idempotency_key {
        None => None,
        // A request that can't be read stands for nothing; its key stays free for the mended one. What was answered under
        // another configuration is still answered.
        Some(key) if requests.iter().all(|request| draft(engine, caller, request, None).is_err()) => {
            idempotency::claimed(engine, caller, key, requests).await?
        }
        Some(key) => Some(idempotency::claim(engine, caller, key, requests).await?),
    };
    let mut plan = Plan::default();
    for (i, request) in requests.iter().enumerate() {
        let known = claim.as_ref().map(|claim| claim.ids[i]);
        plan.add(engine, caller, request, known).await;
    }
    plan.commit(engine).await
}

/// Dry run: what would become of a request. Sends and records nothing.
pub(crate) async fn explain(engine: &Engine, caller: &Caller, request: &Request) -> Result<Explanation, Refused> {
    let draft = draft(engine, caller, request, None)?;
    let route = route(engine, &draft.message);
    let message = Arc::new(draft.message);
    let decision = check(engine, &message, Place::Look).await?.into_decision();
    Ok(Explanation {
        encoding: message.encoding,
        segments: message.segments,
        units: draft.units,
        folded: draft.folded,
        text: message.body.text.clone(),
        route: route.map_err(|none| none.why),
        decision,
        handler: engine.directory.account(&message.tenant).and_then(|account| {
            let asked = Asked::about(engine, &message, EventKind::Draft);
            assigned(&account, &asked).map(|assigned| assigned.handler.meta.name.clone())
        }),
    })
}

fn admit(engine: &Engine, count: usize) -> Result<(), Error> {
    if engine.is_draining() {
        return Err(Error::Draining);
    }
    engine.has_room()?;
    let waiting = engine.waiting.len();
    if waiting + count > engine.config.max_waiting { Err(Error::Overloaded { waiting }) } else { Ok(()) }
}

/// What a call will write: one step a partition, and a result for each request.
#[derive(Default)]
struct Plan<'e> {
    steps: BTreeMap<Partition, Step<'e>>,
    results: Vec<(Option<Partition>, Result<Accepted, Refused>)>,
}

impl<'e> Plan<'e> {
    async fn add(&mut self, engine: &'e Engine, caller: &Caller, request: &Request, known: Option<MessageId>) {
        let result = self.try_add(engine, caller, request, known).await;
        self.results.push(match result {
            Ok((partition, result)) => (Some(partition), result),
            Err(refused) => (None, Err(refused)),
        });
    }

    async fn try_add(
        &mut self,
        engine: &'e Engine,
        caller: &Caller,
        request: &Request,
        known: Option<MessageId>,
    ) -> Result<(Partition, Result<Accepted, Refused>), Refused> {
        if let Some(id) = known
            && let Some(record) = engine.record(&caller.tenant, id).await?
        {
            return Ok((id.partition(), given_before(engine, request, &record)));
        }
        let Draft { message, folded, .. } = draft(engine, caller, request, known)?;
        let partition = message.id.partition();
        let id = message.id;
        let folded = fold_count(&folded);
        let step = self.steps.entry(partition).or_insert_with(|| Step::new(engine, partition));
        let message = Arc::new(message);
        let answer =
            Accepted { id, status: Status::Accepted, encoding: message.encoding, segments: message.segments, folded };
        let result = match check(engine, &message, Place::Look).await? {
            Checkup::Deny(decision) => {
                let class = decision.class();
                let why = decision.reasons.first().map(|reason| reason.explain.clone()).unwrap_or_default();
                let cause = Cause::Rejected { decision: Some(decision.clone()), handler: None, why };
                step.begin(message, Status::Rejected, cause, class);
                Err(Refused::Policy(Box::new(Rejected { id, decision })))
            }
            checkup => {
                if let Some(account) = engine.directory.account(&caller.tenant) {
                    account.tally.message(step.at, message.segments);
                }
                stage_outbound(step, message, checkup.into_decision());
                Ok(answer)
            }
        };
        Ok((partition, result))
    }

    /// Commits all steps side by side; a request whose step failed says so.
    async fn commit(self, engine: &Engine) -> Result<Vec<Result<Accepted, Refused>>, Refused> {
        let commits = self.steps.into_iter().map(|(partition, step)| async move { (partition, step.commit().await) });
        let failed: BTreeMap<Partition, Error> = futures_util::future::join_all(commits)
            .await
            .into_iter()
            .filter_map(|(partition, result)| result.err().map(|error| (partition, error)))
            .collect();
        let settle = |(partition, result): (Option<Partition>, Result<Accepted, Refused>)| match partition
            .and_then(|partition| failed.get(&partition))
        {
            Some(error) => Err(Refused::Path(error.clone())),
            None => result,
        };
        let results: Vec<_> = self.results.into_iter().map(settle).collect();
        let accepted = results.iter().filter(|result| result.is_ok()).count();
        engine.metrics.accepted.inc_by(accepted as u64);
        Ok(results)
    }
}

/// Writes an outbound message that isn't refused: its first line and its place in the queue.
pub(crate) fn stage_outbound(step: &mut Step<'_>, message: Arc<Message>, decision: Decision) {
    let conversation = message.conversation_id();
    let (tenant, id, home) = (message.tenant.clone(), message.id, step.home(&conversation));
    debug_assert_eq!(home, step.partition());
    step.begin(message, Status::Accepted, Cause::Accepted { decision }, None);
    step.event(home, Event::Outbound { tenant, message: id, conversation });
}

/// The answer to a request that was carried out before: the same as the first time, whatever became of it since. So it is
/// made of the request: a handler or a rule may have rewritten the message.
fn given_before(engine: &Engine, request: &Request, record: &signalbox_records::Record) -> Result<Accepted, Refused> {
    let message = &record.message;
    if let Some(Cause::Rejected { decision: Some(decision), .. }) = record.entries.first().map(|entry| &entry.cause) {
        return Err(Refused::Policy(Box::new(Rejected { id: message.id, decision: decision.clone() })));
    }
    let (encoding, segments, folded) = match content::prepare(engine, &written(request), &mut Vec::new()) {
        Some(prepared) => (prepared.encoding, prepared.segments, fold_count(&prepared.folded)),
        // It was taken when longer texts were.
        None => (message.encoding, message.segments, 0),
    };
    Ok(Accepted { id: message.id, status: Status::Accepted, encoding, segments, folded })
}

fn fold_count(folded: &[text::Folded]) -> u32 {
    folded.iter().map(|fold| fold.count).sum()
}

/// Reads a request's fields; all that is wrong is said at once.
fn draft(engine: &Engine, caller: &Caller, request: &Request, known: Option<MessageId>) -> Result<Draft, Refused> {
    let config = &engine.config;
    let now = known.map_or_else(|| engine.clock.now(), |id| id.made_at());
    let mut wrong = Vec::new();
    let from = address("from", &request.from, &mut wrong);
    let to = address("to", &request.to, &mut wrong);
    let prepared = content::prepare(engine, &written(request), &mut wrong);
    let send_at = send_at(request, now, config.max_schedule, &mut wrong);
    let expires_at = expires_at(engine, request, send_at.unwrap_or(now), &mut wrong);
    callback(engine, request, &mut wrong);
    let (Some(from), Some(to), Some(prepared), true) = (from, to, prepared, wrong.is_empty()) else {
        return Err(Refused::Invalid(wrong));
    };
    let conversation = Conversation { tenant: caller.tenant.clone(), ours: from.clone(), theirs: to.clone() };
    let conversation = conversation.id();
    let partition = conversation.partition(engine.store.partitions());
    let message = Message {
        conversation,
        id: known.unwrap_or_else(|| MessageId::new(now, partition, &engine.chance)),
        tenant: caller.tenant.clone(),
        direction: Direction::Outbound,
        from,
        to,
        body: Body { text: prepared.text.into_owned(), media_urls: request.media_urls.clone() },
        original: None,
        category: request.category,
        campaign: request.campaign.clone(),
        tags: request.tags.clone(),
        callback_url: request.callback_url.clone(),
        accepted_at: now,
        send_at,
        expires_at,
        encoding: prepared.encoding,
        segments: prepared.segments,
        origin: Origin::Api { key: caller.key },
        depth: 0,
        veil: Default::default(),
    };
    if let Some(wrong) = unroutable(engine, &message) {
        return Err(Refused::Invalid(vec![wrong]));
    }
    Ok(Draft { message, folded: prepared.folded, units: prepared.units })
}

/// What no carrier of the sender could ever take is refused at once: a record of it could only fail. The media may still be
/// taken out by a handler that sees drafts. Whose number it isn't, the rules say.
fn unroutable(engine: &Engine, message: &Message) -> Option<FieldError> {
    let account = engine.directory.account(&message.tenant)?;
    let plan = account.tenant.numbers.get(message.ours())?;
    if !plan.carriers.iter().any(|name| engine.carrier(name).is_some_and(|carrier| carrier.sends())) {
        let detail = "no carrier that sends is set up for the number in `from`: have your operator name one in its `carriers`, \
                      or send from another number";
        return Some(field("from", "route.none", detail));
    }
    let asked = Asked::about(engine, message, EventKind::Draft);
    if !message.body.media_urls.is_empty() && assigned(&account, &asked).is_none() {
        let detail =
            "no carrier of the number in `from` takes media: leave `media_urls` out, and say where it is in `text`";
        return Some(field("media_urls", "media.unsupported", detail));
    }
    None
}

fn written(request: &Request) -> Written<'_> {
    Written {
        text: &request.text,
        smart: if request.exact { text::Smart::Off } else { text::Smart::On },
        media_urls: &request.media_urls,
        campaign: request.campaign.as_deref(),
        tags: &request.tags,
    }
}

/// The partition in which a request's message will live, if its addresses can be read.
pub(crate) fn partition_of(engine: &Engine, caller: &Caller, request: &Request) -> Option<Partition> {
    let (ours, theirs) = (request.from.parse().ok()?, request.to.parse().ok()?);
    Some(Conversation { tenant: caller.tenant.clone(), ours, theirs }.id().partition(engine.store.partitions()))
}

fn address(name: &'static str, text: &str, wrong: &mut Vec<FieldError>) -> Option<Address> {
    match text.parse() {
        Ok(address) => Some(address),
        Err(error) => {
            wrong.push(field(name, "number.malformed", format!("`{name}` {error}")));
            None
        }
    }
}

fn send_at(request: &Request, now: Timestamp, furthest: Duration, wrong: &mut Vec<FieldError>) -> Option<Timestamp> {
    let text = request.send_at.as_ref()?;
    match Timestamp::parse_rfc3339(text) {
        None => {
            wrong.push(field("send_at", "time.malformed", "`send_at` is not RFC 3339, such as 2026-12-24T09:00:00Z"))
        }
        Some(at) if at > now + furthest => {
            let days = furthest.as_secs() / 86_400;
            wrong.push(field("send_at", "time.too_far", format!("`send_at` lies more than {days} days ahead")));
        }
        Some(at) => return Some(at),
    }
    None
}

fn expires_at(engine: &Engine, request: &Request, start: Timestamp, wrong: &mut Vec<FieldError>) -> Timestamp {
    let longest = engine.config.max_schedule.as_secs();
    match request.valid_for {
        None => start + engine.config.default_validity,
        Some(seconds) if (1..=longest).contains(&seconds) => start + Duration::from_secs(seconds),
        Some(_) => {
            let detail = format!("`valid_for` is a number of seconds from 1 to {longest}");
            wrong.push(field("valid_for", "time.out_of_range", detail));
            start
        }
    }
}

fn callback(engine: &Engine, request: &Request, wrong: &mut Vec<FieldError>) {
    if let Some(url) = &request.callback_url
        && let Err(error) = signalbox_webhooks::check_url(url, engine.reach)
    {
        wrong.push(field("callback_url", "url.refused", error.to_string()));
    }
}
