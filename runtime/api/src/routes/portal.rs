//! Links to a tenant's portal: what was replaced by one is read here, by the portal.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use signalbox_engine::Reading;
use utoipa::ToSchema;

use crate::app::{App, json};
use crate::extract::{Segment, Tenant};
use crate::problem::Problem;
use crate::refusal::no_message;

/// Why a text is shown, in the audit log.
const REASON: &str = "its recipient followed the link to the portal";

/// What a message says that was replaced by a link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PortalMessage)]
pub(crate) struct PortalView {
    /// The message's id.
    id: String,
    /// Who it is for: ask them to prove it before you show the text.
    to: String,
    /// Your sender.
    from: String,
    /// What it says.
    text: String,
    accepted_at: String,
}

/// What a link to your portal leads to.
///
/// For your portal: it has its visitor sign in, and asks with the token of the link. The read is in the audit log.
#[utoipa::path(
    get,
    path = "/v1/portal/{token}",
    tag = "messages",
    operation_id = "get_portal_message",
    params(("token" = String, Path, description = "What stood in the link for `{token}`.")),
    responses((status = 200, description = "What the message says.", body = PortalView))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(token): Segment,
) -> Result<Response, Problem> {
    let mut message = app.handle.portal_message(&caller.tenant, &token).await?.ok_or_else(no_message)?;
    let reading = Reading { how: "portal", reason: Some(REASON.to_owned()) };
    app.handle.reads(&caller, reading, &mut [&mut message]).await?;
    let body = message.original.as_ref().unwrap_or(&message.body);
    let view = PortalView {
        id: message.id.to_string(),
        to: message.to.to_string(),
        from: message.from.to_string(),
        text: body.text.clone(),
        accepted_at: message.accepted_at.to_rfc3339(),
    };
    Ok(json(StatusCode::OK, &view))
}
