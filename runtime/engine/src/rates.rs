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
    /// May `waiting` go now? Takes its share of the rates if it may.
    pub(crate) fn admit(&self, tenant: &TenantId, waiting: &Waiting, now: Instant) -> Admit {
        let parts = u32::from(waiting.parts);
        let of_tenant = rate(waiting.per_tenant).map(|rate| self.tenants.at(tenant.clone(), rate));
        if let Some(wait) = of_tenant.as_ref().map(|limit| limit.wait(parts, now)).filter(|wait| !wait.is_zero()) {
            return Admit::TenantWaits(wait);
        }
        if let Some(pace) = &waiting.pace {
            let wait = self.paces.wait(pace, now);
            if !wait.is_zero() {
                return Admit::FlowWaits(wait);
            }
        }
        let of_number = rate(waiting.per_number).map(|rate| self.numbers.at((tenant.clone(), waiting.flow), rate));
        if let Some(Err(wait)) = of_number.map(|limit| limit.take(parts, now)) {
            return Admit::FlowWaits(wait);
        }
        // Asked a moment ago, and only this lane takes from it.
        match of_tenant.map(|limit| limit.take(parts, now)) {
            Some(Err(wait)) => Admit::TenantWaits(wait),
            Some(Ok(())) | None => {
                if let Some(pace) = &waiting.pace {
                    self.paces.take(pace, now);
                }
                Admit::Go
            }
        }
    }
}

/// A rate in segments a second; none for 0, which is no limit.
fn rate(segments_per_second: u32) -> Option<Rate> {
    Rate::per_second(f64::from(segments_per_second)).ok()
}
