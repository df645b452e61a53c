//! What handlers said lately, for their developers: a bounded tail per handler, in memory.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use signalbox_guest as guest;
use signalbox_model::handler::EventKind;
use signalbox_model::{EventId, TenantId, Timestamp};
use tokio::sync::watch;

use crate::redact::presentable;

/// Lines kept for each handler.
const LINES: usize = 1_000;

/// Names of a tenant's of which refused uploads are kept while there is no such handler.
const REFUSED_NAMES: usize = 100;

/// A line that a handler wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Rises by one for each line of the handler; for reading on.
    pub n: u64,
    /// When its run ended.
    pub at: Timestamp,
    /// While it handled this; none of an upload that was refused.
    pub event: Option<EventId>,
    /// Of which kind.
    pub kind: Option<EventKind>,
    /// The attempt at the event, from 1.
    pub attempt: u8,
    /// The version that wrote it, or what was uploaded: the first 12 digits of its digest.
    pub version: String,
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// What it says: numbers redacted, without control characters.
    pub text: String,
}

/// Which run said something.
pub(crate) struct Said<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) handler: &'a str,
    pub(crate) version: &'a str,
    pub(crate) event: EventId,
    pub(crate) kind: EventKind,
    pub(crate) attempt: u8,
    pub(crate) at: Timestamp,
}

struct Tail {
    lines: VecDeque<LogLine>,
    next: u64,
    grew: watch::Sender<u64>,
}

impl Default for Tail {
    fn default() -> Self {
        Self { lines: VecDeque::new(), next: 0, grew: watch::channel(0).0 }
    }
}

impl Tail {
    /// Forgets the oldest lines over the bound, and wakes who follows.
    fn grown(&mut self) {
        let over = self.lines.len().saturating_sub(LINES);
        self.lines.drain(..over);
        self.grew.send_replace(self.next);
    }
}

/// What handlers said lately.
#[derive(Default)]
pub(crate) struct Logs {
    tails: Mutex<HashMap<TenantId, HashMap<String, Tail>>>,
}

impl Logs {
    /// Keeps what a run wrote, and why it failed if it did: a loop says nothing by itself, and a timer has no timeline.
    pub(crate) fn keep(&self, said: &Said<'_>, logs: &guest::Logs, failure: Option<&str>) {
        if logs.lines.is_empty() && logs.cut == 0 && failure.is_none() {
            return;
        }
        let cut = (logs.cut > 0).then(|| (guest::Level::Warn, format!("{} more lines were cut off", logs.cut)));
        let failure = failure.map(|why| (guest::Level::Error, presentable(why)));
        let lines = logs.lines.iter().map(|line| (line.level, presentable(&line.text))).chain(cut).chain(failure);
        let mut tails = self.tails.lock();
        let tail = tail(&mut tails, said.tenant, said.handler);
        for (level, text) in lines {
            tail.lines.push_back(LogLine {
                n: tail.next,
                at: said.at,
                event: Some(said.event),
                kind: Some(said.kind),
                attempt: said.attempt,
                version: said.version.to_owned(),
                level: level_name(level),
                text,
            });
            tail.next += 1;
        }
        tail.grown();
    }

    /// Keeps why an upload was refused, also where there is no such handler yet; but of so many names only that whoever
    /// invents names doesn't fill the memory.
    pub(crate) fn refused(&self, tenant: &TenantId, handler: &str, version: &str, why: &str, at: Timestamp) {
        let mut tails = self.tails.lock();
        let of_tenant = tails.get(tenant);
        if of_tenant.is_some_and(|known| known.len() >= REFUSED_NAMES && !known.contains_key(handler)) {
            return;
        }
        let tail = tail(&mut tails, tenant, handler);
        let text = presentable(&format!("an upload is refused: {why}"));
        let (n, version, level) = (tail.next, version.to_owned(), level_name(guest::Level::Error));
        tail.lines.push_back(LogLine { n, at, event: None, kind: None, attempt: 0, version, level, text });
        tail.next += 1;
        tail.grown();
    }

    /// Was anything said of this handler?
    pub(crate) fn has(&self, tenant: &TenantId, handler: &str) -> bool {
        self.tails.lock().get(tenant).is_some_and(|tails| tails.contains_key(handler))
    }

    /// The lines behind `after`, oldest first.
    pub(crate) fn read(&self, tenant: &TenantId, handler: &str, after: Option<u64>) -> Vec<LogLine> {
        let tails = self.tails.lock();
        let Some(tail) = tails.get(tenant).and_then(|tails| tails.get(handler)) else { return Vec::new() };
        tail.lines.iter().filter(|line| after.is_none_or(|after| line.n > after)).cloned().collect()
    }

    /// Changes when there are more lines.
    pub(crate) fn follow(&self, tenant: &TenantId, handler: &str) -> watch::Receiver<u64> {
        tail(&mut self.tails.lock(), tenant, handler).grew.subscribe()
    }
}

fn tail<'a>(tails: &'a mut HashMap<TenantId, HashMap<String, Tail>>, tenant: &TenantId, handler: &str) -> &'a mut Tail {
    if !tails.get(tenant).is_some_and(|tails| tails.contains_key(handler)) {
        tails.entry(tenant.clone()).or_default().insert(handler.to_owned(), Tail::default());
    }
    tails.get_mut(tenant).and_then(|tails| tails.get_mut(handler)).expect("it was put there if it wasn't")
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
