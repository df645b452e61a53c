//! The store itself: the seam on one side, the committer and the trees on the other.

use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::{Mutex, RwLock};
use signalbox_model::Partition;
use signalbox_store::batch::validate_partition;
use signalbox_store::layout::inbox_key;
use signalbox_store::{Batch, Committed, Durability, Epoch, Error, InboxBell, InboxSeq, Page, Range, Store, Table};
use tokio::sync::{oneshot, watch};

use crate::committer::{self, inbox_seq};
use crate::config::Config;
use crate::folder::Folder;
use crate::group::Owners;
use crate::inbox::{Bounds, Inbox};
use crate::journal;
use crate::keys::{KeyWriter, Space};
use crate::queue::{Queue, Request};
use crate::shared::Shared;
use crate::trees::{Trees, to_bytes};

/// A longer page is read on a thread for blocking work, for it may touch the disk many times.
const LONG_PAGE: usize = 512;

/// A store in one folder, for one process.
///
/// Commits are grouped by one thread (see the crate's text); reads are done where they are asked for, mostly from
/// memory. Dropping it closes it and blocks until the folder is let go of.
#[derive(Debug)]
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

impl EmbeddedStore {
    /// Opens the store in the folder, or makes it. Reads the disk; meant for the start of a process.
    ///
    /// # Errors
    ///
    /// [`Error::Unusable`]: the text says what is wrong with the folder and how to mend it.
    pub fn open(config: Config) -> Result<Arc<Self>, Error> {
        let folder = Folder::take(&config.folder, config.partitions)?;
        journal::look_over(&folder.data())?;
        let trees = Trees::open(&folder.data(), &config)?;
        let owners = Owners::load(&trees, config.partitions)?;
        folder.finish_making(config.partitions)?;
        let bounds = Bounds { records: config.inbox_tail_records, bytes: config.inbox_tail_bytes };
        let shared = Arc::new(Shared {
            queue: Queue::new(config.max_waiting_batches),
            inboxes: owners.next_seqs().map(|next| Inbox::new(next, bounds)).collect(),
            trees: RwLock::new(Some(trees)),
            folder: RwLock::new(Some(folder)),
            failure: watch::Sender::new(None),
            ended: watch::Sender::new(false),
            config,
        });
        let committer = std::thread::Builder::new()
            .name("store-committer".to_owned())
            .spawn({
                let shared = shared.clone();
                move || committer::run(&shared, owners)
            })
            .map_err(|error| Error::Unusable(format!("can't start the store's thread: {error}")))?;
        Ok(Arc::new(Self { shared, committer: Mutex::new(Some(committer)) }))
    }

    fn check(&self, partition: Partition) -> Result<(), Error> {
        validate_partition(partition, self.shared.config.partitions)
    }

    fn read_row(&self, partition: Partition, table: Table, key: &[u8]) -> Result<Option<Bytes>, Error> {
        self.check(partition)?;
        let key = KeyWriter::default().row(partition, table, key);
        let trees = self.shared.trees.read();
        let value = trees.as_ref().ok_or(Error::Closed)?.get(Space::of(table), &key)?;
        Ok(value.map(to_bytes))
    }

    fn read_inbox(
        shared: &Shared,
        partition: Partition,
        after: InboxSeq,
        limit: usize,
    ) -> Result<Vec<(InboxSeq, Bytes)>, Error> {
        validate_partition(partition, shared.config.partitions)?;
        if let Some(records) = shared.inbox(partition).read(after, limit) {
            return if shared.trees.read().is_some() { Ok(records) } else { Err(Error::Closed) };
        }
        let range = Range::prefix(Table::Inbox, Bytes::new(), limit).resume(inbox_key(after));
        let page = read_page(shared, partition, &range)?;
        Ok(page.into_iter().filter_map(|(key, record)| Some((inbox_seq(&key)?, record))).collect())
    }
}

