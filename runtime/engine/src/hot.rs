//! Messages on their way, kept in memory so that a step needn't read back what the last one wrote.
//!
//! A cache and no more: what falls out is read from the store. It is right because only the owner of a partition
//! changes its messages, each under [`Locks`].

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use signalbox_model::{Head, Message, MessageId};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

/// A message and where it is in its life.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    /// The message.
    pub(crate) message: Arc<Message>,
    /// Its timeline, folded.
    pub(crate) head: Head,
}

/// Shards keep the locks short and apart.
const SHARDS: usize = 32;

/// Messages on their way.
pub(crate) struct Hot {
    shards: Vec<Mutex<Shard>>,
    per_shard: usize,
}

#[derive(Default)]
struct Shard {
    messages: HashMap<MessageId, Live>,
    order: VecDeque<MessageId>,
}

impl Hot {
    /// Keeps at most about `capacity` messages.
    pub(crate) fn new(capacity: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, per_shard: (capacity / SHARDS).max(1) }
    }

    fn shard(&self, id: MessageId) -> &Mutex<Shard> {
        &self.shards[usize::from(id.as_bytes()[15]) % SHARDS]
    }

    pub(crate) fn get(&self, id: MessageId) -> Option<Live> {
        self.shard(id).lock().messages.get(&id).cloned()
    }

    /// Keeps `live`, or lets go of it when its life is over.
    pub(crate) fn put(&self, live: Live) {
        let id = live.message.id;
        let mut shard = self.shard(id).lock();
        if live.head.status.is_terminal() {
            shard.messages.remove(&id);
            return;
        }
        if shard.messages.insert(id, live).is_none() {
            shard.order.push_back(id);
        }
        // `order` may name messages that were let go of; they fall out as they come to the front.
        while shard.order.len() > self.per_shard {
            let oldest = shard.order.pop_front().expect("it is longer than nothing");
            shard.messages.remove(&oldest);
        }
    }

    /// Forgets what memory says of a message, so that it is read from the store.
    pub(crate) fn forget(&self, id: MessageId) {
        self.shard(id).lock().messages.remove(&id);
    }
}

/// One change of a message at a time. Striped: two messages may share a lock, one message always has the same.
pub(crate) struct Locks(Vec<AsyncMutex<()>>);

impl Locks {
    pub(crate) fn new() -> Self {
        Self((0..4_096).map(|_| AsyncMutex::new(())).collect())
    }

    pub(crate) async fn lock(&self, id: MessageId) -> MutexGuard<'_, ()> {
        let bytes = id.as_bytes();
        let stripe = usize::from(u16::from_be_bytes([bytes[14], bytes[15]])) % self.0.len();
        self.0[stripe].lock().await
    }
}
