//! Rates of tenants and of their numbers: a message waits for them, it never fails for them.

use std::num::NonZeroUsize;
use std::time::Instant;

use signalbox_limits::{Limit, Rate, Throttles};
use signalbox_model::TenantId;

use crate::egress::Waiting;
use crate::fair::Admit;
use crate::throughput::Paces;

/// Senders whose rate is kept at a time: each that is limited costs some 100 bytes.
const KEPT: NonZeroUsize = NonZeroUsize::new(100_000).expect("it is not zero");

/// Rates of tenants and of their numbers, and those of carriers for registered senders.
pub(crate) struct Rates {
    tenants: Throttles<TenantId>,
    numbers: Throttles<(TenantId, u64)>,
    pub(crate) paces: Paces,
}

impl Default for Rates {
    fn default() -> Self {
        Self { tenants: Throttles::new(KEPT), numbers: Throttles::new(KEPT), paces: Paces::default() }
    }
}

impl Rates {
    /// May `waiting` go now? Takes nothing.
    pub(crate) fn ask(&self, waiting: &Waiting, now: Instant) -> Admit {
        let parts = u32::from(waiting.parts);
        if let Some(limit) = self.of_tenant(waiting) {
            let wait = limit.wait(parts, now);
            if !wait.is_zero() {
                return Admit::TenantWaits(wait);
            }
        }
        let of_number = self.of_number(waiting).map(|limit| limit.wait(parts, now));
        let of_pace = waiting.pace.as_ref().map(|pace| self.paces.wait(pace, now));
        match of_number.max(of_pace).unwrap_or_default() {
            wait if wait.is_zero() => Admit::Go,
            wait => Admit::FlowWaits(wait),
        }
    }

    /// Takes the share of the rates of a message that goes. Asked a moment before; should another lane have taken in between,
    /// the message goes this once, and what comes after it waits longer.
    pub(crate) fn take(&self, waiting: &Waiting, now: Instant) {
        let parts = u32::from(waiting.parts);
        if let Some(limit) = self.of_tenant(waiting) {
            let _ = limit.take(parts, now);
        }
        if let Some(limit) = self.of_number(waiting) {
            let _ = limit.take(parts, now);
        }
        if let Some(pace) = &waiting.pace {
            self.paces.take(pace, now);
        }
    }

    fn of_tenant(&self, waiting: &Waiting) -> Option<impl Limit> {
        rate(waiting.per_tenant).map(|rate| self.tenants.at(waiting.tenant.clone(), rate))
    }

    fn of_number(&self, waiting: &Waiting) -> Option<impl Limit> {
        rate(waiting.per_number).map(|rate| self.numbers.at((waiting.tenant.clone(), waiting.flow), rate))
    }
}

/// A rate in segments a second; none for 0, which is no limit.
fn rate(segments_per_second: u32) -> Option<Rate> {
    Rate::per_second(f64::from(segments_per_second)).ok()
}
