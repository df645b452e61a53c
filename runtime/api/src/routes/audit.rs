//! The audit log: its frames, its checkpoints, and the key that verifies them.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use signalbox_engine::{AuditPage, AuditQuery, Standing};
use signalbox_model::{Address, Partition, Timestamp};
use signalbox_records::audit::export::{FrameLine, MarkLine};
use signalbox_records::audit::{Frame, Keys, Person, hex};
use utoipa::ToSchema;

use crate::app::{App, json, to_its_end};
use crate::code::Code;
use crate::extract::Tenant;
use crate::problem::Problem;
use crate::query::{Parameters, Params, address, time};

/// Frames in a page: each is read whole, and perhaps held against a dozen rows.
const MOST_FRAMES: usize = 500;
/// Checkpoints in a page: each names up to as many chains as there are partitions.
const MOST_MARKS: usize = 100;

/// Which frames.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    partition: u16,
    after: u64,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    number: Option<Address>,
    compare: bool,
    decisions: bool,
    limit: Option<usize>,
}

impl Params for Frames {
    const NAMES: &'static [&'static str] =
        &["partition", "after", "since", "until", "number", "compare", "decisions", "limit"];

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "partition" => self.partition = whole(value)?,
            "after" => self.after = whole(value)?,
            "since" => self.since = Some(time(value)?),
            "until" => self.until = Some(time(value)?),
            "number" => self.number = Some(address(value)?),
            "compare" => self.compare = truth(value)?,
            "decisions" => self.decisions = truth(value)?,
            _ => self.limit = Some(limit(value, MOST_FRAMES)?),
        }
        Ok(())
    }
}

/// Which checkpoints.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    after: u64,
    since: Option<Timestamp>,
    limit: Option<usize>,
}

impl Params for Marks {
    const NAMES: &'static [&'static str] = &["after", "since", "limit"];

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "after" => self.after = whole(value)?,
            "since" => self.since = Some(time(value)?),
            _ => self.limit = Some(limit(value, MOST_MARKS)?),
        }
        Ok(())
    }
}

fn truth(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| "is `true` or `false`".to_owned())
}

fn whole<T: std::str::FromStr>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| "is a whole number".to_owned())
}

fn limit(value: &str, most: usize) -> Result<usize, String> {
    value.parse().ok().filter(|limit| (1..=most).contains(limit)).ok_or_else(|| format!("is between 1 and {most}"))
}

/// A tenant's audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditLog)]
pub(crate) struct AuditView {
    /// Whether what happens now is logged.
    logged: bool,
    /// The Ed25519 key that verifies checkpoints, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    /// How many partitions there are; each has a chain of its own.
    partitions: u16,
}

/// Frames of a chain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditFrames)]
pub(crate) struct FramesView {
    /// The number of the frame before the first.
    n: u64,
    /// Its link, in hex.
    link: String,
    /// The frames: number, link, and body or its hash.
    #[schema(value_type = Vec<Object>)]
    frames: Vec<FrameLine>,
    /// For each frame, how the rows of the records stand to what its items say: `same`, `other`, `missing`, or null.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    standings: Vec<Vec<Option<&'static str>>>,
    /// Are there more?
    more: bool,
}

/// Checkpoints.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditCheckpoints)]
pub(crate) struct MarksView {
    /// The checkpoints, in their order.
    #[schema(value_type = Vec<Object>)]
    checkpoints: Vec<MarkLine>,
    /// Are there more?
    more: bool,
}

impl FramesView {
    fn new(partition: Partition, page: &AuditPage, person: Option<Person>, limit: usize) -> Self {
        let mut decided = page.decided.iter().cloned();
        let line = |(frame, _): &(Frame, Vec<Option<Standing>>)| {
            FrameLine::of(partition, frame, person).with(decided.next().unwrap_or_default())
        };
        let frames = page.frames.iter().map(line).collect();
        let name = |standing: &Option<Standing>| {
            standing.map(|standing| match standing {
                Standing::Same => "same",
                Standing::Other => "other",
                Standing::Missing => "missing",
            })
        };
        let all = page.frames.iter().map(|(_, standings)| standings.iter().map(name).collect());
        let standings: Vec<Vec<_>> = all.collect();
        let compared = standings.iter().any(|of_frame| !of_frame.is_empty());
        let standings = if compared { standings } else { Vec::new() };
        let more = page.frames.len() == limit;
        Self { n: page.before.n, link: hex(&page.before.link), frames, standings, more }
    }
}

