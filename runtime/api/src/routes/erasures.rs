//! Erasures: a person asks to be forgotten.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::handlers::read_number;
use crate::app::{App, json, to_its_end};
use crate::extract::{Json, Registering};
use crate::problem::Problem;
use crate::shape::{Field, Kind, Need, Object, Shape};

/// Whom to forget.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewErasure)]
pub(crate) struct NewErasure {
    /// The person's number, in E.164 form.
    #[schema(example = "+14155550123")]
    number: String,
}

impl Shape for NewErasure {
    const SHAPE: Object = Object { fields: &[Field { name: "number", kind: Kind::Text, need: Need::Required }] };
}

/// What an erasure did.
#[derive(Serialize, ToSchema)]
#[schema(as = Erasure)]
pub(crate) struct ErasureView {
    /// The person's number.
    number: String,
    /// Messages that could be read before, and can't be any more.
    messages: u64,
    /// Other rows that were deleted: state, timers, what was recorded of the person, recorded runs, events given up.
    others: u64,
    /// Whether a keyed hash stands for the number in the consent ledger from now on. False where bodies aren't sealed: the ledger
    /// keeps the number then, for what was revoked must be known.
    number_hidden: bool,
    /// Your suppression lists that have the number, as it is: they stay as they are, so that nothing goes there. Import one anew
    /// without the number to take it out; what was revoked holds without it.
    on_lists: Vec<String>,
    /// When.
    erased_at: String,
}

/// Erase all that was said with a person.
///
/// Texts and media of all messages to and from the number are unreadable from then on, for everybody and for good: their key is
/// destroyed, or where bodies aren't sealed they are overwritten. Messages with their timelines stay and show `body_erased`. What
/// waits is not sent. What handlers keep of the person, what is recorded of the contact, timers, recorded runs and events that were
/// given up are deleted. Who opted out stays opted out. A legal hold wins: then nothing is erased. Asking again does no harm.
#[utoipa::path(
    post,
    path = "/v1/erasures",
    tag = "contacts",
    operation_id = "erase_contact",
    params(("tenant" = Option<String>, Query, description = "With the operator's key: whose.")),
    request_body = NewErasure,
    responses((status = 200, description = "They are unreadable.", body = ErasureView))
)]
pub(crate) async fn erase(
    State(app): State<App>,
    Registering { tenant, registrar }: Registering,
    Json(whom): Json<NewErasure>,
) -> Result<Response, Problem> {
    let number = read_number(&whom.number)?;
    let theirs = number.clone();
    let erased = to_its_end(async move { app.handle.erase(&tenant, registrar, &theirs).await }).await??;
    let view = ErasureView {
        number: number.to_string(),
        messages: erased.messages,
        others: erased.others,
        number_hidden: erased.is_hidden,
        on_lists: erased.on_lists,
        erased_at: erased.at.to_rfc3339(),
    };
    Ok(json(StatusCode::OK, &view))
}
