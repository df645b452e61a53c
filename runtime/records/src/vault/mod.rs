//! Bodies under lock and key.
//!
//! ```text
//! the operator's master key ─wraps─► a tenant's key ─wraps─► a person's key ─seals─► bodies to and from that person
//!        (outside the store)          (Table::TenantKey)      (Table::PersonKey)      (Table::Message)
//! ```
//!
//! So who has the store and not the master key reads no body, and whoever destroys a person's key has erased all that was
//! said with them at once. The record itself stays: when, between whom, what became of it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`master`] | the operator's key, and its file |
//! | `cipher` | the one AEAD, and what is bound to what |
//! | `tenants` | tenants' keys, wrapped anew when the master key changes |
//! | `people` | people's keys: made at first use, in memory for a while, destroyed |
//! | `body` | the stored form of a message whose body is sealed |
//! | `words` | words that lie elsewhere: handlers' state, timers, recorded runs, parts, events |
//!
//! Everything is AES-256-GCM. Nonces are random. A key seals far less than the 2^32 texts up to which 96 random bits are
//! safe: a person's key the messages of one person, a tenant's key one key for each person and erasure, the master key
//! one for each tenant and change.

mod body;
mod cipher;
pub mod master;
mod people;
mod tenants;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use signalbox_model::{Address, Chance, Message, Partition, TenantId, Timestamp, Veil};
use signalbox_store::{Epoch, Store, Table};

pub(crate) use body::decode_message;
pub use body::stage_sealed;
pub use master::{Master, MasterError};
pub use people::Erasure;
pub use words::Words;

use crate::Error;
use people::People;
use tenants::TenantKeys;
use words::Envelope;

/// By which right a partition is written.
pub type Epochs = Arc<dyn Fn(Partition) -> Epoch + Send + Sync>;

/// The keys of those whose bodies are sealed.
pub struct Vault {
    tenants: HashMap<TenantId, TenantKeys>,
    people: People,
    chance: Chance,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("tenants", &self.tenants.len()).finish_non_exhaustive()
    }
}

/// What a vault is made of.
pub struct Parts {
    /// Where keys and bodies lie.
    pub store: Arc<dyn Store>,
    /// The right to write there.
    pub epochs: Epochs,
    /// For keys and nonces: of the operating system, or else no secret is one.
    pub chance: Chance,
    /// The operator's key; none where nothing is sealed.
    pub master: Option<Master>,
    /// The one before, while keys are being wrapped anew.
    pub old: Option<Master>,
    /// People whose keys are kept in memory at a time.
    pub people: usize,
}

impl Vault {
    /// Opens what is there, and makes keys for tenants that are to have one. `None` where there is no master key and
    /// nothing was ever sealed.
    pub async fn open(parts: Parts, sealed: &[TenantId]) -> Result<Option<Self>, MasterError> {
        let Parts { store, epochs, chance, master, old, people } = parts;
        let rows = tenants::load(&*store).await?;
        let Some(master) = master else {
            return if rows.is_empty() { Ok(None) } else { Err(MasterError::Missing { tenants: rows.len() }) };
        };
        let epoch = epochs(Partition::DIRECTORY);
        let tenants = tenants::settle(&*store, epoch, (&master, old.as_ref()), rows, sealed, &chance).await?;
        Ok(Some(Self { tenants, people: People::new(store, epochs, people), chance }))
    }

    fn keys(&self, tenant: &TenantId) -> Result<&TenantKeys, Error> {
        self.tenants.get(tenant).ok_or(Error::Sealed { why: "its tenant has no key" })
    }

    /// Has this tenant a key?
    pub fn has(&self, tenant: &TenantId) -> bool {
        self.tenants.contains_key(tenant)
    }

    /// Seals the words of a message under its person's key, which is made and durable first if there is none.
    ///
    /// The words of a message that is older than the last erasure belong to what was erased: they get no new key.
    pub async fn seal(&self, message: &Message, now: Timestamp) -> Result<Veil, Error> {
        if message.is_erased() {
            return Ok(Veil::Erased);
        }
        let keys = self.keys(&message.tenant)?;
        let held = self.people.for_sealing(keys, Some(message.ours()), message.theirs(), now, &self.chance).await?;
        let is_late = held.erased.is_some_and(|erasure| message.accepted_at < erasure.at);
        match &held.key {
            Some(key) if !is_late => {
                let bytes = body::seal(key, held.generation, message, &self.chance);
                Ok(Veil::Sealed(Box::new(signalbox_model::Sealed { generation: held.generation, bytes })))
            }
            _ => Ok(Veil::Erased),
        }
    }

