//! What the tests share: a store, and messages to put into it.

use std::sync::Arc;

use signalbox_model::{
    Body, Category, Cause, Chance, Conversation, Decision, Direction, Encoding, Entry, Head, Message, MessageId,
    Origin, Partition, Status, TenantId, Timestamp, Verdict,
};
use signalbox_records::{stage_entries, stage_history, stage_message};
use signalbox_store::memory::{Config, MemoryStore};
use signalbox_store::{Batch, Epoch, Store};

pub struct House {
    pub store: Arc<MemoryStore>,
    epochs: Vec<Epoch>,
    chance: Chance,
}

pub fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

pub fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + ms)
}

pub fn decision() -> Decision {
    Decision { verdict: Verdict::Allow, reasons: vec![], rules: 7, trace: Default::default() }
}

impl House {
    pub async fn new() -> Self {
        let store = MemoryStore::new(Config::default());
        let mut epochs = Vec::new();
        for partition in 0..store.partitions() {
            epochs.push(store.acquire(Partition::new(partition)).await.unwrap());
        }
        Self { store, epochs, chance: Chance::seeded(11) }
    }

    pub fn batch(&self, partition: Partition) -> Batch {
        Batch::new(partition, self.epochs[usize::from(partition.index())])
    }

    pub fn message(&self, tenant_name: &str, direction: Direction, from: &str, to: &str, ms: u64) -> Message {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        let (ours, theirs) = if direction == Direction::Outbound { (&from, &to) } else { (&to, &from) };
        let conversation =
            Conversation { tenant: tenant(tenant_name), ours: Clone::clone(ours), theirs: Clone::clone(theirs) };
        let partition = conversation.id().partition(self.store.partitions());
        Message {
            id: MessageId::new(at(ms), partition, &self.chance),
            conversation: conversation.id(),
            tenant: tenant(tenant_name),
            direction,
            from,
            to,
            body: Body { text: format!("message of {ms}"), media_urls: vec![] },
            original: None,
            category: Category::default(),
            campaign: None,
            tags: vec!["a".into()],
            callback_url: None,
            accepted_at: at(ms),
            send_at: None,
            expires_at: at(ms) + Message::DEFAULT_VALIDITY,
            encoding: Encoding::Gsm7,
            segments: 1,
            origin: Origin::Keyword,
            depth: 0,
            veil: Default::default(),
        }
    }

    /// A message with a timeline of `extra` lines behind the first one.
    pub async fn put(&self, message: &Message, extra: u16) -> Vec<Entry> {
        let first = match message.direction {
            Direction::Outbound => (Status::Accepted, Cause::Accepted { decision: decision() }),
            Direction::Inbound => {
                (Status::Received, Cause::Received { carrier: "c".into(), parts: 1, of: 1, keyword: None })
            }
        };
        let first = Entry { n: 0, seq: 1, at: message.accepted_at, status: first.0, cause: first.1, class: None };
        let mut head = Head::begin(&first);
        let mut entries = vec![first];
        for n in 0..extra {
            let (to, cause) = match n {
                0 => (Status::Queued, Cause::Queued { carrier: "c".into(), handler: None, decision: decision() }),
                _ => (Status::Queued, Cause::Unsent { carrier: "c".into() }),
            };
            let when = message.accepted_at;
            entries.push(head.append(to, cause, None, when, u64::from(n) + 2).unwrap());
        }
        let mut batch = self.batch(message.id.partition());
        stage_message(&mut batch, message);
        stage_history(&mut batch, message);
        // As steps write them: one line, then two at a time.
        let shared: Vec<_> = entries.iter().cloned().map(Arc::new).collect();
        let (first, rest) = shared.split_at(1);
        for lines in std::iter::once(first).chain(rest.chunks(2)) {
            stage_entries(&mut batch, &message.tenant, message.id, lines);
        }
        self.store.commit(batch).await.unwrap();
        entries
    }
}
