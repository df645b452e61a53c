//! For how long what is on record is kept, and what was deleted.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use signalbox_engine::{Deleted, RetentionKind, RetentionRan, RetentionReport};
use utoipa::ToSchema;

use crate::app::{App, json, to_its_end};
use crate::extract::Tenant;
use crate::problem::Problem;

/// For how long what is on record is kept, and what was deleted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Retention)]
pub(crate) struct RetentionView {
    /// `standard`, `finance` or `health`.
    class: &'static str,
    /// For how many days messages with their timelines are kept; null is for ever.
    messages_days: Option<u64>,
    /// Carriers' ids of messages.
    carrier_ids_days: Option<u64>,
    /// What webhooks were answered.
    deliveries_days: Option<u64>,
    /// The audit log.
    audit_days: Option<u64>,
    /// Whether anything is under a legal hold, and so isn't deleted.
    held: bool,
    /// What was deleted so far.
    deleted: DeletedView,
    /// When something was deleted last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_deleted_at: Option<String>,
}

/// What was deleted, by kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deleted)]
pub(crate) struct DeletedView {
    /// Messages with their timelines.
    messages: u64,
    /// Carriers' ids of messages.
    carrier_ids: u64,
    /// What webhooks were answered.
    deliveries: u64,
    /// Webhook events that were given up.
    parked_deliveries: u64,
    /// Events that were given up.
    parked_events: u64,
    /// Frames of the audit log.
    audit: u64,
}

/// What a run deleted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RetentionRun)]
pub(crate) struct RanView {
    /// What it deleted.
    deleted: DeletedView,
    /// It had its fill: ask again.
    more: bool,
}

impl From<Deleted> for DeletedView {
    fn from(deleted: Deleted) -> Self {
        Self {
            messages: deleted.of(RetentionKind::Messages),
            carrier_ids: deleted.of(RetentionKind::CarrierIds),
            deliveries: deleted.of(RetentionKind::Deliveries),
            parked_deliveries: deleted.of(RetentionKind::ParkedDeliveries),
            parked_events: deleted.of(RetentionKind::ParkedEvents),
            audit: deleted.of(RetentionKind::Audit),
        }
    }
}

impl From<RetentionReport> for RetentionView {
    fn from(report: RetentionReport) -> Self {
        let RetentionReport { plan, totals, held } = report;
        let days = |kept: Option<std::time::Duration>| kept.map(|kept| kept.as_secs() / 86_400);
        Self {
            class: plan.class.as_str(),
            messages_days: days(plan.messages),
            carrier_ids_days: days(plan.carrier_ids),
            deliveries_days: days(plan.deliveries),
            audit_days: days(plan.audit),
            held,
            deleted: totals.deleted.into(),
            last_deleted_at: totals.last_at.map(signalbox_model::Timestamp::to_rfc3339),
        }
    }
}

/// For how long what is on record of you is kept.
///
/// The operator sets it. What is kept long enough is deleted within an hour or so, unless it is under a legal hold.
#[utoipa::path(
    get,
    path = "/v1/retention",
    tag = "retention",
    operation_id = "get_retention",
    responses((status = 200, description = "How long, and what was deleted.", body = RetentionView))
)]
pub(crate) async fn show(State(app): State<App>, Tenant(caller): Tenant) -> Result<Response, Problem> {
    let report = app.handle.retention(&caller.tenant).await?;
    let report = report.ok_or_else(|| Problem::internal("the caller's tenant isn't there"))?;
    Ok(json(StatusCode::OK, &RetentionView::from(report)))
}

/// Delete now what was kept long enough.
///
/// Nothing that wouldn't be deleted anyway. Bounded: ask again as long as there is more.
#[utoipa::path(
    post,
    path = "/v1/retention/run",
    tag = "retention",
    operation_id = "run_retention",
    responses((status = 200, description = "What was deleted.", body = RanView))
)]
pub(crate) async fn run(State(app): State<App>, Tenant(caller): Tenant) -> Result<Response, Problem> {
    let ran = to_its_end(async move { app.handle.run_retention(&caller.tenant).await }).await??;
    let RetentionRan { deleted, more } = ran;
    Ok(json(StatusCode::OK, &RanView { deleted: deleted.into(), more }))
}
