//! Egress: a queue before each carrier. Takes messages in fair turns, waits for rates and windows, makes the intent to
//! send durable, and only then lets bytes go.
//!
//! ```text
//! queue ─► fair turn ─► rates ─► a place in a window ─► check ─► `sending` durable ─► submit ─► settle
//! ```
//!
//! A message for which there is a place at once takes it without standing in the queue: [`go`].

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use foldhash::HashMap;
use parking_lot::Mutex;
use signalbox_carriers::{Carrier, Outcome, Slot};
use signalbox_model::{Address, Cause, ConversationId, ErrorClass, Message, MessageId, Status, TenantId, Timestamp};
use signalbox_registry::registration::Network;
use signalbox_store::InboxSeq;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::check::{Checked, Checkup, check_and_change};
use crate::engine::Engine;
use crate::error::Error;
use crate::fair::{Admit, FairQueue, Next};
use crate::hot::Live;
use crate::rates::Rates;
use crate::registered::{self, Seen};
use crate::settle;
use crate::step::Step;
use crate::throughput::{self, Pace};
use crate::timers::Due;

/// How long a message waits when the path itself couldn't go on with it.
const AGAIN: Duration = Duration::from_secs(1);
/// How often waiting messages are looked through for those whose validity ran out.
const SWEEP: Duration = Duration::from_secs(2);

/// A queue before a carrier.
pub(crate) struct Lane {
    pub(crate) carrier: Arc<dyn Carrier>,
    line: Mutex<Line>,
    bell: Notify,
    rates: Arc<Rates>,
}

#[derive(Default)]
struct Line {
    queue: FairQueue<Waiting>,
    /// How many messages of a conversation stand in the queue or are being written ahead: none of it may overtake them.
    standing: HashMap<ConversationId, usize>,
    /// Something stands in the queue that has no place or no rate: what comes now is not to take either from it.
    blocked: bool,
}

/// A message that stands in a lane. Small: there may be a million of them; the message itself lies in the store.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) tenant: TenantId,
    pub(crate) message: MessageId,
    pub(crate) seq: InboxSeq,
    conversation: ConversationId,
    /// The sender, as a hash: messages of one number keep their order and share its rate.
    pub(crate) flow: u64,
    pub(crate) parts: u8,
    pub(crate) per_number: u32,
    pub(crate) per_tenant: u32,
    expires_at: Timestamp,
    /// What carriers let a registered sender do.
    pub(crate) pace: Option<Arc<Pace>>,
}

/// A message whose turn it is, with a place in a window.
type Chosen = (Waiting, Box<dyn Slot>);

/// A message that is written ahead, with the place in the window that it will go by.
struct Ready {
    waiting: Waiting,
    carrier: Arc<str>,
    slot: Box<dyn Slot>,
    checked: Checked,
    /// How much longer the carrier may try.
    validity: Duration,
}

impl Lane {
    /// A lane before `carrier`; rates are shared by all lanes.
    pub(crate) fn new(carrier: Arc<dyn Carrier>, rates: Arc<Rates>) -> Self {
        Self { carrier, line: Mutex::default(), bell: Notify::new(), rates }
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.line.lock().queue.len()
    }

    fn put(&self, weight: u16, waiting: Waiting, first: bool) {
        let (tenant, flow) = (waiting.tenant.clone(), waiting.flow);
        if let Some(pace) = &waiting.pace {
            self.rates.paces.enters(waiting.message, pace, first);
        }
        let mut line = self.line.lock();
        *line.standing.entry(waiting.conversation).or_insert(0) += 1;
        if first {
            line.queue.push_front(&tenant, weight, flow, waiting);
        } else {
            line.queue.push(&tenant, weight, flow, waiting);
        }
        drop(line);
        self.bell.notify_one();
    }

    /// A message that was taken out of the queue has gone, or won't go by this lane.
    fn left(&self, conversation: ConversationId) {
        let mut line = self.line.lock();
        if let Some(standing) = line.standing.get_mut(&conversation) {
            *standing -= 1;
            if *standing == 0 {
                line.standing.remove(&conversation);
            }
        }
    }

