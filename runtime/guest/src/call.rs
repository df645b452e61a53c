//! One call's own data: what wasmtime's store carries, and what the host functions work on.

use crate::event::Conversation;
use crate::ids::{MessageIds, SendPlace};
use crate::invocation::Invocation;
use crate::limits::Limits;
use crate::logs::Log;
use crate::meter::Meter;
use crate::staging::Staging;
use crate::stop::Stop;
use crate::surroundings::Desk;
use crate::ticker::TICK;
use crate::turn::Turn;
use crate::wasi::{Wasi, Web};
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmtime::UpdateDeadline;

/// Named texts of a tenant: settings, secrets.
pub type Names = Arc<BTreeMap<String, String>>;

/// A call under way.
pub(crate) struct Call {
    pub(crate) meter: Meter,
    pub(crate) staging: Staging,
    pub(crate) log: Log,
    pub(crate) wasi: Wasi,
    pub(crate) web: Web,
    pub(crate) desk: Desk,
    pub(crate) settings: Names,
    pub(crate) secrets: Names,
    pub(crate) host_calls: u32,
    pub(crate) now: u64,
    pub(crate) http_calls: u32,
    pub(crate) limits: Limits,
    ticks_left: u32,
    turn: Turn,
    place: Place,
    ids: Arc<dyn MessageIds>,
}

impl Call {
    pub(crate) fn new(invocation: &Invocation<'_>, limits: &Limits, turn: Turn) -> Self {
        Self {
            meter: Meter::new(limits),
            staging: Staging::new(limits),
            log: Log::new(limits),
            wasi: Wasi::new(invocation.now, invocation.seed, limits.handles),
            web: Web::new(limits),
            desk: Desk::default(),
            settings: Arc::clone(&invocation.settings),
            secrets: Arc::clone(&invocation.secrets),
            host_calls: 0,
            now: invocation.now,
            http_calls: 0,
            limits: *limits,
            ticks_left: ticks(limits),
            turn,
            place: Place::new(invocation),
            ids: Arc::clone(&invocation.ids),
        }
    }

    /// Counts a call to the host.
    pub(crate) fn enter(&mut self) {
        self.host_calls = self.host_calls.saturating_add(1);
    }

    /// The epoch's callback. A guest that was off its thread for long sees one tick for all of that time, so only
    /// what it computed counts. The first tick may come at once, and only makes it yield; whoever sees another is in
    /// overtime.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let is_first = self.ticks_left == ticks(&self.limits);
        self.ticks_left = self.ticks_left.saturating_sub(1);
        if self.ticks_left == 0 {
            return Err(Stop::Cpu.into());
        }
        Ok(if is_first { UpdateDeadline::Yield(1) } else { UpdateDeadline::YieldCustom(1, self.turn.overtime()) })
    }

    /// Ends the call if the guest is about to be handed more than it may be.
    pub(crate) fn check_reply_size(&self, bytes: usize) -> Result<(), Stop> {
        let most = self.limits.host_call_bytes;
        if bytes > most {
            return Err(Stop::Limit { name: "bytes in one call", most: most as u64 });
        }
        Ok(())
    }

    pub(crate) fn event_id(&self) -> &str {
        self.place.event_id()
    }

    pub(crate) fn conversation(&self) -> Conversation<'_> {
        self.place.conversation()
    }

    pub(crate) fn message_id(&self, ordinal: u32, sender: &str, recipient: &str) -> String {
        let event_id = self.place.event_id();
        let happened_at = self.place.happened_at;
        self.ids.message_id(&SendPlace { event_id, happened_at, ordinal, sender, recipient })
    }
}

/// Whole ticks of computing time. The first one is already under way when a guest starts, and is given away.
fn ticks(limits: &Limits) -> u32 {
    let ticks = limits.cpu.as_micros().div_ceil(TICK.as_micros()) + 1;
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// Where the event belongs. Three texts in one allocation, since every event pays for it.
struct Place {
    texts: String,
    event_id_ends: usize,
    number_ends: usize,
    happened_at: u64,
}

impl Place {
    fn new(invocation: &Invocation<'_>) -> Self {
        let Conversation { number, contact } = invocation.event.conversation();
        let event_id = invocation.event_id;
        let mut texts = String::with_capacity(event_id.len() + number.len() + contact.len());
        texts.push_str(event_id);
        texts.push_str(number);
        texts.push_str(contact);
        Self {
            texts,
            event_id_ends: event_id.len(),
            number_ends: event_id.len() + number.len(),
            happened_at: invocation.event.happened_at(),
        }
    }

    fn event_id(&self) -> &str {
        &self.texts[..self.event_id_ends]
    }

    fn conversation(&self) -> Conversation<'_> {
        Conversation {
            number: &self.texts[self.event_id_ends..self.number_ends],
            contact: &self.texts[self.number_ends..],
        }
    }
}
