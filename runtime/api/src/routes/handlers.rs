//! A tenant's code, and the numbers that it answers for.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use signalbox_model::Address;

use crate::app::{App, json, to_its_end};
use crate::code::Code;
use crate::extract::{Component, Json, Segment, Tenant};
use crate::problem::Problem;
use crate::query::{After, Parameters};
use crate::refusal::no_handler;
use crate::requests::NewBinding;
use crate::views::{BindingView, BindingsView, HandlerView, HandlersView, LogsView};

/// Upload a handler.
///
/// The body is the WebAssembly component itself. Numbers that are bound to the name use it from the next event on.
#[utoipa::path(
    put,
    path = "/v1/handlers/{name}",
    tag = "handlers",
    operation_id = "put_handler",
    params(("name" = String, Path, description = "1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter.")),
    request_body(content = Vec<u8>, content_type = "application/wasm", description = "The component."),
    responses(
        (status = 201, description = "A new handler.", body = HandlerView),
        (status = 200, description = "A handler replaced.", body = HandlerView),
    )
)]
pub(crate) async fn upload(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
    component: Component,
) -> Result<Response, Problem> {
    let Component { bytes, _share: share } = component;
    let known = app.handle.handlers(&caller.tenant).iter().any(|handler| handler.name == name);
    let handler = to_its_end(async move {
        let _share = share;
        app.handle.put_handler(&caller.tenant, &name, bytes.into()).await
    });
    let handler = handler.await??;
    Ok(json(made(known), &HandlerView::from(handler)))
}

/// 200 for what was there, 201 for what is new.
pub(crate) fn made(known: bool) -> StatusCode {
    if known { StatusCode::OK } else { StatusCode::CREATED }
}

/// The tenant's handlers.
#[utoipa::path(
    get,
    path = "/v1/handlers",
    tag = "handlers",
    operation_id = "list_handlers",
    responses((status = 200, description = "By name.", body = HandlersView))
)]
pub(crate) async fn list(State(app): State<App>, Tenant(caller): Tenant) -> Response {
    let handlers = app.handle.handlers(&caller.tenant).into_iter().map(HandlerView::from).collect();
    json(StatusCode::OK, &HandlersView { handlers })
}

/// What a handler said lately.
///
/// The last thousand lines are kept in memory, until the next start.
#[utoipa::path(
    get,
    path = "/v1/handlers/{name}/logs",
    tag = "handlers",
    operation_id = "get_handler_logs",
    params(
        ("name" = String, Path, description = "The handler's name."),
        ("after" = Option<u64>, Query, description = "Only lines behind this one."),
    ),
    responses((status = 200, description = "Oldest first.", body = LogsView))
)]
pub(crate) async fn logs(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
    Parameters(After(after)): Parameters<After>,
) -> Result<Response, Problem> {
    let lines = app.handle.handler_logs(&caller.tenant, &name, after).ok_or_else(no_handler)?;
    Ok(json(StatusCode::OK, &LogsView { lines: lines.into_iter().map(Into::into).collect() }))
}

/// Bind a number to a handler.
///
/// The number's events go to the handler from now on: inbound messages, drafts, receipts and timers.
#[utoipa::path(
    put,
    path = "/v1/bindings/{number}",
    tag = "handlers",
    operation_id = "put_binding",
    params(("number" = String, Path, description = "One of the tenant's numbers.")),
    request_body = NewBinding,
    responses(
        (status = 201, description = "The number had no handler before.", body = BindingView),
        (status = 200, description = "The number had one, and has this one now.", body = BindingView),
    )
)]
pub(crate) async fn bind(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(number): Segment,
    Json(NewBinding { handler }): Json<NewBinding>,
) -> Result<Response, Problem> {
    let number = read_number(&number)?;
    let known = app.handle.bindings(&caller.tenant).iter().any(|binding| binding.number == number);
    let bound = to_its_end(async move { app.handle.bind(&caller.tenant, &number, &handler).await }).await??;
    Ok(json(made(known), &BindingView::from(bound)))
}

/// A number in a path.
pub(crate) fn read_number(number: &str) -> Result<Address, Problem> {
    number.parse().map_err(|error: signalbox_model::address::ParseAddressError| {
        Problem::field(Code::RequestInvalid, "number", "number.malformed", format!("`number` {error}"))
    })
}

/// The tenant's bindings.
#[utoipa::path(
    get,
    path = "/v1/bindings",
    tag = "handlers",
    operation_id = "list_bindings",
    responses((status = 200, description = "By number.", body = BindingsView))
)]
pub(crate) async fn bindings(State(app): State<App>, Tenant(caller): Tenant) -> Response {
    let bindings = app.handle.bindings(&caller.tenant).into_iter().map(BindingView::from).collect();
    json(StatusCode::OK, &BindingsView { bindings })
}
