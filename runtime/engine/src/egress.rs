//! Egress: a queue before each carrier. Takes messages in fair turns, waits for rates and windows, makes the intent to
//! send durable, and only then lets bytes go.
//!
//! ```text
//! queue ─► fair turn ─► rates ─► a place in a window ─► check ─► `sending` durable ─► submit ─► settle
//! ```
//!
//! A message for which there is a place at once takes it without standing in the queue: [`go`]. One whose carrier was busy
//! waits beside the queue with what is behind it in its conversation: `backing_off.rs`. What waits for a carrier that is gone
//! goes by another: `failover.rs`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use foldhash::HashMap;
use parking_lot::Mutex;
use signalbox_carriers::{Carrier, Outcome, Slot};
use signalbox_model::{Address, Cause, ConversationId, ErrorClass, Message, MessageId, Status, TenantId, Timestamp};
use signalbox_registry::registration::Network;
use signalbox_store::InboxSeq;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::backing_off::BackingOff;
use crate::check::{Checked, Checkup, check_and_change};
use crate::engine::Engine;
use crate::error::Error;
use crate::failover::{self, Gone};
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
    pub(crate) line: Mutex<Line>,
    bell: Notify,
    pub(crate) rates: Arc<Rates>,
    /// Conversations that back off; looked at for every answer, so without the lock.
    pub(crate) backing_off: AtomicUsize,
    pub(crate) gone: Gone,
}

#[derive(Default)]
pub(crate) struct Line {
    pub(crate) queue: FairQueue<Waiting>,
    /// How many messages of a conversation stand in the queue, back off or are being written ahead: none of it may overtake
    /// them.
    standing: HashMap<ConversationId, usize>,
    /// Conversations whose first message was brought while the carrier was busy.
    pub(crate) backing_off: HashMap<ConversationId, BackingOff>,
    /// Something stands in the queue that has no place or no rate: what comes now is not to take either from it.
    blocked: bool,
}

/// A message that stands in a lane. Small: there may be a million of them; the message itself lies in the store.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) tenant: TenantId,
    pub(crate) message: MessageId,
    pub(crate) seq: InboxSeq,
    pub(crate) conversation: ConversationId,
    /// Its tenant's weight.
    pub(crate) weight: u16,
    /// The sender, as a hash: messages of one number keep their order and share its rate.
    pub(crate) flow: u64,
    pub(crate) parts: u8,
    pub(crate) per_number: u32,
    pub(crate) per_tenant: u32,
    /// Its number has another carrier, too.
    pub(crate) has_others: bool,
    pub(crate) expires_at: Timestamp,
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
        let (line, bell) = (Mutex::default(), Notify::new());
        Self { carrier, line, bell, rates, backing_off: AtomicUsize::new(0), gone: Gone::default() }
    }

    /// How many messages stand in the queue.
    pub(crate) fn len(&self) -> usize {
        self.line.lock().queue.len()
    }

    fn put(&self, waiting: Waiting, first: bool) {
        let mut line = self.line.lock();
        line.stands(waiting.conversation);
        self.queue_in(&mut line, waiting, first);
        drop(line);
        self.bell.notify_one();
    }

    /// Messages that stand already come to the head of the queue, in this order.
    pub(crate) fn put_back(&self, line: &mut Line, waiting: impl DoubleEndedIterator<Item = Waiting>) {
        waiting.rev().for_each(|waiting| self.queue_in(line, waiting, true));
        self.bell.notify_one();
    }

    fn queue_in(&self, line: &mut Line, waiting: Waiting, first: bool) {
        if let Some(pace) = &waiting.pace {
            self.rates.paces.enters(waiting.message, pace, first);
        }
        let (tenant, weight, flow) = (waiting.tenant.clone(), waiting.weight, waiting.flow);
        if first {
            line.queue.push_front(&tenant, weight, flow, waiting);
        } else {
            line.queue.push(&tenant, weight, flow, waiting);
        }
    }

    /// A message was taken out of the queue.
    pub(crate) fn unqueued(&self, waiting: &Waiting) {
        if waiting.pace.is_some() {
            self.rates.paces.leaves(waiting.message);
        }
    }

    /// A message that stood has gone, or won't go by this lane.
    pub(crate) fn left(&self, conversation: ConversationId) {
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
        let now = now();
        if !matches!(self.rates.ask(waiting, now), Admit::Go) {
            return None;
        }
        self.rates.take(waiting, now);
        Some(slot)
    }

    /// The next message whose turn it is and whose number and tenant are within their rates, with its place.
    fn next(&self) -> Result<Chosen, Blocked> {
        // A place first: a message that is taken out has spent its share of the rate. Most messages have one part.
        let Some(place) = self.carrier.try_slot(1) else {
            return Err(if self.len() == 0 { Blocked::Empty } else { Blocked::Window(1) });
        };
        let (mut place, mut needs, now) = (Some(place), 1, now());
        let mut line = self.line.lock();
        let Line { queue, backing_off, .. } = &mut *line;
        loop {
            let admit = |_: &TenantId, waiting: &Waiting| {
                if backing_off.get(&waiting.conversation).is_some_and(|of| of.holds(waiting)) {
                    return Admit::Aside;
                }
                let asked = self.rates.ask(waiting, now);
                if asked != Admit::Go {
                    return asked;
                }
                if waiting.parts != 1 {
                    drop(place.take());
                    place = self.carrier.try_slot(waiting.parts);
                    if place.is_none() {
                        // What comes behind it would take the places one by one, and it would never have enough.
                        needs = waiting.parts;
                        return Admit::Stop;
                    }
                }
                self.rates.take(waiting, now);
                Admit::Go
            };
            match queue.pop(|| now, admit) {
                Next::Item(waiting) => {
                    self.unqueued(&waiting);
                    return Ok((waiting, place.expect("who is let go has a place")));
                }
                Next::Aside(waiting) => {
                    self.unqueued(&waiting);
                    if let Some(of) = backing_off.get_mut(&waiting.conversation) {
                        of.add(waiting);
                    }
                }
                Next::Stopped => return Err(Blocked::Window(needs)),
                Next::Wait(wait) => return Err(Blocked::Rate(wait)),
                Next::Empty => return Err(Blocked::Empty),
            }
        }
    }
}

