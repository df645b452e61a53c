//! `[limits]`: what a handler asks for. Downward as it likes, upward to what the operator allows.

use super::reader::Section;
use crate::limits::Limits;
use serde::{Deserialize, Serialize};
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
    /// What an event gets: what was asked for, but no more than `caps`; `own` where nothing was.
    #[must_use]
    pub fn grant(&self, own: &Limits, caps: &Limits) -> Limits {
        let bytes = |asked: Option<u64>, own: usize, cap: usize| {
            asked.map_or(own, |asked| usize::try_from(asked).unwrap_or(usize::MAX).min(cap))
        };
        let count = |asked: Option<u32>, own: u32, cap: u32| asked.map_or(own, |asked| asked.min(cap));
        let time = |asked: Option<Duration>, own: Duration, cap: Duration| asked.map_or(own, |asked| asked.min(cap));
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
}

/// More than any operator grants; what it grants is decided at each event.
const MOST: u64 = 10_000;

pub(super) fn read(section: &Section<'_, '_>) -> LimitsAsked {
    let count = |key| section.number(key, 0..=MOST).and_then(|number| u32::try_from(number).ok());
    let asked = LimitsAsked {
        cpu: section.duration("cpu"),
        wall: section.duration("wall"),
        memory_bytes: section.bytes("memory"),
        sends: count("sends"),
        timers: count("timers"),
        notes: count("notes"),
        state_ops: count("state_ops"),
        state_bytes: section.bytes("state"),
        http_calls: count("http_calls"),
        http_time: section.duration("http_time"),
    };
    section.end();
    asked
}
