//! What an operator and their machines ask. None of it shows a tenant, a number or a text.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;

use crate::app::{App, bytes, json};
use crate::code::Code;
use crate::problem::Problem;
use crate::views::{AliveView, StatusView};

/// Is the process alive?
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operator",
    operation_id = "healthz",
    responses((status = 200, description = "It is.", body = AliveView))
)]
pub(crate) async fn alive() -> Response {
    json(StatusCode::OK, &AliveView { alive: true })
}

/// Should traffic be sent here?
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operator",
    operation_id = "readyz",
    responses((status = 200, description = "It should.", body = StatusView))
)]
pub(crate) async fn ready(State(app): State<App>) -> Result<Response, Problem> {
    let status = StatusView::from(app.handle.readiness());
    if status.ready { Ok(json(StatusCode::OK, &status)) } else { Err(Problem::new(Code::NotReady, status.why_not())) }
}

/// How the host is.
#[utoipa::path(
    get,
    path = "/status",
    tag = "operator",
    operation_id = "status",
    responses((status = 200, description = "Ready or not.", body = StatusView))
)]
pub(crate) async fn status(State(app): State<App>) -> Response {
    json(StatusCode::OK, &StatusView::from(app.handle.readiness()))
}

/// Metrics for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operator",
    operation_id = "metrics",
    responses((status = 200, description = "OpenMetrics text.", body = String, content_type = METRICS))
)]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    app.handle.refresh_metrics();
    let mut text = String::with_capacity(16 << 10);
    prometheus_client::encoding::text::encode(&mut text, &app.registry).map_err(Problem::internal)?;
    Ok(bytes(StatusCode::OK, METRICS, Bytes::from(text)))
}

/// The form that `prometheus-client` writes; Prometheus reads it.
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// This description.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operator",
    operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object))
)]
pub(crate) async fn openapi(State(app): State<App>) -> Response {
    bytes(StatusCode::OK, "application/json", app.openapi.clone())
}
