//! How lists come into the store, out of it, and back into memory after a start.
//!
//! ```text
//! every line read ─► any wrong: all complaints, nothing written ─► parts written, unseen ─► one commit: the list is this
//!                                                                  version ─► parts of the last version deleted
//! ```
//!
//! What is cut short leaves parts that no list names; the next start deletes them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::{BufMut, Bytes, BytesMut};
use signalbox_model::{KeyId, Partition, TenantId, Timestamp};
use signalbox_store::layout::{Unreadable, named_key, part_key};
use signalbox_store::{Batch, Epoch, Range, Store, Table, layout};

use super::packed::Packed;
use super::{List, ListMeta, NewList, Shelf, parse};
use crate::error::Error;
use crate::import::LineError;

/// Numbers of one part: half a megabyte, which a commit takes in a moment.
const PER_PART: usize = 64 << 10;
/// Parts that are read or deleted at a time.
const PARTS_AT_ONCE: usize = 32;
/// Lists of one tenant: each is asked about every message.
const MAX_LISTS: usize = 32;
/// Numbers over all lists: 330 MB of memory.
const MAX_IN_ALL: u64 = 40_000_000;
/// The form of a part: this byte, then numbers of 8 bytes each, the least first.
const PART_FORM: u8 = 1;

/// The suppression lists.
pub struct Suppression {
    store: Arc<dyn Store>,
    epoch: Epoch,
    books: ArcSwap<Books>,
    /// One import at a time: two would only slow each other and everybody's commits down.
    changing: tokio::sync::Mutex<()>,
    writing: parking_lot::Mutex<HashMap<(TenantId, String), Arc<Written>>>,
}

struct Written {
    done: AtomicU64,
    of: u64,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Numbers that are written.
    pub done: u64,
    /// Of so many.
    pub of: u64,
}

#[derive(Default)]
struct Books {
    lists: BTreeMap<(TenantId, String), Arc<List>>,
    shelves: HashMap<TenantId, Arc<Shelf>>,
    /// Of tenants without lists of their own.
    common: Arc<Shelf>,
}

