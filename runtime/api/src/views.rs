//! What routes answer with.

use std::collections::BTreeMap;

use serde::Serialize;
use signalbox_engine::{Accepted, Contact, Explanation, Readiness};
use signalbox_model::directory::Webhook;
use signalbox_model::view::{EntryView, MessageView, WaitsView};
use signalbox_model::{Address, Decision, MessageId, Reason, Verdict};
use signalbox_records::{Page, Record};
use signalbox_webhooks::{Delivery, Endpoint};
use utoipa::ToSchema;

use crate::problem::ProblemView;

/// A message that is durable here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Accepted)]
pub(crate) struct AcceptedView {
    /// Its id.
    #[schema(value_type = String, example = "msg_01k6dq2v4me3s8l0hnt2a5vb9c")]
    id: MessageId,
    /// `accepted`.
    status: &'static str,
    /// `gsm7` or `ucs2`.
    encoding: &'static str,
    /// How many segments it takes.
    segments: u8,
    /// How many typographic characters were replaced so that it fits GSM 03.38, if any.
    #[serde(skip_serializing_if = "is_zero")]
    folded: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl AcceptedView {
    pub(crate) fn new(accepted: &Accepted) -> Self {
        let Accepted { id, status, encoding, segments, folded } = accepted;
        let (id, segments, folded) = (*id, *segments, *folded);
        Self { id, status: status.as_str(), encoding: encoding.as_str(), segments, folded }
    }
}

/// What became of each message of a batch, in order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchResults)]
pub(crate) struct BatchView {
    /// How many were accepted.
    pub(crate) accepted: usize,
    /// How many were not.
    pub(crate) refused: usize,
    /// One result a message, in the order of the request.
    pub(crate) results: Vec<ResultView>,
}

/// What became of one message of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchResult)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResultView {
    /// It is durable here.
    Accepted(AcceptedView),
    /// It isn't, and here is why.
    Problem(Box<ProblemView>),
}

/// What policy decided.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Decision)]
pub struct DecisionView {
    /// `allow`, `warn`, `rewrite`, `hold` or `deny`.
    verdict: &'static str,
    /// Until when, when it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Every rule that fired.
    reasons: Vec<ReasonView>,
    /// Which rules were asked: the beginning of the rule set's hash.
    rules: String,
}

/// A rule that fired.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Reason)]
pub(crate) struct ReasonView {
    /// The rule's id.
    rule: String,
    /// What it asks for.
    severity: String,
    /// The law, contract or policy that it stands on.
    cite: String,
    /// What was found.
    explain: String,
    /// What would make it pass.
    fix: String,
    /// The canonical class.
    class: &'static str,
}

impl DecisionView {
    /// The view of a decision.
    pub fn new(decision: &Decision) -> Self {
        let until = match decision.verdict {
            Verdict::Hold { until } => Some(until.to_rfc3339()),
            _ => None,
        };
        let reason = |reason: &Reason| ReasonView {
            rule: reason.rule.clone(),
            severity: reason.severity.clone(),
            cite: reason.cite.clone(),
            explain: reason.explain.clone(),
            fix: reason.fix.clone(),
            class: reason.class.as_str(),
        };
        Self {
            verdict: decision.verdict.as_str(),
            until,
            reasons: decision.reasons.iter().map(reason).collect(),
            rules: format!("{:016x}", decision.rules),
        }
    }
}

/// What would become of a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Explanation)]
pub(crate) struct ExplanationView {
    /// `gsm7` or `ucs2`.
    encoding: &'static str,
    /// How many segments it would take.
    segments: u8,
    /// Septets or UTF-16 units.
    units: usize,
    /// Characters that would be replaced so that the text fits GSM 03.38.
    folded: Vec<FoldedView>,
    /// The text as it would be sent.
    text: String,
    /// The carriers that would be tried, in order; empty when none would.
    route: Vec<String>,
    /// Why there is no route, if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_route: Option<String>,
    /// What policy says.
    decision: DecisionView,
    /// The handler that would see it first, if one is bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    handler: Option<String>,
}

/// A replaced character.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Folded)]
pub(crate) struct FoldedView {
    /// What stood there.
    #[schema(value_type = String)]
    from: char,
    /// What would stand there.
    to: &'static str,
    /// How often.
    count: u32,
}

impl From<Explanation> for ExplanationView {
    fn from(explanation: Explanation) -> Self {
        let folded = explanation.folded.iter();
        let (route, no_route) = match &explanation.route {
            Ok(carriers) => (carriers.iter().map(ToString::to_string).collect(), None),
            Err(why) => (Vec::new(), Some(why.clone())),
        };
        Self {
            encoding: explanation.encoding.as_str(),
            segments: explanation.segments,
            units: explanation.units,
            folded: folded.map(|fold| FoldedView { from: fold.from, to: fold.to, count: fold.count }).collect(),
            text: explanation.text,
            route,
            no_route,
            decision: DecisionView::new(&explanation.decision),
            handler: explanation.handler,
        }
    }
}

