//! The endpoints that have a desk, their bells and their counters.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use signalbox_model::{Partition, TenantId};
use tokio::sync::Notify;

use crate::item::{EndpointKey, Item};

/// Who rings and who counts. Locks are held for a lookup or an insertion, never over a wait.
#[derive(Default)]
pub(crate) struct Roster {
    entries: Mutex<HashMap<EndpointKey, Arc<Entry>>>,
    newcomers: Mutex<Vec<Arc<Entry>>>,
    pub arrival: Notify,
}

/// One endpoint.
pub(crate) struct Entry {
    pub key: EndpointKey,
    rung: Mutex<BTreeSet<Partition>>,
    pub bell: Notify,
    name: Mutex<Option<(TenantId, String)>>,
    pub counters: Counters,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub waiting: AtomicU64,
    pub retrying: AtomicU64,
    pub delivered: AtomicU64,
    pub failed: AtomicU64,
    pub parked: AtomicU64,
}

/// How an endpoint does, since it last had something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointStats {
    /// Which.
    pub key: EndpointKey,
    /// Whose, and the webhook's name or the callback's origin; `None` before its first event was read.
    pub name: Option<(TenantId, String)>,
    /// Events in memory; more may wait on disk.
    pub waiting: u64,
    /// Conversations whose first event waits for a retry.
    pub retrying: u64,
    /// Events told.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Events given up.
    pub parked: u64,
}

impl Roster {
    /// Something came for `key` in `partition`.
    pub fn ring(&self, partition: Partition, key: EndpointKey) {
        let mut entries = self.entries.lock();
        let entry = entries.entry(key).or_insert_with(|| {
            let entry = Arc::new(Entry::new(key));
            self.newcomers.lock().push(Arc::clone(&entry));
            self.arrival.notify_one();
            entry
        });
        if entry.rung.lock().insert(partition) {
            entry.bell.notify_one();
        }
    }

    /// Endpoints that have no desk yet.
    pub fn newcomers(&self) -> Vec<Arc<Entry>> {
        std::mem::take(&mut self.newcomers.lock())
    }

    /// Takes an endpoint with nothing to do off; refuses if it was rung meanwhile.
    pub fn leave(&self, entry: &Entry) -> bool {
        let mut entries = self.entries.lock();
        let idle = entry.rung.lock().is_empty();
        if idle {
            entries.remove(&entry.key);
        }
        idle
    }

    pub fn stats(&self) -> Vec<EndpointStats> {
        self.entries.lock().values().map(|entry| entry.stats()).collect()
    }
}

impl Entry {
    fn new(key: EndpointKey) -> Self {
        Self { key, rung: Mutex::default(), bell: Notify::new(), name: Mutex::default(), counters: Counters::default() }
    }

    /// The partitions that rang since the last time.
    pub fn take_rung(&self) -> BTreeSet<Partition> {
        std::mem::take(&mut self.rung.lock())
    }

    /// What it is called; the first event says it.
    pub fn call(&self, item: &Item) {
        self.name.lock().get_or_insert_with(|| (item.tenant.clone(), item.endpoint.label()));
    }

    fn stats(&self) -> EndpointStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EndpointStats {
            key: self.key,
            name: self.name.lock().clone(),
            waiting: read(&self.counters.waiting),
            retrying: read(&self.counters.retrying),
            delivered: read(&self.counters.delivered),
            failed: read(&self.counters.failed),
            parked: read(&self.counters.parked),
        }
    }
}
