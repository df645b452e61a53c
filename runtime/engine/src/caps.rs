//! Caps: how much of what an event may use the operator lets a tenant's handlers ask for.

use signalbox_guest::manifest::{Beyond, LimitsAsked, Manifest};
use signalbox_guest::{Kind, Limits};
use signalbox_model::directory::HandlerCaps;
use signalbox_model::handler::EventKind;

/// The most that a run is granted, by the kind of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caps {
    draft: Limits,
    other: Limits,
}

impl Caps {
    /// The tenant's, where the operator gave any, over the house's.
    pub(crate) fn new(given: &HandlerCaps) -> Self {
        let size = |given: Option<u64>, own: usize| given.map_or(own, |n| usize::try_from(n).unwrap_or(usize::MAX));
        let over = |own: Limits, cpu, wall| Limits {
            cpu: Option::unwrap_or(cpu, own.cpu),
            wall: Option::unwrap_or(wall, own.wall),
            memory_bytes: size(given.memory_bytes, own.memory_bytes),
            sends: given.sends.unwrap_or(own.sends),
            timers: given.timers.unwrap_or(own.timers),
            notes: given.notes.unwrap_or(own.notes),
            state_ops: given.state_ops.unwrap_or(own.state_ops),
            state_bytes: size(given.state_bytes, own.state_bytes),
            http_calls: given.http_calls.unwrap_or(own.http_calls),
            http_time: given.http_time.unwrap_or(own.http_time),
            ..own
        };
        Self {
            draft: over(Limits::for_drafts(), given.draft_cpu, given.draft_wall),
            other: over(Limits::default(), given.cpu, given.wall),
        }
    }

    /// What a run is held to: what its manifest asks for, as far as that is allowed, and the house's own limits where it
    /// asks for nothing.
    pub(crate) fn grant(&self, manifest: Option<&Manifest>, kind: Kind) -> Limits {
        let caps = if kind == Kind::Draft { &self.draft } else { &self.other };
        let nothing = LimitsAsked::default();
        manifest.map_or(&nothing, |manifest| &manifest.limits).grant(&Limits::for_kind(kind), caps)
    }

    /// What a manifest asks for beyond what is allowed. Time is a draft handler's own matter: one that also takes other
    /// events may ask for more there, and gets no more here.
    pub(crate) fn beyond(&self, manifest: &Manifest, handles: impl Fn(EventKind) -> bool) -> Vec<Beyond> {
        let others = [EventKind::Message, EventKind::Receipt, EventKind::Timer];
        let only_drafts = handles(EventKind::Draft) && !others.into_iter().any(handles);
        manifest.limits.beyond(if only_drafts { &self.draft } else { &self.other })
    }
}

/// Caps under which a handler gets all that it asks for: for its developer, who has no operator to ask.
pub fn caps_for(asked: &LimitsAsked) -> HandlerCaps {
    HandlerCaps {
        cpu: asked.cpu,
        wall: asked.wall,
        draft_cpu: asked.cpu.map(|cpu| cpu.min(Limits::for_drafts().cpu)),
        draft_wall: asked.wall.map(|wall| wall.min(Limits::for_drafts().wall)),
        memory_bytes: asked.memory_bytes,
        sends: asked.sends,
        timers: asked.timers,
        notes: asked.notes,
        state_ops: asked.state_ops,
        state_bytes: asked.state_bytes,
        http_calls: asked.http_calls,
        http_time: asked.http_time,
    }
}

/// What a run is held to where all that its manifest asks for is granted.
pub fn limits_for(manifest: &Manifest, kind: Kind) -> Limits {
    Caps::new(&caps_for(&manifest.limits)).grant(Some(manifest), kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn asking(limits: &str) -> Manifest {
        Manifest::parse("handler.toml", &format!("name = \"x\"\n[limits]\n{limits}")).unwrap()
    }

    #[test]
    fn without_a_word_from_the_operator_the_house_s_limits_are_the_caps() {
        let caps = Caps::new(&HandlerCaps::default());
        assert_eq!(caps.grant(None, Kind::Message), Limits::default());
        assert_eq!(caps.grant(None, Kind::Draft), Limits::for_drafts());
        let told: Vec<_> = caps.beyond(&asking("cpu = \"80ms\"\nsends = 10\nmemory = \"65MiB\""), |_| true);
        let told: Vec<_> = told.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "`cpu` asks for 80ms, and at most 50ms is allowed",
                "`memory` asks for 65MiB, and at most 64MiB is allowed"
            ]
        );
    }

    #[test]
    fn what_the_operator_allows_is_granted_where_it_is_asked_for() {
        let caps =
            Caps::new(&HandlerCaps { cpu: Some(MS(200)), memory_bytes: Some(96 << 20), ..HandlerCaps::default() });
        let asking = asking("cpu = \"150ms\"\nmemory = \"96MiB\"");
        assert!(caps.beyond(&asking, |_| true).is_empty());
        let granted = caps.grant(Some(&asking), Kind::Timer);
        assert_eq!((granted.cpu, granted.memory_bytes), (MS(150), 96 << 20));
        // Whoever asks for nothing goes on as before, and drafts have a cap of their own.
        assert_eq!(caps.grant(None, Kind::Timer), Limits::default());
        assert_eq!(caps.grant(Some(&asking), Kind::Draft).cpu, MS(10));
    }

    #[test]
    fn a_cap_below_the_house_s_limit_binds_those_who_ask_for_nothing() {
        let caps = Caps::new(&HandlerCaps { sends: Some(1), ..HandlerCaps::default() });
        assert_eq!(caps.grant(None, Kind::Message).sends, 1);
    }

    #[test]
    fn a_draft_handler_is_held_against_the_caps_for_drafts() {
        let caps = Caps::new(&HandlerCaps::default());
        let asking = asking("cpu = \"20ms\"");
        assert_eq!(caps.beyond(&asking, |kind| kind == EventKind::Draft).len(), 1);
        assert!(caps.beyond(&asking, |_| true).is_empty());
    }
}