/// A page of messages, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessagePage)]
pub(crate) struct PageView {
    /// The messages. May be fewer than asked for, or none, though there are more.
    messages: Vec<MessageView>,
    /// Where the next page begins; `null` on the last.
    next_cursor: Option<String>,
}

impl PageView {
    pub(crate) fn new(page: &Page) -> Self {
        Self {
            messages: page.items.iter().map(|(message, head)| MessageView::new(message, head)).collect(),
            next_cursor: page.next.as_ref().map(ToString::to_string),
        }
    }
}

/// A message and all that happened to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Timeline)]
pub(crate) struct TimelineView {
    /// The message as it stands.
    message: MessageView,
    /// What happened, in order.
    entries: Vec<EntryView>,
    /// What webhooks were answered, by event.
    deliveries: Vec<DeliveryView>,
}

impl TimelineView {
    pub(crate) fn new(record: &Record, deliveries: &[Delivery], waits: Option<WaitsView>) -> Self {
        Self {
            message: MessageView { waits, ..MessageView::new(&record.message, &record.head) },
            entries: record.entries.iter().map(EntryView::new).collect(),
            deliveries: deliveries.iter().map(DeliveryView::new).collect(),
        }
    }
}

/// An attempt to tell a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    /// The `webhook-id`, the same on each attempt.
    id: String,
    /// The webhook's name; none when it went to the message's `callback_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<String>,
    /// The event's type.
    event: String,
    /// Which entry of the timeline it told.
    n: u16,
    /// Which attempt, from 1.
    attempt: u16,
    /// When it ended.
    at: String,
    /// How long it took.
    latency_ms: f64,
    /// The HTTP status, if an answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The beginning of the answer.
    #[serde(skip_serializing_if = "String::is_empty")]
    answer: String,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl DeliveryView {
    fn new(delivery: &Delivery) -> Self {
        let item = &delivery.item;
        Self {
            id: item.id.to_string(),
            webhook: match &item.endpoint {
                Endpoint::Webhook { name } => Some(name.clone()),
                Endpoint::Callback { .. } => None,
            },
            event: item.event.clone(),
            n: item.n,
            attempt: delivery.attempt,
            at: delivery.at.to_rfc3339(),
            latency_ms: delivery.latency_us as f64 / 1_000.0,
            status: delivery.status,
            answer: String::from_utf8_lossy(&delivery.answer).into_owned(),
            error: delivery.error.clone(),
        }
    }
}

/// What is recorded of a person.
#[derive(Serialize, ToSchema)]
#[schema(as = Contact)]
pub(crate) struct ContactView {
    /// Their number.
    number: String,
    /// The time zone where they most likely are; null where nothing is recorded.
    time_zone: Option<String>,
    /// What else is recorded, by name.
    attributes: BTreeMap<String, String>,
}

impl ContactView {
    pub(crate) fn new(number: &Address, contact: Contact) -> Self {
        let Contact { time_zone, attributes } = contact;
        Self { number: number.to_string(), time_zone, attributes }
    }
}

/// A webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookView {
    /// Its name.
    name: String,
    /// Where events go.
    url: String,
    /// Which.
    events: Vec<String>,
    /// When it was made or last changed.
    updated_at: String,
    /// The key that signs; shown once, when it was made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl WebhookView {
    pub(crate) fn new(hook: &Webhook, show_secret: bool) -> Self {
        Self {
            name: hook.name.clone(),
            url: hook.url.clone(),
            events: hook.events.clone(),
            updated_at: hook.made_at.to_rfc3339(),
            secret: show_secret.then(|| hook.secret.clone()),
        }
    }
}

/// A tenant's webhooks.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhooks)]
pub(crate) struct WebhooksView {
    /// By name.
    pub(crate) webhooks: Vec<WebhookView>,
}

/// A secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Secret)]
pub(crate) struct SecretView {
    /// `whsec_` and base64.
    pub(crate) secret: String,
}

/// Alive.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alive)]
pub(crate) struct AliveView {
    /// Always true.
    pub(crate) alive: bool,
}

