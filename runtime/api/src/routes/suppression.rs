//! Suppression lists: numbers to which not everything may be sent.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use signalbox_engine::registry::{Covers, ListKind, NewList};

use super::handlers::read_number;
use crate::app::{App, json, to_its_end};
use crate::code::Code;
use crate::extract::{List, Segment, Tenant};
use crate::problem::Problem;
use crate::query::{Parameters, SuppressionAsked, SuppressionSaid};
use crate::suppression_views::{SuppressionCheckView, SuppressionListView, SuppressionListsView};

/// Import a suppression list, whole or not at all.
///
/// The file is the whole list: what was in the last version and isn't in this one is on it no more. A CSV file with the column
/// `number`, or one number a line, or area code and number as the national registry writes them; for the kind `reassigned`
/// the columns `number`, `date` (the day of the consent that was asked about) and `answer` (`yes`, `no`, `no_data`). Every wrong
/// line is told; then the list stays as it was.
#[utoipa::path(
    put,
    path = "/v1/suppression/{name}",
    tag = "suppression",
    operation_id = "put_suppression_list",
    params(
        ("name" = String, Path, description = "1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter."),
        ("kind" = String, Query, description = "dnc, litigator, reassigned or own."),
        ("source" = String, Query, description = "Where the list is from."),
        ("fetched_at" = String, Query, description = "When it was fetched there, RFC 3339."),
        ("expires_at" = Option<String>, Query, description = "From when on it is too old, besides what the rules say."),
        ("covers" = Option<String>, Query, description = "With `dnc`, and needed there: of which numbers the file tells the \
            whole. Area codes with commas between them; `all`; or `none` for a list besides a whole one, such as a \
            state's. Of numbers that no list covers it isn't known whether they are on one."),
        ("for" = Option<String>, Query, description = "`tenant`, or `all` tenants where the operator lets you."),
    ),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, description = "All of it is in force.", body = SuppressionListView))
)]
pub(crate) async fn import(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
    Parameters(said): Parameters<SuppressionSaid>,
    file: List,
) -> Result<Response, Problem> {
    let new = new_list(&app, &caller.tenant, name, said)?;
    let handle = app.handle.clone();
    handle.has_room()?;
    let meta = to_its_end(async move {
        let List { bytes, _share } = file;
        handle.import_suppression(&caller.tenant, caller.key, new, bytes).await
    });
    let meta = meta.await??;
    Ok(json(StatusCode::OK, &SuppressionListView::new(&app.handle.list_info(meta))))
}

fn new_list(
    app: &App,
    tenant: &signalbox_model::TenantId,
    name: String,
    said: SuppressionSaid,
) -> Result<NewList, Problem> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.len() > 64 || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(legal) {
        let detail = "a list's name is 1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter";
        return Err(Problem::field(Code::RequestInvalid, "name", "name.malformed", detail));
    }
    let missing = |name: &str| {
        let detail = format!("`{name}` is missing: say it in the query, ?kind=…&source=…&fetched_at=…");
        Problem::field(Code::QueryInvalid, name, "parameter.missing", detail)
    };
    let kind = said.kind.ok_or_else(|| missing("kind"))?;
    let source = said.source.ok_or_else(|| missing("source"))?;
    let fetched_at = said.fetched_at.ok_or_else(|| missing("fetched_at"))?;
    let covers = match (kind, said.covers) {
        (ListKind::Dnc, Some(covers)) => covers,
        (ListKind::Dnc, None) => {
            let detail = "`covers` is missing: say of which area codes the file tells the whole, &covers=201,212, or `all`; \
                          `none` for a list besides a whole one, such as a state's";
            return Err(Problem::field(Code::QueryInvalid, "covers", "parameter.missing", detail));
        }
        (_, None) => Covers::All,
        (_, Some(_)) => {
            let detail = "`covers` goes with the kind `dnc`";
            return Err(Problem::field(Code::QueryInvalid, "covers", "parameter.unexpected", detail));
        }
    };
    if said.for_all && !app.handle.lists_for_all(tenant) {
        let detail = "only whom the operator lets may have lists for all tenants: the tenant's setting `lists_for_all`";
        return Err(Problem::field(Code::RequestInvalid, "for", "list.not_yours", detail));
    }
    Ok(NewList { name, kind, for_all: said.for_all, source, fetched_at, expires_at: said.expires_at, covers })
}

/// The lists against which your messages are held.
///
/// Yours, and those that hold for all tenants.
#[utoipa::path(
    get,
    path = "/v1/suppression",
    tag = "suppression",
    operation_id = "list_suppression_lists",
    responses((status = 200, description = "The lists.", body = SuppressionListsView))
)]
pub(crate) async fn list(State(app): State<App>, Tenant(caller): Tenant) -> Result<Response, Problem> {
    let lists = app.handle.suppression_lists(&caller.tenant);
    let lists = lists.iter().map(SuppressionListView::new).collect();
    Ok(json(StatusCode::OK, &SuppressionListsView { lists }))
}

/// A list, and how far an import of it is.
#[utoipa::path(
    get,
    path = "/v1/suppression/{name}",
    tag = "suppression",
    operation_id = "get_suppression_list",
    params(("name" = String, Path, description = "The list's name.")),
    responses((status = 200, description = "The list.", body = SuppressionListView))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let progress = app.handle.suppression_progress(&caller.tenant, &name);
    let known = app.handle.suppression_lists(&caller.tenant).into_iter().find(|info| info.meta.name == name);
    let view = match (known, progress) {
        (Some(info), progress) => SuppressionListView::new(&info).importing(progress),
        (None, Some(progress)) => SuppressionListView::begun(&name, progress),
        (None, None) => return Err(Problem::new(Code::ListUnknown, "there is no list of this name")),
    };
    Ok(json(StatusCode::OK, &view))
}

/// Take a list away.
#[utoipa::path(
    delete,
    path = "/v1/suppression/{name}",
    tag = "suppression",
    operation_id = "delete_suppression_list",
    params(("name" = String, Path, description = "The list's name.")),
    responses((status = 204, description = "It is in force no more."))
)]
pub(crate) async fn remove(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let removed =
        to_its_end(async move { app.handle.remove_suppression(&caller.tenant, caller.key, &name).await }).await??;
    if !removed {
        return Err(Problem::new(Code::ListUnknown, "there is no list of this name"));
    }
    Ok(crate::app::nothing())
}

/// What each list says of a number.
#[utoipa::path(
    get,
    path = "/v1/suppression-checks/{number}",
    tag = "suppression",
    operation_id = "check_suppression",
    params(
        ("number" = String, Path, description = "The number, in E.164 form."),
        ("consented_at" = Option<String>, Query, description = "When its holder consented, for lists of reassigned numbers."),
    ),
    responses((status = 200, description = "What each list says.", body = SuppressionCheckView))
)]
pub(crate) async fn check(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(number): Segment,
    Parameters(asked): Parameters<SuppressionAsked>,
) -> Result<Response, Problem> {
    let number = read_number(&number)?;
    let hits = app.handle.suppression_check(&caller.tenant, &number, asked.consented_at);
    let of = |hit| SuppressionCheckView::hit(&app.handle, hit);
    let view = SuppressionCheckView { number: number.to_string(), lists: hits.into_iter().map(of).collect() };
    Ok(json(StatusCode::OK, &view))
}
