//! A store with a defect.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use signalbox_model::Partition;
use signalbox_store::Store;
use signalbox_store::memory::MemoryStore;

/// A store in which whoever looks for parts of a long message runs into a defect, for as long as the test says.
#[derive(Debug)]
pub struct Trapped {
    pub(super) store: Arc<MemoryStore>,
    pub armed: std::sync::atomic::AtomicBool,
}

impl Store for Trapped {
    fn partitions(&self) -> u16 {
        self.store.partitions()
    }

    fn durability(&self) -> signalbox_store::Durability {
        self.store.durability()
    }

    fn acquire(&self, partition: Partition) -> BoxFuture<'_, Result<signalbox_store::Epoch, signalbox_store::Error>> {
        self.store.acquire(partition)
    }

    fn commit(
        &self,
        batch: signalbox_store::Batch,
    ) -> BoxFuture<'_, Result<signalbox_store::Committed, signalbox_store::Error>> {
        self.store.commit(batch)
    }

    fn get(
        &self,
        partition: Partition,
        table: signalbox_store::Table,
        key: bytes::Bytes,
    ) -> BoxFuture<'_, Result<Option<bytes::Bytes>, signalbox_store::Error>> {
        let armed = self.armed.load(std::sync::atomic::Ordering::Relaxed);
        assert!(!armed || table != signalbox_store::Table::Part, "a defect that the test wants");
        self.store.get(partition, table, key)
    }

    fn range(
        &self,
        partition: Partition,
        range: signalbox_store::Range,
    ) -> BoxFuture<'_, Result<signalbox_store::Page, signalbox_store::Error>> {
        self.store.range(partition, range)
    }

    fn inbox(
        &self,
        partition: Partition,
        after: signalbox_store::InboxSeq,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(signalbox_store::InboxSeq, bytes::Bytes)>, signalbox_store::Error>> {
        self.store.inbox(partition, after, limit)
    }

    fn bell(&self, partition: Partition) -> signalbox_store::InboxBell {
        self.store.bell(partition)
    }

    fn failed(&self) -> BoxFuture<'_, signalbox_store::Error> {
        self.store.failed()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), signalbox_store::Error>> {
        self.store.close()
    }
}
