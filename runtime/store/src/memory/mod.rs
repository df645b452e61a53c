//! The model: an engine in memory that can crash at any commit.
//!
//! Its state is a pure function of a log of entries, and an entry in the log is what "durable" means here. So a crash
//! is the log up to some entry, and reopening is replaying it. Sends to other partitions travel as they would between
//! servers: an outbox in the sender's partition, an insert that the receiver makes at most once, and only then the
//! removal from the outbox; each of them is an entry of its own, and so a place to crash.

mod state;

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use signalbox_model::Partition;
use tokio::sync::watch;

use crate::batch::validate_partition;
use crate::{Batch, Committed, Durability, Epoch, Error, InboxBell, InboxSeq, Page, Range, Store, Table};
use state::{Entry, State};

/// How the model behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many partitions there are.
    pub partitions: u16,
    /// When sends to other partitions arrive.
    pub delivery: Delivery,
}

impl Default for Config {
    /// Eight partitions, sends that arrive at once.
    fn default() -> Self {
        Self { partitions: 8, delivery: Delivery::AtOnce }
    }
}

/// When sends to other partitions arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Right after the commit, and when the store is opened.
    AtOnce,
    /// When [`MemoryStore::pump`] is called.
    Pumped,
}

/// A point at which the model dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// At which entry of the log, from 0, counted since the store was opened. Commits, acquisitions and both halves of
    /// a delivery are entries.
    pub boundary: u64,
    /// On which side of it.
    pub moment: Moment,
}

/// On which side of durability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The entry is lost.
    BeforeDurable,
    /// The entry is there, but its caller never hears of it.
    AfterDurable,
}

/// An engine in memory.
pub struct MemoryStore {
    config: Config,
    inner: Mutex<Inner>,
    bells: Vec<InboxBell>,
    failure: watch::Sender<Option<Arc<str>>>,
}

struct Inner {
    log: Vec<Entry>,
    state: State,
    crash: Option<Crash>,
    entries_since_open: u64,
    closed: bool,
    failure: Option<Arc<str>>,
    damaged: Vec<Table>,
    free_bytes: Option<u64>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(config: Config) -> Arc<Self> {
        Self::reopen(config, Vec::new(), None)
    }

    /// An empty store that will crash.
    pub fn crashing(config: Config, crash: Crash) -> Arc<Self> {
        Self::reopen(config, Vec::new(), Some(crash))
    }

    /// What a process that starts now would find: everything that is durable, and nothing else. This store goes on, if
    /// it lives, without a connection to the image.
    pub fn crash_image(&self) -> Arc<Self> {
        Self::reopen(self.config.clone(), self.inner.lock().log.clone(), None)
    }

    /// Like [`crash_image`](Self::crash_image), and the process that starts on it crashes, too.
    pub fn image_that_crashes(&self, crash: Crash) -> Arc<Self> {
        Self::reopen(self.config.clone(), self.inner.lock().log.clone(), Some(crash))
    }

    /// Delivers all sends that are on their way. Nothing happens once the store has failed or is closed.
    pub fn pump(&self) {
        while self.pump_one() {}
    }

    /// Takes one step of one delivery: the insert at the receiver, or the removal at the sender. False: there was none
    /// to take.
    pub fn pump_one(&self) -> bool {
        let mut inner = self.inner.lock();
        if inner.refusal().is_some() {
            return false;
        }
        let Some(entry) = inner.state.next_delivery() else { return false };
        let rings = self.append(&mut inner, entry).is_ok_and(|(_, rings)| rings);
        drop(inner);
        if rings {
            self.ring_all();
        }
        true
    }

    /// From now on the rows of `table` can't be read, as if the disk had lost them; everything else goes on.
    pub fn damage(&self, table: Table) {
        self.inner.lock().damaged.push(table);
    }

    /// From now on it says that so much is left.
    pub fn set_free_bytes(&self, free: u64) {
        self.inner.lock().free_bytes = Some(free);
    }

    fn reopen(config: Config, log: Vec<Entry>, crash: Option<Crash>) -> Arc<Self> {
        let mut state = State::new(config.partitions);
        for entry in &log {
            state.apply(entry);
        }
        let bells = (0..=config.partitions).map(|_| InboxBell::default()).collect();
        let inner = Inner {
            log,
            state,
            crash,
            entries_since_open: 0,
            closed: false,
            failure: None,
            damaged: Vec::new(),
            free_bytes: None,
        };
        let store = Arc::new(Self { config, inner: Mutex::new(inner), bells, failure: watch::Sender::new(None) });
        if store.config.delivery == Delivery::AtOnce {
            store.pump();
        }
        store
    }

