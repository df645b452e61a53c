//! Failover: what waits for a carrier that is gone goes by another one that its number has.
//!
//! A message that is written ahead stays where it is: only its carrier knows whether it has it. One that is routed anew goes at
//! once, so messages of a conversation may overtake those that wait for the carrier that is gone until these are moved.

use std::sync::Arc;
use std::time::Duration;

use foldhash::HashSet;
use parking_lot::Mutex;
use signalbox_model::{Cause, Status, TenantId, Timestamp};

use crate::egress::{self, Lane, Waiting};
use crate::engine::Engine;
use crate::error::Error;
use crate::route::route;
use crate::step::Step;

/// Messages that are moved at a time, and how often in one go: the lane looks at its binds again in between.
const AT_A_TIME: usize = 256;
const TIMES: usize = 16;

/// Since when a carrier has had no bind up.
#[derive(Default)]
pub(crate) struct Gone(Mutex<Option<Timestamp>>);

impl Gone {
    /// How long it has been gone, now that it is up or not.
    fn look(&self, is_up: bool, now: Timestamp) -> Duration {
        let mut since = self.0.lock();
        if is_up {
            *since = None;
            return Duration::ZERO;
        }
        now.since(*since.get_or_insert(now))
    }
}

/// Moves what waits for a carrier that has been gone for long enough to those that are up.
pub(crate) async fn look(engine: &Arc<Engine>, lane: &Lane) {
    let gone = lane.gone.look(lane.carrier.is_up(), engine.clock.now());
    if gone < engine.config.failover_after || !engine.lanes.values().any(|other| other.carrier.is_up()) {
        return;
    }
    // Numbers whose messages have nowhere to go.
    let mut stuck = HashSet::default();
    for _ in 0..TIMES {
        let mut left = AT_A_TIME;
        let chosen = lane.line.lock().queue.sweep(|waiting| {
            let goes = left > 0 && waiting.has_others && !stuck.contains(&(waiting.tenant.clone(), waiting.flow));
            left -= usize::from(goes);
            goes
        });
        if chosen.is_empty() {
            return;
        }
        move_all(engine, lane, chosen, &mut stuck).await;
    }
}

async fn move_all(engine: &Engine, lane: &Lane, chosen: Vec<Waiting>, stuck: &mut HashSet<(TenantId, u64)>) {
    let mut stay = Vec::new();
    for waiting in chosen {
        lane.unqueued(&waiting);
        let flow = (waiting.tenant.clone(), waiting.flow);
        if stuck.contains(&flow) {
            stay.push(waiting);
            continue;
        }
        match try_move(engine, lane, &waiting).await {
            Ok(true) => {
                lane.is_over(waiting.conversation, waiting.message);
                lane.left(waiting.conversation);
            }
            Ok(false) => {
                stuck.insert(flow);
                stay.push(waiting);
            }
            Err(error) => {
                engine.step_failed("moving a message to another carrier", &error);
                stuck.insert(flow);
                stay.push(waiting);
            }
        }
    }
    lane.put_back(&mut lane.line.lock(), stay.into_iter());
}

/// False: it stays where it is.
async fn try_move(engine: &Engine, lane: &Lane, waiting: &Waiting) -> Result<bool, Error> {
    let _one = engine.locks.lock(waiting.message).await;
    let Some(mut live) = engine.live(&waiting.tenant, waiting.message).await? else { return Ok(false) };
    let from = lane.carrier.name();
    if live.head.status != Status::Queued || live.head.carrier.as_deref() != Some(from) || !live.head.has_room() {
        return Ok(false);
    }
    let Some(to) = route(engine, &live.message).ok().and_then(|routes| routes.into_iter().next()) else {
        return Ok(false);
    };
    if to == *from || !engine.carrier(&to).is_some_and(|carrier| carrier.is_up()) {
        return Ok(false);
    }
    let mut step = Step::new(engine, waiting.message.partition());
    let why = format!("no bind to {from} was up for {} s", engine.config.failover_after.as_secs());
    let cause = Cause::Rerouted { carrier: to.to_string(), from: from.to_string(), why };
    step.advance(&mut live, Status::Queued, cause, None)?;
    step.commit().await?;
    egress::enqueue(engine, &live, waiting.seq, false);
    Ok(true)
}
