//! Recorded runs, looked at.

use std::str::FromStr;

use bytes::Bytes;
use signalbox_guest::Recording;
use signalbox_guest::replay::{Details, tell};
use signalbox_model::{InvocationId, TenantId};
use signalbox_store::layout::{self, RecordingRow, Unreadable};
use signalbox_store::{Range, Table};

use super::{Run, home};
use crate::engine::Engine;
use crate::error::Error;
use crate::redact::presentable;

/// Rows that are read at a time.
const PAGE: usize = 256;
/// The most runs of a page.
pub const MAX_PAGE: usize = 500;

/// How a run ended, for a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunOutcome {
    /// It has effects.
    Completed,
    /// It failed, somehow.
    Failed,
}

/// Which runs.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Those of this handler.
    pub handler: Option<String>,
    /// Those that ended so.
    pub outcome: Option<RunOutcome>,
}

/// Where a page goes on: behind this run, downward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunCursor(InvocationId);

impl FromStr for RunCursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| "is no cursor: give the `next_cursor` of the page before".to_owned())
    }
}

impl std::fmt::Display for RunCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Runs, newest first.
#[derive(Debug, Clone)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<(InvocationId, Run)>,
    /// Where the next page begins, if there is one.
    pub next: Option<RunCursor>,
}

/// A run as its tenant reads it: numbers redacted, without control characters. All but `run` is empty for one whose
/// recording was too large to be kept.
#[derive(Clone)]
pub struct RunDetail {
    /// In short.
    pub run: Run,
    /// What happened: names and values.
    pub event: Vec<(&'static str, String)>,
    /// What it asked the host for, in order.
    pub questions: Vec<String>,
    /// What it returned and asked for, or why it failed, a line each.
    pub end: Vec<String>,
}

impl std::fmt::Debug for RunDetail {
    /// Without what was said.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunDetail").field("run", &self.run).finish_non_exhaustive()
    }
}

impl RunFilter {
    fn fits(&self, run: &Run) -> bool {
        let ended = |outcome: &RunOutcome| (*outcome == RunOutcome::Failed) == run.failure.is_some();
        self.handler.as_ref().is_none_or(|handler| *handler == run.handler) && self.outcome.as_ref().is_none_or(ended)
    }
}

/// A tenant's recorded runs, newest first.
pub(crate) async fn list(
    engine: &Engine,
    tenant: &TenantId,
    filter: &RunFilter,
    cursor: Option<RunCursor>,
    limit: usize,
) -> Result<RunPage, Error> {
    let limit = limit.clamp(1, MAX_PAGE);
    let prefix = layout::recording_prefix(tenant, RecordingRow::Summary);
    let mut range = Range::prefix(Table::Recording, prefix, PAGE).reversed();
    if let Some(RunCursor(last)) = cursor {
        range = range.resume(layout::recording_key(tenant, RecordingRow::Summary, last));
    }
    let mut runs = Vec::new();
    loop {
        let page = engine.store.range(home(engine, tenant), range.clone()).await?;
        for (key, value) in &page {
            let run: Run = layout::decode(Table::Recording, value)?;
            if let Some(id) = layout::recording_id(key).filter(|_| filter.fits(&run)) {
                runs.push((id, run));
            }
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE && runs.len() <= limit => range = range.resume(last.clone()),
            _ => break,
        }
    }
    let more = runs.len() > limit;
    runs.truncate(limit);
    let next = runs.last().filter(|_| more).map(|(id, _)| RunCursor(*id));
    Ok(RunPage { runs, next })
}

/// A recording, as [`Recording::to_bytes`] made it.
pub(crate) async fn load(engine: &Engine, tenant: &TenantId, id: InvocationId) -> Result<Option<Bytes>, Error> {
    let key = layout::recording_key(tenant, RecordingRow::Whole, id);
    match engine.store.get(home(engine, tenant), Table::Recording, key.clone()).await? {
        Some(row) => open(engine, &key, row).await,
        None => Ok(None),
    }
}

/// A whole recording's row, opened; `None` if it was erased.
pub(crate) async fn open(engine: &Engine, key: &[u8], row: Bytes) -> Result<Option<Bytes>, Error> {
    if !layout::is_sealed(&row) {
        return Ok(Some(row));
    }
    let sealed: Vec<u8> = layout::decode_as(layout::SEALED, Table::Recording, &row)?;
    Ok(engine.open_words(Table::Recording, key, &sealed).await?.map(Bytes::from))
}

/// A recorded run, fit to be shown.
pub(crate) async fn show(engine: &Engine, tenant: &TenantId, id: InvocationId) -> Result<Option<RunDetail>, Error> {
    let key = layout::recording_key(tenant, RecordingRow::Summary, id);
    let Some(row) = engine.store.get(home(engine, tenant), Table::Recording, key).await? else { return Ok(None) };
    let run: Run = layout::decode(Table::Recording, &row)?;
    let Some(whole) = load(engine, tenant, id).await? else {
        return Ok(Some(RunDetail { run, event: Vec::new(), questions: Vec::new(), end: Vec::new() }));
    };
    let bad =
        |error: signalbox_guest::replay::BadRecording| Unreadable { table: Table::Recording, why: error.to_string() };
    let recording = Recording::from_bytes(&whole).map_err(bad)?;
    let questions = recording.answers.iter().map(|exchange| presentable(&exchange.question.to_string())).collect();
    let end = tell(&recording.end).iter().map(|line| presentable(line)).collect();
    Ok(Some(RunDetail { run, event: event(&recording), questions, end }))
}

/// A component that one of the tenant's handlers has as a version.
pub(crate) async fn component(
    engine: &Engine,
    tenant: &TenantId,
    handler: &str,
    digest: &str,
) -> Result<Option<Bytes>, Error> {
    let account = engine.directory.account(tenant);
    let handler = account.as_ref().and_then(|account| account.handlers.get(handler));
    let Some(version) = handler.and_then(|handler| handler.find(digest)) else { return Ok(None) };
    let key = Bytes::copy_from_slice(version.meta.digest.as_bytes());
    Ok(engine.store.get(signalbox_model::Partition::DIRECTORY, Table::Component, key).await?)
}

fn event(recording: &Recording) -> Vec<(&'static str, String)> {
    let event = &recording.event;
    let mut told = vec![("from", event.sender.clone()), ("to", event.recipient.clone())];
    match &event.details {
        Details::Message { id, text } => told.extend([("message", id.clone()), ("text", text.clone())]),
        Details::Draft { id, origin, category, text } => told.extend([
            ("message", id.clone()),
            ("origin", origin.clone()),
            ("category", category.clone()),
            ("text", text.clone()),
        ]),
        Details::Receipt { message, status, error_class, carrier_code, .. } => {
            told.extend([("message", message.clone()), ("status", status.clone())]);
            told.extend(error_class.iter().map(|class| ("error", class.clone())));
            told.extend(carrier_code.iter().map(|code| ("carrier_code", code.clone())));
        }
        Details::Timer { name, payload } => {
            told.extend([("timer", name.clone()), ("payload", String::from_utf8_lossy(payload).into_owned())]);
        }
    }
    told.into_iter().map(|(name, value)| (name, presentable(&value))).collect()
}