    /// A place for a message that needn't stand in the queue: nobody in it waits for a place or a rate, and nothing of
    /// its conversation is before it.
    fn place_at_once(&self, waiting: &Waiting) -> Option<Box<dyn Slot>> {
        let line = self.line.lock();
        if line.blocked || line.standing.contains_key(&waiting.conversation) {
            return None;
        }
        let slot = self.carrier.try_slot(waiting.parts)?;
        matches!(self.rates.admit(&waiting.tenant, waiting, Instant::now()), Admit::Go).then_some(slot)
    }

    /// The next message whose turn it is and whose number and tenant are within their rates.
    fn next(&self, now: Instant) -> Next<Waiting> {
        let next = self.line.lock().queue.pop(|tenant, waiting| self.rates.admit(tenant, waiting, now));
        if let Next::Item(Waiting { message, pace: Some(_), .. }) = &next {
            self.rates.paces.leaves(*message);
        }
        next
    }
}

/// Puts a queued message into the lane of its carrier.
pub(crate) fn enqueue(engine: &Engine, live: &Live, seq: InboxSeq, first: bool) {
    // Whose network the recipient is on isn't known here: it is counted against all of them.
    let (weight, waiting) = waiting(engine, &live.message, seq, None);
    stand(engine, live, (weight, waiting), first);
}

fn stand(engine: &Engine, live: &Live, (weight, waiting): (u16, Waiting), first: bool) {
    let lane = live.head.carrier.as_deref().and_then(|name| engine.lanes.get(name));
    let Some(lane) = lane else {
        // Only a carrier that is set up is ever chosen, and one that was taken away is replaced at the restart.
        tracing::error!(message = %live.message.id, "a queued message names a carrier that isn't set up");
        return;
    };
    lane.put(weight, waiting, first);
}

/// A message that passed its check goes to its carrier: at once where there is a place, written ahead in the same step
/// as it becomes `queued`; or else by the lane's queue. `cause` is why it is queued.
pub(crate) async fn go(
    engine: &Arc<Engine>,
    mut step: Step<'_>,
    live: &mut Live,
    seq: InboxSeq,
    checked: &Checked,
    (carrier, cause): (&Arc<str>, Cause),
) -> Result<(), Error> {
    let now = step.at;
    step.advance(live, Status::Queued, cause, None)?;
    let (weight, waiting) = waiting(engine, &live.message, seq, checked.network());
    let place = engine.lanes.get(carrier).and_then(|lane| lane.place_at_once(&waiting));
    let Some(slot) = place else {
        step.commit().await?;
        stand(engine, live, (weight, waiting), false);
        return Ok(());
    };
    let cause = Cause::Sending { carrier: carrier.to_string(), attempt: live.head.attempts + 1 };
    step.advance(live, Status::Sending, cause, None)?;
    step.count(engine, &live.message);
    step.commit().await?;
    throughput::goes(engine, waiting.pace.as_ref(), now);
    submit(engine, waiting, carrier.clone(), slot, (checked, live.message.expires_at.since(now)));
    Ok(())
}

/// A message as it stands in a lane, and its tenant's weight.
fn waiting(engine: &Engine, message: &Message, seq: InboxSeq, network: Option<Network>) -> (u16, Waiting) {
    let account = engine.directory.account(&message.tenant);
    let (weight, per_tenant) = account.as_ref().map_or((1, 0), |a| (a.tenant.weight, a.tenant.segments_per_second));
    let per_number = account.and_then(|a| a.tenant.numbers.get(message.ours()).map(|plan| plan.segments_per_second));
    let waiting = Waiting {
        tenant: message.tenant.clone(),
        message: message.id,
        seq,
        conversation: message.conversation_id(),
        flow: flow(message.ours()),
        parts: message.segments.max(1),
        per_number: per_number.unwrap_or(0),
        per_tenant,
        expires_at: message.expires_at,
        pace: throughput::pace(engine, message, network),
    };
    (weight, waiting)
}

/// The flow of a sender. Only in memory; two that share one take turns in it.
fn flow(sender: &Address) -> u64 {
    let mut hasher = DefaultHasher::new();
    sender.hash(&mut hasher);
    hasher.finish()
}

