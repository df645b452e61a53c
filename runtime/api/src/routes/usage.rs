//! What a tenant used.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::app::{App, json};
use crate::code::Code;
use crate::extract::Tenant;
use crate::handler_requests::Days;
use crate::handler_views::UsageView;
use crate::problem::Problem;
use crate::query::Parameters;

/// What was used, by day and handler.
///
/// Counted in memory and written down every few seconds and at a stop: a crash may lose the last seconds of it.
#[utoipa::path(
    get,
    path = "/v1/usage",
    tag = "handlers",
    operation_id = "get_usage",
    params(
        ("from" = Option<String>, Query, description = "The first day, in UTC; the last one unless said."),
        ("to" = Option<String>, Query, description = "The last day, in UTC; today unless said."),
    ),
    responses((status = 200, description = "By day and handler.", body = UsageView))
)]
pub(crate) async fn usage(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Parameters(Days { from, to }): Parameters<Days>,
) -> Result<Response, Problem> {
    if let (Some(from), Some(to)) = (&from, &to)
        && from > to
    {
        let detail = "`from` lies after `to`";
        return Err(Problem::field(Code::QueryInvalid, "from", "parameter.malformed", detail));
    }
    let rows = app.handle.usage(&caller.tenant, from.as_deref(), to.as_deref()).await?;
    Ok(json(StatusCode::OK, &UsageView { usage: rows.into_iter().map(Into::into).collect() }))
}
