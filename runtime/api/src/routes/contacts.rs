//! What a tenant recorded of the people on the other side.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use signalbox_engine::Contact;

use super::handlers::{made, read_number};
use crate::app::{App, json, to_its_end};
use crate::extract::{Json, Segment, Tenant};
use crate::problem::Problem;
use crate::requests::NewContact;
use crate::views::ContactView;

/// Record a person.
///
/// What was recorded before is replaced as a whole. Handlers read it with `contacts.get`.
#[utoipa::path(
    put,
    path = "/v1/contacts/{number}",
    tag = "contacts",
    operation_id = "put_contact",
    params(("number" = String, Path, description = "The person's number, in E.164 form.")),
    request_body = NewContact,
    responses(
        (status = 201, description = "Nothing was recorded before.", body = ContactView),
        (status = 200, description = "What was recorded is replaced.", body = ContactView),
    )
)]
pub(crate) async fn record(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(number): Segment,
    Json(NewContact { time_zone, attributes }): Json<NewContact>,
) -> Result<Response, Problem> {
    let number = read_number(&number)?;
    let contact = Contact { time_zone, attributes };
    let known = app.handle.contact(&caller.tenant, &number).await?.is_some();
    let (theirs, kept) = (number.clone(), contact.clone());
    to_its_end(async move { app.handle.put_contact(&caller.tenant, &theirs, &kept).await }).await??;
    Ok(json(made(known), &ContactView::new(&number, contact)))
}

/// What is recorded of a person.
///
/// Of somebody of whom nothing is recorded, that is nothing: a time zone of null and no attributes.
#[utoipa::path(
    get,
    path = "/v1/contacts/{number}",
    tag = "contacts",
    operation_id = "get_contact",
    params(("number" = String, Path, description = "The person's number, in E.164 form.")),
    responses((status = 200, description = "The person.", body = ContactView))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(number): Segment,
) -> Result<Response, Problem> {
    let number = read_number(&number)?;
    let contact = app.handle.contact(&caller.tenant, &number).await?;
    Ok(json(StatusCode::OK, &ContactView::new(&number, contact.unwrap_or_default())))
}
