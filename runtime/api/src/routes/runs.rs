//! Recorded runs of handlers, and candidates held against them.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use signalbox_model::InvocationId;

use crate::app::{App, bytes, json, to_its_end};
use crate::extract::{Component, Reveal, Segment, Segments, Tenant};
use crate::problem::Problem;
use crate::query::Parameters;
use crate::refusal::{no_recording, no_run, no_version};
use crate::run_views::{Last, RunDetailView, RunListing, RunsView, VerdictView};

/// How many events a gate shows a candidate unless said.
const LAST: usize = 500;

/// List recorded runs.
///
/// Which runs are recorded, and for how long, is set per tenant by the operator: those that fail, unless said. They are
/// written a moment after the run, beside the path: the last ones may not be there yet, or be lost in a crash.
#[utoipa::path(
    get,
    path = "/v1/invocations",
    tag = "handlers",
    operation_id = "list_invocations",
    params(
        ("handler" = Option<String>, Query, description = "Only those of this handler."),
        ("outcome" = Option<String>, Query, description = "Only `completed` or `failed` ones."),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before."),
        ("limit" = Option<usize>, Query, description = "At most so many, up to 500."),
    ),
    responses((status = 200, description = "Newest first.", body = RunsView))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Parameters(listing): Parameters<RunListing>,
) -> Result<Response, Problem> {
    let RunListing { filter, cursor, limit } = listing;
    let limit = limit.unwrap_or(app.config.default_page);
    let page = app.handle.runs(&caller.tenant, &filter, cursor, limit).await?;
    Ok(json(StatusCode::OK, &RunsView::from(page)))
}

fn run_id(text: &str) -> Result<InvocationId, Problem> {
    text.parse().map_err(|_| no_run())
}

/// A recorded run.
///
/// What it was shown, what it asked for, and how it ended; telephone numbers are redacted, as in logs.
#[utoipa::path(
    get,
    path = "/v1/invocations/{invocation}",
    tag = "handlers",
    operation_id = "get_invocation",
    params(
        ("invocation" = String, Path, description = "`inv_…`, as a message's timeline names it."),
        ("Signalbox-Reveal" = Option<String>, Header, description = "Why texts of patients should be shown: it is logged with your key."),
    ),
    responses((status = 200, description = "The run.", body = RunDetailView))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Reveal(reason): Reveal,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let id = run_id(&id)?;
    let run = app.handle.run(&caller.tenant, id).await?.ok_or_else(no_run)?;
    app.handle.reads_apart(&caller, format!("run {id}"), reason).await?;
    Ok(json(StatusCode::OK, &RunDetailView::from((id, run))))
}

/// A recording, for replay.
///
/// Everything that the run depended on, numbers and texts included, for `signalbox replay`; secrets are not in it.
#[utoipa::path(
    get,
    path = "/v1/invocations/{invocation}/recording",
    tag = "handlers",
    operation_id = "get_recording",
    params(
        ("invocation" = String, Path, description = "`inv_…`"),
        ("Signalbox-Reveal" = Option<String>, Header, description = "Why texts of patients should be shown: it is logged with your key."),
    ),
    responses((status = 200, description = "The recording.", body = Vec<u8>, content_type = "application/octet-stream"))
)]
pub(crate) async fn recording(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Reveal(reason): Reveal,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let id = run_id(&id)?;
    let Some(recording) = app.handle.recording(&caller.tenant, id).await? else {
        let is_known = app.handle.run(&caller.tenant, id).await?.is_some();
        return Err(if is_known { no_recording() } else { no_run() });
    };
    app.handle.reads_apart(&caller, format!("recording {id}"), reason).await?;
    Ok(bytes(StatusCode::OK, "application/octet-stream", recording))
}

/// A version's component.
///
/// As it was uploaded.
#[utoipa::path(
    get,
    path = "/v1/handlers/{name}/versions/{digest}",
    tag = "handlers",
    operation_id = "get_handler_component",
    params(
        ("name" = String, Path, description = "The handler's name."),
        ("digest" = String, Path, description = "The version's digest, or at least the first 6 digits of it."),
    ),
    responses((status = 200, description = "The component.", body = Vec<u8>, content_type = "application/wasm"))
)]
pub(crate) async fn component(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segments([name, digest]): Segments<2>,
) -> Result<Response, Problem> {
    let component = app.handle.component(&caller.tenant, &name, &digest).await?.ok_or_else(no_version)?;
    Ok(bytes(StatusCode::OK, "application/wasm", component))
}

/// Hold a candidate against what was recorded.
///
/// The body is the WebAssembly component itself. It is shown the handler's last recorded events, each answered from its
/// recording; nothing of what it does happens. What it would have done otherwise is counted, with examples.
#[utoipa::path(
    post,
    path = "/v1/handlers/{name}/gate",
    tag = "handlers",
    operation_id = "gate_handler",
    params(
        ("name" = String, Path, description = "The handler's name."),
        ("Signalbox-Reveal" = Option<String>, Header, description = "Why texts of patients should be shown: it is logged with your key."),
        ("last" = Option<usize>, Query, description = "How many events, up to 5000; 500 unless said."),
    ),
    request_body(content = Vec<u8>, content_type = "application/wasm", description = "The candidate."),
    responses((status = 200, description = "The comparison.", body = VerdictView))
)]
pub(crate) async fn gate(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Reveal(reason): Reveal,
    Segment(name): Segment,
    Parameters(Last(last)): Parameters<Last>,
    candidate: Component,
) -> Result<Response, Problem> {
    let Component { bytes, _share: share } = candidate;
    app.handle.reads_apart(&caller, format!("gate {name}"), reason).await?;
    let verdict = to_its_end(async move {
        let _share = share;
        app.handle.gate(&caller.tenant, &name, bytes, last.unwrap_or(LAST)).await
    });
    Ok(json(StatusCode::OK, &VerdictView::from(verdict.await??)))
}
