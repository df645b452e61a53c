//! A step is one commit: what an event leads to lands whole or not at all.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use signalbox_model::event::Queued;
use signalbox_model::timeline::NoLine;
use signalbox_model::{
    AttemptId, Cause, Conversation, ConversationId, Entry, ErrorClass, Event, EventId, Head, Message, MessageId,
    Partition, Status, TenantId, Timestamp,
};
use signalbox_records::audit::{Item, Keys};
use signalbox_store::{Batch, Committed, InboxSeq, Table, layout};
use signalbox_webhooks as webhooks;

use crate::counted::Going;
use crate::engine::{Engine, read_error};
use crate::error::Error;
use crate::hot::Live;
use crate::turns::Pending;

/// Changes of one partition, gathered and then committed as one.
pub(crate) struct Step<'e> {
    engine: &'e Engine,
    /// The batch; parts of the path add what is theirs.
    pub(crate) batch: Batch,
    /// The host's clock when the step began.
    pub(crate) at: Timestamp,
    /// What the step changes of a person's consent.
    pub(crate) consent: Option<Box<signalbox_registry::Staged>>,
    changed: Vec<Live>,
    lines: Vec<Lines>,
    begun: Vec<MessageId>,
    told: Vec<webhooks::Item>,
    /// Messages whose words are sealed on their way into the batch.
    unsealed: Vec<Message>,
    /// Events with words in them, by their place among the batch's sends: sealed on their way.
    unsealed_events: Vec<(usize, Conversation)>,
    /// What the audit log is told.
    logged: Vec<(TenantId, Item)>,
    timers: Vec<(Bytes, Option<Timestamp>)>,
    /// What is being sent with this step, where it is counted.
    pub(crate) going: Option<Box<Going>>,
}

/// What a step adds to a timeline.
struct Lines {
    message: Arc<Message>,
    entries: Vec<Arc<Entry>>,
}

impl<'e> Step<'e> {
    pub(crate) fn new(engine: &'e Engine, partition: Partition) -> Self {
        let batch = Batch::new(partition, engine.epoch(partition));
        Self {
            engine,
            batch,
            at: engine.clock.now(),
            consent: None,
            changed: Vec::new(),
            lines: Vec::new(),
            begun: Vec::new(),
            told: Vec::new(),
            unsealed: Vec::new(),
            unsealed_events: Vec::new(),
            logged: Vec::new(),
            timers: Vec::new(),
            going: None,
        }
    }

    pub(crate) fn partition(&self) -> Partition {
        self.batch.partition
    }

    /// Writes a new message with the first line of its timeline.
    pub(crate) fn begin(&mut self, message: Arc<Message>, status: Status, cause: Cause, class: Option<ErrorClass>) {
        let seq = self.engine.next_seq(&mut self.batch);
        let entry = Entry { n: 0, seq, at: self.at, status, cause, class };
        self.rewrite(&message);
        signalbox_records::stage_history(&mut self.batch, &message);
        let head = Arc::new(Head::begin(&entry));
        self.begun.push(message.id);
        let last = self.record(&message, Arc::new(entry), true);
        self.changed.push(Live { message, head, last });
    }

    /// Writes the next line of a message's timeline; the only way by which a message changes.
    pub(crate) fn advance(
        &mut self,
        live: &mut Live,
        to: Status,
        cause: Cause,
        class: Option<ErrorClass>,
    ) -> Result<(), NoLine> {
        let was = live.head.status;
        let seq = self.engine.next_seq(&mut self.batch);
        let entry = Arc::make_mut(&mut live.head).append(to, cause, class, self.at, seq)?;
        live.last = self.record(&live.message, Arc::new(entry), was != to);
        match self.changed.iter_mut().find(|changed| changed.message.id == live.message.id) {
            Some(changed) => *changed = live.clone(),
            None => self.changed.push(live.clone()),
        }
        Ok(())
    }

    /// Replaces the stored message: a handler or a rule rewrote it.
    pub(crate) fn rewrite(&mut self, message: &Message) {
        let is_erased = message.is_erased();
        if !is_erased && self.engine.seals(&message.tenant).is_some() {
            // Its key may have to be made first, and durable: that is for the commit, which may wait.
            self.unsealed.push(message.clone());
            return;
        }
        if is_erased {
            signalbox_records::vault::stage_sealed(&mut self.batch, message, &message.veil);
        } else {
            signalbox_records::stage_message(&mut self.batch, message);
        }
        if is_logged(self.engine, &message.tenant).is_some() {
            let item = self.engine.audit.text(&self.batch, message);
            self.logged.push((message.tenant.clone(), item));
        }
    }

