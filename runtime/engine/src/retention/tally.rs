//! What was deleted so far: a row for each tenant in each partition, written with what is deleted.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_model::{MessageId, Partition, TenantId, Timestamp};
use signalbox_store::{Batch, Table, layout};

use crate::engine::Engine;
use crate::error::Error;

/// What is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Messages with their timelines.
    Messages,
    /// Carriers' ids of messages.
    CarrierIds,
    /// What webhooks were answered.
    Deliveries,
    /// Webhook events that were given up.
    ParkedDeliveries,
    /// Events that were given up.
    ParkedEvents,
    /// Frames of the audit log.
    Audit,
}

impl Kind {
    /// Every kind, in the order in which they are counted.
    pub const ALL: [Self; 6] =
        [Self::Messages, Self::CarrierIds, Self::Deliveries, Self::ParkedDeliveries, Self::ParkedEvents, Self::Audit];

    /// The name in the API and in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::CarrierIds => "carrier_ids",
            Self::Deliveries => "deliveries",
            Self::ParkedDeliveries => "parked_deliveries",
            Self::ParkedEvents => "parked_events",
            Self::Audit => "audit",
        }
    }
}

/// How many of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted([u64; Kind::ALL.len()]);

impl Deleted {
    /// How many of a kind.
    pub const fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    pub(super) fn add(&mut self, kind: Kind, count: u64) {
        self.0[kind as usize] += count;
    }
}

/// What was deleted so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// How many.
    pub deleted: Deleted,
    /// When last.
    pub last_at: Option<Timestamp>,
    /// Carriers' ids of messages up to this one were looked at.
    pub(super) carrier_ids_through: Option<MessageId>,
}

impl Totals {
    pub(super) fn add(&mut self, kind: Kind, count: u64, at: Timestamp) {
        if count > 0 {
            self.deleted.add(kind, count);
            self.last_at = self.last_at.max(Some(at));
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        for kind in Kind::ALL {
            self.deleted.add(kind, other.deleted.of(kind));
        }
        self.last_at = self.last_at.max(other.last_at);
    }
}

/// `path/retention/` and the tenant.
fn key(tenant: &TenantId) -> Bytes {
    [b"path/retention/", tenant.as_str().as_bytes()].concat().into()
}

pub(super) async fn read(engine: &Engine, tenant: &TenantId, partition: Partition) -> Result<Totals, Error> {
    let row = engine.store.get(partition, Table::Meta, key(tenant)).await?;
    Ok(row.map(|row| layout::decode(Table::Meta, &row)).transpose()?.unwrap_or_default())
}

pub(super) fn stage(batch: &mut Batch, tenant: &TenantId, totals: &Totals) {
    batch.put(Table::Meta, key(tenant), layout::encode(totals));
}
