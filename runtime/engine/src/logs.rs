//! What handlers said lately, for their developers: a bounded tail per handler, in memory.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use signalbox_guest as guest;
use signalbox_model::{EventId, TenantId, Timestamp};

/// Lines kept for each handler.
const LINES: usize = 1_000;

/// A line that a handler wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Rises by one for each line of the handler; for reading on.
    pub n: u64,
    /// When its run ended.
    pub at: Timestamp,
    /// While it handled this.
    pub event: EventId,
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// What it says.
    pub text: String,
}

#[derive(Default)]
struct Tail {
    lines: VecDeque<LogLine>,
    next: u64,
}

/// What handlers said lately.
#[derive(Default)]
pub(crate) struct Logs {
    tails: Mutex<HashMap<(TenantId, String), Tail>>,
}

impl Logs {
    /// Keeps what a run wrote, and why it failed if it did: a loop says nothing by itself, and a timer has no timeline.
    pub(crate) fn keep(
        &self,
        tenant: &TenantId,
        handler: &str,
        event: EventId,
        at: Timestamp,
        logs: &guest::Logs,
        failure: Option<&str>,
    ) {
        if logs.lines.is_empty() && logs.cut == 0 && failure.is_none() {
            return;
        }
        let cut = (logs.cut > 0).then(|| (guest::Level::Warn, format!("{} more lines were cut off", logs.cut)));
        let failure = failure.map(|why| (guest::Level::Error, why.to_owned()));
        let lines = logs.lines.iter().map(|line| (line.level, line.text.clone())).chain(cut).chain(failure);
        let mut tails = self.tails.lock();
        let tail = tails.entry((tenant.clone(), handler.to_owned())).or_default();
        for (level, text) in lines {
            tail.lines.push_back(LogLine { n: tail.next, at, event, level: level_name(level), text });
            tail.next += 1;
        }
        let over = tail.lines.len().saturating_sub(LINES);
        tail.lines.drain(..over);
    }

    /// The lines behind `after`, oldest first.
    pub(crate) fn read(&self, tenant: &TenantId, handler: &str, after: Option<u64>) -> Vec<LogLine> {
        let tails = self.tails.lock();
        let Some(tail) = tails.get(&(tenant.clone(), handler.to_owned())) else { return Vec::new() };
        tail.lines.iter().filter(|line| after.is_none_or(|after| line.n > after)).cloned().collect()
    }
}

fn level_name(level: guest::Level) -> &'static str {
    match level {
        guest::Level::Trace => "trace",
        guest::Level::Debug => "debug",
        guest::Level::Info => "info",
        guest::Level::Warn => "warn",
        guest::Level::Error => "error",
    }
}
