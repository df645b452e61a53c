//! How frames are linked, written and read.

use bytes::{BufMut, Bytes, BytesMut};
use signalbox_model::{Partition, TenantId, Timestamp};
use signalbox_store::layout::{self, Unreadable};
use signalbox_store::{Batch, Range, Store, Table};

use super::item::Body;
use super::{Digest, hash};
use crate::Error;

/// Which chain: a tenant's in a partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chain {
    /// Whose.
    pub tenant: TenantId,
    /// Where.
    pub partition: Partition,
}

/// The end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last frame's number; 0 when there is none, for the first is 1.
    pub n: u64,
    /// Its link.
    pub link: Digest,
}

/// A frame as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its number.
    pub n: u64,
    /// Its link.
    pub link: Digest,
    /// Its body, encoded.
    pub body: Bytes,
}

impl Chain {
    /// A tenant's chain in a partition.
    pub fn new(tenant: &TenantId, partition: Partition) -> Self {
        Self { tenant: tenant.clone(), partition }
    }

    /// Where it begins.
    pub fn origin(&self) -> Head {
        let link = hash(&[b"signalbox audit chain 1", self.tenant.as_str().as_bytes(), &self.index()]);
        Head { n: 0, link }
    }

    /// The end of the chain once a frame with this body is behind `head`.
    pub fn next(&self, head: Head, body: &[u8]) -> Head {
        self.next_by_digest(head, &hash(&[body]))
    }

    /// [`next`](Self::next), for who has only the body's hash: a frame that isn't theirs to read.
    pub fn next_by_digest(&self, head: Head, body: &Digest) -> Head {
        let n = head.n + 1;
        let tenant = self.tenant.as_str().as_bytes();
        let link = hash(&[b"signalbox audit frame 1", tenant, &self.index(), &n.to_be_bytes(), &head.link, body]);
        Head { n, link }
    }

    /// Adds a frame behind `head` to a batch of the chain's partition; the new end.
    pub fn stage(&self, batch: &mut Batch, head: Head, body: &Body) -> Head {
        let body = body.encode();
        let next = self.next(head, &body);
        let mut value = BytesMut::with_capacity(32 + body.len());
        value.put_slice(&next.link);
        value.put_slice(&body);
        batch.put(Table::Audit, self.key(next.n), value.freeze());
        next
    }

    /// The chain's last frame, as it is stored; `None` when there is none.
    pub async fn last(&self, store: &dyn Store) -> Result<Option<Frame>, Error> {
        let range = Range::prefix(Table::Audit, layout::tenant_prefix(&self.tenant).freeze(), 1).reversed();
        let rows = store.range(self.partition, range).await?;
        rows.first().map(|(key, value)| self.read(key, value)).transpose()
    }

    /// The first frame that is there; `None` when there is none. One that isn't number 1 is where the log was cut.
    pub async fn first(&self, store: &dyn Store) -> Result<Option<Frame>, Error> {
        let range = Range::prefix(Table::Audit, layout::tenant_prefix(&self.tenant).freeze(), 1);
        let rows = store.range(self.partition, range).await?;
        rows.first().map(|(key, value)| self.read(key, value)).transpose()
    }

    /// Takes frames away, from number `from` up to but without `to`.
    pub fn stage_cut(&self, batch: &mut Batch, from: u64, to: u64) {
        for n in from..to {
            batch.delete(Table::Audit, self.key(n));
        }
    }

    /// Its end, as it is stored.
    pub async fn head(&self, store: &dyn Store) -> Result<Head, Error> {
        let last = self.last(store).await?;
        Ok(last.map_or_else(|| self.origin(), |last| Head { n: last.n, link: last.link }))
    }

    /// One frame; `None` if it isn't there.
    pub async fn frame(&self, store: &dyn Store, n: u64) -> Result<Option<Frame>, Error> {
        let key = self.key(n);
        let value = store.get(self.partition, Table::Audit, key.clone()).await?;
        value.map(|value| self.read(&key, &value)).transpose()
    }

    /// Up to `limit` frames behind number `after`.
    pub async fn page(&self, store: &dyn Store, after: u64, limit: usize) -> Result<Vec<Frame>, Error> {
        let range = Range::prefix(Table::Audit, layout::tenant_prefix(&self.tenant).freeze(), limit);
        let rows = store.range(self.partition, range.resume(self.key(after))).await?;
        rows.iter().map(|(key, value)| self.read(key, value)).collect()
    }

    /// The number of the last frame before `at`. Times rise along a chain, so it is found by halving.
    pub async fn before(&self, store: &dyn Store, at: Timestamp) -> Result<u64, Error> {
        let first = self.first(store).await?.map_or(0, |first| first.n - 1);
        let (mut low, mut high) = (first, self.head(store).await?.n);
        while low < high {
            let middle = high - (high - low) / 2;
            let frame = self.frame(store, middle).await?;
            let is_before = frame.is_none_or(|frame| Body::decode(&frame.body).is_ok_and(|body| body.at < at));
            if is_before { low = middle } else { high = middle - 1 }
        }
        Ok(low)
    }

    fn index(&self) -> [u8; 2] {
        self.partition.index().to_be_bytes()
    }

    /// `tenant 00 n`.
    fn key(&self, n: u64) -> Bytes {
        let mut key = layout::tenant_prefix(&self.tenant);
        key.put_u64(n);
        key.freeze()
    }

    fn read(&self, key: &[u8], value: &Bytes) -> Result<Frame, Error> {
        let unreadable = |why: &str| Unreadable { table: Table::Audit, why: why.to_owned() };
        let n = key.last_chunk::<8>().map(|n| u64::from_be_bytes(*n)).ok_or_else(|| unreadable("its key is short"))?;
        let link = value.first_chunk::<32>().ok_or_else(|| unreadable("its link is cut off"))?;
        Ok(Frame { n, link: *link, body: value.slice(32..) })
    }
}
