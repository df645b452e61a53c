//! People's keys: made at first use, in memory for a while, destroyed.
//!
//! A person's key lies in the person's home, a partition of its own; the bodies lie with their conversations. No commit
//! reaches over two partitions, so the key becomes durable before the first body that it seals: a crash between the two
//! leaves a key that has sealed nothing, which the next message uses.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use signalbox_model::{Address, Chance, Partition, Timestamp};
use signalbox_store::layout::{contact_key, decode, encode};
use signalbox_store::{Batch, Store, Table};

use super::Epochs;
use super::cipher::{KEY_LEN, Key};
use super::tenants::TenantKeys;
use crate::Error;

/// People whose keys are read or changed at a time without waiting for each other.
const STRIPES: usize = 64;

/// That all up to a key was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The last key that was destroyed.
    pub through: u32,
    /// When.
    pub at: Timestamp,
}

/// The stored form. No number of the person's stands in it, so that what is left after an erasure names nobody.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Row {
    /// Of the key, counted from 1.
    generation: u32,
    /// The key under the tenant's; none once it was destroyed, until the next is made.
    wrapped: Option<Vec<u8>>,
    erased: Option<Erasure>,
    /// The tenant's numbers with which there are sealed bodies: where to look for what was erased.
    ours: Vec<Address>,
}

/// A person's key, as it is in memory.
pub(super) struct Held {
    pub(super) generation: u32,
    pub(super) key: Option<Key>,
    pub(super) erased: Option<Erasure>,
    ours: Vec<Address>,
}

type PersonHash = [u8; 16];

pub(super) struct People {
    store: Arc<dyn Store>,
    epochs: Epochs,
    cache: Mutex<Cache>,
    /// Held from the look into the store to the change of it or of memory: a key that is destroyed can't come back from
    /// somebody who had read it before.
    changing: Vec<tokio::sync::Mutex<()>>,
}

/// Two ages: what isn't asked for while as many others are falls out.
struct Cache {
    young: HashMap<PersonHash, Arc<Held>>,
    old: HashMap<PersonHash, Arc<Held>>,
    each: usize,
}

impl Cache {
    fn get(&mut self, person: &PersonHash) -> Option<Arc<Held>> {
        if let Some(held) = self.young.get(person) {
            return Some(held.clone());
        }
        let held = self.old.remove(person)?;
        self.put(*person, held.clone());
        Some(held)
    }

    fn put(&mut self, person: PersonHash, held: Arc<Held>) {
        if self.young.len() >= self.each {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&person);
        self.young.insert(person, held);
    }
}

impl People {
    pub(super) fn new(store: Arc<dyn Store>, epochs: Epochs, most: usize) -> Self {
        let cache = Cache { young: HashMap::new(), old: HashMap::new(), each: (most / 2).max(1) };
        let changing = (0..STRIPES).map(|_| Default::default()).collect();
        Self { store, epochs, cache: Mutex::new(cache), changing }
    }

    /// The key for a body between these two, made if there is none.
    pub(super) async fn for_sealing(
        &self,
        keys: &TenantKeys,
        ours: Option<&Address>,
        theirs: &Address,
        now: Timestamp,
        chance: &Chance,
    ) -> Result<Arc<Held>, Error> {
        let person = keys.person(theirs);
        let fits = |held: &Held| held.key.is_some() && ours.is_none_or(|ours| held.ours.contains(ours));
        if let Some(held) = self.cached(&person).filter(|held| fits(held)) {
            return Ok(held);
        }
        let _one = self.changing[stripe(&person)].lock().await;
        let mut row = self.read(&person).await?.unwrap_or_default();
        if row.wrapped.is_none() {
            row.generation += 1;
            let key = chance.bytes32();
            let about = about(keys, &person, row.generation);
            row.wrapped = Some(keys.wrap.seal(&about.each(), key.to_vec(), chance));
            // A clock that was set back must not let the new key's messages look older than what was erased.
            row.erased = row.erased.map(|erasure| Erasure { at: erasure.at.min(now), ..erasure });
        }
        row.ours.extend(ours.filter(|ours| !row.ours.contains(ours)).cloned());
        self.write(&person, &row).await?;
        self.hold(keys, person, row)
    }

