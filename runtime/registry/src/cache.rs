//! Standings in memory: read for every message, several times.
//!
//! A cache and no more: what falls out is read from the store. A reader puts in what it read only if nobody changed
//! anything of that shard meanwhile; otherwise a slow reader could bring back what was true before a STOP.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::HashMap;
use parking_lot::Mutex;

use crate::consent::{ConsentId, Standing};

/// Shards keep the locks short and apart.
const SHARDS: usize = 64;

pub(crate) struct Cache {
    shards: Vec<Mutex<Shard>>,
    per_shard: usize,
}

#[derive(Default)]
struct Shard {
    known: HashMap<ConsentId, Arc<Standing>>,
    order: VecDeque<ConsentId>,
    changes: u64,
}

impl Cache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), per_shard: (capacity / SHARDS).max(1) }
    }

    fn shard(&self, id: ConsentId) -> &Mutex<Shard> {
        &self.shards[usize::from(id.0[0]) % SHARDS]
    }

    /// What is known, or how many changes there were when it wasn't.
    pub(crate) fn get(&self, id: ConsentId) -> Result<Arc<Standing>, u64> {
        let shard = self.shard(id).lock();
        shard.known.get(&id).cloned().ok_or(shard.changes)
    }

    /// Keeps what was read after `changes`, unless there were more since.
    pub(crate) fn fill(&self, id: ConsentId, standing: Arc<Standing>, changes: u64) {
        let mut shard = self.shard(id).lock();
        if shard.changes == changes {
            self.insert(&mut shard, id, standing);
        }
    }

    /// Keeps what was written.
    pub(crate) fn put(&self, id: ConsentId, standing: Arc<Standing>) {
        let mut shard = self.shard(id).lock();
        shard.changes += 1;
        self.insert(&mut shard, id, standing);
    }

    /// Forgets what may not be so.
    pub(crate) fn forget(&self, id: ConsentId) {
        let mut shard = self.shard(id).lock();
        shard.changes += 1;
        shard.known.remove(&id);
    }

    /// Forgets everything: an import became visible.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.changes += 1;
            shard.known.clear();
            shard.order.clear();
        }
    }

    fn insert(&self, shard: &mut Shard, id: ConsentId, standing: Arc<Standing>) {
        if shard.known.insert(id, standing).is_none() {
            shard.order.push_back(id);
        }
        while shard.order.len() > self.per_shard {
            let oldest = shard.order.pop_front().expect("it is longer than nothing");
            shard.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ConsentId = ConsentId([7; 16]);

    #[test]
    fn a_slow_reader_doesnt_bring_back_what_was_before_a_change() {
        let cache = Cache::new(640);
        let before = cache.get(ID).unwrap_err();
        let stopped = Arc::new(Standing::default());
        cache.put(ID, stopped.clone());
        cache.fill(ID, Arc::default(), before);
        assert!(Arc::ptr_eq(&cache.get(ID).unwrap(), &stopped));
        let before = {
            cache.forget(ID);
            cache.get(ID).unwrap_err()
        };
        cache.clear();
        cache.fill(ID, Arc::default(), before);
        assert!(cache.get(ID).is_err());
    }

    #[test]
    fn the_oldest_fall_out() {
        let cache = Cache::new(SHARDS * 2);
        let ids: Vec<_> = (0..3).map(|n| ConsentId([0, n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])).collect();
        ids.iter().for_each(|id| cache.put(*id, Arc::default()));
        assert!(cache.get(ids[0]).is_err() && cache.get(ids[2]).is_ok());
    }
}