/// Your audit log.
///
/// Whether there is one, and how its checkpoints are verified.
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "audit",
    operation_id = "get_audit",
    responses((status = 200, description = "The log.", body = AuditView))
)]
pub(crate) async fn show(State(app): State<App>, Tenant(caller): Tenant) -> Response {
    let view = AuditView {
        logged: app.handle.is_audited(&caller.tenant),
        public_key: app.handle.audit_keys().map(|keys| hex(&keys.public())),
        partitions: app.handle.partitions(),
    };
    json(StatusCode::OK, &view)
}

/// Frames of your audit log.
///
/// In the order of a chain. Texts and numbers aren't in the log; messages are named by their ids.
#[utoipa::path(
    get,
    path = "/v1/audit/frames",
    tag = "audit",
    operation_id = "list_audit_frames",
    params(
        ("partition" = Option<u16>, Query, description = "Whose chain; 0 unless said."),
        ("after" = Option<u64>, Query, description = "Only frames behind this number."),
        ("since" = Option<String>, Query, description = "Only frames of this time or later, RFC 3339."),
        ("until" = Option<String>, Query, description = "Only frames until this time, RFC 3339."),
        ("number" = Option<String>, Query, description = "Only what is about this person; of the rest, hashes."),
        ("compare" = Option<bool>, Query, description = "Also hold them against the records."),
        ("decisions" = Option<bool>, Query, description = "Also show the decisions that they tell of: verdict, reasons, until when."),
        ("limit" = Option<u16>, Query, description = "At most so many; 1 to 500, 500 unless said."),
    ),
    responses((status = 200, description = "Frames.", body = FramesView))
)]
pub(crate) async fn frames(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Parameters(asked): Parameters<Frames>,
) -> Result<Response, Problem> {
    let partitions = app.handle.partitions();
    if asked.partition >= partitions {
        let detail = format!("there are {partitions} partitions, counted from 0");
        return Err(Problem::field(Code::QueryInvalid, "partition", "parameter.malformed", detail));
    }
    let partition = Partition::new(asked.partition);
    let limit = asked.limit.unwrap_or(MOST_FRAMES);
    let Frames { after, since, until, compare, decisions, .. } = asked;
    let query = AuditQuery { after, since, until, limit, compare, decisions };
    let page = app.handle.audit_page(&caller.tenant, partition, &query).await?;
    let person = |keys: &Keys| asked.number.as_ref().map(|number| keys.person(&caller.tenant, number));
    // Without a key nobody was ever logged.
    let person = app.handle.audit_keys().map_or_else(|| asked.number.as_ref().map(|_| Person([0; 8])), person);
    Ok(json(StatusCode::OK, &FramesView::new(partition, &page, person, limit)))
}

/// Checkpoints of your audit log.
///
/// Where its chains ended, signed. One that you keep elsewhere shows whether an end was cut off later.
#[utoipa::path(
    get,
    path = "/v1/audit/checkpoints",
    tag = "audit",
    operation_id = "list_audit_checkpoints",
    params(
        ("after" = Option<u64>, Query, description = "Only those behind this number."),
        ("since" = Option<String>, Query, description = "Only the last before this time and those behind it, RFC 3339."),
        ("limit" = Option<u16>, Query, description = "At most so many; 1 to 100, 100 unless said."),
    ),
    responses((status = 200, description = "Checkpoints.", body = MarksView))
)]
pub(crate) async fn checkpoints(
    State(app): State<App>,
    Tenant(caller): Tenant,
    Parameters(asked): Parameters<Marks>,
) -> Result<Response, Problem> {
    let limit = asked.limit.unwrap_or(MOST_MARKS);
    let marks = app.handle.audit_marks(&caller.tenant, asked.after, asked.since, limit).await?;
    let more = marks.len() == limit;
    Ok(json(StatusCode::OK, &MarksView { checkpoints: marks.iter().map(MarkLine::of).collect(), more }))
}

/// Sign your audit log as it stands.
///
/// The last checkpoint, when nothing was logged since.
#[utoipa::path(
    post,
    path = "/v1/audit/checkpoints",
    tag = "audit",
    operation_id = "sign_audit",
    responses((status = 200, description = "The checkpoint, or none when nothing was ever logged.", body = MarksView))
)]
pub(crate) async fn sign(State(app): State<App>, Tenant(caller): Tenant) -> Result<Response, Problem> {
    let mark = to_its_end(async move { app.handle.sign_audit(&caller.tenant).await }).await??;
    Ok(json(StatusCode::OK, &MarksView { checkpoints: mark.iter().map(MarkLine::of).collect(), more: false }))
}