    /// The key for bodies that were sealed before; `None` if the person never had one.
    pub(super) async fn for_opening(&self, keys: &TenantKeys, theirs: &Address) -> Result<Option<Arc<Held>>, Error> {
        self.for_opening_of(keys, keys.person(theirs)).await
    }

    /// Likewise, of a person whose hash is known.
    pub(super) async fn for_opening_of(
        &self,
        keys: &TenantKeys,
        person: PersonHash,
    ) -> Result<Option<Arc<Held>>, Error> {
        if let Some(held) = self.cached(&person) {
            return Ok(Some(held));
        }
        let _one = self.changing[stripe(&person)].lock().await;
        let row = self.read(&person).await?;
        row.map(|row| self.hold(keys, person, row)).transpose()
    }

    /// Destroys the key; where bodies were sealed with it is told.
    pub(super) async fn destroy(
        &self,
        keys: &TenantKeys,
        theirs: &Address,
        now: Timestamp,
    ) -> Result<Vec<Address>, Error> {
        let person = keys.person(theirs);
        let _one = self.changing[stripe(&person)].lock().await;
        let mut row = self.read(&person).await?.unwrap_or_default();
        (row.wrapped, row.erased) = (None, Some(Erasure { through: row.generation, at: now }));
        self.write(&person, &row).await?;
        let ours = row.ours.clone();
        self.hold(keys, person, row)?;
        Ok(ours)
    }

    fn cached(&self, person: &PersonHash) -> Option<Arc<Held>> {
        self.cache.lock().get(person)
    }

    fn hold(&self, keys: &TenantKeys, person: PersonHash, row: Row) -> Result<Arc<Held>, Error> {
        let Row { generation, wrapped, erased, ours } = row;
        let opened = wrapped.map(|wrapped| {
            let key = keys.wrap.open(&about(keys, &person, generation).each(), &wrapped);
            let key = key.and_then(|key| <[u8; KEY_LEN]>::try_from(key).ok());
            key.map(|key| Key::new(&key)).ok_or(Error::Sealed { why: "the key of its person was changed" })
        });
        let held = Arc::new(Held { generation, key: opened.transpose()?, erased, ours });
        self.cache.lock().put(person, held.clone());
        Ok(held)
    }

    fn home(&self, person: &PersonHash) -> Partition {
        Partition::of_hash(person, self.store.partitions())
    }

    async fn read(&self, person: &PersonHash) -> Result<Option<Row>, Error> {
        let row = self.store.get(self.home(person), Table::PersonKey, contact_key(*person)).await?;
        row.map(|row| Ok(decode(Table::PersonKey, &row)?)).transpose()
    }

    async fn write(&self, person: &PersonHash, row: &Row) -> Result<(), Error> {
        let home = self.home(person);
        let mut batch = Batch::new(home, (self.epochs)(home));
        batch.put(Table::PersonKey, contact_key(*person), encode(row));
        // Also when the answer doesn't come, memory must not know more than the store.
        let committed = self.store.commit(batch).await;
        if committed.is_err() {
            let mut cache = self.cache.lock();
            cache.young.remove(person);
            cache.old.remove(person);
        }
        committed?;
        Ok(())
    }
}

fn stripe(person: &PersonHash) -> usize {
    usize::from(person[0]) % STRIPES
}

/// What a person's key is bound to when it is wrapped.
struct About<'a> {
    tenant: &'a [u8],
    person: &'a PersonHash,
    generation: [u8; 4],
}

impl About<'_> {
    fn each(&self) -> [&[u8]; 4] {
        [b"person's key", self.tenant, self.person, &self.generation]
    }
}

fn about<'a>(keys: &'a TenantKeys, person: &'a PersonHash, generation: u32) -> About<'a> {
    About { tenant: keys.tenant.as_str().as_bytes(), person, generation: generation.to_be_bytes() }
}