fn read_page(shared: &Shared, partition: Partition, range: &Range) -> Result<Page, Error> {
    validate_partition(partition, shared.config.partitions)?;
    shared.trees.read().as_ref().ok_or(Error::Closed)?.range(partition, range)
}

/// Runs a read that may be long where it blocks nobody.
async fn off_the_path<T: Send + 'static>(
    shared: Arc<Shared>,
    read: impl FnOnce(&Shared) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(move || read(&shared)).await {
        Ok(result) => result,
        Err(_) => Err(Error::Closed),
    }
}

fn free_bytes(folder: &std::path::Path) -> Result<u64, Error> {
    let found = rustix::fs::statvfs(folder);
    // What is kept for root isn't ours.
    let free = found.map(|found| found.f_bavail.saturating_mul(found.f_frsize));
    free.map_err(|error| {
        Error::Unusable(format!("the system doesn't say what is left where {} is: {error}", folder.display()))
    })
}

/// What became of a request; `Closed` if the committer ended without an answer.
fn answer<T: Send + 'static>(
    pushed: Result<(), Error>,
    reply: oneshot::Receiver<Result<T, Error>>,
) -> BoxFuture<'static, Result<T, Error>> {
    match pushed {
        Ok(()) => reply.map(|reply| reply.unwrap_or(Err(Error::Closed))).boxed(),
        Err(error) => std::future::ready(Err(error)).boxed(),
    }
}

impl Store for EmbeddedStore {
    fn partitions(&self) -> u16 {
        self.shared.config.partitions
    }

    fn durability(&self) -> Durability {
        Durability::LocalFsync
    }

    fn acquire(&self, partition: Partition) -> BoxFuture<'_, Result<Epoch, Error>> {
        let (to, reply) = oneshot::channel();
        let pushed = self.check(partition).and_then(|()| self.shared.queue.push(Request::Acquire(partition, to)));
        answer(pushed, reply)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, Error>> {
        let (to, reply) = oneshot::channel();
        let valid = batch.validate(self.shared.config.partitions);
        answer(valid.and_then(|()| self.shared.queue.push(Request::Commit(batch, to))), reply)
    }

    fn get(&self, partition: Partition, table: Table, key: Bytes) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        async move { self.read_row(partition, table, &key) }.boxed()
    }

    fn range(&self, partition: Partition, range: Range) -> BoxFuture<'_, Result<Page, Error>> {
        if range.limit > LONG_PAGE {
            return off_the_path(self.shared.clone(), move |shared| read_page(shared, partition, &range)).boxed();
        }
        async move { read_page(&self.shared, partition, &range) }.boxed()
    }

    fn inbox(
        &self,
        partition: Partition,
        after: InboxSeq,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(InboxSeq, Bytes)>, Error>> {
        async move { Self::read_inbox(&self.shared, partition, after, limit) }.boxed()
    }

    fn free_bytes(&self) -> BoxFuture<'_, Result<Option<u64>, Error>> {
        // A disk that hangs must not hold up who else is on this thread.
        off_the_path(self.shared.clone(), |shared| free_bytes(&shared.config.folder).map(Some)).boxed()
    }

    fn bell(&self, partition: Partition) -> InboxBell {
        self.shared.inbox(partition).bell.clone()
    }

    fn failed(&self) -> BoxFuture<'_, Error> {
        let mut failure = self.shared.failure.subscribe();
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
        self.shared.queue.close();
        let mut ended = self.shared.ended.subscribe();
        async move {
            // The sender lives as long as this store.
            drop(ended.wait_for(|ended| *ended).await);
            match &*self.shared.failure.borrow() {
                Some(why) => Err(Error::Fatal(why.clone())),
                None => Ok(()),
            }
        }
        .boxed()
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(committer) = self.committer.lock().take() {
            // It ends by itself once the queue is closed; a panic in it was already told as a failure.
            drop(committer.join());
        }
    }
}
