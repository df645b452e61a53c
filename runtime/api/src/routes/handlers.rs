//! A tenant's code: versions, aliases, settings, secrets.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use signalbox_model::Address;
use signalbox_model::handler::Alias;

use crate::app::{App, json, nothing, to_its_end};
use crate::code::Code;
use crate::extract::{Component, Json, Segment, Segments, Tenant, Upload};
use crate::handler_requests::{NewAlias, NewSecret, NewSettings, Placement, VersionForm};
use crate::handler_views::{ComparisonView, HandlerDetailView, HandlerView, HandlersView, UploadedView};
use crate::problem::Problem;
use crate::query::Parameters;
use crate::refusal::no_handler;

/// Upload a handler, and let it answer.
///
/// The body is the WebAssembly component itself. It becomes a version of the handler and the live one: what is bound to
/// the name goes to it from the next event on.
#[utoipa::path(
    put,
    path = "/v1/handlers/{name}",
    tag = "handlers",
    operation_id = "put_handler",
    params(("name" = String, Path, description = "1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter.")),
    request_body(content = Vec<u8>, content_type = "application/wasm", description = "The component."),
    responses(
        (status = 201, description = "A new handler.", body = UploadedView),
        (status = 200, description = "A new version of a handler.", body = UploadedView),
    )
)]
pub(crate) async fn upload(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
    component: Component,
) -> Result<Response, Problem> {
    let Component { bytes, _share: share } = component;
    let known = app.handle.handler(&caller.tenant, &name).is_some();
    let version = to_its_end(async move {
        let _share = share;
        app.handle.upload(&caller.tenant, &name, None, bytes, Some((Alias::Live, None))).await
    });
    let version = version.await??;
    Ok(json(made(known), &UploadedView::new(version)))
}

/// Upload a version.
///
/// A form with the `component` and, if there is one, the `manifest` (`handler.toml`). The first version of a name
/// answers at once; any other only once it is given an alias, here or later.
#[utoipa::path(
    put,
    path = "/v1/handlers/{name}/versions",
    tag = "handlers",
    operation_id = "put_handler_version",
    params(
        ("name" = String, Path, description = "1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter."),
        ("alias" = Option<String>, Query, description = "`live`, `canary` or `shadow`."),
        ("percent" = Option<u8>, Query, description = "Of a hundred conversations, for `canary`; 10 unless said."),
    ),
    request_body(content = VersionForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "A new handler.", body = UploadedView),
        (status = 200, description = "A new version of a handler.", body = UploadedView),
    )
)]
pub(crate) async fn upload_version(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
    Parameters(placement): Parameters<Placement>,
    upload: Upload,
) -> Result<Response, Problem> {
    let alias = placement.alias()?;
    let Upload { manifest, component, _share: share } = upload;
    let known = app.handle.handler(&caller.tenant, &name).is_some();
    let version = to_its_end(async move {
        let _share = share;
        app.handle.upload(&caller.tenant, &name, manifest, component, alias).await
    });
    let version = version.await??;
    Ok(json(made(known), &UploadedView::new(version)))
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
    let handlers = app.handle.handlers(&caller.tenant);
    json(StatusCode::OK, &HandlersView { handlers: handlers.iter().map(HandlerView::from).collect() })
}

/// A handler with its versions and what happened to it.
#[utoipa::path(
    get,
    path = "/v1/handlers/{name}",
    tag = "handlers",
    operation_id = "get_handler",
    params(("name" = String, Path, description = "The handler's name.")),
    responses((status = 200, description = "The handler.", body = HandlerDetailView))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let handler = app.handle.handler(&caller.tenant, &name).ok_or_else(no_handler)?;
    Ok(json(StatusCode::OK, &HandlerDetailView::from(handler)))
}

fn read_alias(text: &str) -> Result<Alias, Problem> {
    Alias::parse(text).ok_or_else(|| {
        let detail = "`alias` is live, canary or shadow";
        Problem::field(Code::RequestInvalid, "alias", "alias.unknown", detail)
    })
}

