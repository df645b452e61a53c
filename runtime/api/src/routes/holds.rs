//! Legal holds: what must be kept, whatever else says that it should go.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use signalbox_engine::FieldError;
use signalbox_engine::registry::holds::{Hold, On};
use signalbox_model::{Address, HoldId};
use utoipa::ToSchema;

use crate::app::{App, json, to_its_end};
use crate::code::Code;
use crate::extract::{Json, Registering, Segment};
use crate::problem::Problem;
use crate::shape::{Field, Kind, Need, Object, Shape};

/// Released holds that are shown.
const RELEASED: usize = 200;
/// What can be held.
const KINDS: &[&str] = &["tenant", "contact", "conversation"];

/// A hold to place.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewHold)]
pub(crate) struct NewHold {
    /// `tenant` for everything, `contact` for all of a person, `conversation` for what went between two numbers.
    #[schema(example = "contact")]
    on: String,
    /// The person's number, for `contact` and `conversation`.
    #[serde(default)]
    #[schema(example = "+14155550123")]
    number: Option<String>,
    /// Your number, for `conversation`.
    #[serde(default)]
    sender: Option<String>,
    /// The matter, in 1 to 500 characters. It is kept for ever.
    #[schema(example = "Doe v. Acme, 26-cv-01234")]
    why: String,
}

impl Shape for NewHold {
    const SHAPE: Object = Object {
        fields: &[
            Field { name: "on", kind: Kind::OneOf(KINDS), need: Need::Required },
            Field { name: "number", kind: Kind::Text, need: Need::Nullable },
            Field { name: "sender", kind: Kind::Text, need: Need::Nullable },
            Field { name: "why", kind: Kind::Text, need: Need::Required },
        ],
    };
}

impl NewHold {
    fn on(&self) -> Result<On, Vec<FieldError>> {
        let wants = |kinds: &[&str]| kinds.contains(&self.on.as_str());
        let mut wrong = Vec::new();
        if !KINDS.contains(&self.on.as_str()) {
            let detail = format!("`on` is one of {}", KINDS.join(", "));
            wrong.push(FieldError { field: "on".to_owned(), code: "on.unknown", detail });
        }
        let theirs = number("number", self.number.as_deref(), wants(&["contact", "conversation"]), &mut wrong);
        let ours = number("sender", self.sender.as_deref(), wants(&["conversation"]), &mut wrong);
        match (ours, theirs) {
            _ if !wrong.is_empty() => Err(wrong),
            (None, None) => Ok(On::Tenant),
            (None, Some(theirs)) => Ok(On::Contact(theirs)),
            (Some(ours), Some(theirs)) => Ok(On::Conversation { ours, theirs }),
            (Some(_), None) => unreachable!("what wants a sender wants a number"),
        }
    }
}

/// A number where one is wanted, and none where none is: a hold on less or more than was meant helps nobody.
fn number(name: &str, given: Option<&str>, wanted: bool, wrong: &mut Vec<FieldError>) -> Option<Address> {
    let mut complain = |code, detail: String| wrong.push(FieldError { field: name.to_owned(), code, detail });
    match (given, wanted) {
        (Some(text), true) => match text.parse() {
            Ok(number) => return Some(number),
            Err(error) => complain("number.malformed", format!("`{name}`: the number {error}")),
        },
        (None, true) => complain("number.missing", format!("`{name}` says whose messages are held")),
        (Some(_), false) => complain("number.unexpected", format!("`{name}` says nothing of this kind of hold")),
        (None, false) => {}
    }
    None
}

/// That a hold ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HoldRelease)]
pub(crate) struct NewRelease {
    /// Why, in 1 to 500 characters. It is kept for ever.
    #[schema(example = "settled")]
    why: String,
}

impl Shape for NewRelease {
    const SHAPE: Object = Object { fields: &[Field { name: "why", kind: Kind::Text, need: Need::Required }] };
}

/// A hold.
#[derive(Serialize, ToSchema)]
#[schema(as = Hold)]
pub(crate) struct HoldView {
    id: String,
    /// `tenant`, `contact` or `conversation`.
    on: &'static str,
    /// The person's number.
    number: Option<String>,
    /// The tenant's number.
    sender: Option<String>,
    /// The matter.
    why: String,
    /// The API key's id, or `operator`.
    placed_by: String,
    placed_at: String,
    /// That it stands no more; null while it stands.
    released: Option<ReleaseView>,
}

