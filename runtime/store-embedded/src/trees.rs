//! The trees on disk: opened, read, and written one group at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fjall::compaction::Leveled;
use fjall::config::{BlockSizePolicy, BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry};
use fjall::{AbstractTree, CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};
use fjall::{OwnedWriteBatch, UserKey, UserValue};
use signalbox_model::Partition;
use signalbox_store::{Error, Page, Range};

use crate::config::Config;
use crate::keys::{self, PREFIX_BYTES, Space};

/// One write, in its form on disk.
pub type Write = (Space, UserKey, Change);

/// What a write makes of a key.
#[derive(Debug)]
pub enum Change {
    /// It has this value.
    Put(UserValue),
    /// It has none.
    Delete,
    /// It has none, and it was put once in its life: where the two meet, in a flush or a merge, both are gone, where a
    /// deletion would be carried down to the last level.
    Take,
}

impl Change {
    /// The value that the key has from now on.
    pub const fn value(&self) -> Option<&UserValue> {
        match self {
            Self::Put(value) => Some(value),
            Self::Delete | Self::Take => None,
        }
    }
}

/// The database and its key spaces.
pub struct Trees {
    database: Database,
    spaces: [Keyspace; 3],
    folder: PathBuf,
}

impl Trees {
    /// Opens the trees in `folder`, or makes them.
    ///
    /// # Errors
    ///
    /// [`Error::Unusable`] if they are damaged or can't be read.
    pub fn open(folder: &Path, config: &Config) -> Result<Self, Error> {
        guarded(folder, || {
            let database = Database::builder(folder)
                .cache_size(config.block_cache_bytes)
                .max_journaling_size(config.journal_bytes.max(64 << 20))
                // Values are small, and the journal is written on the way to the answer.
                .journal_compression(CompressionType::None)
                .manual_journal_persist(true)
                // With two, the one kept free for flushes spins for as long as the other compacts.
                .worker_threads(1)
                .open()?;
            let open = |space: Space| database.keyspace(space.name(), || options(space, config));
            let spaces = [open(Space::Messages)?, open(Space::Queues)?, open(Space::Rest)?];
            database.persist(PersistMode::SyncAll)?;
            Ok(Self { database, spaces, folder: folder.to_owned() })
        })
    }

    /// The value of a key.
    ///
    /// # Errors
    ///
    /// [`Error::Unusable`] if the block that holds it is damaged or can't be read.
    pub fn get(&self, space: Space, key: &UserKey) -> Result<Option<UserValue>, Error> {
        guarded(&self.folder, || self.spaces[space as usize].get(key))
    }

    /// A page of a range, as of one moment: no batch is seen in part.
    ///
    /// # Errors
    ///
    /// [`Error::Unusable`] if a block on the way is damaged or can't be read.
    pub fn range(&self, partition: Partition, range: &Range) -> Result<Page, Error> {
        let Some(bounds) = keys::bounds(partition, range) else { return Ok(Page::new()) };
        if range.limit == 0 {
            return Ok(Page::new());
        }
        let space = &self.spaces[Space::of(range.table) as usize];
        guarded(&self.folder, || {
            let mut rows = self.database.snapshot().range(space, bounds);
            let mut page = Page::with_capacity(range.limit.min(64));
            while page.len() < range.limit {
                let Some(row) = (if range.reverse { rows.next_back() } else { rows.next() }) else { break };
                let (key, value) = row.into_inner()?;
                page.push((Bytes::copy_from_slice(&key[PREFIX_BYTES..]), to_bytes(value)));
            }
            Ok(page)
        })
    }

