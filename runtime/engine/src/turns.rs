//! Whose turn it is: reads the inboxes, keeps each conversation in order, and runs conversations side by side, fairly
//! between tenants.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use foldhash::HashMap;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use signalbox_guest::Effects;
use signalbox_model::event::Queued;
use signalbox_model::{Conversation, ConversationId, Event, MessageId, Partition, TenantId, Timestamp};
use signalbox_store::{InboxSeq, Range, Table, layout};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::agree::Proposed;
use crate::dispatch::{self, Flow};
use crate::egress;
use crate::engine::Engine;
use crate::error::Error;
use crate::fair::{Admit, FairQueue, Next};
use crate::step::Step;

/// An event in memory, with its place in the inbox.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) seq: InboxSeq,
    pub(crate) queued: Queued,
    /// The handler's version that took it first, once one did.
    pub(crate) pin: Option<Pin>,
    /// What its last run proposed to others, if it did.
    pub(crate) proposed: Option<Proposed>,
    /// A held message is looked at before its time.
    pub(crate) called: bool,
    /// How often a defect of ours ended its turn.
    pub(crate) panics: u8,
}

/// A version of a handler that took an event: later attempts go to it as well, whatever is deployed meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pin {
    pub(crate) handler: String,
    pub(crate) digest: String,
}

/// What is known of an event that failed, beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RetryRow {
    /// How often it was tried.
    pub(crate) attempts: u8,
    /// When it is tried again.
    pub(crate) at: Timestamp,
    /// By which version.
    pub(crate) pin: Option<Pin>,
    /// What its last run proposed.
    pub(crate) proposed: Option<Proposed>,
}

/// The same, where the effects that were proposed are sealed.
#[derive(Serialize, Deserialize)]
struct SealedRetry {
    /// With no effects in it.
    row: RetryRow,
    effects: Vec<u8>,
}

impl RetryRow {
    /// As it is stored under `key`, for an event of `conversation`.
    pub(crate) async fn to_bytes(
        &self,
        engine: &Engine,
        conversation: &Conversation,
        key: &[u8],
    ) -> Result<Bytes, Error> {
        if let Some(proposed) = &self.proposed
            && engine.seals(&conversation.tenant).is_some()
        {
            let words = layout::encode(&proposed.effects);
            if let Some(effects) = engine.seal_in(conversation, (Table::Retry, key), &words).await? {
                let proposed = Some(Proposed { effects: Effects::default(), ..proposed.clone() });
                let row = Self { proposed, ..self.clone() };
                return Ok(layout::encode_as(layout::SEALED, &SealedRetry { row, effects }));
            }
        }
        Ok(layout::encode(self))
    }

    /// Reads it, opened. What was proposed and then erased wasn't proposed: its event is run again.
    async fn read(engine: &Engine, key: &[u8], row: &[u8]) -> Result<Self, Error> {
        if !layout::is_sealed(row) {
            return Ok(layout::decode(Table::Retry, row)?);
        }
        let SealedRetry { row, effects } = layout::decode_as(layout::SEALED, Table::Retry, row)?;
        let opened = engine.open_words(Table::Retry, key, &effects).await?;
        let proposed = match (row.proposed, opened) {
            (Some(proposed), Some(effects)) => {
                Some(Proposed { effects: layout::decode(Table::Retry, &effects)?, ..proposed })
            }
            _ => None,
        };
        Ok(Self { proposed, ..row })
    }

    /// The row of an event whose `run` asked, with what it was answered; `None` if another one asked, or none.
    pub(crate) fn told(row: &[u8], run: u8, made: bool) -> Result<Option<Bytes>, layout::Unreadable> {
        let tell = |row: &mut Self| match row.proposed.as_mut().filter(|proposed| proposed.run == run) {
            Some(proposed) => {
                proposed.made = Some(made);
                true
            }
            None => false,
        };
        if layout::is_sealed(row) {
            let mut sealed: SealedRetry = layout::decode_as(layout::SEALED, Table::Retry, row)?;
            return Ok(tell(&mut sealed.row).then(|| layout::encode_as(layout::SEALED, &sealed)));
        }
        let mut row: Self = layout::decode(Table::Retry, row)?;
        Ok(tell(&mut row).then(|| layout::encode(&row)))
    }
}

/// Conversations that have something to do.
pub(crate) struct Turns {
    partitions: Vec<Mutex<PartitionTurns>>,
    ready: Mutex<Ready>,
    /// Rings when the last step is over.
    quiet: Notify,
    max_steps: usize,
    per_tenant: usize,
}

