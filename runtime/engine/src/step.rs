//! A step is one commit: what an event leads to lands whole or not at all.

use std::sync::Arc;

use bytes::Bytes;
use signalbox_model::event::Queued;
use signalbox_model::timeline::IllegalTransition;
use signalbox_model::{
    AttemptId, Cause, ConversationId, Entry, ErrorClass, Event, EventId, Head, Message, MessageId, Partition, Status,
    Timestamp,
};
use signalbox_store::{Batch, Committed, InboxSeq, Table, layout};
use signalbox_webhooks as webhooks;

use crate::engine::Engine;
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
    begun: Vec<MessageId>,
    told: Vec<webhooks::Item>,
    timers: Vec<(Bytes, Option<Timestamp>)>,
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
            begun: Vec::new(),
            told: Vec::new(),
            timers: Vec::new(),
        }
    }

    pub(crate) fn partition(&self) -> Partition {
        self.batch.partition
    }

    /// Writes a new message with the first line of its timeline.
    pub(crate) fn begin(&mut self, message: Arc<Message>, status: Status, cause: Cause, class: Option<ErrorClass>) {
        let seq = self.engine.next_seq(&mut self.batch);
        let entry = Entry { n: 0, seq, at: self.at, status, cause, class };
        signalbox_records::stage_message(&mut self.batch, &message);
        signalbox_records::stage_history(&mut self.batch, &message);
        let head = Head::begin(&entry);
        self.record(&message, &entry);
        self.begun.push(message.id);
        self.changed.push(Live { message, head, last: Some(Arc::new(entry)) });
    }

    /// Writes the next line of a message's timeline; the only way by which a message changes.
    pub(crate) fn advance(
        &mut self,
        live: &mut Live,
        to: Status,
        cause: Cause,
        class: Option<ErrorClass>,
    ) -> Result<(), IllegalTransition> {
        let was = live.head.status;
        let seq = self.engine.next_seq(&mut self.batch);
        let entry = live.head.append(to, cause, class, self.at, seq)?;
        signalbox_records::stage_entry(&mut self.batch, &live.message.tenant, live.message.id, &entry);
        if was != to {
            self.tell(&live.message, &entry);
        }
        self.engine.metrics.transition(to);
        live.last = Some(Arc::new(entry));
        match self.changed.iter_mut().find(|changed| changed.message.id == live.message.id) {
            Some(changed) => *changed = live.clone(),
            None => self.changed.push(live.clone()),
        }
        Ok(())
    }

    /// Replaces the stored message: a handler rewrote it.
    pub(crate) fn rewrite(&mut self, message: &Message) {
        signalbox_records::stage_message(&mut self.batch, message);
    }

    fn record(&mut self, message: &Message, entry: &Entry) {
        signalbox_records::stage_entry(&mut self.batch, &message.tenant, message.id, entry);
        self.tell(message, entry);
        self.engine.metrics.transition(entry.status);
    }

    /// Notes which webhooks want to hear of `entry`.
    fn tell(&mut self, message: &Message, entry: &Entry) {
        let event = webhooks::event_type(entry.status);
        let directory = &self.engine.directory;
        let hooks = directory.account(&message.tenant).map(|account| directory.listeners(&account, event));
        let hooks = hooks.unwrap_or_default();
        let wanted = hooks.iter().map(|hook| webhooks::Endpoint::Webhook { name: hook.name.clone() });
        let callback = message.callback_url.iter().map(|url| webhooks::Endpoint::Callback { url: url.clone() });
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
    }

    /// A message as it stands in this step.
    pub(crate) fn live(&self, id: MessageId) -> Option<Live> {
        self.changed.iter().find(|live| live.message.id == id).cloned()
    }

    /// Puts an event into the inbox of `to`.
    pub(crate) fn event(&mut self, to: Partition, event: Event) -> EventId {
        let id = EventId::new(self.at, to, &self.engine.chance);
        let queued = Queued { id, at: self.at, attempts: 0, not_before: self.at, event };
        self.batch.send(to, layout::encode(&queued));
        id
    }

    /// Takes the event off the inbox: its work is done with this step.
    pub(crate) fn take(&mut self, seq: InboxSeq) {
        self.batch.take(seq);
    }

    /// Takes off the inbox an event that may have failed before.
    pub(crate) fn take_event(&mut self, pending: &Pending) {
        self.batch.take(pending.seq);
        if pending.queued.attempts > 0 {
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
        let Self { engine, mut batch, consent, changed, begun, told, timers, .. } = self;
        if batch.is_empty() {
            return Ok(Committed::default());
        }
        let partition = batch.partition;
        // A new message is in memory before anybody can hear of it: its event may be handled as soon as it is durable,
        // and what that makes of it must come after this.
        for live in changed.iter().filter(|live| begun.contains(&live.message.id)) {
            engine.hot.put(live.clone());
        }
        let mut rings = Vec::with_capacity(told.len());
        let committing = {
            // The outbox is read on from its last key, so its keys must rise in the order of the commits.
            let _in_order = (!told.is_empty()).then(|| engine.outbox_order(partition));
            for item in &told {
                let seq = engine.next_seq(&mut batch);
                rings.push(webhooks::stage(&mut batch, item, seq));
            }
            engine.store.commit(batch)
        };
        match committing.await {
            Ok(committed) => {
                if let Some(staged) = consent {
                    staged.is_durable();
                }
                for live in changed.into_iter().filter(|live| !begun.contains(&live.message.id)) {
                    engine.hot.put(live);
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
                for live in &changed {
                    engine.hot.forget(live.message.id);
                }
                Err(error.into())
            }
        }
    }
}