/// Runs a lane for as long as the host runs.
pub(crate) async fn run(engine: Arc<Engine>, name: Arc<str>, stop: CancellationToken) {
    let lane = &engine.lanes[&name];
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        let batch = tokio::select! {
            batch = gather(lane, engine.config.max_write_ahead) => batch,
            _ = sweep.tick() => {
                expire(&engine, lane).await;
                continue;
            }
            () = stop.cancelled() => return,
        };
        write_ahead(&engine, lane, batch).await;
    }
}

/// Waits for something that may go, and takes what may go with it.
async fn gather(lane: &Lane, most: usize) -> Vec<Chosen> {
    loop {
        let (batch, blocked) = gather_now(lane, most);
        lane.line.lock().blocked = !matches!(blocked, Blocked::Empty);
        if !batch.is_empty() {
            return batch;
        }
        match blocked {
            Blocked::Empty => lane.bell.notified().await,
            Blocked::Rate(wait) => tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = lane.bell.notified() => {}
            },
            Blocked::Window(parts) => lane.carrier.ready(parts).await,
        }
    }
}

enum Blocked {
    Empty,
    Rate(Duration),
    Window(u8),
}

/// Takes what may go now. Never waits, so that nothing is lost when it is dropped.
fn gather_now(lane: &Lane, most: usize) -> (Vec<Chosen>, Blocked) {
    let mut batch = Vec::new();
    while batch.len() < most {
        // A place first: a message that is taken out has spent its share of the rate. Most messages have one part.
        let Some(slot) = lane.carrier.try_slot(1) else {
            return (batch, if lane.len() == 0 { Blocked::Empty } else { Blocked::Window(1) });
        };
        match lane.next(Instant::now()) {
            Next::Item(waiting) if waiting.parts == 1 => batch.push((waiting, slot)),
            Next::Item(waiting) => {
                drop(slot);
                let Some(slot) = lane.carrier.try_slot(waiting.parts) else {
                    let (parts, conversation) = (waiting.parts, waiting.conversation);
                    lane.put(1, waiting, true);
                    lane.left(conversation);
                    return (batch, Blocked::Window(parts));
                };
                batch.push((waiting, slot));
            }
            Next::Wait(wait) => return (batch, Blocked::Rate(wait)),
            Next::Empty => return (batch, Blocked::Empty),
        }
    }
    (batch, Blocked::Empty)
}

/// Makes the intent to send durable for the whole batch, then submits in order.
async fn write_ahead(engine: &Arc<Engine>, lane: &Lane, batch: Vec<Chosen>) {
    let conversations: Vec<_> = batch.iter().map(|(waiting, _)| waiting.conversation).collect();
    let written = batch.into_iter().map(|(waiting, slot)| write_one_ahead(engine, lane, waiting, slot));
    for ready in futures_util::future::join_all(written).await.into_iter().flatten() {
        let Ready { waiting, carrier, slot, checked, validity } = ready;
        submit(engine, waiting, carrier, slot, (&checked, validity));
    }
    conversations.into_iter().for_each(|conversation| lane.left(conversation));
}

/// Hands a message that is written ahead to its bind, here and in order; only the answer is waited for elsewhere. Whose
/// recipient revoked while it was written goes back to the queue, where its next check says why it goes no further.
fn submit(
    engine: &Arc<Engine>,
    waiting: Waiting,
    carrier: Arc<str>,
    slot: Box<dyn Slot>,
    (checked, validity): (&Checked, Duration),
) {
    let engine = engine.clone();
    if checked.is_revoked(&engine) {
        drop(slot);
        engine.tasks.clone().spawn(async move {
            settle::answered(&engine, &carrier, waiting, Outcome::Unsent).await;
        });
        return;
    }
    let answer = slot.submit(checked.submission(validity));
    // Boxed: what settling an answer takes is kilobytes, which a task would move about thrice.
    engine.tasks.clone().spawn(Box::pin(async move {
        let outcome = answer.await;
        settle::answered(&engine, &carrier, waiting, outcome).await;
    }));
}

async fn write_one_ahead(engine: &Engine, lane: &Lane, waiting: Waiting, slot: Box<dyn Slot>) -> Option<Ready> {
    match try_write_ahead(engine, lane, &waiting).await {
        Ok(Some((checked, validity))) => {
            Some(Ready { waiting, carrier: lane.carrier.name().clone(), slot, checked, validity })
        }
        Ok(None) => None,
        Err(error) => {
            engine.step_failed("writing ahead", &error);
            // It goes through its conversation again in a moment; its status says how far it had come.
            let Waiting { tenant, message, seq, .. } = waiting;
            engine.wheel.set(engine.clock.now() + AGAIN, Due::Held { tenant, message, seq });
            None
        }
    }
}

