//! What people allow: a tenant's word about it, the ledger, and files of consents.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use signalbox_engine::registry::registration::Kind;
use signalbox_engine::registry::{Place, Program};
use signalbox_engine::{ConsentChange, FieldError};
use signalbox_model::{Address, TenantId};

use super::handlers::{made, read_number};
use crate::app::{App, json, to_its_end};
use crate::code::Code;
use crate::consent_views::{
    ConsentImportView, ConsentLineView, ConsentLinesView, ConsentPageView, ConsentView, ConsentsView, NewConsent,
};
use crate::extract::{Csv, Json, Segment, Tenant};
use crate::problem::Problem;
use crate::query::{ConsentListing, ConsentOf, Parameters};

/// Lines of a ledger that are shown.
const LINES: usize = 500;

/// Put a person's consent on the ledger, or that it was taken back.
///
/// The last word by the time at which it was said counts: an old consent undoes no later STOP. Nothing is ever removed.
#[utoipa::path(
    put,
    path = "/v1/consents/{number}",
    tag = "consents",
    operation_id = "put_consent",
    params(("number" = String, Path, description = "The person's number, in E.164 form.")),
    request_body = NewConsent,
    responses((status = 200, description = "What it comes to.", body = ConsentView))
)]
pub(crate) async fn put(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(number): Segment,
    Json(consent): Json<NewConsent>,
) -> Result<Response, Problem> {
    let person = read_number(&number)?;
    let program = owned(&app, &caller.tenant, consent.sender.as_deref(), consent.campaign.as_deref())?;
    let (said, at) = consent.read(app.handle.now()).map_err(|errors| Problem::fields(Code::RequestInvalid, errors))?;
    let change = ConsentChange { program, person, said, at };
    let entry = to_its_end(async move { app.handle.put_consent(&caller.tenant, caller.key, change).await }).await??;
    Ok(json(StatusCode::OK, &ConsentView::new(&entry)))
}

/// What a person allows.
///
/// For each of your senders and campaigns of which something is on record: campaigns that are registered, that have a program, or that
/// are asked for by name.
#[utoipa::path(
    get,
    path = "/v1/consents/{number}",
    tag = "consents",
    operation_id = "get_consents",
    params(
        ("number" = String, Path, description = "The person's number, in E.164 form."),
        ("sender" = Option<String>, Query, description = "Only of this sender."),
        ("campaign" = Option<String>, Query, description = "Also of this campaign, if it is neither registered nor a program."),
    ),
    responses((status = 200, description = "The consents.", body = ConsentsView))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(number): Segment,
    Parameters(of): Parameters<ConsentOf>,
) -> Result<Response, Problem> {
    let person = read_number(&number)?;
    let registered = app.handle.all_registered(&caller.tenant, Kind::Campaign).into_iter();
    let programs = app.handle.programs(&caller.tenant).into_iter();
    let known = registered.map(|campaign| campaign.id.clone()).chain(programs.map(|program| program.name));
    let campaigns: BTreeSet<String> = of.campaign.into_iter().chain(known).collect();
    let campaigns: Vec<String> = campaigns.into_iter().collect();
    let mut entries = app.handle.consents_of(&caller.tenant, &person, &campaigns).await?;
    if let Some(sender) = of.sender {
        entries.retain(|entry| entry.party.program == Program::Sender(sender.clone()));
    }
    let consents = entries.iter().map(ConsentView::new).collect();
    Ok(json(StatusCode::OK, &ConsentsView { consents }))
}

/// The ledger of a person and one of your senders or campaigns, the last said first.
#[utoipa::path(
    get,
    path = "/v1/consents/{number}/history",
    tag = "consents",
    operation_id = "get_consent_history",
    params(
        ("number" = String, Path, description = "The person's number, in E.164 form."),
        ("sender" = Option<String>, Query, description = "The sender; this or a campaign is needed."),
        ("campaign" = Option<String>, Query, description = "The campaign."),
    ),
    responses((status = 200, description = "The last 500 lines.", body = ConsentLinesView))
)]
pub(crate) async fn history(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(number): Segment,
    Parameters(of): Parameters<ConsentOf>,
) -> Result<Response, Problem> {
    let person = read_number(&number)?;
    let program = match (of.sender, of.campaign) {
        (Some(sender), None) => Program::Sender(sender),
        (None, Some(campaign)) => Program::Campaign(campaign),
        _ => {
            let detail = "name a sender or a campaign, and not both";
            return Err(Problem::field(Code::QueryInvalid, "sender", "parameter.missing", detail));
        }
    };
    let lines = app.handle.consent_lines(&caller.tenant, &program, &person, LINES).await?;
    let history = lines.iter().map(ConsentLineView::new).collect();
    Ok(json(StatusCode::OK, &ConsentLinesView { history }))
}