impl Line {
    pub(crate) fn stands(&mut self, conversation: ConversationId) {
        *self.standing.entry(conversation).or_insert(0) += 1;
    }
}

/// The time of rates and paces; a test may stop it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Puts a queued message into the lane of its carrier.
pub(crate) fn enqueue(engine: &Engine, live: &Live, seq: InboxSeq, first: bool) {
    // Whose network the recipient is on isn't known here: it is counted against all of them.
    stand(engine, live, waiting(engine, &live.message, seq, None), first);
}

fn stand(engine: &Engine, live: &Live, waiting: Waiting, first: bool) {
    let lane = live.head.carrier.as_deref().and_then(|name| engine.lanes.get(name));
    let Some(lane) = lane else {
        // Only a carrier that is set up is ever chosen, and one that was taken away is replaced at the restart.
        tracing::error!(message = %live.message.id, "a queued message names a carrier that isn't set up");
        return;
    };
    lane.put(waiting, first);
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
    let waiting = waiting(engine, &live.message, seq, checked.network());
    let place = engine.lanes.get(carrier).and_then(|lane| lane.place_at_once(&waiting));
    let Some(slot) = place else {
        step.commit().await?;
        stand(engine, live, waiting, false);
        return Ok(());
    };
    let cause = Cause::Sending { carrier: carrier.to_string(), attempt: live.head.attempts.saturating_add(1) };
    step.advance(live, Status::Sending, cause, None)?;
    step.count(engine, &live.message);
    step.commit().await?;
    throughput::goes(engine, waiting.message, waiting.pace.as_ref(), now);
    submit(engine, waiting, carrier.clone(), slot, (checked, live.message.expires_at.since(now)));
    Ok(())
}

/// A message as it stands in a lane.
fn waiting(engine: &Engine, message: &Message, seq: InboxSeq, network: Option<Network>) -> Waiting {
    let account = engine.directory.account(&message.tenant);
    let (weight, per_tenant) = account.as_ref().map_or((1, 0), |a| (a.tenant.weight, a.tenant.segments_per_second));
    let plan = account.as_ref().and_then(|account| account.tenant.numbers.get(message.ours()));
    Waiting {
        tenant: message.tenant.clone(),
        message: message.id,
        seq,
        conversation: message.conversation_id(),
        weight,
        flow: flow(message.ours()),
        parts: message.segments.max(1),
        per_number: plan.map_or(0, |plan| plan.segments_per_second),
        per_tenant,
        has_others: plan.is_some_and(|plan| plan.carriers.len() > 1),
        expires_at: message.expires_at,
        pace: throughput::pace(engine, message, network),
    }
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
                engine.caught("ending what expired in a queue", expire(&engine, lane)).await;
                engine.caught("moving what waits to another carrier", failover::look(&engine, lane)).await;
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
        match lane.next() {
            Ok(chosen) => batch.push(chosen),
            Err(blocked) => return (batch, blocked),
        }
    }
    (batch, Blocked::Empty)
}