#[derive(Default)]
struct PartitionTurns {
    lines: HashMap<ConversationId, Line>,
    /// Verdicts that came before their event had begun to wait.
    verdicts: HashMap<InboxSeq, bool>,
    pending: usize,
}

/// The events of a conversation. It is there while the conversation has a turn or waits for one, so that nobody else
/// begins on it.
#[derive(Default)]
struct Line {
    has_turn: bool,
    /// The message that its running event makes of a handler's send from another partition.
    adopts: Option<MessageId>,
    /// Its first event waits for a verdict.
    waits: bool,
    events: VecDeque<Pending>,
}

impl Line {
    /// Takes its first event out, to be handled.
    fn begin(&mut self) -> Option<Pending> {
        let first = self.events.pop_front();
        self.adopts = match first.as_ref().map(|pending| &pending.queued.event) {
            Some(Event::Adopt { message }) => Some(message.id),
            _ => None,
        };
        first
    }
}

#[derive(Default)]
struct Ready {
    queue: FairQueue<Turn>,
    /// Steps that run, in all and by tenant.
    steps: usize,
    running: HashMap<TenantId, usize>,
    /// Turns are given.
    open: bool,
}

#[derive(Debug, Clone, Copy)]
struct Turn {
    partition: Partition,
    conversation: ConversationId,
}

impl Turns {
    pub(crate) fn new(partitions: u16, max_steps: usize, per_tenant: usize) -> Self {
        Self {
            partitions: (0..partitions).map(|_| Mutex::default()).collect(),
            ready: Mutex::default(),
            quiet: Notify::new(),
            max_steps,
            per_tenant,
        }
    }

    fn partition(&self, partition: Partition) -> &Mutex<PartitionTurns> {
        &self.partitions[usize::from(partition.index())]
    }

    /// Adds an event to the end of its conversation.
    pub(crate) fn add(&self, engine: &Arc<Engine>, partition: Partition, pending: Pending) {
        let conversation = pending.queued.event.conversation();
        let tenant = pending.queued.event.tenant().clone();
        let mut turns = self.partition(partition).lock();
        turns.pending += 1;
        let line = turns.lines.entry(conversation).or_default();
        line.events.push_back(pending);
        let is_first = !std::mem::replace(&mut line.has_turn, true);
        drop(turns);
        if is_first {
            self.make_ready(engine, &tenant, Turn { partition, conversation });
        }
    }

    fn make_ready(&self, engine: &Arc<Engine>, tenant: &TenantId, turn: Turn) {
        let weight = engine.directory.account(tenant).map_or(1, |account| account.tenant.weight);
        self.ready.lock().queue.push(tenant, weight, 0, turn);
        self.give(engine);
    }

    /// The conversation in which `message` is about to become one, while its event waits or runs. A look at all that
    /// waits in the partition: done for whoever takes back what isn't there yet.
    pub(crate) fn adopting(&self, partition: Partition, message: MessageId) -> Option<ConversationId> {
        let turns = self.partition(partition).lock();
        let is_it =
            |pending: &Pending| matches!(&pending.queued.event, Event::Adopt { message: of } if of.id == message);
        let found = turns.lines.iter().find(|(_, line)| line.adopts == Some(message) || line.events.iter().any(is_it));
        found.map(|(conversation, _)| *conversation)
    }

    /// Events of `partition` that are in memory.
    fn pending(&self, partition: Partition) -> usize {
        self.partition(partition).lock().pending
    }

    fn next(&self) -> Option<(TenantId, Turn)> {
        let mut ready = self.ready.lock();
        let Ready { queue, steps, running, open } = &mut *ready;
        if !*open || *steps >= self.max_steps {
            return None;
        }
        let mut chosen = None;
        let admit = |tenant: &TenantId, _: &Turn| {
            if running.get(tenant).copied().unwrap_or(0) >= self.per_tenant {
                // Whoever of it finishes gives the next turn.
                return Admit::TenantWaits(std::time::Duration::MAX);
            }
            chosen = Some(tenant.clone());
            Admit::Go
        };
        match queue.pop(egress::now, admit) {
            Next::Item(turn) => {
                let tenant = chosen.expect("an item is only popped when it was admitted");
                *running.entry(tenant.clone()).or_insert(0) += 1;
                *steps += 1;
                Some((tenant, turn))
            }
            Next::Aside(_) | Next::Stopped | Next::Wait(_) | Next::Empty => None,
        }
    }

