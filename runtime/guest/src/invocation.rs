//! One event, for one handler.

use crate::call::Names;
use crate::event::Event;
use crate::ids::MessageIds;
use crate::limits::Limits;
use std::sync::Arc;

/// What a handler is called with. Two invocations that are equal here, and whose surroundings answer alike, end alike.
#[derive(Clone)]
pub struct Invocation<'a> {
    /// What happened.
    pub event: Event<'a>,
    /// The event's id: the same for every attempt.
    pub event_id: &'a str,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The guest's clock, in microseconds since 1970. It stands still but for a microsecond per reading.
    pub now: u64,
    /// What the guest's randomness comes from. Keep it secret where guests draw keys from it.
    pub seed: [u8; 32],
    /// What it may use.
    pub limits: Limits,
    /// The handler's settings.
    pub settings: Names,
    /// The handler's secrets.
    pub secrets: Names,
    /// How ids of sent messages are derived.
    pub ids: Arc<dyn MessageIds>,
}
