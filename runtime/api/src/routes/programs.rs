//! Programs: what you say of a campaign or of senders that belong together.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use signalbox_engine::{FieldError, ProgramInfo, ProgramSettings};
use signalbox_model::Address;
use utoipa::ToSchema;

use crate::app::{App, json, to_its_end};
use crate::code::Code;
use crate::extract::{Json, Segment, Tenant};
use crate::problem::Problem;
use crate::shape::{Field, Kind, Need, Object, Shape};

/// A program to set up, in place of what it was.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProgram)]
pub(crate) struct NewProgram {
    /// What recipients know it by; stands in the answers to keywords in place of your brand.
    #[serde(default)]
    #[schema(example = "Acme Deals")]
    title: Option<String>,
    /// Where help is found; stands in the answer to HELP. That one also says how to stop.
    #[serde(default)]
    #[schema(example = "Call +1 800 555 0100 or see acme.example/help.")]
    help: Option<String>,
    /// Your senders that belong to it. Messages also belong to it that name it as their campaign.
    #[serde(default)]
    senders: Vec<String>,
    /// Domains of its links, with everything below them; nothing is declared if it is missing.
    #[serde(default)]
    #[schema(example = json!(["acme.example"]))]
    domains: Option<Vec<String>>,
    /// Words that mean STOP there, besides those that always do.
    #[serde(default)]
    stop_words: Vec<String>,
    /// Words that mean START there.
    #[serde(default)]
    start_words: Vec<String>,
    /// Words that mean HELP there.
    #[serde(default)]
    help_words: Vec<String>,
}

impl Shape for NewProgram {
    const SHAPE: Object = Object {
        fields: &[
            field("title", Kind::Text, Need::Nullable),
            field("help", Kind::Text, Need::Nullable),
            field("senders", Kind::Texts, Need::Optional),
            field("domains", Kind::Texts, Need::Nullable),
            field("stop_words", Kind::Texts, Need::Optional),
            field("start_words", Kind::Texts, Need::Optional),
            field("help_words", Kind::Texts, Need::Optional),
        ],
    };
}

const fn field(name: &'static str, kind: Kind, need: Need) -> Field {
    Field { name, kind, need }
}

impl NewProgram {
    fn read(self) -> Result<ProgramSettings, Vec<FieldError>> {
        let (mut senders, mut wrong) = (Vec::new(), Vec::new());
        for (n, sender) in self.senders.iter().enumerate() {
            match sender.parse::<Address>() {
                Ok(sender) => senders.push(sender),
                Err(error) => {
                    let detail = format!("the sender {error}");
                    wrong.push(FieldError { field: format!("senders[{n}]"), code: "number.malformed", detail });
                }
            }
        }
        let Self { title, help, domains, stop_words, start_words, help_words, .. } = self;
        let settings =
            ProgramSettings { title, help, senders, domains, stop: stop_words, start: start_words, help_words };
        if wrong.is_empty() { Ok(settings) } else { Err(wrong) }
    }
}

/// A program.
#[derive(Serialize, ToSchema)]
#[schema(as = Program)]
pub(crate) struct ProgramView {
    /// Its name: what messages give as their campaign.
    name: String,
    /// What recipients know it by.
    title: Option<String>,
    /// Where help is found.
    help: Option<String>,
    /// Senders that belong to it.
    senders: Vec<String>,
    /// Domains of its links; null if nothing is declared.
    domains: Option<Vec<String>>,
    /// Words that mean STOP there, besides those that always do.
    stop_words: Vec<String>,
    /// Words that mean START there.
    start_words: Vec<String>,
    /// Words that mean HELP there.
    help_words: Vec<String>,
    /// When it was made or last changed.
    made_at: String,
}

/// Every program.
#[derive(Serialize, ToSchema)]
#[schema(as = Programs)]
pub(crate) struct ProgramsView {
    programs: Vec<ProgramView>,
}

impl ProgramView {
    fn new(info: ProgramInfo) -> Self {
        let ProgramSettings { title, help, senders, domains, stop, start, help_words } = info.settings;
        Self {
            name: info.name,
            title,
            help,
            senders: senders.iter().map(Address::to_string).collect(),
            domains,
            stop_words: stop,
            start_words: start,
            help_words,
            made_at: info.made_at.to_rfc3339(),
        }
    }
}

/// Set a program up, in place of what it was.
///
/// Its words are obeyed before any handler sees a message. They add to the words that always mean STOP, START and HELP, and
/// can't mean something else than those.
#[utoipa::path(
    put,
    path = "/v1/programs/{name}",
    tag = "programs",
    operation_id = "put_program",
    params(("name" = String, Path, description = "The campaign's name: 1 to 64 of a-z, 0-9, '-' and '_', or as the registry writes it.")),
    request_body = NewProgram,
    responses((status = 200, description = "It is set up.", body = ProgramView))
)]
pub(crate) async fn set_up(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
    Json(program): Json<NewProgram>,
) -> Result<Response, Problem> {
    let settings = program.read().map_err(|errors| Problem::fields(Code::RequestInvalid, errors))?;
    let put = to_its_end(async move { app.handle.put_program(&caller.tenant, &name, settings).await });
    Ok(json(StatusCode::OK, &ProgramView::new(put.await??)))
}

/// Your programs.
#[utoipa::path(
    get,
    path = "/v1/programs",
    tag = "programs",
    operation_id = "list_programs",
    responses((status = 200, description = "The programs.", body = ProgramsView))
)]
pub(crate) async fn list(State(app): State<App>, Tenant(caller): Tenant) -> Result<Response, Problem> {
    let programs = app.handle.programs(&caller.tenant).into_iter().map(ProgramView::new).collect();
    Ok(json(StatusCode::OK, &ProgramsView { programs }))
}

/// A program.
#[utoipa::path(
    get,
    path = "/v1/programs/{name}",
    tag = "programs",
    operation_id = "get_program",
    params(("name" = String, Path, description = "The program's name.")),
    responses((status = 200, description = "The program.", body = ProgramView))
)]
pub(crate) async fn show(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let program = app.handle.programs(&caller.tenant).into_iter().find(|program| program.name == name);
    let none = || Problem::new(Code::ProgramUnknown, "there is no program of this name");
    Ok(json(StatusCode::OK, &ProgramView::new(program.ok_or_else(none)?)))
}

/// Take a program away.
#[utoipa::path(
    delete,
    path = "/v1/programs/{name}",
    tag = "programs",
    operation_id = "delete_program",
    params(("name" = String, Path, description = "The program's name.")),
    responses((status = 204, description = "It is gone."))
)]
pub(crate) async fn remove(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Segment(name): Segment,
) -> Result<Response, Problem> {
    let removed = to_its_end(async move { app.handle.remove_program(&caller.tenant, &name).await }).await??;
    if !removed {
        return Err(Problem::new(Code::ProgramUnknown, "there is no program of this name"));
    }
    Ok(crate::app::nothing())
}
