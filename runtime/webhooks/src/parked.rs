//! Events that were given up: kept, listed, and told again when somebody asks.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use signalbox_model::{Partition, Timestamp};
use signalbox_store::layout::{self, Unreadable};
use signalbox_store::{Batch, Expect, Range, Store, Table};

use crate::Error;
use crate::item::{EndpointKey, Item, Row, parse_key, stage_row};

/// How a parked event is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    #[serde(with = "crate::item::shared")]
    item: Arc<Item>,
    attempts: u16,
    at: Timestamp,
    why: String,
}

/// An event that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Where it lies.
    pub place: Place,
    /// What.
    pub item: Arc<Item>,
    /// How many attempts had failed.
    pub attempts: u16,
    /// When it was given up.
    pub at: Timestamp,
    /// Why, in words.
    pub why: String,
}

/// Where a parked event lies; a listing goes on behind one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// In this partition.
    pub partition: Partition,
    /// In the queue of this endpoint.
    pub endpoint: EndpointKey,
    /// At this position.
    pub seq: u64,
}

/// Moves an event out of the outbox.
pub(crate) fn stage_park(batch: &mut Batch, place: Place, row: Row, at: Timestamp, why: String) {
    let key = layout::outbox_key(place.endpoint.0, place.seq);
    let stored = Stored { attempts: row.ever(), item: row.item, at, why };
    batch.delete(Table::Outbox, key.clone()).put(Table::ParkedDelivery, key, layout::encode(&stored));
}

/// Up to `limit` parked events of an endpoint, partition by partition, behind `after`.
pub async fn parked(
    store: &dyn Store,
    endpoint: EndpointKey,
    after: Option<Place>,
    limit: usize,
) -> Result<Vec<Parked>, Error> {
    let mut found = Vec::new();
    let first = after.map_or(0, |place| place.partition.index());
    for partition in (first..store.partitions()).map(Partition::new) {
        let mut range = Range::prefix(Table::ParkedDelivery, endpoint.0.to_vec(), limit - found.len());
        if let Some(after) = after.filter(|after| after.partition == partition) {
            range = range.resume(layout::outbox_key(endpoint.0, after.seq));
        }
        for (key, value) in store.range(partition, range).await? {
            found.push(read(partition, &key, &value)?);
        }
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

/// Up to `limit` parked events of a partition, whatever their endpoint, behind `after`; for whoever takes away what was kept
/// long enough.
pub async fn all_parked(
    store: &dyn Store,
    partition: Partition,
    after: Option<Place>,
    limit: usize,
) -> Result<Vec<Parked>, Error> {
    let mut range = Range::prefix(Table::ParkedDelivery, Vec::new(), limit);
    if let Some(after) = after {
        range = range.resume(layout::outbox_key(after.endpoint.0, after.seq));
    }
    let rows = store.range(partition, range).await?;
    Ok(rows.iter().map(|(key, value)| read(partition, key, value)).collect::<Result<_, _>>()?)
}

/// Forgets a parked event; it can't be replayed then.
pub fn stage_forget(batch: &mut Batch, place: Place) {
    batch.delete(Table::ParkedDelivery, layout::outbox_key(place.endpoint.0, place.seq));
}

fn read(partition: Partition, key: &[u8], value: &[u8]) -> Result<Parked, Unreadable> {
    let foreign = || Unreadable { table: Table::ParkedDelivery, why: "its key is foreign".to_owned() };
    let (endpoint, seq) = parse_key(key).ok_or_else(foreign)?;
    let Stored { item, attempts, at, why } = layout::decode(Table::ParkedDelivery, value)?;
    Ok(Parked { place: Place { partition, endpoint, seq }, item, attempts, at, why })
}

/// Puts a parked event into the outbox again at `at`, with the whole schedule before it: `seq` is the partition's next.
/// The batch is refused if somebody else replayed it meanwhile. After the commit, ring.
pub fn stage_replay(batch: &mut Batch, parked: &Parked, seq: u64, at: Timestamp) -> EndpointKey {
    let Place { endpoint, seq: old, .. } = parked.place;
    let key = layout::outbox_key(endpoint.0, old);
    batch.check(Table::ParkedDelivery, key.clone(), Expect::Present).delete(Table::ParkedDelivery, key);
    let row = Row { earlier: parked.attempts, since: at, ..Row::fresh(parked.item.clone()) };
    stage_row(batch, endpoint, seq, &row);
    endpoint
}
