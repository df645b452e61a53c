//! Events that were given up.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use signalbox_model::EventId;

use crate::app::{App, json, nothing, to_its_end};
use crate::extract::{Json, Segment, Tenant};
use crate::handler_requests::{ParkedListing, RetryParked};
use crate::handler_views::{ParkedPageView, RetriedView};
use crate::problem::Problem;
use crate::query::Parameters;
use crate::refusal::no_parked;

/// List events that were given up.
///
/// An event that its handler fails on is tried again, later and later, and then set aside here.
#[utoipa::path(
    get,
    path = "/v1/parked",
    tag = "handlers",
    operation_id = "list_parked_events",
    params(
        ("handler" = Option<String>, Query, description = "Only those of this handler."),
        ("kind" = Option<String>, Query, description = "Only `message`, `draft`, `receipt` or `timer`."),
        ("after" = Option<String>, Query, description = "Only those given up at or after this, RFC 3339."),
        ("before" = Option<String>, Query, description = "Only those given up before this, RFC 3339."),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before."),
        ("limit" = Option<usize>, Query, description = "At most so many, up to 100."),
    ),
    responses((status = 200, description = "Those that happened last first.", body = ParkedPageView))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Parameters(listing): Parameters<ParkedListing>,
) -> Result<Response, Problem> {
    let ParkedListing { filter, cursor, limit } = listing;
    let limit = limit.unwrap_or(app.config.default_page);
    let page = app.handle.parked(&caller.tenant, &filter, cursor, limit).await?;
    Ok(json(StatusCode::OK, &ParkedPageView::from(page)))
}

fn event_id(text: &str) -> Result<EventId, Problem> {
    text.parse().map_err(|_| no_parked())
}

/// Try an event again.
///
/// It goes to the version that answers now, behind what its conversation has to do already.
#[utoipa::path(
    post,
    path = "/v1/parked/{event}/retry",
    tag = "handlers",
    operation_id = "retry_parked_event",
    params(("event" = String, Path, description = "`evt_…`")),
    responses((status = 202, description = "It is tried again.", body = RetriedView))
)]
pub(crate) async fn retry(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(event): Segment,
) -> Result<Response, Problem> {
    let event = event_id(&event)?;
    let was_there = to_its_end(async move { app.handle.retry_parked(&caller.tenant, event).await }).await??;
    if !was_there {
        return Err(no_parked());
    }
    Ok(json(StatusCode::ACCEPTED, &RetriedView { retried: 1, more: false }))
}

/// Try events again.
///
/// All that fit what the body says; each goes to the version that answers now.
#[utoipa::path(
    post,
    path = "/v1/parked/retry",
    tag = "handlers",
    operation_id = "retry_parked_events",
    request_body = RetryParked,
    responses((status = 202, description = "They are tried again.", body = RetriedView))
)]
pub(crate) async fn retry_all(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Json(which): Json<RetryParked>,
) -> Result<Response, Problem> {
    let filter = which.filter()?;
    let retried = to_its_end(async move { app.handle.retry_all_parked(&caller.tenant, &filter).await }).await??;
    Ok(json(StatusCode::ACCEPTED, &RetriedView { retried: retried.0, more: retried.1 }))
}

/// Discard an event.
///
/// It is never tried again. The record of its message stays.
#[utoipa::path(
    delete,
    path = "/v1/parked/{event}",
    tag = "handlers",
    operation_id = "discard_parked_event",
    params(("event" = String, Path, description = "`evt_…`")),
    responses((status = 204, description = "It is gone."))
)]
pub(crate) async fn discard(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(event): Segment,
) -> Result<Response, Problem> {
    let event = event_id(&event)?;
    let was_there = to_its_end(async move { app.handle.discard_parked(&caller.tenant, event).await }).await??;
    if was_there { Ok(nothing()) } else { Err(no_parked()) }
}
