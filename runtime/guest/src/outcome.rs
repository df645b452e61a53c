//! How a call ended.

use crate::effects::{Effects, Media};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A call's end: what it asked for, or why it has no effect at all.
pub type Outcome = Result<Completed, Box<Failure>>;

/// A call that came to its end.
#[derive(Debug)]
pub struct Completed {
    /// What the handler returned.
    pub answer: Answer,
    /// What it asked for.
    pub effects: Effects,
    /// What it said.
    pub logs: Logs,
    /// What it used.
    pub usage: Usage,
}

/// What a handler returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Ok, from a message, receipt or timer handler.
    Done,
    /// A draft handler's decision.
    Draft(DraftDecision),
}

/// What is to become of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DraftDecision {
    /// Send it as it is.
    Send,
    /// Change it and send it.
    Change(Box<DraftChanges>),
    /// Don't send it, for this reason.
    Drop(String),
}

/// The changes to a draft, the last of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftChanges {
    /// Another text.
    pub text: Option<String>,
    /// Other files, in place of all there were.
    pub media: Option<Vec<Media>>,
    /// Another sender.
    pub sender: Option<String>,
    /// A route by name.
    pub route: Option<String>,
    /// Not before this instant, in microseconds.
    pub not_before: Option<u64>,
}

/// A call that had no effect.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Of what kind.
    pub kind: FailureKind,
    /// For the tenant: what, where, and how to mend it. It quotes the handler's own words where it gave any.
    pub message: String,
    /// What the handler said until then.
    pub logs: Logs,
    /// What it used until then.
    pub usage: Usage,
}

/// Why a call had no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// The guest broke down: a panic, an out-of-bounds access, a call of `exit`.
    Trap,
    /// It computed for too long.
    CpuLimit,
    /// It took too long in all.
    WallLimit,
    /// It wanted more memory than there is for an event.
    Memory,
    /// It recursed too deeply.
    Stack,
    /// It asked the host for too much: the limit's name.
    HostLimit(&'static str),
    /// The handler asks for another attempt, after so many milliseconds if it said so.
    Retry(Option<u64>),
    /// The handler says that another attempt won't help.
    Reject,
    /// The handler failed in some other way, in its own words.
    Other,
    /// It answered with something that this host doesn't know.
    Contract,
    /// It doesn't export a handler for this kind of event.
    NotExported,
    /// The host could not do its part: no free slot, or the store didn't answer. Not the handler's fault.
    Unavailable,
}

impl FailureKind {
    /// Whether another attempt may end otherwise.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Retry(_) | Self::Unavailable | Self::WallLimit | Self::CpuLimit | Self::Trap)
    }
}

/// What a handler said, bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logs {
    /// The lines, oldest first.
    pub lines: Vec<LogLine>,
    /// How many lines were dropped or cut because they went over the limit.
    pub cut: u32,
}

/// A line of a handler's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub text: String,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "documented in wit/imports.wit")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    /// A stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// What a call used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Time on a worker's thread.
    pub cpu: Duration,
    /// Time from beginning to end, waiting included.
    pub wall: Duration,
    /// The most linear memory it held, over all of its memories.
    pub peak_memory_bytes: usize,
    /// How often it called the host.
    pub host_calls: u32,
}