/// Why a list isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum SuppressionRefused {
    /// Lines are wrong; nothing was written.
    #[error("{} line(s) of the file can't be used; the list stays as it was", .0.len())]
    Lines(Vec<LineError>),
    /// The list has another kind or reach.
    #[error("the list `{0}` is of another kind, or for other tenants; remove it first, or choose another name")]
    Other(String),
    /// What is there is newer.
    #[error("the list that is there was fetched later ({0}); remove it first if this one is to replace it")]
    Older(String),
    /// Its end is before its beginning, or it is from the future.
    #[error("{0}")]
    Times(&'static str),
    /// There is no room for it.
    #[error("{0}")]
    TooMany(String),
    /// The store couldn't.
    #[error(transparent)]
    Registry(#[from] Error),
}

impl From<signalbox_store::Error> for SuppressionRefused {
    fn from(error: signalbox_store::Error) -> Self {
        Self::Registry(error.into())
    }
}

impl Suppression {
    /// Reads every list into memory, and deletes what imports that were cut short left behind.
    pub async fn open(store: Arc<dyn Store>, epoch: Epoch) -> Result<Self, Error> {
        let mut metas = BTreeMap::new();
        let mut range = Range::prefix(Table::Suppression, Bytes::new(), 256);
        loop {
            let page = store.range(Partition::DIRECTORY, range.clone()).await?;
            for (_, value) in &page {
                let meta: ListMeta = layout::decode(Table::Suppression, value)?;
                metas.insert(prefix_of(&meta), (meta, Vec::new()));
            }
            match page.last() {
                Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
                _ => break,
            }
        }
        let mut orphans = Vec::new();
        let mut range = Range::prefix(Table::SuppressionPart, Bytes::new(), PARTS_AT_ONCE);
        loop {
            let page = store.range(Partition::DIRECTORY, range.clone()).await?;
            for (key, value) in &page {
                let list = key.len().checked_sub(PART_DIGITS).and_then(|end| metas.get_mut(&key[..end]));
                match list {
                    Some((_, numbers)) => read_part(value, numbers)?,
                    None => orphans.push(key.clone()),
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
                _ => break,
            }
        }
        let mut lists = BTreeMap::new();
        for (meta, numbers) in metas.into_values() {
            let numbers = Packed::new(numbers);
            if numbers.len() as u64 != meta.numbers {
                let why = format!("the list `{}` has {} numbers of {}", meta.name, numbers.len(), meta.numbers);
                return Err(Unreadable { table: Table::SuppressionPart, why }.into());
            }
            lists.insert((meta.owner.clone(), meta.name.clone()), Arc::new(List { meta, numbers }));
        }
        let kept = Self {
            store,
            epoch,
            books: ArcSwap::from_pointee(Books::of(lists)),
            changing: Default::default(),
            writing: Default::default(),
        };
        kept.delete(orphans).await?;
        Ok(kept)
    }

    /// What a tenant's messages are held against.
    pub fn of(&self, tenant: &TenantId) -> Arc<Shelf> {
        let books = self.books.load();
        books.shelves.get(tenant).unwrap_or(&books.common).clone()
    }

    /// How far an import of this name is; `None` if none is being written.
    pub fn progress(&self, tenant: &TenantId, name: &str) -> Option<Progress> {
        let writing = self.writing.lock();
        let written = writing.get(&(tenant.clone(), name.to_owned()))?;
        Some(Progress { done: written.done.load(Ordering::Relaxed), of: written.of })
    }

    /// Takes a file as the whole of a list. Returns once all of it counts, or the list is as it was.
    pub async fn import(
        &self,
        owner: &TenantId,
        key: KeyId,
        new: NewList,
        file: Bytes,
        now: Timestamp,
    ) -> Result<ListMeta, SuppressionRefused> {
        let kind = new.kind;
        let read = tokio::task::spawn_blocking(move || parse::parse(kind, &file, now).map(Packed::new));
        let numbers = read.await.map_err(|_| SuppressionRefused::Times("the file couldn't be read to its end"))?;
        let numbers = numbers.map_err(SuppressionRefused::Lines)?;
        let place = (owner.clone(), new.name.clone());
        let _one = self.changing.lock().await;
        let books = self.books.load_full();
        let known = books.lists.get(&place).cloned();
        books.room_for(owner, &new, known.as_deref(), numbers.len() as u64, now)?;
        // Two versions of one moment would share their parts.
        let at_least = known.as_ref().map(|known| known.meta.imported_at + Duration::from_micros(1));
        let NewList { name, kind, for_all, source, fetched_at, expires_at, covers } = new;
        let meta = ListMeta {
            owner: owner.clone(),
            name,
            kind,
            for_all,
            source,
            fetched_at,
            expires_at,
            covers,
            numbers: numbers.len() as u64,
            key,
            imported_at: at_least.map_or(now, |least| least.max(now)),
        };
        let written = Arc::new(Written { done: AtomicU64::new(0), of: meta.numbers });
        self.writing.lock().insert(place.clone(), written.clone());
        let made = self.write(&meta, &numbers, &written.done).await;
        self.writing.lock().remove(&place);
        made?;
        let list = Arc::new(List { meta: meta.clone(), numbers });
        let mut lists = books.lists.clone();
        lists.insert(place, list);
        self.books.store(Arc::new(Books::of(lists)));
        if let Some(known) = known {
            self.delete(parts_of(&known.meta)).await?;
        }
        Ok(meta)
    }

    async fn write(&self, meta: &ListMeta, numbers: &Packed, done: &AtomicU64) -> Result<(), Error> {
        for (n, part) in numbers.entries().chunks(PER_PART).enumerate() {
            let mut value = BytesMut::with_capacity(1 + part.len() * 8);
            value.put_u8(PART_FORM);
            part.iter().for_each(|entry| value.put_u64_le(*entry));
            let mut batch = Batch::new(Partition::DIRECTORY, self.epoch);
            batch.put(Table::SuppressionPart, numbered(meta, n), value.freeze());
            self.store.commit(batch).await?;
            done.fetch_add(part.len() as u64, Ordering::Relaxed);
        }
        let mut batch = Batch::new(Partition::DIRECTORY, self.epoch);
        batch.put(Table::Suppression, named_key(&meta.owner, &meta.name), layout::encode(meta));
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Takes a list away; false if there is none of this name.
    pub async fn remove(&self, owner: &TenantId, name: &str) -> Result<bool, Error> {
        let _one = self.changing.lock().await;
        let mut lists = self.books.load().lists.clone();
        let Some(list) = lists.remove(&(owner.clone(), name.to_owned())) else { return Ok(false) };
        let mut batch = Batch::new(Partition::DIRECTORY, self.epoch);
        batch.delete(Table::Suppression, named_key(owner, name));
        self.store.commit(batch).await?;
        self.books.store(Arc::new(Books::of(lists)));
        self.delete(parts_of(&list.meta)).await?;
        Ok(true)
    }

    async fn delete(&self, keys: Vec<Bytes>) -> Result<(), Error> {
        for keys in keys.chunks(PARTS_AT_ONCE) {
            let mut batch = Batch::new(Partition::DIRECTORY, self.epoch);
            keys.iter().for_each(|key| {
                batch.delete(Table::SuppressionPart, key.clone());
            });
            self.store.commit(batch).await?;
        }
        Ok(())
    }
}

impl Books {
    fn of(lists: BTreeMap<(TenantId, String), Arc<List>>) -> Self {
        let common: Vec<_> = lists.values().filter(|list| list.meta.for_all).cloned().collect();
        let mut shelves: HashMap<TenantId, Vec<Arc<List>>> = HashMap::new();
        for list in lists.values() {
            let shelf = shelves.entry(list.meta.owner.clone()).or_insert_with(|| common.clone());
            if !list.meta.for_all {
                shelf.push(list.clone());
            }
        }
        let shelves = shelves.into_iter().map(|(tenant, lists)| (tenant, Arc::new(Shelf::new(lists)))).collect();
        Self { lists, shelves, common: Arc::new(Shelf::new(common)) }
    }

    /// May this list take its place?
    fn room_for(
        &self,
        owner: &TenantId,
        new: &NewList,
        known: Option<&List>,
        numbers: u64,
        now: Timestamp,
    ) -> Result<(), SuppressionRefused> {
        if new.fetched_at > now {
            return Err(SuppressionRefused::Times("`fetched_at` is in the future"));
        }
        if new.expires_at.is_some_and(|end| end <= new.fetched_at) {
            return Err(SuppressionRefused::Times("`expires_at` isn't after `fetched_at`"));
        }
        match known.map(|known| &known.meta) {
            Some(known) if (known.kind, known.for_all) != (new.kind, new.for_all) => {
                return Err(SuppressionRefused::Other(new.name.clone()));
            }
            Some(known) if known.fetched_at > new.fetched_at => {
                return Err(SuppressionRefused::Older(known.fetched_at.to_rfc3339()));
            }
            Some(_) => {}
            None if self.lists.values().filter(|list| list.meta.owner == *owner).count() >= MAX_LISTS => {
                let why = format!("a tenant has {MAX_LISTS} lists at most; remove one, or put two together");
                return Err(SuppressionRefused::TooMany(why));
            }
            None => {}
        }
        let others: u64 = self.lists.values().map(|list| list.meta.numbers).sum();
        if others + numbers > MAX_IN_ALL + known.map_or(0, |known| known.meta.numbers) {
            let why = format!("all lists of this host have {MAX_IN_ALL} numbers at most, and {others} are taken");
            return Err(SuppressionRefused::TooMany(why));
        }
        Ok(())
    }
}

/// Digits that number a list's parts.
const PART_DIGITS: usize = 6;

/// What the keys of a version's parts begin with.
fn prefix_of(meta: &ListMeta) -> Bytes {
    part_key(&meta.owner, &meta.name, &format!("{:016x}-", meta.imported_at.as_micros()))
}

fn numbered(meta: &ListMeta, n: usize) -> Bytes {
    part_key(&meta.owner, &meta.name, &format!("{:016x}-{n:0PART_DIGITS$}", meta.imported_at.as_micros()))
}

fn parts_of(meta: &ListMeta) -> Vec<Bytes> {
    let parts = usize::try_from(meta.numbers).unwrap_or(usize::MAX).div_ceil(PER_PART);
    (0..parts).map(|n| numbered(meta, n)).collect()
}

fn read_part(value: &[u8], numbers: &mut Vec<u64>) -> Result<(), Error> {
    let damaged = || Unreadable { table: Table::SuppressionPart, why: "it isn't a part of a list".to_owned() };
    let rest = value.strip_prefix(&[PART_FORM]).ok_or_else(damaged)?;
    let (entries, over) = rest.as_chunks::<8>();
    if !over.is_empty() {
        return Err(damaged().into());
    }
    numbers.extend(entries.iter().map(|entry| u64::from_le_bytes(*entry)));
    Ok(())
}