    /// Has the audit log tell of something, if the tenant has one.
    pub(crate) fn log(&mut self, tenant: &TenantId, item: Item) {
        if is_logged(self.engine, tenant).is_some() {
            self.logged.push((tenant.clone(), item));
        }
    }

    /// Has the audit log tell of something about a person, if the tenant has one.
    pub(crate) fn log_of_person(
        &mut self,
        tenant: &TenantId,
        person: &signalbox_model::Address,
        item: impl FnOnce(Option<signalbox_records::audit::Person>) -> Item,
    ) {
        if let Some(keys) = is_logged(self.engine, tenant) {
            self.logged.push((tenant.clone(), item(Some(keys.person(tenant, person)))));
        }
    }

    /// Has the audit log tell that it was cut, even if it is written no more: without that nobody could tell it from one
    /// whose beginning somebody dropped.
    pub(crate) fn log_cut(&mut self, tenant: &TenantId, behind: u64, mark: u64, marks_from: u64) {
        self.logged.push((tenant.clone(), Item::Cut { behind, mark, marks_from }));
    }

    /// Adds a line; returns it if a webhook will tell it.
    fn record(&mut self, message: &Arc<Message>, entry: Arc<Entry>, moves: bool) -> Option<Arc<Entry>> {
        let told = moves && self.tell(message, &entry);
        self.engine.metrics.transition(entry.status);
        let last = told.then(|| entry.clone());
        match self.lines.iter_mut().find(|lines| lines.message.id == message.id) {
            Some(lines) => lines.entries.push(entry),
            None => self.lines.push(Lines { message: message.clone(), entries: vec![entry] }),
        }
        last
    }

    /// Notes which webhooks want to hear of `entry`; false if none does.
    fn tell(&mut self, message: &Message, entry: &Entry) -> bool {
        let event = webhooks::event_type(entry.status);
        let directory = &self.engine.directory;
        let hooks = directory.account(&message.tenant).map(|account| directory.listeners(&account, event));
        let hooks = hooks.unwrap_or_default();
        let wanted = hooks.iter().map(|hook| webhooks::Endpoint::Webhook { name: hook.name.clone() });
        let callback = message.callback_url.iter().map(|url| webhooks::Endpoint::Callback { url: url.clone() });
        let before = self.told.len();
        for endpoint in wanted.chain(callback) {
            let item = webhooks::Item {
                id: AttemptId::new(self.at, self.batch.partition, &self.engine.chance),
                tenant: message.tenant.clone(),
                endpoint,
                conversation: message.conversation_id(),
                message: message.id,
                n: entry.n,
                event: event.to_owned(),
            };
            self.told.push(item);
        }
        self.told.len() > before
    }

    /// A message as it stands in this step.
    pub(crate) fn live(&self, id: MessageId) -> Option<Live> {
        self.changed.iter().find(|live| live.message.id == id).cloned()
    }

    /// Puts an event into the inbox of `to`.
    pub(crate) fn event(&mut self, to: Partition, event: Event) -> EventId {
        let id = EventId::new(self.at, to, &self.engine.chance);
        let queued = Queued { id, at: self.at, attempts: 0, not_before: self.at, event };
        self.queue(to, &queued);
        id
    }

    /// Puts an event as it is into the inbox of `to`.
    pub(crate) fn queue(&mut self, to: Partition, queued: &Queued) {
        if self.engine.seals(queued.event.tenant()).is_some() {
            let conversation = match &queued.event {
                Event::Adopt { message } => Some(message.conversation()),
                Event::Timer { conversation, .. } => Some(conversation.clone()),
                // Others name what they are about, or carry values that are sealed already.
                _ => None,
            };
            self.unsealed_events.extend(conversation.map(|conversation| (self.batch.sends.len(), conversation)));
        }
        self.batch.send(to, layout::encode(queued));
    }

    /// Takes the event off the inbox: its work is done with this step.
    pub(crate) fn take(&mut self, seq: InboxSeq) {
        self.batch.take(seq);
    }

    /// Takes off the inbox an event that may have failed before, or have proposed something.
    pub(crate) fn take_event(&mut self, pending: &Pending) {
        self.batch.take(pending.seq);
        if pending.queued.attempts > 0 || pending.proposed.is_some() {
            self.batch.delete(Table::Retry, layout::inbox_key(pending.seq));
        }
    }

    /// Brings a handler's timer back at `at`, once the step is durable.
    pub(crate) fn set_timer(&mut self, key: Bytes, at: Timestamp) {
        self.timers.push((key, Some(at)));
    }

