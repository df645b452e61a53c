//! Retry: an event whose handler failed is tried again, later and later, and then set aside.

use std::time::Duration;

use signalbox_guest::FailureKind;
use signalbox_model::{TenantId, Timestamp};
use signalbox_store::{Table, layout};

use crate::assign::Taker;
use crate::dispatch::Flow;
use crate::engine::Engine;
use crate::error::Error;
use crate::parked::{self, Parked};
use crate::step::Step;
use crate::turns::{Pending, Pin, RetryRow};

/// Whether a failed event is worth another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    Never,
    WhenTheHostSees,
    After(Duration),
}

impl Retry {
    pub(crate) fn of(kind: &FailureKind) -> Self {
        match kind {
            FailureKind::Retry(Some(ms)) => Self::After(Duration::from_millis(*ms)),
            kind if kind.is_retryable() => Self::WhenTheHostSees,
            _ => Self::Never,
        }
    }
}

/// When a failed event is tried again; never, once it had its attempts.
pub(crate) fn next_attempt(engine: &Engine, failed: u8, retry: Retry) -> Option<Timestamp> {
    if failed >= engine.config.max_attempts {
        return None;
    }
    match retry {
        Retry::Never => None,
        Retry::WhenTheHostSees => Some(engine.retry_at(failed)),
        Retry::After(wait) => Some(engine.clock.now() + wait.min(engine.config.retry_wait_most)),
    }
}

/// Writes down that an attempt failed, and when the next one is; by which version, if one took it.
pub(crate) async fn postpone(
    mut step: Step<'_>,
    pending: &mut Pending,
    taker: &Taker,
    at: Timestamp,
) -> Result<Flow, Error> {
    let attempts = pending.queued.attempts + 1;
    let pin = Some(taker.pin());
    let row = RetryRow { attempts, at, pin: pin.clone(), proposed: None };
    step.batch.put(Table::Retry, layout::inbox_key(pending.seq), layout::encode(&row));
    step.commit().await?;
    (pending.queued.attempts, pending.queued.not_before, pending.pin) = (attempts, at, pin);
    pending.proposed = None;
    Ok(Flow::Again(at))
}

/// The event had its attempts: it is set aside, whole, to be looked at and tried again by hand.
pub(crate) async fn park(
    engine: &Engine,
    mut step: Step<'_>,
    pending: &Pending,
    tenant: &TenantId,
    taker: &Taker,
    error: String,
) -> Result<Flow, Error> {
    let mut queued = pending.queued.clone();
    queued.attempts += 1;
    let Pin { handler, digest } = taker.pin();
    let parked = Parked::new(queued, handler, digest, error, step.at);
    parked::stage(engine, &mut step, tenant, parked).await?;
    step.take_event(pending);
    step.commit().await?;
    Ok(Flow::Done)
}