/// Checks once more, and commits `sending`. `None` if the message doesn't go after all.
async fn try_write_ahead(
    engine: &Engine,
    lane: &Lane,
    waiting: &Waiting,
) -> Result<Option<(Checked, Duration)>, Error> {
    let _one = engine.locks.lock(waiting.message).await;
    let Some(mut live) = engine.live(&waiting.tenant, waiting.message).await? else { return Ok(None) };
    let mut step = Step::new(engine, waiting.message.partition());
    match live.head.status {
        Status::Queued => {}
        // Canceled while it waited: only its place in the inbox is left.
        status if status.is_terminal() => {
            step.take(waiting.seq);
            step.commit().await?;
            return Ok(None);
        }
        status => {
            tracing::error!(message = %waiting.message, %status, "a message in a carrier's queue isn't queued");
            return Ok(None);
        }
    }
    let now = step.at;
    if live.message.expires_at <= now {
        finish(engine, step, &mut live, waiting.seq, Status::Expired, Cause::Expired, Some(ErrorClass::Expired))
            .await?;
        return Ok(None);
    }
    let checked = match check_and_change(engine, &mut step, &mut live).await? {
        Checkup::Pass(checked, _) => checked,
        Checkup::Hold { until, decision, changes } => {
            let why = decision.reasons.first().map(|reason| reason.explain.clone()).unwrap_or_default();
            let class = decision.class();
            step.advance(&mut live, Status::Held, Cause::Held { until, why, decision: Some(decision) }, class)?;
            step.commit().await?;
            let (tenant, message) = (waiting.tenant.clone(), waiting.message);
            registered::is_held(engine, (tenant, message, waiting.seq), Seen { until, class, changes });
            return Ok(None);
        }
        Checkup::Rewrite { decision, .. } | Checkup::Deny(decision) => {
            let class = decision.class();
            let why = decision.reasons.first().map(|reason| reason.explain.clone()).unwrap_or_default();
            let cause = Cause::Rejected { decision: Some(decision), handler: None, why };
            finish(engine, step, &mut live, waiting.seq, Status::Rejected, cause, class).await?;
            return Ok(None);
        }
    };
    let cause = Cause::Sending { carrier: lane.carrier.name().to_string(), attempt: live.head.attempts + 1 };
    step.advance(&mut live, Status::Sending, cause, None)?;
    step.count(engine, &live.message);
    step.commit().await?;
    throughput::goes(engine, waiting.pace.as_ref(), now);
    Ok(Some((checked, live.message.expires_at.since(now))))
}

/// Ends a message that never left, and takes it off the inbox.
pub(crate) async fn finish(
    engine: &Engine,
    mut step: Step<'_>,
    live: &mut Live,
    seq: InboxSeq,
    status: Status,
    cause: Cause,
    class: Option<ErrorClass>,
) -> Result<(), Error> {
    step.advance(live, status, cause, class)?;
    engine.counted.withdraw(&live.message);
    step.take(seq);
    settle::tell_handler(engine, &mut step, live);
    step.commit().await?;
    engine.waiting.fetch_sub(1, Ordering::Relaxed);
    Ok(())
}

/// Ends the messages whose validity ran out while they waited.
async fn expire(engine: &Engine, lane: &Lane) {
    let now = engine.clock.now();
    let gone = lane.line.lock().queue.sweep(|waiting| waiting.expires_at <= now);
    for waiting in gone {
        lane.left(waiting.conversation);
        if waiting.pace.is_some() {
            lane.rates.paces.leaves(waiting.message);
        }
        // `sending` is never reached: writing ahead looks at the validity first, and ends the message.
        if let Err(error) = try_write_ahead(engine, lane, &waiting).await {
            engine.step_failed("ending a message whose validity ran out", &error);
        }
    }
}

/// A message that the carrier surely doesn't have goes back to the head of its queue.
pub(crate) fn again(engine: &Engine, live: &Live, seq: InboxSeq) {
    enqueue(engine, live, seq, true);
}
