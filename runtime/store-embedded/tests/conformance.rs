//! The engine passes the suite that every engine must pass.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use signalbox_store::conformance::Place;
use signalbox_store::{Error, Store};
use signalbox_store_embedded::{Config, EmbeddedStore};

/// A folder of its own for each case.
struct Folder {
    folder: tempfile::TempDir,
    change: fn(&mut Config),
}

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder can be made"), change: |_| {} }
    }

    /// In memory where that can be had: these cases are about the order of things, not about the disk.
    fn tight(change: fn(&mut Config)) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self { folder: folder.expect("a folder can be made"), change }
    }
}

impl Place for Folder {
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn Store>, Error>> {
        let mut config = Config::new(self.folder.path());
        config.partitions = 8;
        (self.change)(&mut config);
        let store = EmbeddedStore::open(config).map(|store| store as Arc<dyn Store>);
        std::future::ready(store).boxed()
    }
}

mod as_it_comes {
    use super::*;
    signalbox_store::conformance_tests!(Folder::new());
}

/// Groups of a few operations, a queue of a few batches, an inbox of a few records, buffers that are flushed all the
/// time: the same promises, at all the seams.
mod in_tight_bounds {
    use super::*;
    signalbox_store::conformance_tests!(Folder::tight(|config| {
        config.max_ops_per_flush = 3;
        config.max_waiting_batches = 2;
        config.inbox_tail_records = 5;
        config.memtable_bytes = 64 << 10;
        config.block_cache_bytes = 64 << 10;
    }));
}
