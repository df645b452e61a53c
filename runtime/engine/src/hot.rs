//! Messages on their way, kept in memory so that a step needn't read back what the last one wrote.
//!
//! A cache and no more: what falls out is read from the store. It is right because only the owner of a partition
//! changes its messages, each under [`Locks`]. Those that came to their end stay only until their webhooks have most
//! likely been told: memory that is used again soon is still near the processor.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use foldhash::HashMap;
use parking_lot::Mutex;
use signalbox_model::{Address, Entry, Head, Message, MessageId, TenantId};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

/// A message and where it is in its life.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    /// The message.
    pub(crate) message: Arc<Message>,
    /// Its timeline, folded.
    pub(crate) head: Arc<Head>,
    /// The last line of its timeline, where a webhook tells it in the next moment.
    pub(crate) last: Option<Arc<Entry>>,
}

/// Shards keep the locks short and apart.
const SHARDS: usize = 32;

/// One in so many of those kept may have come to its end: as many as are told of while a receiver takes its time. Reading one
/// back from the store costs a fifteenth of all that is done for a message.
const ENDED_SHARE: usize = 2;

/// Messages on their way.
pub(crate) struct Hot {
    shards: Vec<Mutex<Shard>>,
    per_shard: usize,
    ended_per_shard: usize,
}

#[derive(Default)]
struct Shard {
    messages: HashMap<MessageId, Live>,
    /// As they came; some of them are gone by now.
    order: VecDeque<MessageId>,
    /// As they ended.
    ended: VecDeque<MessageId>,
}

impl Shard {
    /// Takes the messages that ended first out of memory, until no more than `most` of them are left.
    fn forget_ended(&mut self, most: usize) {
        while self.ended.len() > most {
            let oldest = self.ended.pop_front().expect("it is longer than nothing");
            self.messages.remove(&oldest);
        }
    }

    /// Takes the oldest out of memory, until no more than `most` are left. Who is gone already takes no room.
    fn forget_oldest(&mut self, most: usize) {
        while self.messages.len() > most {
            let oldest = self.order.pop_front().expect("every message is in it");
            self.messages.remove(&oldest);
        }
        if self.order.len() > 2 * most {
            let Self { messages, order, .. } = self;
            order.retain(|id| messages.contains_key(id));
        }
    }
}

impl Hot {
    /// Keeps at most about `capacity` messages.
    pub(crate) fn new(capacity: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let per_shard = (capacity / SHARDS).max(1);
        Self { shards, per_shard, ended_per_shard: (per_shard / ENDED_SHARE).max(1) }
    }

    fn shard(&self, id: MessageId) -> &Mutex<Shard> {
        &self.shards[usize::from(id.as_bytes()[15]) % SHARDS]
    }

    pub(crate) fn get(&self, id: MessageId) -> Option<Live> {
        self.shard(id).lock().messages.get(&id).cloned()
    }

    /// Keeps `live`, until enough others have come after it, or ended after it. An older state never replaces a newer one.
    pub(crate) fn put(&self, live: Live) {
        let id = live.message.id;
        let has_ended = live.head.status.is_terminal();
        let mut shard = self.shard(id).lock();
        let shard = &mut *shard;
        let known = shard.messages.get(&id);
        if known.is_some_and(|known| known.head.entries > live.head.entries) {
            return;
        }
        let ends = has_ended && known.is_none_or(|known| !known.head.status.is_terminal());
        if shard.messages.insert(id, live).is_none() {
            shard.order.push_back(id);
        }
        if ends {
            shard.ended.push_back(id);
        }
        shard.forget_ended(self.ended_per_shard);
        shard.forget_oldest(self.per_shard);
    }

    /// Forgets all messages of a person. A look at every one in memory: done when a person's words are erased.
    pub(crate) fn forget_person(&self, tenant: &TenantId, theirs: &Address) {
        for shard in &self.shards {
            let is_theirs = |live: &Live| live.message.tenant == *tenant && live.message.theirs() == theirs;
            shard.lock().messages.retain(|_, live| !is_theirs(live));
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
        self.0[self.stripe(id)].lock().await
    }

    /// The locks of all of these. In the order of the stripes, so that two who do this never wait for each other; who holds
    /// one lock asks for no other.
    pub(crate) async fn lock_all(&self, ids: &[MessageId]) -> Vec<MutexGuard<'_, ()>> {
        let stripes: BTreeSet<_> = ids.iter().map(|id| self.stripe(*id)).collect();
        let mut locks = Vec::with_capacity(stripes.len());
        for stripe in stripes {
            locks.push(self.0[stripe].lock().await);
        }
        locks
    }

    fn stripe(&self, id: MessageId) -> usize {
        let bytes = id.as_bytes();
        usize::from(u16::from_be_bytes([bytes[14], bytes[15]])) % self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_model::{Cause, Direction, Partition, Status, Timestamp};

    fn live(n: u64, status: Status, entries: u16) -> Live {
        let id = MessageId::derived(Timestamp::from_millis(n), Partition::new(0), n << 8);
        let entry = Entry { n: entries - 1, seq: 1, at: Timestamp::EPOCH, status, cause: Cause::Expired, class: None };
        let message = Message {
            id,
            conversation: signalbox_model::ConversationId::from_bytes([0; 16]),
            tenant: "acme".parse().unwrap(),
            direction: Direction::Outbound,
            from: "12345".parse().unwrap(),
            to: "12346".parse().unwrap(),
            body: Default::default(),
            original: None,
            category: Default::default(),
            campaign: None,
            tags: vec![],
            callback_url: None,
            accepted_at: Timestamp::EPOCH,
            send_at: None,
            expires_at: Timestamp::MAX,
            encoding: signalbox_model::Encoding::Gsm7,
            segments: 1,
            origin: signalbox_model::Origin::Keyword,
            depth: 0,
            veil: Default::default(),
        };
        Live { message: Arc::new(message), head: Arc::new(Head::begin(&entry)), last: None }
    }

    #[test]
    fn an_older_state_never_replaces_a_newer_one() {
        let hot = Hot::new(64);
        let (older, newer) = (live(1, Status::Accepted, 1), live(1, Status::Queued, 2));
        hot.put(newer.clone());
        hot.put(older);
        assert_eq!(hot.get(newer.message.id).unwrap().head.status, Status::Queued);
    }

    #[test]
    fn the_oldest_fall_out_when_there_are_too_many() {
        let hot = Hot::new(SHARDS);
        let (first, second) = (live(1, Status::Queued, 1), live(2, Status::Queued, 1));
        hot.put(first.clone());
        hot.put(second.clone());
        assert!(hot.get(first.message.id).is_none() && hot.get(second.message.id).is_some());
    }

    #[test]
    fn what_came_to_its_end_makes_room_before_what_is_on_its_way() {
        let hot = Hot::new(SHARDS * ENDED_SHARE);
        let waits = live(1, Status::Queued, 1);
        let ended: Vec<_> = (2..100).map(|n| live(n, Status::Delivered, 1)).collect();
        hot.put(waits.clone());
        ended.iter().for_each(|live| hot.put(live.clone()));
        let kept: Vec<_> = ended.iter().filter(|live| hot.get(live.message.id).is_some()).collect();
        assert!(hot.get(waits.message.id).is_some(), "however many ended");
        assert_eq!(kept.iter().map(|live| live.message.id).collect::<Vec<_>>(), [ended.last().unwrap().message.id]);
        let remembered: usize = hot.shards.iter().map(|shard| shard.lock().order.len()).sum();
        assert!(remembered <= 2 * ENDED_SHARE + 1, "{remembered}");
    }
}