/// The end of a hold.
#[derive(Serialize, ToSchema)]
#[schema(as = HoldEnd)]
pub(crate) struct ReleaseView {
    /// The API key's id, or `operator`.
    by: String,
    at: String,
    why: String,
}

/// Holds: those that stand, the oldest first; behind them the last 200 that don't any more.
#[derive(Serialize, ToSchema)]
#[schema(as = Holds)]
pub(crate) struct HoldsView {
    holds: Vec<HoldView>,
}

impl HoldView {
    fn new(hold: &Hold) -> Self {
        let sender = match &hold.on {
            On::Conversation { ours, .. } => Some(ours.to_string()),
            On::Tenant | On::Contact(_) => None,
        };
        let released = hold.released.as_ref().map(|release| ReleaseView {
            by: release.by.to_string(),
            at: release.at.to_rfc3339(),
            why: release.why.clone(),
        });
        Self {
            id: hold.id.to_string(),
            on: hold.on.as_str(),
            number: hold.on.person().map(Address::to_string),
            sender,
            why: hold.why.clone(),
            placed_by: hold.placed_by.to_string(),
            placed_at: hold.placed_at.to_rfc3339(),
            released,
        }
    }
}

/// Place a legal hold.
///
/// From the answer on, nothing that it covers is erased or taken away by age. A tenant places holds on what is its own; the
/// operator's key places them for the tenant that `tenant` names, and those only the operator releases.
#[utoipa::path(
    post,
    path = "/v1/holds",
    tag = "holds",
    operation_id = "place_hold",
    params(("tenant" = Option<String>, Query, description = "With the operator's key: whose.")),
    request_body = NewHold,
    responses((status = 201, description = "It stands.", body = HoldView))
)]
pub(crate) async fn place(
    State(app): State<App>,
    Registering { tenant, registrar }: Registering,
    Json(new): Json<NewHold>,
) -> Result<Response, Problem> {
    let on = new.on().map_err(|errors| Problem::fields(Code::RequestInvalid, errors))?;
    let hold = to_its_end(async move { app.handle.place_hold(&tenant, registrar, on, &new.why).await }).await??;
    Ok(json(StatusCode::CREATED, &HoldView::new(&hold)))
}

/// List legal holds.
#[utoipa::path(
    get,
    path = "/v1/holds",
    tag = "holds",
    operation_id = "list_holds",
    params(("tenant" = Option<String>, Query, description = "With the operator's key: whose.")),
    responses((status = 200, description = "The holds.", body = HoldsView))
)]
pub(crate) async fn list(State(app): State<App>, Registering { tenant, .. }: Registering) -> Result<Response, Problem> {
    let standing = app.handle.holds().list(&tenant);
    let released = app.handle.released_holds(&tenant, RELEASED).await?;
    let holds = standing.iter().map(|hold| &**hold).chain(&released).map(HoldView::new).collect();
    Ok(json(StatusCode::OK, &HoldsView { holds }))
}

/// Release a legal hold.
#[utoipa::path(
    post,
    path = "/v1/holds/{id}/release",
    tag = "holds",
    operation_id = "release_hold",
    params(
        ("id" = String, Path, description = "`hold_…`"),
        ("tenant" = Option<String>, Query, description = "With the operator's key: whose."),
    ),
    request_body = NewRelease,
    responses((status = 200, description = "It stands no more.", body = HoldView))
)]
pub(crate) async fn release(
    State(app): State<App>,
    Registering { tenant, registrar }: Registering,
    Segment(id): Segment,
    Json(NewRelease { why }): Json<NewRelease>,
) -> Result<Response, Problem> {
    let id: HoldId = id.parse().map_err(|error| Problem::new(Code::HoldUnknown, format!("{error}")))?;
    let hold = to_its_end(async move { app.handle.release_hold(&tenant, registrar, id, &why).await }).await??;
    Ok(json(StatusCode::OK, &HoldView::new(&hold)))
}
