//! What the routes about recorded runs take and answer.

use serde::Serialize;
use signalbox_engine::{GateExample, Run, RunCursor, RunDetail, RunFilter, RunOutcome, RunPage, Verdict};
use signalbox_model::InvocationId;
use utoipa::ToSchema;

use crate::query::Params;

/// Which runs to list, and from where.
#[derive(Debug, Default)]
pub(crate) struct RunListing {
    pub(crate) filter: RunFilter,
    pub(crate) cursor: Option<RunCursor>,
    pub(crate) limit: Option<usize>,
}

impl Params for RunListing {
    const NAMES: &'static [&'static str] = &["handler", "outcome", "cursor", "limit"];

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "handler" => self.filter.handler = Some(value.to_owned()),
            "outcome" => self.filter.outcome = Some(outcome(value)?),
            "cursor" => self.cursor = Some(value.parse()?),
            _ => self.limit = Some(whole(value, signalbox_engine::RUNS_PAGE)?),
        }
        Ok(())
    }
}

/// How many of the last events a gate shows.
#[derive(Debug, Default)]
pub(crate) struct Last(pub(crate) Option<usize>);

impl Params for Last {
    const NAMES: &'static [&'static str] = &["last"];

    fn take(&mut self, _: &str, value: &str) -> Result<(), String> {
        self.0 = Some(whole(value, signalbox_engine::GATE_MOST)?);
        Ok(())
    }
}

fn outcome(value: &str) -> Result<RunOutcome, String> {
    match value {
        "completed" => Ok(RunOutcome::Completed),
        "failed" => Ok(RunOutcome::Failed),
        _ => Err("is completed or failed".to_owned()),
    }
}

fn whole(value: &str, most: usize) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("is a whole number from 1 to {most}"))
}

/// A recorded run of a handler.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invocation)]
pub(crate) struct RunView {
    /// `inv_…`
    invocation: String,
    /// The handler.
    handler: String,
    /// The digest of the version that ran.
    digest: String,
    /// The event that it was shown.
    event: String,
    /// `message`, `draft`, `receipt` or `timer`.
    kind: &'static str,
    /// The attempt at the event, from 1.
    attempt: u32,
    /// When it ended.
    at: String,
    /// `completed` or `failed`.
    outcome: &'static str,
    /// Of what kind the failure is.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// What it used.
    usage: RunUsageView,
    /// What its recording takes; not there for a run that can't be replayed, since its recording is larger than is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    recording_bytes: Option<u32>,
}

/// What a run used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InvocationUsage)]
struct RunUsageView {
    /// What it computed, in microseconds.
    cpu_us: u64,
    /// What it took in all, in microseconds.
    wall_us: u64,
    /// The most memory that it had.
    peak_memory_bytes: u64,
    /// How often it asked the host for something.
    host_calls: u32,
}

impl From<(InvocationId, Run)> for RunView {
    fn from((id, run): (InvocationId, Run)) -> Self {
        let Run { cpu_us, wall_us, peak_memory_bytes, host_calls, .. } = run;
        Self {
            invocation: id.to_string(),
            event: run.event.to_string(),
            kind: run.kind.as_str(),
            attempt: run.attempt,
            at: run.at.to_rfc3339(),
            outcome: if run.failure.is_some() { "failed" } else { "completed" },
            failure: run.failure,
            usage: RunUsageView { cpu_us, wall_us, peak_memory_bytes, host_calls },
            recording_bytes: run.bytes,
            handler: run.handler,
            digest: run.digest,
        }
    }
}

/// Recorded runs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invocations)]
pub(crate) struct RunsView {
    /// Newest first.
    invocations: Vec<RunView>,
    /// Give this as `cursor` for the next page; not there on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl From<RunPage> for RunsView {
    fn from(page: RunPage) -> Self {
        let next_cursor = page.next.map(|cursor| cursor.to_string());
        Self { invocations: page.runs.into_iter().map(Into::into).collect(), next_cursor }
    }
}

/// A recorded run with what went in and came out; telephone numbers are redacted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InvocationDetail)]
pub(crate) struct RunDetailView {
    #[serde(flatten)]
    run: RunView,
    /// What happened.
    shown: Vec<NamedView>,
    /// What it asked the host for, in order.
    questions: Vec<String>,
    /// What it returned and asked for, or why it failed, a line each.
    end: Vec<String>,
}

/// A name and its value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NamedValue)]
struct NamedView {
    /// The name.
    name: &'static str,
    /// The value.
    value: String,
}

impl From<(InvocationId, RunDetail)> for RunDetailView {
    fn from((id, detail): (InvocationId, RunDetail)) -> Self {
        let RunDetail { run, event, questions, end } = detail;
        let shown = event.into_iter().map(|(name, value)| NamedView { name, value }).collect();
        Self { run: (id, run).into(), shown, questions, end }
    }
}

/// How a candidate compares with what was recorded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GateVerdict)]
pub(crate) struct VerdictView {
    /// The candidate's digest.
    digest: String,
    /// Events that it was shown.
    compared: usize,
    /// Events on which it would have done the same.
    same: usize,
    /// Events on which it wouldn't.
    different: usize,
    /// Of `same`, those on which it asked for something that wasn't recorded, and was told that there is nothing.
    unsure: usize,
    /// Events on which it computed for longer than an event may; a host that is busy makes it longer, too.
    slow: usize,
    /// Events that weren't compared: a limit of time stopped the recorded run, so there is no end to compare.
    stopped: usize,
    /// Events that weren't compared: the time was up, or a recording is gone.
    left_out: usize,
    /// Some of the differences, the latest first.
    examples: Vec<ExampleView>,
}

/// An event on which a candidate does otherwise.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GateExample)]
struct ExampleView {
    /// The recorded run.
    invocation: String,
    /// What it was shown.
    event: String,
    /// `message`, `draft`, `receipt` or `timer`.
    kind: &'static str,
    /// `- ` before what only the recorded run did, `+ ` before what only the candidate does, `? ` before what it asked
    /// otherwise.
    lines: Vec<String>,
}

impl From<Verdict> for VerdictView {
    fn from(verdict: Verdict) -> Self {
        let Verdict { digest, same, different, unsure, slow, stopped, left_out, examples } = verdict;
        let example = |GateExample { invocation, event, kind, lines }| ExampleView {
            invocation: invocation.to_string(),
            event: event.to_string(),
            kind: kind.as_str(),
            lines,
        };
        let examples = examples.into_iter().map(example).collect();
        Self { digest, compared: same + different, same, different, unsure, slow, stopped, left_out, examples }
    }
}
