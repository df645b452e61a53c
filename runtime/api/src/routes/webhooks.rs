//! Where a tenant is told what happened.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::handlers::made;
use crate::app::{App, json, to_its_end};
use crate::extract::{Json, Segment, Tenant};
use crate::problem::Problem;
use crate::refusal::no_secret;
use crate::requests::NewWebhook;
use crate::views::{SecretView, WebhookView, WebhooksView};

/// Set up a webhook.
///
/// Deliveries are signed as Standard Webhooks 1.0.0 has it. Without a `secret`, a webhook keeps the one that it has; a
/// new one gets one, which this answer alone shows.
#[utoipa::path(
    put,
    path = "/v1/webhooks/{name}",
    tag = "webhooks",
    operation_id = "put_webhook",
    params(("name" = String, Path, description = "1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter.")),
    request_body = NewWebhook,
    responses(
        (status = 201, description = "A new webhook.", body = WebhookView),
        (status = 200, description = "A webhook changed.", body = WebhookView),
    )
)]
pub(crate) async fn set_up(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
    Json(NewWebhook { url, events, secret }): Json<NewWebhook>,
) -> Result<Response, Problem> {
    let known = app.handle.webhooks(&caller.tenant).iter().any(|hook| hook.name == name);
    let made_here = secret.is_none() && !known;
    let hook = to_its_end(async move { app.handle.put_webhook(&caller.tenant, &name, &url, events, secret).await });
    let hook = hook.await??;
    Ok(json(made(known), &WebhookView::new(&hook, made_here)))
}

/// The tenant's webhooks, without their secrets.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    tag = "webhooks",
    operation_id = "list_webhooks",
    responses((status = 200, description = "By name.", body = WebhooksView))
)]
pub(crate) async fn list(State(app): State<App>, Tenant(caller): Tenant) -> Response {
    let hooks = app.handle.webhooks(&caller.tenant);
    let webhooks = hooks.iter().map(|hook| WebhookView::new(hook, false)).collect();
    json(StatusCode::OK, &WebhooksView { webhooks })
}

/// The secret that signs deliveries to messages' own `callback_url`s.
#[utoipa::path(
    get,
    path = "/v1/callback-secret",
    tag = "webhooks",
    operation_id = "get_callback_secret",
    responses((status = 200, description = "The same for all of the tenant's messages.", body = SecretView))
)]
pub(crate) async fn callback_secret(State(app): State<App>, Tenant(caller): Tenant) -> Result<Response, Problem> {
    let secret = app.handle.callback_secret(&caller.tenant).ok_or_else(no_secret)?;
    Ok(json(StatusCode::OK, &SecretView { secret }))
}
