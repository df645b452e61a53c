//! `[limits]`: what a handler asks for. Downward as it likes, upward to what the operator allows.

use crate::limits::Limits;
use serde::{Deserialize, Serialize};
use signalbox_forms::Section;
use std::time::Duration;

/// The limits that a handler asks for; none where it takes the host's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsAsked {
    /// [`Limits::cpu`].
    pub cpu: Option<Duration>,
    /// [`Limits::wall`].
    pub wall: Option<Duration>,
    /// [`Limits::memory_bytes`].
    pub memory_bytes: Option<u64>,
    /// [`Limits::sends`].
    pub sends: Option<u32>,
    /// [`Limits::timers`].
    pub timers: Option<u32>,
    /// [`Limits::notes`].
    pub notes: Option<u32>,
    /// [`Limits::state_ops`].
    pub state_ops: Option<u32>,
    /// [`Limits::state_bytes`].
    pub state_bytes: Option<u64>,
    /// [`Limits::http_calls`].
    pub http_calls: Option<u32>,
    /// [`Limits::http_time`].
    pub http_time: Option<Duration>,
}

impl LimitsAsked {
    /// What an event gets: what was asked for, or `own` where nothing was, and no more than `caps` of either.
    #[must_use]
    pub fn grant(&self, own: &Limits, caps: &Limits) -> Limits {
        let bytes = |asked: Option<u64>, own: usize, cap: usize| {
            asked.map_or(own, |asked| usize::try_from(asked).unwrap_or(usize::MAX)).min(cap)
        };
        let count = |asked: Option<u32>, own: u32, cap: u32| asked.unwrap_or(own).min(cap);
        let time = |asked: Option<Duration>, own: Duration, cap: Duration| asked.unwrap_or(own).min(cap);
        Limits {
            cpu: time(self.cpu, own.cpu, caps.cpu),
            wall: time(self.wall, own.wall, caps.wall),
            memory_bytes: bytes(self.memory_bytes, own.memory_bytes, caps.memory_bytes),
            sends: count(self.sends, own.sends, caps.sends),
            timers: count(self.timers, own.timers, caps.timers),
            notes: count(self.notes, own.notes, caps.notes),
            state_ops: count(self.state_ops, own.state_ops, caps.state_ops),
            state_bytes: bytes(self.state_bytes, own.state_bytes, caps.state_bytes),
            http_calls: count(self.http_calls, own.http_calls, caps.http_calls),
            http_time: time(self.http_time, own.http_time, caps.http_time),
            ..*own
        }
    }

    /// What is asked for beyond `caps`.
    #[must_use]
    pub fn beyond(&self, caps: &Limits) -> Vec<Beyond> {
        let time = |limit, asked: Option<Duration>, most: Duration| {
            asked.filter(|asked| *asked > most).map(|asked| Beyond { limit, asked: millis(asked), most: millis(most) })
        };
        let size = |limit, asked: Option<u64>, most: usize| {
            let most = most as u64;
            asked.filter(|asked| *asked > most).map(|asked| Beyond { limit, asked: bytes(asked), most: bytes(most) })
        };
        let count = |limit, asked: Option<u32>, most: u32| {
            let beyond = asked.filter(|asked| *asked > most);
            beyond.map(|asked| Beyond { limit, asked: asked.to_string(), most: most.to_string() })
        };
        let all = [
            time("cpu", self.cpu, caps.cpu),
            time("wall", self.wall, caps.wall),
            size("memory", self.memory_bytes, caps.memory_bytes),
            count("sends", self.sends, caps.sends),
            count("timers", self.timers, caps.timers),
            count("notes", self.notes, caps.notes),
            count("state_ops", self.state_ops, caps.state_ops),
            size("state", self.state_bytes, caps.state_bytes),
            count("http_calls", self.http_calls, caps.http_calls),
            time("http_time", self.http_time, caps.http_time),
        ];
        all.into_iter().flatten().collect()
    }
}

/// A limit of which a handler asks for more than it is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{limit}` asks for {asked}, and at most {most} is allowed")]
pub struct Beyond {
    /// Its key in the manifest.
    pub limit: &'static str,
    /// What was asked for, as people write it.
    pub asked: String,
    /// What is allowed.
    pub most: String,
}

fn millis(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

fn bytes(size: u64) -> String {
    match size {
        size if size.is_multiple_of(1 << 20) => format!("{}MiB", size >> 20),
        size if size.is_multiple_of(1 << 10) => format!("{}KiB", size >> 10),
        size => format!("{size}B"),
    }
}

/// More than any operator grants.
const MOST: u64 = 10_000;

pub(super) fn read(section: &Section<'_, '_>) -> LimitsAsked {
    let count = |key| section.number(key, 0..=MOST).and_then(|number| u32::try_from(number.value).ok());
    let bytes = |key| section.bytes(key).map(|bytes| bytes.value);
    let time = |key| {
        let time = section.duration(key)?;
        if time.is_zero() {
            section.complain_at(key, "must be longer than nothing");
        }
        Some(time)
    };
    let asked = LimitsAsked {
        cpu: time("cpu"),
        wall: time("wall"),
        memory_bytes: bytes("memory"),
        sends: count("sends"),
        timers: count("timers"),
        notes: count("notes"),
        state_ops: count("state_ops"),
        state_bytes: bytes("state"),
        http_calls: count("http_calls"),
        http_time: time("http_time"),
    };
    section.end();
    asked
}