    fn finished(&self, tenant: &TenantId) {
        let mut ready = self.ready.lock();
        if let Some(running) = ready.running.get_mut(tenant) {
            *running -= 1;
            if *running == 0 {
                ready.running.remove(tenant);
            }
        }
        ready.steps -= 1;
        if ready.steps == 0 {
            self.quiet.notify_waiters();
        }
    }

    /// From now on turns are given, until what this returns is dropped; what waits for one then is in the store.
    pub(crate) fn open(&self, engine: &Arc<Engine>) -> Open {
        self.ready.lock().open = true;
        self.give(engine);
        Open(engine.clone())
    }

    /// Gives turns for as long as somebody may have one. Everybody who makes something ready, or makes room, calls it:
    /// a loop of its own would cost a wake-up for every event.
    fn give(&self, engine: &Arc<Engine>) {
        while let Some((tenant, turn)) = self.next() {
            let step = Running { engine: engine.clone(), tenant };
            // Boxed: a step is kilobytes of state, which a task would move about thrice.
            tokio::spawn(Box::pin(async move {
                take_turn(&step.engine, turn).await;
                let engine = step.engine.clone();
                drop(step);
                engine.turns.give(&engine);
            }));
        }
    }

    /// How many steps run.
    pub(crate) fn running(&self) -> usize {
        self.ready.lock().steps
    }

    /// Waits until no step runs.
    pub(crate) async fn idle(&self) {
        loop {
            let quiet = self.quiet.notified();
            if self.running() == 0 {
                return;
            }
            quiet.await;
        }
    }
}

/// Turns are given for as long as this lives.
pub(crate) struct Open(Arc<Engine>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.turns.ready.lock().open = false;
    }
}

/// A step that runs. It counts until it is over, even by a panic.
struct Running {
    engine: Arc<Engine>,
    tenant: TenantId,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.engine.turns.finished(&self.tenant);
    }
}