/// How the host is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Status)]
pub(crate) struct StatusView {
    /// Takes traffic.
    pub(crate) ready: bool,
    /// On its way down.
    draining: bool,
    /// Everything that was waiting at the start is on its way again.
    recovered: bool,
    /// What a commit survives: `memory`, `local-fsync`, `redis-aof-always` or `redis-aof-everysec`.
    durability: &'static str,
    /// Outbound messages not yet with a carrier.
    waiting: usize,
    /// Things that wait for a time.
    timed: usize,
    /// Connections, by carrier.
    carriers: BTreeMap<String, CarrierView>,
    /// Which policies are in force.
    policy: PolicyView,
    /// How what was kept long enough is deleted.
    retention: RetentionStatusView,
    /// Room on the store's disk.
    store: StoreView,
    /// The version of this program.
    version: &'static str,
}

/// Room on the store's disk.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoreStatus)]
pub(crate) struct StoreView {
    /// What is left, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    free_bytes: Option<u64>,
    /// With less left nothing new is taken in: `min_free` of the configuration.
    min_free_bytes: u64,
    /// Nothing new is taken in, until there is room.
    full: bool,
}

/// How what was kept long enough is deleted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RetentionStatus)]
pub(crate) struct RetentionStatusView {
    /// When all tenants were gone through last, since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_pass: Option<String>,
    /// What was deleted since the start.
    deleted: u64,
    /// The last pass didn't come to its end; the log says why.
    failed: bool,
}

impl From<signalbox_engine::RetentionStatus> for RetentionStatusView {
    fn from(status: signalbox_engine::RetentionStatus) -> Self {
        let signalbox_engine::RetentionStatus { last_pass, deleted, failed } = status;
        Self { last_pass: last_pass.map(signalbox_model::Timestamp::to_rfc3339), deleted, failed }
    }
}

/// The policies in force, and how the last change went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicyStatus)]
pub(crate) struct PolicyView {
    /// The rule set's hash, as decisions carry it.
    rules: String,
    /// The data tables' hash.
    tables: String,
    /// How many rules there are.
    count: usize,
    /// The packs that are switched on.
    packs: Vec<String>,
    /// Since when they are in force.
    taken_at: String,
    /// How many sets were refused since the start.
    refused: u64,
    /// Why the newest set isn't in force, if it isn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<PolicyFailureView>,
}

/// Why the newest set of policies isn't in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicyFailure)]
pub(crate) struct PolicyFailureView {
    /// When it was refused.
    at: String,
    /// What is wrong, each with file, line and column.
    error: String,
}

impl From<signalbox_engine::PolicyStatus> for PolicyView {
    fn from(status: signalbox_engine::PolicyStatus) -> Self {
        let failure = |failure: signalbox_engine::PolicyFailure| PolicyFailureView {
            at: failure.at.to_rfc3339(),
            error: failure.error,
        };
        Self {
            rules: format!("{:016x}", status.rules),
            tables: format!("{:016x}", status.tables),
            count: status.count,
            packs: status.packs,
            taken_at: status.taken_at.to_rfc3339(),
            refused: status.refused,
            failure: status.failure.map(failure),
        }
    }
}

/// A carrier's connections.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CarrierHealth)]
pub(crate) struct CarrierView {
    /// Binds that are up.
    binds_up: usize,
    /// Binds that there should be.
    binds: usize,
    /// Requests on the wire without an answer.
    in_flight: usize,
    /// Segments a second that the connection allows itself, if the carrier slowed it down.
    #[serde(skip_serializing_if = "Option::is_none")]
    slowed_to: Option<u32>,
    /// The last thing that went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl StatusView {
    /// Why it takes no traffic.
    pub(crate) fn why_not(&self) -> &'static str {
        match (self.draining, self.store.full) {
            (true, _) => "the host is going down",
            (_, true) => "the store's disk has less left than `min_free`: nothing new is taken in until there is room",
            _ => "what waited at the start is still being read",
        }
    }
}

impl From<Readiness> for StatusView {
    fn from(readiness: Readiness) -> Self {
        let Readiness { ready, draining, recovered, durability, waiting, timed, carriers, policy, retention, room } =
            readiness;
        let carrier = |(name, health): (String, signalbox_carriers::Health)| {
            let signalbox_carriers::Health { binds_up, binds, in_flight, slowed_to, last_error } = health;
            (name, CarrierView { binds_up, binds, in_flight, slowed_to, last_error })
        };
        let carriers = carriers.into_iter().map(carrier).collect();
        let version = env!("CARGO_PKG_VERSION");
        let (policy, retention) = (policy.into(), retention.into());
        let signalbox_engine::RoomStatus { free_bytes, min_free_bytes, is_full: full } = room;
        let store = StoreView { free_bytes, min_free_bytes, full };
        Self { ready, draining, recovered, durability, waiting, timed, carriers, policy, retention, store, version }
    }
}
