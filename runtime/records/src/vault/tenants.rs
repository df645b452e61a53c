//! Tenants' keys.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use ring::{hkdf, hmac};
use serde::{Deserialize, Serialize};
use signalbox_model::{Address, Chance, Partition, TenantId};
use signalbox_store::layout::{decode, encode};
use signalbox_store::{Batch, Epoch, Range, Store, Table};

use super::cipher::{KEY_LEN, Key};
use super::master::{Master, MasterError};
use crate::audit::hex;

/// The stored form: a tenant's key under the master key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    /// Under which.
    master: [u8; 8],
    wrapped: Vec<u8>,
}

/// What a tenant's key is used for. Each use has a key of its own, derived from the tenant's.
pub(super) struct TenantKeys {
    pub(super) tenant: TenantId,
    /// Wraps people's keys.
    pub(super) wrap: Key,
    /// Hashes people's numbers.
    hide: hmac::Key,
}

impl TenantKeys {
    fn new(tenant: TenantId, key: &[u8; KEY_LEN]) -> Self {
        let derived = |purpose: &[u8]| {
            let mut bytes = [0; KEY_LEN];
            let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, b"signalbox tenant key").extract(key);
            let purposes = [purpose];
            let expanded = secret.expand(&purposes, hkdf::HKDF_SHA256).expect("32 bytes are what SHA-256 gives");
            expanded.fill(&mut bytes).expect("32 bytes are what was asked for");
            bytes
        };
        let hide = hmac::Key::new(hmac::HMAC_SHA256, &derived(b"hide numbers"));
        Self { tenant, wrap: Key::new(&derived(b"wrap people's keys")), hide }
    }

    /// A person, as a keyed hash: without the key nobody finds the number by trying them all.
    pub(super) fn person(&self, theirs: &Address) -> [u8; 16] {
        let tag = theirs.with_text(|number| hmac::sign(&self.hide, number.as_bytes()));
        *tag.as_ref().first_chunk().expect("a tag has 32 bytes")
    }
}

/// Every row there is.
pub(super) async fn load(store: &dyn Store) -> Result<BTreeMap<TenantId, Row>, MasterError> {
    let mut rows = BTreeMap::new();
    let mut range = Range::prefix(Table::TenantKey, Bytes::new(), 256);
    loop {
        let page = store.range(Partition::DIRECTORY, range.clone()).await?;
        for (key, value) in &page {
            let tenant = std::str::from_utf8(key).ok().and_then(|text| text.parse().ok());
            let damaged = || MasterError::Damaged { tenant: String::from_utf8_lossy(key).into_owned() };
            rows.insert(tenant.ok_or_else(damaged)?, decode(Table::TenantKey, value)?);
        }
        match page.last() {
            Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
            _ => return Ok(rows),
        }
    }
}

/// Opens what is there, wraps anew what lies under the old master key, and makes what is missing: in one commit.
pub(super) async fn settle(
    store: &dyn Store,
    epoch: Epoch,
    (master, old): (&Master, Option<&Master>),
    rows: BTreeMap<TenantId, Row>,
    sealed: &[TenantId],
    chance: &Chance,
) -> Result<HashMap<TenantId, TenantKeys>, MasterError> {
    let mut batch = Batch::new(Partition::DIRECTORY, epoch);
    let mut put = |tenant: &TenantId, key: &[u8; KEY_LEN]| {
        let wrapped = master.key().seal(&about(tenant), key.to_vec(), chance);
        let row = Row { master: master.id(), wrapped };
        batch.put(Table::TenantKey, Bytes::copy_from_slice(tenant.as_str().as_bytes()), encode(&row));
    };
    let mut tenants = HashMap::new();
    for (tenant, row) in rows {
        let under = [Some(master), old].into_iter().flatten().find(|master| master.id() == row.master);
        let other = || MasterError::Other { given: master.fingerprint(), wanted: hex(&row.master) };
        let opened = under.ok_or_else(other)?.key().open(&about(&tenant), &row.wrapped);
        let opened = opened.and_then(|key| <[u8; KEY_LEN]>::try_from(key).ok());
        let key = opened.ok_or_else(|| MasterError::Damaged { tenant: tenant.to_string() })?;
        if row.master != master.id() {
            put(&tenant, &key);
        }
        tenants.insert(tenant.clone(), TenantKeys::new(tenant, &key));
    }
    for tenant in sealed {
        if !tenants.contains_key(tenant) {
            let key = chance.bytes32();
            put(tenant, &key);
            tenants.insert(tenant.clone(), TenantKeys::new(tenant.clone(), &key));
        }
    }
    if !batch.is_empty() {
        store.commit(batch).await?;
    }
    Ok(tenants)
}

fn about(tenant: &TenantId) -> [&[u8]; 2] {
    [b"tenant key", tenant.as_str().as_bytes()]
}