/// Everybody's consents, a page at a time, in no order that means something.
#[utoipa::path(
    get,
    path = "/v1/consents",
    tag = "consents",
    operation_id = "list_consents",
    params(
        ("limit" = Option<usize>, Query, description = "Consents in the page, 1 to 1000."),
        ("cursor" = Option<String>, Query, description = "Where the page begins, as the last one said."),
    ),
    responses((status = 200, description = "A page.", body = ConsentPageView))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Parameters(listing): Parameters<ConsentListing>,
) -> Result<Response, Problem> {
    let limit = listing.limit.unwrap_or(app.config.default_page);
    let (entries, next) = app.handle.consents(&caller.tenant, listing.cursor, limit).await?;
    let consents = entries.iter().map(ConsentView::new).collect();
    Ok(json(StatusCode::OK, &ConsentPageView { consents, next_cursor: next.as_ref().map(Place::to_string) }))
}

/// Import a CSV file of consents, whole or not at all.
///
/// Columns: `number`, `sender` or `campaign`, `consent` (`express`, `express_written`, `revoked`), `at`, `method`, `proof`, `reach`,
/// `category`. Every wrong line is told; then nothing is imported. The same file under the same name is taken once: send
/// it again to go on with an import that was cut short.
#[utoipa::path(
    put,
    path = "/v1/consent-imports/{name}",
    tag = "consents",
    operation_id = "put_consent_import",
    params(("name" = String, Path, description = "1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter.")),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 201, description = "All of it is imported.", body = ConsentImportView),
        (status = 200, description = "It was imported before.", body = ConsentImportView),
    )
)]
pub(crate) async fn import(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
    file: Csv,
) -> Result<Response, Problem> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.len() > 64 || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(legal) {
        let detail = "an import's name is 1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter";
        return Err(Problem::field(Code::RequestInvalid, "name", "name.malformed", detail));
    }
    app.handle.has_room()?;
    let known = app.handle.consent_import(&caller.tenant, &name).await?;
    let known = known.is_some_and(|import| import.completed_at.is_some());
    let import = to_its_end(async move {
        let import = app.handle.import_consents(&caller.tenant, caller.key, &name, &file.bytes).await;
        drop(file);
        import
    });
    Ok(json(made(known), &ConsentImportView::new(&import.await??)))
}

/// How far an import is.
#[utoipa::path(
    get,
    path = "/v1/consent-imports/{name}",
    tag = "consents",
    operation_id = "get_consent_import",
    params(("name" = String, Path, description = "The import's name.")),
    responses((status = 200, description = "The import.", body = ConsentImportView))
)]
pub(crate) async fn show_import(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let import = app.handle.consent_import(&caller.tenant, &name).await?;
    let none = || Problem::new(Code::ImportUnknown, "no import of this name was begun");
    let mut view = ConsentImportView::new(&import.ok_or_else(none)?);
    if let Some(written) = app.handle.consents_written(&caller.tenant, &name) {
        view.written = written;
    }
    Ok(json(StatusCode::OK, &view))
}

fn owned(app: &App, tenant: &TenantId, sender: Option<&str>, campaign: Option<&str>) -> Result<Program, Problem> {
    let wrong = |field: &str, code, detail: &str| {
        let error = FieldError { field: field.to_owned(), code, detail: detail.to_owned() };
        Problem::fields(Code::RequestInvalid, vec![error])
    };
    let (field, program) = match (sender, campaign) {
        (Some(sender), None) => match sender.parse::<Address>() {
            Ok(sender) => ("sender", Program::Sender(sender)),
            Err(error) => return Err(wrong("sender", "number.malformed", &format!("`sender` {error}"))),
        },
        (None, Some(campaign)) => ("campaign", Program::Campaign(campaign.to_owned())),
        _ => return Err(wrong("sender", "sender.missing", "name a sender or a campaign, and not both")),
    };
    if app.handle.owns_program(tenant, &program) {
        return Ok(program);
    }
    Err(wrong(field, "sender.unknown", &format!("`{field}` isn't one of yours")))
}