    /// Doesn't bring a handler's timer back any more, once the step is durable.
    pub(crate) fn unset_timer(&mut self, key: Bytes) {
        self.timers.push((key, None));
    }

    /// The partition in which `conversation` lives.
    pub(crate) fn home(&self, conversation: &ConversationId) -> Partition {
        conversation.partition(self.engine.store.partitions())
    }

    /// Makes the step durable, and only then lets the rest of the house know of it.
    pub(crate) async fn commit(self) -> Result<Committed, Error> {
        let Self {
            engine,
            mut batch,
            consent,
            changed,
            lines,
            begun,
            told,
            timers,
            going,
            mut logged,
            unsealed,
            unsealed_events,
            ..
        } = self;
        for (n, conversation) in unsealed_events {
            let sealed = engine.seal_in(&conversation, (Table::Inbox, b""), &batch.sends[n].record).await?;
            if let Some(sealed) = sealed {
                batch.sends[n].record = layout::encode_as(layout::SEALED, &sealed);
            }
        }
        for message in unsealed {
            let Some(vault) = engine.seals(&message.tenant) else {
                unreachable!("a vault that was there stays, and tenants are those of the start")
            };
            let veil = vault.seal(&message, engine.clock.now()).await.map_err(read_error)?;
            signalbox_records::vault::stage_sealed(&mut batch, &message, &veil);
            if is_logged(engine, &message.tenant).is_some() {
                logged.push((message.tenant.clone(), engine.audit.text(&batch, &message)));
            }
        }
        for Lines { message, entries } in &lines {
            signalbox_records::stage_entries(&mut batch, &message.tenant, message.id, entries);
            let (Some(first), Some(last)) = (entries.first(), entries.last()) else { continue };
            if let Some(keys) = is_logged(engine, &message.tenant) {
                let item = engine.audit.line(keys, &batch, message, first.n, last.status);
                logged.push((message.tenant.clone(), item));
            }
        }
        if batch.is_empty() && logged.is_empty() {
            return Ok(Committed::default());
        }
        let partition = batch.partition;
        let logged_of: BTreeSet<TenantId> = logged.iter().map(|(tenant, _)| tenant.clone()).collect();
        let mut turn =
            if logged.is_empty() { None } else { Some(engine.audit.stage(engine, &mut batch, logged).await?) };
        // A new message is in memory before anybody can hear of it: its event may be handled as soon as it is durable,
        // and what that makes of it must come after this.
        for live in changed.iter().filter(|live| begun.contains(&live.message.id)) {
            engine.hot.put(live.clone());
        }
        let mut rings = Vec::with_capacity(told.len());
        let (is_sure, committing) = {
            // The outbox is read on from its last key, so its keys must rise in the order of the commits.
            let _in_order = (!told.is_empty()).then(|| engine.outbox_order(partition));
            for item in told {
                let seq = engine.next_seq(&mut batch);
                rings.push(webhooks::stage(&mut batch, item, seq));
            }
            (batch.checks.is_empty(), engine.store.commit(batch))
        };
        if is_sure {
            // The next link may build on ours: its commit comes behind.
            turn = None;
        }
        match committing.await {
            Ok(committed) => {
                if !logged_of.is_empty() {
                    engine.audit.committed();
                }
                if let Some(staged) = consent {
                    staged.is_durable();
                }
                for live in changed.into_iter().filter(|live| !begun.contains(&live.message.id)) {
                    engine.hot.put(live);
                }
                if let Some(going) = going {
                    engine.counted.sent(*going);
                }
                for endpoint in rings {
                    engine.webhooks.ring(partition, endpoint);
                }
                for (key, at) in timers {
                    match at {
                        Some(at) => engine.handler_timers.set(engine, partition, key, at),
                        None => engine.handler_timers.unset(engine, partition, key),
                    }
                }
                Ok(committed)
            }
            Err(error) => {
                // Memory must not run ahead of what is durable.
                if !logged_of.is_empty() {
                    engine.audit.forget(partition, turn, &logged_of).await;
                }
                for live in &changed {
                    engine.hot.forget(live.message.id);
                }
                Err(error.into())
            }
        }
    }
}

/// The audit log's keys, if the tenant has a log.
fn is_logged<'e>(engine: &'e Engine, tenant: &TenantId) -> Option<&'e Keys> {
    let keys = engine.audit.keys()?;
    let account = engine.directory.account(tenant)?;
    engine.audit.covers(&account.tenant).then_some(keys)
}
