//! The webhooks that came, and waiting for them.

use super::answers::{Answer, Answers, Script};
use crate::time::Stamps;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::Notify;

/// A webhook as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Its number, from 1.
    pub n: u64,
    /// Microseconds since 1970.
    pub time_us: u64,
    /// Path and query.
    pub path: String,
    /// Headers in their order; names in small letters, octets outside UTF-8 replaced.
    pub headers: Vec<(String, String)>,
    /// The body's octets in Base64.
    pub body: String,
    /// The body was longer than what is kept.
    pub cut: bool,
    /// The status that it is answered; 0 for a hang-up.
    pub answered: u16,
}

/// Some of the webhooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookPage {
    /// Those after the number asked for, oldest first.
    pub hooks: Vec<Hook>,
    /// What to ask for next.
    pub next: u64,
    /// Forgotten before they could be read, because the sink is bounded.
    pub forgotten: u64,
    /// All that ever came.
    pub count: u64,
}

/// How a wait for webhooks ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HooksWaited {
    /// There were enough before the time ran out.
    pub met: bool,
    /// All that ever came.
    pub count: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// 0 keeps a count only.
    pub(crate) hooks: usize,
    pub(crate) body_bytes: usize,
}

pub(crate) struct Sink {
    pub(super) bounds: Bounds,
    pub(super) stamps: Stamps,
    kept: Mutex<Kept>,
    changed: Notify,
}

#[derive(Default)]
struct Kept {
    hooks: VecDeque<Hook>,
    count: u64,
    script: Script,
}

impl Sink {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, stamps: Stamps::start(), kept: Mutex::default(), changed: Notify::new() }
    }

    pub(crate) fn set_answers(&self, answers: Answers) {
        self.kept.lock().script = Script::new(answers);
    }

    /// Counts a webhook, keeps what `hook` builds, and says how to answer.
    pub(super) fn take(&self, path: &str, webhook_id: Option<&str>, hook: impl FnOnce() -> Hook) -> Answer {
        let mut kept = self.kept.lock();
        let answer = kept.script.next(path, webhook_id);
        kept.count += 1;
        if self.bounds.hooks > 0 {
            if kept.hooks.len() == self.bounds.hooks {
                kept.hooks.pop_front();
            }
            let answered = if answer.hang_up { 0 } else { answer.status };
            let hook = Hook { n: kept.count, answered, ..hook() };
            kept.hooks.push_back(hook);
        }
        drop(kept);
        self.changed.notify_waiters();
        answer
    }

    pub(crate) fn page(&self, after: u64, limit: usize) -> HookPage {
        let kept = self.kept.lock();
        let oldest = kept.count - kept.hooks.len() as u64;
        let start = usize::try_from(after.saturating_sub(oldest)).unwrap_or(usize::MAX).min(kept.hooks.len());
        let hooks: Vec<Hook> = kept.hooks.range(start..).take(limit).cloned().collect();
        let next = hooks.last().map_or(after.max(oldest), |hook| hook.n);
        HookPage { hooks, next, forgotten: oldest.saturating_sub(after), count: kept.count }
    }

    pub(crate) async fn wait(&self, count: u64, timeout: Duration) -> HooksWaited {
        let reached = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                if self.kept.lock().count >= count {
                    return;
                }
                changed.await;
            }
        };
        let met = tokio::time::timeout(timeout, reached).await.is_ok();
        HooksWaited { met, count: self.kept.lock().count }
    }
}
