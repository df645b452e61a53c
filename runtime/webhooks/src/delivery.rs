//! What each attempt was answered: the tenant's evidence, and ours.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use signalbox_model::{MessageId, TenantId, Timestamp};
use signalbox_store::layout::{self, Unreadable};
use signalbox_store::{Batch, Range, Store, Table};

use crate::Error;
use crate::item::Item;

/// One attempt.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// What was told, and where it went.
    #[serde(with = "crate::item::shared")]
    pub item: Arc<Item>,
    /// Which attempt, from 1.
    pub attempt: u16,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took, in microseconds.
    pub latency_us: u64,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// The first KiB of the answer.
    pub answer: Vec<u8>,
    /// What went wrong, in words.
    pub error: Option<String>,
}

impl std::fmt::Debug for Delivery {
    /// Without the answer: it is the receiver's text, and may repeat ours.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.item.id)
            .field("attempt", &self.attempt)
            .field("status", &self.status)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// Puts an attempt on record.
pub(crate) fn stage(batch: &mut Batch, delivery: &Delivery) {
    let item = &delivery.item;
    let key = layout::delivery_key(&item.tenant, item.message, item.id, delivery.attempt);
    batch.put(Table::Delivery, key, layout::encode(delivery));
}

/// The attempts to tell of a message, by event and in order; at most `limit`.
pub async fn deliveries(
    store: &dyn Store,
    tenant: &TenantId,
    message: MessageId,
    limit: usize,
) -> Result<Vec<Delivery>, Error> {
    let range = Range::prefix(Table::Delivery, layout::message_prefix(tenant, message), limit);
    let rows = store.range(message.partition(), range).await?;
    let rows = rows.iter().map(|(_, value)| layout::decode(Table::Delivery, value));
    Ok(rows.collect::<Result<_, Unreadable>>()?)
}
