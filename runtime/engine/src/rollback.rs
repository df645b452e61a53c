//! Rollback: a version that fails much more than the one beside or before it is taken back by the host.

use std::sync::Arc;

use signalbox_model::{TenantId, Timestamp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::assign::Taker;
use crate::directory::{Deployed, Move};
use crate::engine::Engine;
use crate::health::Baseline;

/// A version that should be taken back.
#[derive(Debug)]
pub(crate) struct Suspect {
    tenant: TenantId,
    handler: String,
    digest: String,
    why: String,
}

/// Versions that wait to be taken back: each is told once, so there are few.
pub(crate) const SUSPECTS: usize = 64;

/// Looks at a version one of whose runs has just failed: it is handed over if it is new and fails too much.
pub(crate) fn suspect(engine: &Engine, taker: &Taker, now: Timestamp) {
    let Some(before) = rival(engine, &taker.handler, &taker.version.meta.digest, now) else { return };
    let why = taker.version.health.lock().verdict(before, &engine.config);
    let Some(why) = why else { return };
    let suspect = Suspect {
        tenant: taker.handler.meta.tenant.clone(),
        handler: taker.handler.meta.name.clone(),
        digest: taker.version.meta.digest.clone(),
        why,
    };
    if engine.suspects.try_send(suspect).is_err() {
        tracing::warn!(handler = taker.handler.meta.name, "too many versions wait to be taken back");
    }
}

/// What a version is held against: how the live one does for a canary; what it keeps itself for one that became
/// live lately. `None` if it isn't watched.
fn rival(engine: &Engine, handler: &Deployed, digest: &str, now: Timestamp) -> Option<Option<Baseline>> {
    let meta = &handler.meta;
    if meta.canary.as_ref().is_some_and(|canary| canary.digest == digest) {
        return Some(Some(handler.live().map(|live| live.health.lock().baseline()).unwrap_or_default()));
    }
    let is_new = meta.live == digest && meta.previous.is_some() && now < meta.live_since + engine.config.rollback_watch;
    is_new.then_some(None)
}

/// Takes versions back, for as long as the host runs.
pub(crate) async fn run(engine: Arc<Engine>, mut suspects: mpsc::Receiver<Suspect>, stop: CancellationToken) {
    loop {
        let suspect = tokio::select! {
            suspect = suspects.recv() => suspect,
            () = stop.cancelled() => return,
        };
        let Some(Suspect { tenant, handler, digest, why }) = suspect else { return };
        tracing::warn!(%tenant, handler, version = digest.get(..12), why, "a version of a handler is taken back");
        let to = Move::RollBack { digest, why };
        if let Err(error) = engine.directory.move_alias(&tenant, &handler, to, engine.clock.now()).await {
            engine.step_failed("taking back a version of a handler", &error);
        }
    }
}
