//! What the store's callers and its committer share.

use std::sync::Arc;

use parking_lot::RwLock;
use signalbox_model::Partition;
use tokio::sync::watch;

use crate::config::Config;
use crate::folder::Folder;
use crate::group::slot;
use crate::inbox::Inbox;
use crate::queue::Queue;
use crate::trees::Trees;

/// Everything but the committer's own state.
#[derive(Debug)]
pub struct Shared {
    pub config: Config,
    pub queue: Queue,
    /// The partitions' inboxes, and last the directory's.
    pub inboxes: Vec<Inbox>,
    /// `None` once the store is closed.
    pub trees: RwLock<Option<Trees>>,
    pub folder: RwLock<Option<Folder>>,
    pub failure: watch::Sender<Option<Arc<str>>>,
    pub ended: watch::Sender<bool>,
}

impl Shared {
    /// The inbox of a partition that is known to be there.
    pub fn inbox(&self, partition: Partition) -> &Inbox {
        &self.inboxes[slot(partition, self.inboxes.len() - 1)]
    }

    /// From now on every request is refused.
    pub fn fail(&self, why: &Arc<str>) {
        self.queue.fail(why);
        self.failure.send_replace(Some(why.clone()));
    }

    /// Closes the files, then unlocks the folder, then tells whoever waits.
    pub fn let_go(&self) {
        drop(self.trees.write().take());
        drop(self.folder.write().take());
        self.ended.send_replace(true);
    }
}