/// Makes the intent to send durable for the whole batch, then submits in order.
async fn write_ahead(engine: &Arc<Engine>, lane: &Lane, batch: Vec<Chosen>) {
    let conversations: Vec<_> = batch.iter().map(|(waiting, _)| (waiting.conversation, waiting.message)).collect();
    let written = batch.into_iter().map(|(waiting, slot)| write_one_ahead(engine, lane, waiting, slot));
    let written = futures_util::future::join_all(written).await;
    for ((conversation, message), ready) in conversations.iter().zip(written) {
        match ready {
            Some(Ready { waiting, carrier, slot, checked, validity }) => {
                submit(engine, waiting, carrier, slot, (&checked, validity));
            }
            None => lane.is_over(*conversation, *message),
        }
    }
    conversations.into_iter().for_each(|(conversation, _)| lane.left(conversation));
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
    let again = match engine.caught("writing ahead", try_write_ahead(engine, lane, &waiting)).await {
        Some(Ok(Some((checked, validity)))) => {
            return Some(Ready { waiting, carrier: lane.carrier.name().clone(), slot, checked, validity });
        }
        Some(Ok(None)) => return None,
        Some(Err(error)) => {
            engine.step_failed("writing ahead", &error);
            AGAIN
        }
        // Most likely it panics again.
        None => engine.longest_wait(),
    };
    // It goes through its conversation again; its status says how far it had come.
    let Waiting { tenant, message, seq, .. } = waiting;
    engine.wheel.set(engine.clock.now() + again, Due::Held { tenant, message, seq });
    None
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
            engine.waiting.event_leaves(waiting.message);
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
        Checkup::Hold { .. } if !live.head.has_room() => {
            end_full(engine, step, &mut live, waiting.seq).await?;
            return Ok(None);
        }
        Checkup::Hold { until, decision, changes } => {
            let why = decision.reasons.first().map(|reason| reason.explain.clone()).unwrap_or_default();
            let class = decision.class();
            // Its handler's answer stands: the line that queued it has it.
            let cause = Cause::Held { until, why, handler: None, decision: Some(decision) };
            step.advance(&mut live, Status::Held, cause, class)?;
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
    let cause =
        Cause::Sending { carrier: lane.carrier.name().to_string(), attempt: live.head.attempts.saturating_add(1) };
    step.advance(&mut live, Status::Sending, cause, None)?;
    step.count(engine, &live.message);
    step.commit().await?;
    throughput::goes(engine, waiting.message, waiting.pace.as_ref(), now);
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
    engine.gives_place_back(&live.message);
    step.take(seq);
    settle::tell_handler(engine, &mut step, live);
    step.commit().await?;
    engine.waiting.leaves();
    Ok(())
}

/// Ends a message that went round so often that its timeline is full.
pub(crate) async fn end_full(engine: &Engine, step: Step<'_>, live: &mut Live, seq: InboxSeq) -> Result<(), Error> {
    let why = format!("it was tried and held so often that its record is full ({} lines)", live.head.entries);
    finish(engine, step, live, seq, Status::Failed, Cause::NoRoute { why }, Some(ErrorClass::Transient)).await
}

/// Ends the messages whose validity ran out while they waited.
async fn expire(engine: &Engine, lane: &Lane) {
    let now = engine.clock.now();
    let mut gone = lane.line.lock().queue.sweep(|waiting| waiting.expires_at <= now);
    gone.iter().for_each(|waiting| lane.unqueued(waiting));
    gone.extend(lane.expired_beside(now));
    for waiting in gone {
        // `sending` is never reached: writing ahead looks at the validity first, and ends the message.
        if let Err(error) = try_write_ahead(engine, lane, &waiting).await {
            engine.step_failed("ending a message whose validity ran out", &error);
        }
        lane.is_over(waiting.conversation, waiting.message);
        lane.left(waiting.conversation);
    }
}

/// A message that the carrier surely doesn't have goes back to the head of its queue, or of its conversation where that
/// backs off.
pub(crate) fn again(engine: &Engine, live: &Live, waiting: &Waiting) {
    let lane = live.head.carrier.as_deref().and_then(|name| engine.lanes.get(name));
    match lane.filter(|lane| lane.is_backing_off(waiting.conversation)) {
        Some(_) => back_off(engine, live, waiting, engine.clock.now()),
        None => enqueue(engine, live, waiting.seq, true),
    }
}

/// A message whose carrier was busy waits until then beside the queue, and what is behind it in its conversation with it.
pub(crate) fn back_off(engine: &Engine, live: &Live, waiting: &Waiting, until: Timestamp) {
    let Some(lane) = live.head.carrier.as_deref().and_then(|name| engine.lanes.get(name)) else { return };
    // No later than its validity: it is ended then.
    let until = until.min(waiting.expires_at);
    lane.back_off(waiting.clone(), until);
    engine.wheel.set(until, Due::Busy { carrier: lane.carrier.name().clone(), conversation: waiting.conversation });
}

/// A conversation's wait for a busy carrier is over.
pub(crate) fn resume(engine: &Engine, carrier: &str, conversation: ConversationId) {
    if let Some(lane) = engine.lanes.get(carrier) {
        lane.resume(conversation, engine.clock.now());
    }
}
