//! Gate: a candidate for a handler is shown the last recorded events, each answered from its recording, and what it would
//! have done is compared with what was done. Nothing leaves the host, and nothing is written.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use signalbox_guest::replay::Replayed;
use signalbox_guest::{self as guest, FailureKind, Recording};
use signalbox_model::handler::EventKind;
use signalbox_model::{EventId, InvocationId, TenantId};
use tokio::time::Instant;

use crate::engine::Engine;
use crate::error::Error;
use crate::handle::Handle;
use crate::recordings::{self, Run, RunCursor, RunFilter};
use crate::redact::presentable;

/// Gates at once: they compute a lot, and the path comes first.
pub(crate) const AT_ONCE: usize = 2;
/// Events of one gate at once.
const REPLAYS: usize = 2;
/// The most events of one gate.
pub const MOST: usize = 5_000;
/// What one gate may take: its asker waits for it.
const BOUND: Duration = Duration::from_secs(60);
/// Differences that are shown, and lines of one, and characters of a line.
const EXAMPLES: usize = 10;
const LINES: usize = 24;
const LINE_CHARS: usize = 400;

/// How a candidate compares.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// The candidate's digest.
    pub digest: String,
    /// Events on which it would have done the same.
    pub same: usize,
    /// Events on which it wouldn't.
    pub different: usize,
    /// Of `same`, those on which it asked for something that its recording has no answer to: it was told that there is
    /// nothing.
    pub unsure: usize,
    /// Events on which it computed for longer than an event may; a host that is busy makes it longer, too.
    pub slow: usize,
    /// Events that weren't compared, since a limit of time stopped the recorded run: it has no end of its own.
    pub stopped: usize,
    /// Events that weren't compared: the time was up, or a recording is gone, can't be read, or was
    /// too large to be kept.
    pub left_out: usize,
    /// Some of the differences, the latest first.
    pub examples: Vec<GateExample>,
}

/// An event on which the candidate does otherwise.
#[derive(Clone)]
pub struct GateExample {
    /// The recorded run.
    pub invocation: InvocationId,
    /// What it was shown.
    pub event: EventId,
    /// Of which kind.
    pub kind: EventKind,
    /// `- ` before what only the recorded run did, `+ ` before what only the candidate does; numbers redacted.
    pub lines: Vec<String>,
}

impl std::fmt::Debug for GateExample {
    /// Without what was said.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GateExample").field("invocation", &self.invocation).finish_non_exhaustive()
    }
}

