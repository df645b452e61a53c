//! Supervision: messages that a supervisor looks at before they go.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use signalbox_engine::{Reading, Supervised};
use signalbox_model::view::MessageView;
use utoipa::ToSchema;

use crate::app::{App, json, to_its_end};
use crate::extract::{Json, Reveal, Segment, Tenant};
use crate::problem::Problem;
use crate::refusal::no_message;
use crate::shape::{Field, Kind, Need, Object, Shape};

/// Messages that are listed: a screen or two of reading.
const MOST: usize = 200;

/// What a supervisor says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SupervisorDecision)]
pub(crate) struct NewDecision {
    /// Why, in 1 to 200 characters. It is kept in the audit log.
    #[schema(example = "no promise is made")]
    why: String,
}

impl Shape for NewDecision {
    const SHAPE: Object = Object { fields: &[Field { name: "why", kind: Kind::Text, need: Need::Required }] };
}

/// A message that waits for a supervisor.
#[derive(Serialize, ToSchema)]
#[schema(as = Supervised)]
pub(crate) struct SupervisedView {
    message: MessageView,
    /// Since when it waits.
    since: String,
    /// Until when; then it is rejected or goes, as the operator set it.
    until: Option<String>,
}

/// Messages that wait for a supervisor.
#[derive(Serialize, ToSchema)]
#[schema(as = SupervisionQueue)]
pub(crate) struct QueueView {
    /// Those that wait longest first; at most 200.
    waiting: Vec<SupervisedView>,
}

/// Messages that wait for a supervisor.
#[utoipa::path(
    get,
    path = "/v1/supervision",
    tag = "supervision",
    operation_id = "list_supervised",
    params(
        ("Signalbox-Reveal" = Option<String>, Header, description = "Why texts that are redacted should be shown: it is logged with your key."),
    ),
    responses((status = 200, description = "The queue.", body = QueueView))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Reveal(reason): Reveal,
) -> Result<Response, Problem> {
    let mut waiting = app.handle.supervised(&caller.tenant, MOST).await?;
    let mut shown: Vec<_> = waiting.iter_mut().map(|supervised| &mut supervised.message).collect();
    app.handle.reads(&caller, Reading { how: "supervision", reason }, &mut shown).await?;
    let view = |supervised: &Supervised| SupervisedView {
        message: MessageView::new(&supervised.message, &supervised.head),
        since: supervised.since.to_rfc3339(),
        until: supervised.until.map(signalbox_model::Timestamp::to_rfc3339),
    };
    Ok(json(StatusCode::OK, &QueueView { waiting: waiting.iter().map(view).collect() }))
}

/// Let a message go that waits for you.
///
/// The text as it is now: if it is changed before it goes, it waits again.
#[utoipa::path(
    post,
    path = "/v1/supervision/{id}/approve",
    tag = "supervision",
    operation_id = "approve_message",
    params(("id" = String, Path, description = "The message's id, `msg_…`.")),
    request_body = NewDecision,
    responses((status = 200, description = "It goes, as far as you are concerned.", body = MessageView))
)]
pub(crate) async fn approve(
    app: State<App>,
    tenant: Tenant,
    id: Segment,
    decision: Json<NewDecision>,
) -> Result<Response, Problem> {
    decide(app, tenant, id, decision, true).await
}

/// Refuse a message that waits for you.
#[utoipa::path(
    post,
    path = "/v1/supervision/{id}/reject",
    tag = "supervision",
    operation_id = "reject_message",
    params(("id" = String, Path, description = "The message's id, `msg_…`.")),
    request_body = NewDecision,
    responses((status = 200, description = "It won't go.", body = MessageView))
)]
pub(crate) async fn reject(
    app: State<App>,
    tenant: Tenant,
    id: Segment,
    decision: Json<NewDecision>,
) -> Result<Response, Problem> {
    decide(app, tenant, id, decision, false).await
}

async fn decide(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(id): Segment,
    Json(NewDecision { why }): Json<NewDecision>,
    approved: bool,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| no_message())?;
    let by = caller.clone();
    let handle = app.handle.clone();
    let mut record = to_its_end(async move { handle.supervise(&by, id, approved, &why).await }).await??;
    let reading = Reading { how: "supervision", reason: None };
    app.handle.reads(&caller, reading, &mut [&mut record.message]).await?;
    Ok(json(StatusCode::OK, &MessageView::new(&record.message, &record.head)))
}
