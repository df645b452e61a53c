//! The oldest messages of a partition, for whoever takes away what was kept long enough.
//!
//! Ids sort by time, so the oldest come first and nothing has to be kept beside the messages to find them.

use bytes::{BufMut, Bytes};
use signalbox_model::{Cause, Direction, Head, Message, MessageId, Partition, Status, TenantId, Timestamp};
use signalbox_store::layout::{self, parse_message_row};
use signalbox_store::{Batch, Range, Store, Table, successor_of_prefix};

use crate::Error;
use crate::history::unstage_history;
use crate::list::range_bounds;
use crate::record::{Rows, rows};

/// A message as it is before it is taken away.
#[derive(Debug)]
pub struct Aged {
    /// The message.
    pub message: Message,
    /// Its timeline, folded.
    pub head: Head,
    /// When something happened to it last.
    pub last_at: Timestamp,
    /// Which carriers took it, and under which ids.
    pub sent: Vec<(String, Vec<String>)>,
    keys: Vec<Bytes>,
}

/// Some of a partition's oldest messages.
#[derive(Debug)]
pub struct Page {
    /// Ids, with the message unless its rows can't be read.
    pub items: Vec<(MessageId, Option<Aged>)>,
    /// Rows that were read for it.
    pub rows: usize,
    /// There may be more behind the last.
    pub more: bool,
}

/// A tenant's oldest messages in a partition behind `after` that were accepted before `before`; of at most `most` rows,
/// and at least one message if there is one.
pub async fn oldest(
    store: &dyn Store,
    tenant: &TenantId,
    partition: Partition,
    after: Option<MessageId>,
    before: Timestamp,
    most: usize,
) -> Result<Page, Error> {
    let start = after.and_then(|after| successor_of_prefix(&layout::message_prefix(tenant, after)));
    let start = start.unwrap_or_else(|| layout::tenant_prefix(tenant).freeze());
    let mut end = layout::tenant_prefix(tenant);
    end.put_uint(before.as_millis() & 0xFFFF_FFFF_FFFF, 6);
    let (start, end) = range_bounds((start, Some(end.freeze())));
    let read = store.range(partition, Range { table: Table::Message, start, end, reverse: false, limit: most }).await?;
    let more = read.len() == most;
    let mut page = Page { items: Vec::new(), rows: read.len(), more };
    let mut groups: Vec<(MessageId, Vec<(Bytes, Bytes)>)> = Vec::new();
    for (key, value) in read {
        let Some(id) = parse_message_row(&key).map(layout::MessageRow::id) else { continue };
        match groups.last_mut() {
            Some((last, rows)) if *last == id => rows.push((key, value)),
            _ => groups.push((id, vec![(key, value)])),
        }
    }
    // The last may go on behind the page.
    if let Some((id, _)) = if more { groups.pop() } else { None }
        && groups.is_empty()
    {
        groups.push((id, rows(store, tenant, id).await?));
    }
    page.items = groups.into_iter().map(|(id, rows)| (id, Aged::read(id, rows).ok())).collect();
    Ok(page)
}

/// One message as it is now; `None` if it isn't there.
pub async fn one(store: &dyn Store, tenant: &TenantId, id: MessageId) -> Result<Option<Aged>, Error> {
    let rows = rows(store, tenant, id).await?;
    if rows.is_empty() { Ok(None) } else { Aged::read(id, rows).map(Some) }
}

impl Aged {
    fn read(id: MessageId, rows: Vec<(Bytes, Bytes)>) -> Result<Self, Error> {
        let keys = rows.iter().map(|(key, _)| key.clone()).collect();
        let record = Rows::of(id, rows)?.record(id)?;
        let last_at = record.entries.iter().map(|entry| entry.at).max().unwrap_or(Timestamp::MAX);
        let sent = record.entries.into_iter().filter_map(|entry| match entry.cause {
            Cause::Sent { carrier, carrier_ids } => Some((carrier, carrier_ids)),
            _ => None,
        });
        let sent = sent.collect();
        Ok(Self { message: record.message, head: record.head, last_at, sent, keys })
    }

    /// Has nothing more to happen to it? Neither is it on its way, nor can its carrier still tell of it: what tells is given
    /// `settled` after the last that happened, and after the time until which carriers try.
    pub fn is_over(&self, now: Timestamp, settled: std::time::Duration) -> bool {
        let status = self.head.status;
        let is_on_its_way = status.is_ours() || status == Status::Received;
        let was_tried_for = status.is_terminal()
            || self.message.direction == Direction::Inbound
            || self.message.expires_at + settled <= now;
        !is_on_its_way && was_tried_for && self.last_at + settled <= now
    }

    /// Takes the message away, with its timeline and its place in its conversation.
    pub fn stage_removal(&self, batch: &mut Batch) -> usize {
        for key in &self.keys {
            batch.delete(Table::Message, key.clone());
        }
        unstage_history(batch, &self.message);
        self.keys.len() + 1
    }
}