    /// Makes an entry durable and effective, or crashes. Answers what was put into inboxes, and whether to ring.
    fn append(&self, inner: &mut Inner, entry: Entry) -> Result<(Vec<(Partition, InboxSeq)>, bool), Error> {
        let boundary = inner.entries_since_open;
        inner.entries_since_open += 1;
        let crash = inner.crash.filter(|crash| crash.boundary == boundary);
        if crash.is_none_or(|crash| crash.moment == Moment::AfterDurable) {
            inner.log.push(entry.clone());
        }
        if let Some(crash) = crash {
            let why: Arc<str> = format!("the model crashed as it was told to: {crash:?}").into();
            inner.failure = Some(why.clone());
            self.failure.send_replace(Some(why.clone()));
            return Err(Error::Fatal(why));
        }
        let arrived = inner.state.apply(&entry);
        let rings = !arrived.is_empty();
        Ok((arrived, rings))
    }

    fn commit_now(&self, batch: Batch) -> Result<Committed, Error> {
        batch.validate(self.config.partitions)?;
        let mut inner = self.inner.lock();
        inner.refuse()?;
        inner.state.admits(&batch)?;
        let own = batch.partition;
        let (arrived, rings) = self.append(&mut inner, Entry::Commit(batch))?;
        drop(inner);
        if self.config.delivery == Delivery::AtOnce {
            self.pump();
        }
        if rings {
            self.ring_all();
        }
        Ok(Committed { inbox: arrived.into_iter().filter(|(to, _)| *to == own).map(|(_, seq)| seq).collect() })
    }

    fn acquire_now(&self, partition: Partition) -> Result<Epoch, Error> {
        validate_partition(partition, self.config.partitions)?;
        let mut inner = self.inner.lock();
        inner.refuse()?;
        let epoch = Epoch(inner.state.epoch(partition).0 + 1);
        self.append(&mut inner, Entry::Acquire(partition, epoch))?;
        Ok(epoch)
    }

    fn read<T>(&self, partition: Partition, table: Table, read: impl FnOnce(&State) -> T) -> Result<T, Error> {
        validate_partition(partition, self.config.partitions)?;
        let inner = self.inner.lock();
        inner.refuse()?;
        if inner.damaged.contains(&table) {
            return Err(Error::Unusable(format!("the rows of {table:?} can't be read, as the model was told")));
        }
        Ok(read(&inner.state))
    }

    /// A ring may come for nothing, so all bells ring for any record.
    fn ring_all(&self) {
        for bell in &self.bells {
            bell.notify_one();
        }
    }
}

impl Inner {
    fn refusal(&self) -> Option<Error> {
        match &self.failure {
            Some(why) => Some(Error::Fatal(why.clone())),
            None => self.closed.then_some(Error::Closed),
        }
    }

    fn refuse(&self) -> Result<(), Error> {
        self.refusal().map_or(Ok(()), Err)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn partitions(&self) -> u16 {
        self.config.partitions
    }

    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn acquire(&self, partition: Partition) -> BoxFuture<'_, Result<Epoch, Error>> {
        ready(self.acquire_now(partition)).boxed()
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, Error>> {
        // At the call, not at the first poll: that is what keeps the order of a caller that doesn't wait.
        ready(self.commit_now(batch)).boxed()
    }

    fn get(&self, partition: Partition, table: Table, key: Bytes) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        async move { self.read(partition, table, |state| state.get(partition, table, &key)) }.boxed()
    }

    fn range(&self, partition: Partition, range: Range) -> BoxFuture<'_, Result<Page, Error>> {
        async move { self.read(partition, range.table, |state| state.range(partition, &range)) }.boxed()
    }

    fn inbox(
        &self,
        partition: Partition,
        after: InboxSeq,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(InboxSeq, Bytes)>, Error>> {
        async move { self.read(partition, Table::Inbox, |state| state.inbox(partition, after, limit)) }.boxed()
    }

    fn free_bytes(&self) -> BoxFuture<'_, Result<Option<u64>, Error>> {
        ready(Ok(self.inner.lock().free_bytes)).boxed()
    }

    fn bell(&self, partition: Partition) -> InboxBell {
        let last = self.bells.len() - 1;
        self.bells[usize::from(partition.index()).min(last)].clone()
    }

    fn failed(&self) -> BoxFuture<'_, Error> {
        let mut failure = self.failure.subscribe();
        async move {
            let why = match failure.wait_for(Option::is_some).await {
                Ok(why) => why.clone(),
                Err(_) => None,
            };
            match why {
                Some(why) => Error::Fatal(why),
                None => std::future::pending().await,
            }
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            let mut inner = self.inner.lock();
            inner.closed = true;
            inner.failure.as_ref().map_or(Ok(()), |why| Err(Error::Fatal(why.clone())))
        }
        .boxed()
    }
}
