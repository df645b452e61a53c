//! Who may send what from where: brands, campaigns, numbers, and what The Campaign Registry tells of them.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use signalbox_engine::registry::registration::{self, Kind, Row};

use super::handlers::made;
use crate::app::{App, json, to_its_end};
use crate::code::Code;
use crate::extract::{Json, Registering, Segment, Segments, SignedEvent, Table};
use crate::problem::Problem;
use crate::registry_views::{
    EventView, NewRegistration, RegistrationDetailView, RegistrationImportView, RegistrationLineView, RegistrationView,
    RegistrationsView,
};

/// Lines of a history that are shown.
const LINES: usize = 200;

/// Register a brand, a campaign, a number, a toll-free number or a short code, or change it.
///
/// What isn't given stays as it was. Where it stands comes from The Campaign Registry's events or from the operator: those
/// fields are taken with the operator's key alone, which speaks for the tenant that `tenant` names. What was agreed to
/// can't be changed under its agreement.
#[utoipa::path(
    put,
    path = "/v1/registry/{kind}/{id}",
    tag = "registry",
    operation_id = "put_registration",
    params(
        ("kind" = String, Path, description = "`brands`, `campaigns`, `numbers`, `toll-free` or `short-codes`."),
        ("id" = String, Path, description = "A brand's or campaign's name, or the number."),
        ("tenant" = Option<String>, Query, description = "With the operator's key: whose."),
    ),
    request_body = NewRegistration,
    responses(
        (status = 201, description = "It is registered.", body = RegistrationView),
        (status = 200, description = "It was there; this is what it is now.", body = RegistrationView),
    )
)]
pub(crate) async fn put(
    State(app): State<App>,
    Registering { tenant, registrar }: Registering,
    Segments([kind, id]): Segments<2>,
    Json(new): Json<NewRegistration>,
) -> Result<Response, Problem> {
    let kind = read_kind(&kind)?;
    let known = app.handle.registered(&tenant, kind, &id).is_some();
    let rows = vec![Row { line: 0, id, form: new.form() }];
    let records = to_its_end(async move { app.handle.register(&tenant, registrar, kind, rows).await }).await??;
    let record = records.first().ok_or_else(|| Problem::internal("a registration without a record"))?;
    Ok(json(made(known), &RegistrationView::new(record)))
}

/// Show something registered, and how it came to be so.
#[utoipa::path(
    get,
    path = "/v1/registry/{kind}/{id}",
    tag = "registry",
    operation_id = "get_registration",
    params(
        ("kind" = String, Path, description = "`brands`, `campaigns`, `numbers`, `toll-free` or `short-codes`."),
        ("id" = String, Path, description = "A brand's or campaign's name, or the number."),
        ("tenant" = Option<String>, Query, description = "With the operator's key: whose."),
    ),
    responses((status = 200, description = "It, and its last 200 changes.", body = RegistrationDetailView))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Registering { tenant, .. }: Registering,
    Segments([kind, id]): Segments<2>,
) -> Result<Response, Problem> {
    let kind = read_kind(&kind)?;
    let none = || Problem::new(Code::RegistrationUnknown, "nothing of this name is registered");
    let record = app.handle.registered(&tenant, kind, &id).ok_or_else(none)?;
    let lines = app.handle.registration_lines(&tenant, kind, &id, LINES).await?;
    let registration = RegistrationView::new(&record);
    let history = lines.iter().map(RegistrationLineView::new).collect();
    Ok(json(StatusCode::OK, &RegistrationDetailView { registration, history }))
}

/// List all that is registered of a kind.
#[utoipa::path(
    get,
    path = "/v1/registry/{kind}",
    tag = "registry",
    operation_id = "list_registrations",
    params(
        ("kind" = String, Path, description = "`brands`, `campaigns`, `numbers`, `toll-free` or `short-codes`."),
        ("tenant" = Option<String>, Query, description = "With the operator's key: whose."),
    ),
    responses((status = 200, description = "All of them.", body = RegistrationsView))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Registering { tenant, .. }: Registering,
    Segment(kind): Segment,
) -> Result<Response, Problem> {
    let records = app.handle.all_registered(&tenant, read_kind(&kind)?);
    let registrations = records.iter().map(|record| RegistrationView::new(record)).collect();
    Ok(json(StatusCode::OK, &RegistrationsView { registrations }))
}

/// Import a file, whole or not at all.
///
/// CSV with a column `id` and one for each field that is given (several values with `|` between them), or TOML with a table
/// for each: `[[campaigns]]`. Every wrong line is told; then nothing is imported.
#[utoipa::path(
    post,
    path = "/v1/registry-imports/{kind}",
    tag = "registry",
    operation_id = "import_registrations",
    params(
        ("kind" = String, Path, description = "`brands`, `campaigns`, `numbers`, `toll-free` or `short-codes`."),
        ("tenant" = Option<String>, Query, description = "With the operator's key: whose."),
    ),
    request_body(content = String, content_type = "text/csv", description = "Or `application/toml`."),
    responses((status = 200, description = "All of it is on record.", body = RegistrationImportView))
)]
pub(crate) async fn import(
    State(app): State<App>,
    Registering { tenant, registrar }: Registering,
    Segment(kind): Segment,
    file: Table,
) -> Result<Response, Problem> {
    let kind = read_kind(&kind)?;
    app.handle.has_room()?;
    let rows = if file.toml {
        let text = std::str::from_utf8(&file.bytes);
        let text = text.map_err(|_| Problem::new(Code::RequestMalformed, "the file isn't UTF-8"))?;
        registration::read_toml(kind, text)
    } else {
        registration::read_csv(kind, &file.bytes)
    };
    let rows = rows.map_err(registration::Refused::Lines)?;
    let imported = rows.len();
    to_its_end(async move { app.handle.register(&tenant, registrar, kind, rows).await }).await??;
    Ok(json(StatusCode::OK, &RegistrationImportView { imported }))
}

/// Take in an event of The Campaign Registry.
///
/// Signed as Standard Webhooks are: `webhook-id`, `webhook-timestamp` (at most five minutes off) and `webhook-signature`, with
/// the secret of the operator's configuration. Events may come twice and in any order; one that is unknown, or about
/// nothing that is registered here, is kept and answered 200.
#[utoipa::path(
    post,
    path = "/v1/registry/tcr",
    tag = "registry",
    operation_id = "take_registry_event",
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, description = "It is on record.", body = EventView))
)]
pub(crate) async fn tcr(State(app): State<App>, SignedEvent(event): SignedEvent) -> Result<Response, Problem> {
    let outcome = to_its_end(async move { app.handle.registry_event(&event).await }).await??;
    Ok(json(StatusCode::OK, &EventView::new(outcome)))
}

fn read_kind(word: &str) -> Result<Kind, Problem> {
    Kind::parse(word).ok_or_else(|| {
        let kinds = Kind::ALL.map(Kind::as_str).join(", ");
        Problem::new(Code::RegistrationUnknown, format!("no such kind is registered here; there are {kinds}"))
    })
}