    /// Opens the words of a message that was read; one whose key was destroyed is erased from then on.
    ///
    /// # Errors
    ///
    /// When the row was tampered with, or belongs to another message or tenant.
    pub async fn unveil(&self, message: &mut Message) -> Result<(), Error> {
        let Veil::Sealed(sealed) = &message.veil else { return Ok(()) };
        let keys = self.keys(&message.tenant)?;
        let held = self.people.for_opening(keys, message.theirs()).await?;
        let held = held.ok_or(Error::Sealed { why: "the key of its person is missing" })?;
        if held.erased.is_some_and(|erasure| sealed.generation <= erasure.through) {
            message.erase();
            return Ok(());
        }
        let key = held.key.as_ref().filter(|_| held.generation == sealed.generation);
        let key = key.ok_or(Error::Sealed { why: "it names a key that was never made" })?;
        let (body, original) = body::open(key, message, sealed)?;
        (message.body, message.original, message.veil) = (body, original, Veil::Open);
        Ok(())
    }

    /// Seals words of a person's under their key, which is made and durable first if there is none. They are bound to
    /// `place`. Words that were `said` before the last erasure aren't sealed any more.
    pub async fn seal_words(
        &self,
        tenant: &TenantId,
        (ours, theirs): (Option<&Address>, &Address),
        place: &[u8],
        text: &[u8],
        (said, now): (Timestamp, Timestamp),
    ) -> Result<Words, Error> {
        let keys = self.keys(tenant)?;
        let held = self.people.for_sealing(keys, ours, theirs, now, &self.chance).await?;
        let is_late = held.erased.is_some_and(|erasure| said < erasure.at);
        let Some(key) = held.key.as_ref().filter(|_| !is_late) else { return Ok(Words::Erased) };
        let whose = (tenant.clone(), keys.person(theirs), held.generation);
        Ok(Words::Sealed(Envelope::seal(key, whose, place, text, &self.chance)))
    }

    /// Opens words that [`seal_words`](Self::seal_words) sealed; `None` once their key was destroyed.
    ///
    /// # Errors
    ///
    /// When the row was tampered with, or moved.
    pub async fn open_words(&self, table: Table, place: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let envelope = Envelope::read(sealed, table)?;
        let keys = self.keys(&envelope.tenant)?;
        let held = self.people.for_opening_of(keys, envelope.person).await?;
        let held = held.ok_or(Error::Sealed { why: "the key of its person is missing" })?;
        if held.erased.is_some_and(|erasure| envelope.generation <= erasure.through) {
            return Ok(None);
        }
        let key = held.key.as_ref().filter(|_| held.generation == envelope.generation);
        let key = key.ok_or(Error::Sealed { why: "it names a key that was never made" })?;
        envelope.open(key, place).map(Some)
    }

    /// Destroys a person's key, durably: from then on nobody reads what it sealed. What is written later gets another.
    /// The tenant's numbers with which the person had bodies sealed are told.
    pub async fn destroy(&self, tenant: &TenantId, theirs: &Address, now: Timestamp) -> Result<Vec<Address>, Error> {
        self.people.destroy(self.keys(tenant)?, theirs, now).await
    }

    /// When bodies of this person were last erased, and up to which key, if ever.
    pub async fn erased(&self, tenant: &TenantId, theirs: &Address) -> Result<Option<Erasure>, Error> {
        Ok(self.people.for_opening(self.keys(tenant)?, theirs).await?.and_then(|held| held.erased))
    }

    /// A person of a tenant's, as a keyed hash: what stands for the number where the number may not stand.
    pub fn person(&self, tenant: &TenantId, theirs: &Address) -> Result<[u8; 16], Error> {
        Ok(self.keys(tenant)?.person(theirs))
    }
}
