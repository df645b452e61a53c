//! Checkpoints: where a tenant's chains ended at a time, signed, each with the hash of the one before.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use signalbox_model::conversation::stable_hash;
use signalbox_model::{Partition, TenantId, Timestamp};
use signalbox_store::layout::{self, Unreadable};
use signalbox_store::{Batch, Range, Store, Table};

use super::chain::{Chain, Head};
use super::key::{Keys, PublicKey, is_signed};
use super::{Digest, hash};
use crate::Error;

/// What is signed is never anything else that this key could be asked to sign.
const CONTEXT: &[u8] = b"signalbox audit checkpoint 1\0";

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Whose chains.
    pub tenant: TenantId,
    /// Its number; the first is 1.
    pub n: u64,
    /// When.
    pub at: Timestamp,
    /// The hash of the checkpoint before; zeros for the first.
    pub previous: Digest,
    /// The ends of the chains that have begun: partition, number and link of the last frame.
    pub ends: Vec<(u16, u64, Digest)>,
}

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What it says, encoded: what is signed.
    pub body: Bytes,
    /// The signature.
    pub signature: [u8; 64],
}

impl Said {
    /// Where the chain of `partition` ended.
    pub fn end(&self, partition: Partition) -> Option<Head> {
        let end = self.ends.iter().find(|(index, ..)| *index == partition.index());
        end.map(|(_, n, link)| Head { n: *n, link: *link })
    }

    /// Signs it.
    pub fn sign(&self, keys: &Keys) -> Mark {
        let body = layout::encode(self);
        let signature = keys.sign(&[CONTEXT, &body].concat());
        Mark { body, signature }
    }

    /// Are the ends others than in an earlier one?
    pub fn moved_since(&self, earlier: &Self) -> bool {
        self.ends != earlier.ends
    }
}

impl Mark {
    /// What it says; nothing is said of whether it is signed.
    pub fn said(&self) -> Result<Said, Unreadable> {
        layout::decode(Table::AuditMark, &self.body)
    }

    /// Was it signed with this key?
    pub fn is_signed(&self, by: &PublicKey) -> bool {
        is_signed(&[CONTEXT, &self.body].concat(), &self.signature, by)
    }

    /// What the next one names it by, and what may be written down elsewhere.
    pub fn hash(&self) -> Digest {
        hash(&[&self.body])
    }

    /// Adds it to a batch of the tenant's home.
    pub fn stage(&self, batch: &mut Batch, tenant: &TenantId, n: u64) {
        let mut value = BytesMut::with_capacity(64 + self.body.len());
        value.put_slice(&self.signature);
        value.put_slice(&self.body);
        batch.put(Table::AuditMark, key(tenant, n), value.freeze());
    }
}

/// Where a tenant's checkpoints lie, and what is logged of it that belongs to no conversation.
pub fn home(tenant: &TenantId, partitions: u16) -> Partition {
    Partition::of_hash(&stable_hash(&[b"audit", tenant.as_str().as_bytes()]), partitions)
}

/// Takes checkpoints away, from number `from` up to but without `to`.
pub fn stage_cut(batch: &mut Batch, tenant: &TenantId, from: u64, to: u64) {
    for n in from..to {
        batch.delete(Table::AuditMark, key(tenant, n));
    }
}

/// A tenant's last checkpoint.
pub async fn last(store: &dyn Store, tenant: &TenantId) -> Result<Option<Mark>, Error> {
    let range = Range::prefix(Table::AuditMark, layout::tenant_prefix(tenant).freeze(), 1).reversed();
    let rows = store.range(home(tenant, store.partitions()), range).await?;
    rows.first().map(|(_, value)| read(value)).transpose()
}

/// Up to `limit` checkpoints behind number `after`.
pub async fn page(store: &dyn Store, tenant: &TenantId, after: u64, limit: usize) -> Result<Vec<Mark>, Error> {
    let range = Range::prefix(Table::AuditMark, layout::tenant_prefix(tenant).freeze(), limit);
    let rows = store.range(home(tenant, store.partitions()), range.resume(key(tenant, after))).await?;
    rows.iter().map(|(_, value)| read(value)).collect()
}

/// The number of the last checkpoint before `at`; 0 if there is none. Their times rise, so it is found by halving.
pub async fn before(store: &dyn Store, tenant: &TenantId, at: Timestamp) -> Result<u64, Error> {
    let last = last(store, tenant).await?.map(|mark| mark.said()).transpose()?;
    let first = page(store, tenant, 0, 1).await?.first().map(Mark::said).transpose()?.map_or(0, |said| said.n - 1);
    let (mut low, mut high) = (first, last.map_or(0, |said| said.n));
    while low < high {
        let middle = high - (high - low) / 2;
        let mark = page(store, tenant, middle - 1, 1).await?.into_iter().next();
        let is_before = mark.is_none_or(|mark| mark.said().is_ok_and(|said| said.at < at));
        if is_before { low = middle } else { high = middle - 1 }
    }
    // The first that is there may be of later already: then there is none before.
    Ok(if low == first { 0 } else { low })
}

/// The ends of all of a tenant's chains, as they are stored.
pub async fn ends(store: &dyn Store, tenant: &TenantId) -> Result<Vec<(u16, u64, Digest)>, Error> {
    let mut ends = Vec::new();
    for partition in (0..store.partitions()).map(Partition::new) {
        let head = Chain::new(tenant, partition).head(store).await?;
        if head.n > 0 {
            ends.push((partition.index(), head.n, head.link));
        }
    }
    Ok(ends)
}

fn key(tenant: &TenantId, n: u64) -> Bytes {
    let mut key = layout::tenant_prefix(tenant);
    key.put_u64(n);
    key.freeze()
}

fn read(value: &Bytes) -> Result<Mark, Error> {
    let cut = || Unreadable { table: Table::AuditMark, why: "its signature is cut off".to_owned() };
    let signature = *value.first_chunk::<64>().ok_or_else(cut)?;
    Ok(Mark { signature, body: value.slice(64..) })
}
