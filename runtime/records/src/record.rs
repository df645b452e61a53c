//! One message and its timeline. Words that lie sealed are read sealed; [`Vault::unveil`](crate::Vault::unveil) opens them.

use std::sync::Arc;

use bytes::Bytes;
use signalbox_model::{Entry, Head, Message, MessageId, TenantId};
use signalbox_store::layout::{self, MessageRow};
use signalbox_store::{Batch, Range, Store, Table};

use crate::Error;
use crate::form::{decode_entries, encode_entries};
use crate::vault::decode_message;

/// Rows read at once; a usual message has four.
const ROWS_A_READ: usize = 64;

/// A message, what happened to it, and where it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The message.
    pub message: Message,
    /// Its timeline, in order.
    pub entries: Vec<Entry>,
    /// The timeline folded.
    pub head: Head,
}

/// A message as it stood after one line of its timeline: what a webhook tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The message.
    pub message: Message,
    /// The timeline up to the line, folded.
    pub head: Head,
    /// The line.
    pub entry: Entry,
}

/// Writes a message; again when a handler or a rule rewrote it.
pub fn stage_message(batch: &mut Batch, message: &Message) {
    batch.put(Table::Message, layout::message_key(&message.tenant, message.id), layout::encode(message));
}

/// Appends lines to the timeline of message `id`: all that a step has for it, in order.
pub fn stage_entries(batch: &mut Batch, tenant: &TenantId, id: MessageId, entries: &[Arc<Entry>]) {
    if let Some(first) = entries.first() {
        batch.put(Table::Message, layout::entry_key(tenant, id, first.n), encode_entries(entries));
    }
}

/// A message with its timeline; `None` when the tenant has no such message.
pub async fn load(store: &dyn Store, tenant: &TenantId, id: MessageId) -> Result<Option<Record>, Error> {
    let rows = rows(store, tenant, id).await?;
    if rows.is_empty() { Ok(None) } else { Rows::of(id, rows)?.record(id).map(Some) }
}

/// A message without its timeline.
pub async fn load_message(store: &dyn Store, tenant: &TenantId, id: MessageId) -> Result<Option<Message>, Error> {
    let value = store.get(id.partition(), Table::Message, layout::message_key(tenant, id)).await?;
    value.map(|value| Ok(decode_message(&value)?)).transpose()
}

/// Whether the tenant has this message.
pub async fn is_known(store: &dyn Store, tenant: &TenantId, id: MessageId) -> Result<bool, Error> {
    Ok(store.get(id.partition(), Table::Message, layout::message_key(tenant, id)).await?.is_some())
}

/// Where a message is now.
pub async fn head(store: &dyn Store, tenant: &TenantId, id: MessageId) -> Result<Option<Head>, Error> {
    let rows = rows(store, tenant, id).await?;
    if rows.is_empty() { Ok(None) } else { Rows::of(id, rows)?.head(id).map(Some) }
}

/// A message as it stood after line `n` of its timeline; `None` when there is no such message or line.
pub async fn told(store: &dyn Store, tenant: &TenantId, id: MessageId, n: u16) -> Result<Option<Told>, Error> {
    let Some(mut record) = load(store, tenant, id).await? else { return Ok(None) };
    record.entries.truncate(usize::from(n) + 1);
    let head = Head::fold(&record.entries);
    Ok(match (head, record.entries.pop()) {
        (Some(head), Some(entry)) if entry.n == n => Some(Told { message: record.message, head, entry }),
        _ => None,
    })
}

pub(crate) async fn rows(store: &dyn Store, tenant: &TenantId, id: MessageId) -> Result<Vec<(Bytes, Bytes)>, Error> {
    let range = Range::prefix(Table::Message, layout::message_prefix(tenant, id), ROWS_A_READ);
    let mut rows = store.range(id.partition(), range.clone()).await?;
    let mut read = rows.len();
    while read == ROWS_A_READ {
        let last = rows[rows.len() - 1].0.clone();
        let page = store.range(id.partition(), range.clone().resume(last)).await?;
        read = page.len();
        rows.extend(page);
    }
    Ok(rows)
}

/// The rows of one message, not yet read.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    message: Option<Bytes>,
    /// Rows of lines, in order of `n`.
    entries: Vec<Bytes>,
}

impl Rows {
    pub(crate) fn of(id: MessageId, rows: Vec<(Bytes, Bytes)>) -> Result<Self, Error> {
        let mut sorted = Self::default();
        for (key, value) in rows {
            match layout::parse_message_row(&key) {
                Some(MessageRow::Message(_)) => sorted.message = Some(value),
                Some(MessageRow::Entry(..)) => sorted.entries.push(value),
                None => return Err(Error::Incomplete { message: id, what: "a key among its rows is foreign" }),
            }
        }
        Ok(sorted)
    }

    /// From rows that were met in reverse: the lines from the last, then the message.
    pub(crate) fn reversed(message: Bytes, mut entries: Vec<Bytes>) -> Self {
        entries.reverse();
        Self { message: Some(message), entries }
    }

    pub(crate) fn message(&self, id: MessageId) -> Result<Message, Error> {
        let value = self.message.as_ref().ok_or(Error::Incomplete { message: id, what: "its text is missing" })?;
        Ok(decode_message(value)?)
    }

    fn entries(&self) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        for row in &self.entries {
            entries.extend(decode_entries(row)?);
        }
        Ok(entries)
    }

    pub(crate) fn head(&self, id: MessageId) -> Result<Head, Error> {
        Head::fold(&self.entries()?).ok_or(Error::Incomplete { message: id, what: "its timeline is missing" })
    }

    pub(crate) fn record(&self, id: MessageId) -> Result<Record, Error> {
        let (message, entries) = (self.message(id)?, self.entries()?);
        let head = Head::fold(&entries).ok_or(Error::Incomplete { message: id, what: "its timeline is missing" })?;
        Ok(Record { message, entries, head })
    }
}