    /// Makes a group durable with one fsync, then visible. All of it, or the store has failed.
    ///
    /// # Errors
    ///
    /// Whether the group is durable is unknown; the text says why.
    pub fn write(&self, group: impl ExactSizeIterator<Item = Write>) -> Result<(), String> {
        let commit = || {
            self.wait_for_room()?;
            let mut batch = OwnedWriteBatch::with_capacity(self.database.clone(), group.len())
                // Before the group gets into the trees: what a reader sees is durable.
                .durability(Some(PersistMode::SyncData));
            for (space, key, change) in group {
                let space = &self.spaces[space as usize];
                match change {
                    Change::Put(value) => batch.insert(space, key, value),
                    Change::Delete => batch.remove(space, key),
                    Change::Take => batch.remove_weak(space, key),
                }
            }
            batch.commit()
        };
        match catch_unwind(AssertUnwindSafe(commit)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(say(&error)),
            Err(panic) => Err(said(&*panic)),
        }
    }

    /// Waits for flushes and compactions to catch up. The database would wait too, but without noticing when the
    /// thread that does them has died of a full disk; so this waits at lower bounds than the database's.
    fn wait_for_room(&self) -> fjall::Result<()> {
        let crowded = |space: &Keyspace| space.sealed_memtable_count() >= 2 || space.tree.l0_run_count() >= 16;
        while self.spaces.iter().any(crowded) {
            self.database.persist(PersistMode::Buffer)?;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Trees {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trees").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn options(space: Space, config: &Config) -> KeyspaceCreateOptions {
    // Queue rows are mostly gone before they sink to a level that would be worth compressing.
    let compression = match space {
        Space::Queues => CompressionPolicy::disabled(),
        Space::Messages | Space::Rest => {
            CompressionPolicy::new([CompressionType::None, CompressionType::None, CompressionType::Lz4])
        }
    };
    let bloom = FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(10.0));
    KeyspaceCreateOptions::default()
        .manual_journal_persist(true)
        .max_memtable_size(config.memtable_bytes)
        .data_block_size_policy(BlockSizePolicy::all(4 << 10))
        .data_block_compression_policy(compression)
        .filter_policy(FilterPolicy::all(bloom))
        // Small tables: a compaction holds up flushes, so it must be short. Twice as many of the newest as by default
        // before they are merged: each merge writes all of the next level again.
        .compaction_strategy(Arc::new(Leveled::default().with_table_target_size(16 << 20).with_l0_threshold(8)))
}

/// A stored value as the seam's bytes: small ones are copied, large ones shared.
pub fn to_bytes(value: UserValue) -> Bytes {
    const COPIED: usize = 4 << 10;
    if value.len() <= COPIED { Bytes::copy_from_slice(&value) } else { Bytes::from_owner(value) }
}

/// Does something with the trees, and turns whatever goes wrong into a sentence about the folder.
fn guarded<T>(folder: &Path, work: impl FnOnce() -> fjall::Result<T>) -> Result<T, Error> {
    let why = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => say(&error),
        Err(panic) => said(&*panic),
    };
    Err(Error::Unusable(format!("the store in {} can't be read: {why}", folder.display())))
}

/// What went wrong, and how to mend it.
fn say(error: &fjall::Error) -> String {
    const DAMAGED: &str = "restore the folder from the last backup";
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => match error.kind() {
            std::io::ErrorKind::StorageFull => format!("the disk is full ({error}): make room and start again"),
            std::io::ErrorKind::NotFound | std::io::ErrorKind::UnexpectedEof => {
                format!("a file is missing or cut short ({error}): {DAMAGED}")
            }
            _ => format!("{error}: check the disk and the folder's permissions"),
        },
        fjall::Error::Poisoned => "an earlier write, flush or compaction failed (is the disk full?)".to_owned(),
        fjall::Error::Locked => "another process has it open: stop it, or name another folder".to_owned(),
        fjall::Error::InvalidVersion(_) => format!("it was written by another version or is damaged: {DAMAGED}"),
        fjall::Error::JournalRecovery(error) => format!("a journal is damaged ({error}): {DAMAGED}"),
        fjall::Error::Storage(error) => format!("a table is damaged ({error}): {DAMAGED}"),
        error => format!("it is damaged ({error}): {DAMAGED}"),
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it is damaged ({}): restore the folder from the last backup", text.unwrap_or("no more is known"))
}
