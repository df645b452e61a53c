//! Whether anything went from a sender to a recipient before: a row for each conversation, written with its first message.
//!
//! Memory is a cache over the rows. What was sent before rules began to ask isn't in them: its recipient is told once more who
//! writes and how to opt out.

use std::collections::VecDeque;

use foldhash::HashMap;
use parking_lot::Mutex;
use signalbox_model::{ConversationId, Message, MessageId};
use signalbox_store::Table;

use super::{Place, first_key};
use crate::engine::Engine;
use crate::error::Error;

/// Shards keep the locks short and apart.
const SHARDS: usize = 64;

/// The first message of each conversation.
pub(crate) struct Firsts {
    shards: Vec<Mutex<Shard>>,
    per_shard: usize,
}

#[derive(Default)]
struct Shard {
    known: HashMap<ConversationId, First>,
    order: VecDeque<ConversationId>,
}

#[derive(Clone, Copy)]
struct First {
    /// None where the one that took the place gave it back.
    message: Option<MessageId>,
    durable: bool,
}

impl Firsts {
    /// Of about `capacity` conversations in memory.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), per_shard: (capacity / SHARDS).max(1) }
    }

    fn shard(&self, id: ConversationId) -> &Mutex<Shard> {
        &self.shards[usize::from(id.as_bytes()[0]) % SHARDS]
    }

    /// Is it the first? Of several that are checked before one is sent, the first that takes its place is.
    pub(crate) async fn is_first(&self, engine: &Engine, message: &Message, place: Place) -> Result<bool, Error> {
        let id = message.conversation_id();
        if let Some(first) = self.shard(id).lock().known.get_mut(&id) {
            if first.message.is_none() && place == Place::Take {
                first.message = Some(message.id);
            }
            return Ok(first.message.is_none_or(|first| first == message.id));
        }
        let home = id.partition(engine.store.partitions());
        let row = engine.store.get(home, Table::FirstSent, first_key(message)).await?;
        let stored = row.and_then(|row| Some(MessageId::from_bytes((&*row).try_into().ok()?)));
        let first = match (stored, place) {
            (Some(message), _) => First { message: Some(message), durable: true },
            (None, Place::Take) => First { message: Some(message.id), durable: false },
            (None, Place::Look) => return Ok(true),
        };
        Ok(self.shard(id).lock().put(id, first, self.per_shard).message == Some(message.id))
    }

    /// The message isn't sent: another may be the first.
    pub(crate) fn withdraw(&self, id: ConversationId, message: MessageId) {
        let mut shard = self.shard(id).lock();
        if let Some(first) = shard.known.get_mut(&id).filter(|first| first.message == Some(message) && !first.durable) {
            first.message = None;
        }
    }

    /// The message is being sent. Has it to be written down that it is the first?
    pub(crate) fn becomes_durable(&self, message: &Message) -> bool {
        let id = message.conversation_id();
        let mut shard = self.shard(id).lock();
        match shard.known.get_mut(&id) {
            Some(first) if first.message == Some(message.id) => !std::mem::replace(&mut first.durable, true),
            _ => false,
        }
    }
}

impl Shard {
    /// Puts it in, unless somebody else was sooner; what is there then.
    fn put(&mut self, id: ConversationId, first: First, most: usize) -> First {
        if let Some(known) = self.known.get(&id) {
            return *known;
        }
        while self.order.len() >= most {
            let oldest = self.order.pop_front().expect("it is longer than nothing");
            self.known.remove(&oldest);
        }
        self.order.push_back(id);
        self.known.insert(id, first);
        first
    }
}
