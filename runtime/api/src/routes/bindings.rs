//! Which handler gets which events.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use signalbox_model::handler::EventKind;

use super::handlers::made;
use crate::app::{App, json, nothing, to_its_end};
use crate::code::Code;
use crate::extract::{Json, Segment, Tenant};
use crate::handler_requests::{NewBinding, WhoseEvent};
use crate::handler_views::{BindingView, BindingsView, WhoseView};
use crate::problem::Problem;
use crate::query::Parameters;
use crate::refusal::no_binding;

/// Bind events to a handler.
///
/// With a number in the path, the body needs only the handler's name: the number's events go to it from now on. Other
/// bindings have a name in the path, and the body says what they are about: a `number`, `numbers`, a `prefix` of numbers,
/// a `campaign`, or the `tenant`. The most specific one whose handler takes the event gets it, in that order; among
/// equals, one that names its `kinds` before one that doesn't. A campaign's binding is about the messages that name it, and
/// about all events of the numbers that are registered for it.
#[utoipa::path(
    put,
    path = "/v1/bindings/{binding}",
    tag = "handlers",
    operation_id = "put_binding",
    params(("binding" = String, Path, description = "One of the tenant's numbers, or a name for the binding.")),
    request_body = NewBinding,
    responses(
        (status = 201, description = "A new binding.", body = BindingView),
        (status = 200, description = "A binding changed.", body = BindingView),
    )
)]
pub(crate) async fn bind(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
    Json(binding): Json<NewBinding>,
) -> Result<Response, Problem> {
    let new = binding.named(&name, |number| app.handle.has_number(&caller.tenant, number))?;
    let known = app.handle.binding(&caller.tenant, &name).is_some();
    let bound = to_its_end(async move { app.handle.put_binding(&caller.tenant, new).await }).await??;
    Ok(json(made(known), &BindingView::from(bound)))
}

/// The tenant's bindings.
#[utoipa::path(
    get,
    path = "/v1/bindings",
    tag = "handlers",
    operation_id = "list_bindings",
    responses((status = 200, description = "By name.", body = BindingsView))
)]
pub(crate) async fn list(State(app): State<App>, Tenant(caller): Tenant) -> Response {
    let bindings = app.handle.bindings(&caller.tenant).into_iter().map(BindingView::from).collect();
    json(StatusCode::OK, &BindingsView { bindings })
}

/// A binding.
#[utoipa::path(
    get,
    path = "/v1/bindings/{binding}",
    tag = "handlers",
    operation_id = "get_binding",
    params(("binding" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The binding.", body = BindingView))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let binding = app.handle.binding(&caller.tenant, &name).ok_or_else(no_binding)?;
    Ok(json(StatusCode::OK, &BindingView::from(binding)))
}

/// Take a binding away.
#[utoipa::path(
    delete,
    path = "/v1/bindings/{binding}",
    tag = "handlers",
    operation_id = "delete_binding",
    params(("binding" = String, Path, description = "Its name.")),
    responses((status = 204, description = "It is gone."))
)]
pub(crate) async fn unbind(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let was_there = to_its_end(async move { app.handle.delete_binding(&caller.tenant, &name).await }).await??;
    if was_there { Ok(nothing()) } else { Err(no_binding()) }
}

/// Which handler gets an event, and why.
///
/// Nothing is sent. `kind` is `message` unless said: then `to` is the tenant's number and `from` the other party, and for
/// a timer likewise; for a draft or a receipt, `from` is the tenant's.
#[utoipa::path(
    get,
    path = "/v1/bindings/explain",
    tag = "handlers",
    operation_id = "explain_binding",
    params(
        ("from" = String, Query, description = "The sender."),
        ("to" = String, Query, description = "The recipient."),
        ("campaign" = Option<String>, Query, description = "The campaign that a draft or receipt names. Else it is the one that the number is registered for."),
        ("kind" = Option<String>, Query, description = "`message`, `draft`, `receipt` or `timer`."),
    ),
    responses((status = 200, description = "Who gets it, and every binding that was looked at.", body = WhoseView))
)]
pub(crate) async fn explain(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Parameters(asked): Parameters<WhoseEvent>,
) -> Result<Response, Problem> {
    let WhoseEvent { from, to, campaign, kind } = asked;
    let missing = |name: &'static str| {
        let detail = format!("`{name}` is missing");
        Problem::field(Code::QueryInvalid, name, "parameter.missing", detail)
    };
    let (from, to) = (from.ok_or_else(|| missing("from"))?, to.ok_or_else(|| missing("to"))?);
    let kind = kind.unwrap_or(EventKind::Message);
    let (field, ours, theirs) = match kind {
        EventKind::Message | EventKind::Timer => ("to", to, from),
        EventKind::Draft | EventKind::Receipt => ("from", from, to),
    };
    let whose = app.handle.whose(&caller.tenant, &ours, &theirs, campaign.as_deref(), kind).ok_or_else(|| {
        let detail = format!("`{field}` is none of the tenant's numbers, and of a {kind} it is");
        Problem::field(Code::QueryInvalid, field, "number.unknown", detail)
    })?;
    Ok(json(StatusCode::OK, &WhoseView::new(kind, whose)))
}