/// Why there was no verdict.
#[derive(Debug, thiserror::Error)]
pub enum GateRefused {
    /// The tenant has no such handler.
    #[error("there is no handler of this name")]
    Handler,
    /// The candidate can't be used.
    #[error(transparent)]
    Component(#[from] guest::Refusal),
    /// Others are asking.
    #[error("too many gates at once")]
    Busy,
    /// The path couldn't.
    #[error(transparent)]
    Path(#[from] Error),
}

impl Handle {
    /// Shows a component the last recorded events of a handler, up to `last`.
    pub async fn gate(
        &self,
        tenant: &TenantId,
        handler: &str,
        component: bytes::Bytes,
        last: usize,
    ) -> Result<Verdict, GateRefused> {
        let engine = &*self.0;
        let known = engine.directory.account(tenant).is_some_and(|account| account.handlers.contains_key(handler));
        if !known {
            return Err(GateRefused::Handler);
        }
        let _place = engine.gates.try_acquire().map_err(|_| GateRefused::Busy)?;
        let candidate = engine.host.compile(component.to_vec()).await?;
        let runs = last_runs(engine, tenant, handler, last.clamp(1, MOST)).await?;
        compare(engine, tenant, &candidate, runs).await
    }
}

/// The last runs, newest first. What the host itself failed at says nothing of a handler.
async fn last_runs(
    engine: &Engine,
    tenant: &TenantId,
    handler: &str,
    last: usize,
) -> Result<Vec<(InvocationId, Run)>, Error> {
    let filter = RunFilter { handler: Some(handler.to_owned()), outcome: None };
    let mut runs = Vec::new();
    let mut cursor: Option<RunCursor> = None;
    loop {
        let page = recordings::list(engine, tenant, &filter, cursor, recordings::MAX_PAGE).await?;
        runs.extend(
            page.runs.into_iter().filter(|(_, run)| run.failure.as_deref() != Some(FailureKind::Unavailable.name())),
        );
        cursor = page.next;
        if runs.len() >= last || cursor.is_none() {
            runs.truncate(last);
            return Ok(runs);
        }
    }
}

fn was_stopped(run: &Run) -> bool {
    let stops = [FailureKind::CpuLimit, FailureKind::WallLimit];
    run.failure.as_ref().is_some_and(|kind| stops.iter().any(|stop| stop.name() == kind))
}

async fn compare(
    engine: &Engine,
    tenant: &TenantId,
    candidate: &guest::Handler,
    runs: Vec<(InvocationId, Run)>,
) -> Result<Verdict, GateRefused> {
    let until = Instant::now() + BOUND;
    let (stopped, runs): (Vec<_>, Vec<_>) = runs.into_iter().partition(|(_, run)| was_stopped(run));
    let stopped = stopped.len();
    let shown = AtomicUsize::new(0);
    let shown = &shown;
    let replays = runs.into_iter().map(|(id, run)| async move {
        if Instant::now() >= until {
            return Ok((id, run, None));
        }
        let replayed = match recordings::load(engine, tenant, id).await?.map(|bytes| Recording::from_bytes(&bytes)) {
            Some(Ok(recording)) => Some(engine.host.replay(candidate, &recording).await),
            Some(Err(_)) | None => None,
        };
        // Only what is shown is kept: a handler may ask for a lot in each of thousands of events.
        let looked = replayed.map(|replayed| Looked::of(&replayed, shown));
        Ok::<_, Error>((id, run, looked))
    });
    let mut replays = stream::iter(replays).buffered(REPLAYS);
    let mut verdict = Verdict { digest: candidate.info().digest.clone(), stopped, ..Verdict::default() };
    while let Some(replayed) = replays.next().await {
        let (invocation, run, looked) = replayed?;
        let Some(Looked { is_slow, what }) = looked else {
            verdict.left_out += 1;
            continue;
        };
        verdict.slow += usize::from(is_slow);
        match what {
            What::Same { unsure } => {
                verdict.same += 1;
                verdict.unsure += usize::from(unsure);
            }
            What::Different(lines) => {
                verdict.different += 1;
                let example = |lines| GateExample { invocation, event: run.event, kind: run.kind, lines };
                verdict.examples.extend(lines.map(example));
            }
        }
    }
    Ok(verdict)
}

/// What is kept of a replay.
struct Looked {
    is_slow: bool,
    what: What,
}

enum What {
    Same { unsure: bool },
    Different(Option<Vec<String>>),
}

impl Looked {
    fn of(replayed: &Replayed, shown: &AtomicUsize) -> Self {
        Self { is_slow: replayed.is_slow, what: What::of(replayed, shown) }
    }
}

impl What {
    fn of(replayed: &Replayed, shown: &AtomicUsize) -> Self {
        if replayed.difference.is_empty() {
            return Self::Same { unsure: replayed.divergences.iter().any(|divergence| !divergence.answered) };
        }
        let is_shown = shown.fetch_add(1, Ordering::Relaxed) < EXAMPLES;
        Self::Different(is_shown.then(|| lines(replayed)))
    }
}

fn lines(replayed: &Replayed) -> Vec<String> {
    let asked = replayed.divergences.iter().map(|divergence| format!("? {divergence}"));
    let all: Vec<_> = asked.chain(replayed.difference.iter().cloned()).collect();
    let over = all.len().saturating_sub(LINES);
    let cut = |line: &String| presentable(line).chars().take(LINE_CHARS).collect();
    let mut lines: Vec<String> = all.iter().take(LINES).map(cut).collect();
    if over > 0 {
        lines.push(format!("and {over} more"));
    }
    lines
}