/// Reads the inbox of `partition` for as long as the host runs. An error is for good: what lies there can't be read, and
/// nothing behind it either.
pub(crate) async fn read_inbox(
    engine: Arc<Engine>,
    partition: Partition,
    stop: CancellationToken,
) -> Result<(), Error> {
    let bell = engine.store.bell(partition);
    let mut retries = retries(&engine, partition).await?;
    let mut after = InboxSeq::default();
    let mut recovered = false;
    loop {
        let page = engine.store.inbox(partition, after, engine.config.inbox_page).await?;
        let full = page.len() == engine.config.inbox_page;
        for (seq, record) in page {
            after = seq;
            match read_event(&engine, &record).await {
                Ok(None) => {
                    let mut step = Step::new(&engine, partition);
                    step.take(seq);
                    if let Err(error) = step.commit().await {
                        engine.step_failed("taking an event off that was erased", &error);
                    }
                }
                Ok(Some(mut queued)) => {
                    let retry = retries.remove(&seq);
                    if let Some(retry) = &retry {
                        (queued.attempts, queued.not_before) = (retry.attempts, retry.at);
                    }
                    let (pin, proposed) = retry.map_or((None, None), |retry| (retry.pin, retry.proposed));
                    if matches!(queued.event, Event::Outbound { .. }) {
                        engine.waiting.enters();
                    }
                    engine.turns.add(
                        &engine,
                        partition,
                        Pending { seq, queued, pin, proposed, called: false, panics: 0 },
                    );
                }
                // One event that makes no sense holds up no other.
                Err(error @ Error::Unreadable(_)) => engine.step_failed("reading an event", &error),
                Err(error) => return Err(error),
            }
        }
        if !full && !recovered {
            recovered = true;
            retries = HashMap::default();
            engine.recovered.fetch_add(1, Ordering::Relaxed);
        }
        let crowded = engine.turns.pending(partition) >= engine.config.max_pending_per_partition;
        if full && !crowded {
            continue;
        }
        tokio::select! {
            () = bell.notified() => {}
            () = tokio::time::sleep(std::time::Duration::from_millis(50)), if crowded => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
}

/// An event as it lies in an inbox, opened; `None` if it was erased.
async fn read_event(engine: &Engine, record: &[u8]) -> Result<Option<Queued>, Error> {
    if !layout::is_sealed(record) {
        return Ok(Some(layout::decode(Table::Inbox, record)?));
    }
    let sealed: Vec<u8> = layout::decode_as(layout::SEALED, Table::Inbox, record)?;
    let opened = engine.open_words(Table::Inbox, b"", &sealed).await?;
    Ok(opened.map(|record| layout::decode(Table::Inbox, &record)).transpose()?)
}

/// Events that failed before this start.
async fn retries(engine: &Engine, partition: Partition) -> Result<HashMap<InboxSeq, RetryRow>, Error> {
    let mut range = Range::prefix(Table::Retry, Vec::new(), 1_000);
    let mut all = HashMap::default();
    loop {
        let page = engine.store.range(partition, range.clone()).await?;
        for (key, value) in &page {
            if let Ok(seq) = <[u8; 8]>::try_from(&key[..]) {
                all.insert(InboxSeq(u64::from_be_bytes(seq)), RetryRow::read(engine, key, value).await?);
            }
        }
        match page.last() {
            Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
            _ => return Ok(all),
        }
    }
}

/// Handles the first event of a conversation.
async fn take_turn(engine: &Arc<Engine>, turn: Turn) {
    let Turn { partition, conversation } = turn;
    let turns = engine.turns.partition(partition);
    let first = turns.lock().lines.get_mut(&conversation).and_then(Line::begin);
    let Some(mut pending) = first else { return };
    let flow = engine.caught("handling an event", dispatch::handle(engine, partition, &mut pending)).await;
    match flow.unwrap_or_else(|| after_a_panic(engine, &mut pending)) {
        Flow::Done => {
            let mut turns = turns.lock();
            turns.pending -= 1;
            let next = turns.lines.get_mut(&conversation).and_then(|line| {
                line.adopts = None;
                line.events.front()
            });
            let next = next.map(|next| next.queued.event.tenant().clone());
            if next.is_none() {
                turns.lines.remove(&conversation);
            }
            drop(turns);
            if let Some(tenant) = next {
                engine.turns.make_ready(engine, &tenant, turn);
            }
        }
        Flow::Again(at) => {
            if let Some(line) = turns.lock().lines.get_mut(&conversation) {
                line.events.push_front(pending);
            }
            engine.wheel.set(at, crate::timers::Due::Turn { partition, conversation });
        }
        Flow::Wait => {
            let mut turns = turns.lock();
            let verdict = turns.verdicts.remove(&pending.seq);
            let tenant = pending.queued.event.tenant().clone();
            if let Some(proposed) = &mut pending.proposed {
                proposed.made = proposed.made.or(verdict);
            }
            if let Some(line) = turns.lines.get_mut(&conversation) {
                line.waits = verdict.is_none();
                line.events.push_front(pending);
            }
            drop(turns);
            if verdict.is_some() {
                engine.turns.make_ready(engine, &tenant, turn);
            }
        }
    }
}

/// An event whose turn a defect of ours ended is tried again, and then left: its conversation goes on, and it stays in the
/// inbox until the next start, which may be one of a version that can handle it.
fn after_a_panic(engine: &Engine, pending: &mut Pending) -> Flow {
    pending.panics += 1;
    if pending.panics < engine.config.max_attempts {
        return Flow::Again(engine.retry_at(pending.panics));
    }
    let Pending { queued, panics, .. } = pending;
    tracing::error!(event = %queued.id, panics, "an event is left in the inbox until the next start; please report the panic");
    Flow::Done
}

/// A conversation's first event waits for this verdict, or is about to.
pub(crate) fn tell(
    engine: &Arc<Engine>,
    partition: Partition,
    conversation: ConversationId,
    event: InboxSeq,
    made: bool,
) {
    let mut turns = engine.turns.partition(partition).lock();
    let line = turns.lines.get_mut(&conversation).filter(|line| line.waits);
    let Some(waiting) = line.and_then(|line| {
        line.waits = false;
        line.events.front_mut()
    }) else {
        turns.verdicts.insert(event, made);
        return;
    };
    if let Some(proposed) = &mut waiting.proposed {
        proposed.made = Some(made);
    }
    let tenant = waiting.queued.event.tenant().clone();
    drop(turns);
    engine.turns.make_ready(engine, &tenant, Turn { partition, conversation });
}

/// A conversation whose event had to wait gets its turn again.
pub(crate) fn resume(engine: &Arc<Engine>, partition: Partition, conversation: ConversationId) {
    let turns = engine.turns.partition(partition).lock();
    let first = turns.lines.get(&conversation).and_then(|line| line.events.front());
    let tenant = first.map(|first| first.queued.event.tenant().clone());
    drop(turns);
    if let Some(tenant) = tenant {
        engine.turns.make_ready(engine, &tenant, Turn { partition, conversation });
    }
}