/// Give an alias to a version.
///
/// `live` answers; `canary` answers a share of the conversations, and one that it answers stays with it; `shadow` is
/// shown what the live one is shown, and what it would have done is only compared.
#[utoipa::path(
    put,
    path = "/v1/handlers/{name}/aliases/{alias}",
    tag = "handlers",
    operation_id = "put_handler_alias",
    params(
        ("name" = String, Path, description = "The handler's name."),
        ("alias" = String, Path, description = "`live`, `canary` or `shadow`."),
    ),
    request_body = NewAlias,
    responses((status = 200, description = "The handler as it is now.", body = HandlerDetailView))
)]
pub(crate) async fn put_alias(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segments([name, alias]): Segments<2>,
    Json(new): Json<NewAlias>,
) -> Result<Response, Problem> {
    let alias = read_alias(&alias)?;
    let handler =
        to_its_end(
            async move { app.handle.put_alias(&caller.tenant, &name, alias, &new.version, new.percent()).await },
        );
    Ok(json(StatusCode::OK, &HandlerDetailView::from(handler.await??)))
}

/// Take an alias away.
///
/// `canary` or `shadow`; the live one can only be given to another version.
#[utoipa::path(
    delete,
    path = "/v1/handlers/{name}/aliases/{alias}",
    tag = "handlers",
    operation_id = "delete_handler_alias",
    params(
        ("name" = String, Path, description = "The handler's name."),
        ("alias" = String, Path, description = "`canary` or `shadow`."),
    ),
    responses((status = 200, description = "The handler as it is now.", body = HandlerDetailView))
)]
pub(crate) async fn delete_alias(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segments([name, alias]): Segments<2>,
) -> Result<Response, Problem> {
    let alias = read_alias(&alias)?;
    let handler = to_its_end(async move { app.handle.delete_alias(&caller.tenant, &name, alias).await });
    Ok(json(StatusCode::OK, &HandlerDetailView::from(handler.await??)))
}

/// Set a handler's own settings.
///
/// They stand before the tenant's, and must fit what the live version's manifest knows.
#[utoipa::path(
    put,
    path = "/v1/handlers/{name}/settings",
    tag = "handlers",
    operation_id = "put_handler_settings",
    params(("name" = String, Path, description = "The handler's name.")),
    request_body = NewSettings,
    responses((status = 200, description = "The handler as it is now.", body = HandlerDetailView))
)]
pub(crate) async fn put_settings(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
    Json(NewSettings { settings }): Json<NewSettings>,
) -> Result<Response, Problem> {
    let handler = to_its_end(async move { app.handle.put_settings(&caller.tenant, &name, settings).await });
    Ok(json(StatusCode::OK, &HandlerDetailView::from(handler.await??)))
}

/// Set a handler's secret.
///
/// It stands before the tenant's of the same name. It is never shown again.
#[utoipa::path(
    put,
    path = "/v1/handlers/{name}/secrets/{secret}",
    tag = "handlers",
    operation_id = "put_handler_secret",
    params(
        ("name" = String, Path, description = "The handler's name."),
        ("secret" = String, Path, description = "1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter."),
    ),
    request_body = NewSecret,
    responses((status = 204, description = "It is set."))
)]
pub(crate) async fn put_secret(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segments([name, secret]): Segments<2>,
    Json(NewSecret { value }): Json<NewSecret>,
) -> Result<Response, Problem> {
    to_its_end(async move { app.handle.put_secret(&caller.tenant, &name, &secret, Some(value)).await }).await??;
    Ok(nothing())
}

/// Forget a handler's secret.
#[utoipa::path(
    delete,
    path = "/v1/handlers/{name}/secrets/{secret}",
    tag = "handlers",
    operation_id = "delete_handler_secret",
    params(
        ("name" = String, Path, description = "The handler's name."),
        ("secret" = String, Path, description = "The secret's name."),
    ),
    responses((status = 204, description = "It is gone."))
)]
pub(crate) async fn delete_secret(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segments([name, secret]): Segments<2>,
) -> Result<Response, Problem> {
    to_its_end(async move { app.handle.put_secret(&caller.tenant, &name, &secret, None).await }).await??;
    Ok(nothing())
}

/// How a handler's shadow compares.
///
/// In memory: since the version watches, or since the start of the host.
#[utoipa::path(
    get,
    path = "/v1/handlers/{name}/shadow",
    tag = "handlers",
    operation_id = "get_handler_shadow",
    params(("name" = String, Path, description = "The handler's name.")),
    responses((status = 200, description = "The comparison.", body = ComparisonView))
)]
pub(crate) async fn shadow(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let comparison = app.handle.shadow(&caller.tenant, &name).ok_or_else(no_handler)?;
    Ok(json(StatusCode::OK, &ComparisonView::from(comparison)))
}

/// A number in a path.
pub(crate) fn read_number(number: &str) -> Result<Address, Problem> {
    number.parse().map_err(|error: signalbox_model::address::ParseAddressError| {
        Problem::field(Code::RequestInvalid, "number", "number.malformed", format!("`number` {error}"))
    })
}
