//! Reading: a message, its timeline, a listing.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use signalbox_engine::Reading;
use signalbox_model::Status;
use signalbox_model::view::{MessageView, WaitsView};

use crate::app::{App, json};
use crate::extract::{Reveal, Segment, Tenant};
use crate::problem::Problem;
use crate::query::{Listing, Parameters};
use crate::refusal::no_message;
use crate::views::{PageView, TimelineView};

/// A message.
#[utoipa::path(
    get,
    path = "/v1/messages/{id}",
    tag = "messages",
    operation_id = "get_message",
    params(
        ("id" = String, Path, description = "The message's id, `msg_…`."),
        ("Signalbox-Reveal" = Option<String>, Header, description = "Why texts that are redacted should be shown: it is logged with your key."),
    ),
    responses((status = 200, description = "The message as it stands.", body = MessageView))
)]
pub(crate) async fn message(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Reveal(reason): Reveal,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| no_message())?;
    let mut record = app.handle.message(&caller.tenant, id).await?.ok_or_else(no_message)?;
    app.handle.reads(&caller, Reading { how: "message", reason }, &mut [&mut record.message]).await?;
    let mut view = MessageView::new(&record.message, &record.head);
    view.waits = waits(&app, &record);
    Ok(json(StatusCode::OK, &view))
}

/// What a message waits for in the queue before its carrier.
fn waits(app: &App, record: &signalbox_records::Record) -> Option<WaitsView> {
    if record.head.status != Status::Queued {
        return None;
    }
    let waits = app.handle.waits_for(record.message.id)?;
    Some(WaitsView { why: waits.why, estimated_at: waits.estimated_at.to_rfc3339() })
}

/// What happened to a message.
///
/// Every entry of its record, in order, and every attempt to tell a webhook.
#[utoipa::path(
    get,
    path = "/v1/messages/{id}/timeline",
    tag = "messages",
    operation_id = "get_timeline",
    params(
        ("id" = String, Path, description = "The message's id, `msg_…`."),
        ("Signalbox-Reveal" = Option<String>, Header, description = "Why texts that are redacted should be shown: it is logged with your key."),
    ),
    responses((status = 200, description = "All that happened to it.", body = TimelineView))
)]
pub(crate) async fn timeline(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Reveal(reason): Reveal,
    Segment(id): Segment,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| no_message())?;
    let mut record = app.handle.message(&caller.tenant, id).await?.ok_or_else(no_message)?;
    app.handle.reads(&caller, Reading { how: "timeline", reason }, &mut [&mut record.message]).await?;
    let deliveries = app.handle.deliveries(&caller.tenant, id).await?;
    Ok(json(StatusCode::OK, &TimelineView::new(&record, &deliveries, waits(&app, &record))))
}

/// Messages, newest first.
#[utoipa::path(
    get,
    path = "/v1/messages",
    tag = "messages",
    operation_id = "list_messages",
    params(
        ("from" = Option<String>, Query, description = "Only from this sender."),
        ("to" = Option<String>, Query, description = "Only to this recipient."),
        ("status" = Option<String>, Query, description = "Only those that have this status now."),
        ("after" = Option<String>, Query, description = "Only those accepted at this time or later, RFC 3339."),
        ("before" = Option<String>, Query, description = "Only those accepted before this time, RFC 3339."),
        ("direction" = Option<String>, Query, description = "`outbound` or `inbound`."),
        ("Signalbox-Reveal" = Option<String>, Header, description = "Why texts that are redacted should be shown: it is logged with your key."),
        ("cursor" = Option<String>, Query, description = "Where to go on: `next_cursor` of the last page."),
        ("limit" = Option<u16>, Query, description = "At most so many; 1 to 1,000, 50 unless said."),
    ),
    responses((status = 200, description = "A page.", body = PageView))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Reveal(reason): Reveal,
    Parameters(Listing { query, cursor, limit }): Parameters<Listing>,
) -> Result<Response, Problem> {
    let limit = limit.unwrap_or(app.config.default_page);
    let mut page = app.handle.messages(&caller.tenant, &query, cursor, limit).await?;
    let mut shown: Vec<_> = page.items.iter_mut().map(|(message, _)| message).collect();
    app.handle.reads(&caller, Reading { how: "list", reason }, &mut shown).await?;
    Ok(json(StatusCode::OK, &PageView::new(&page)))
}
