//! One partition's messages of a tenant, from the newest, in small chunks.

use std::collections::VecDeque;

use bytes::Bytes;
use signalbox_model::{MessageId, Partition, TenantId};
use signalbox_store::layout::{MessageRow, message_prefix, parse_message_row};
use signalbox_store::{Range, Store, Table};

use crate::Error;
use crate::list::range_bounds;
use crate::record::Rows;

/// The first chunk: a few messages, for most partitions give no more to a page.
const FIRST_ROWS: usize = 24;
/// Later chunks: a partition that is asked again will be asked more.
const MORE_ROWS: usize = 256;

pub(crate) struct Scan<'a> {
    store: &'a dyn Store,
    partition: Partition,
    tenant: TenantId,
    /// What hasn't been read; `None` at the end.
    range: Option<Range>,
    unread: VecDeque<(Bytes, Bytes)>,
    head: Option<(MessageId, Rows)>,
    /// How many rows were read.
    pub rows: usize,
}

impl<'a> Scan<'a> {
    pub fn new(store: &'a dyn Store, tenant: &TenantId, partition: Partition, bounds: (Bytes, Option<Bytes>)) -> Self {
        let (start, end) = range_bounds(bounds);
        let range = Range { table: Table::Message, start, end, reverse: true, limit: FIRST_ROWS };
        Self {
            store,
            partition,
            tenant: tenant.clone(),
            range: Some(range),
            unread: VecDeque::new(),
            head: None,
            rows: 0,
        }
    }

    /// The message at hand.
    pub fn id(&self) -> Option<MessageId> {
        self.head.as_ref().map(|(id, _)| *id)
    }

    /// Takes the message at hand.
    pub fn take(&mut self) -> Rows {
        self.head.take().map(|(_, rows)| rows).expect("only a scan with a message at hand stands in the merge")
    }

    /// Goes to the next message, if there is one.
    pub async fn advance(&mut self) -> Result<(), Error> {
        let mut entries = Vec::new();
        let mut of = None;
        while let Some((key, value)) = self.next_row().await? {
            match parse_message_row(&key) {
                Some(MessageRow::Entry(id, _)) if of.is_none_or(|of| of == id) => {
                    of = Some(id);
                    entries.push(value);
                }
                // In reverse the message comes behind its lines.
                Some(MessageRow::Message(id)) if of.is_none_or(|of| of == id) => {
                    self.head = Some((id, Rows::reversed(value, entries)));
                    return Ok(());
                }
                Some(MessageRow::Entry(id, _) | MessageRow::Message(id)) => {
                    self.check_swept(of.unwrap_or(id)).await?;
                    self.unread.push_front((key, value));
                    (entries, of) = (Vec::new(), None);
                }
                None => {
                    let why = "a key is foreign".to_owned();
                    return Err(signalbox_store::layout::Unreadable { table: Table::Message, why }.into());
                }
            }
        }
        match of {
            Some(message) => self.check_swept(message).await,
            None => Ok(()),
        }
    }

    /// A message of which only lines were read: it was kept long enough and is gone, or else something is wrong.
    async fn check_swept(&self, message: MessageId) -> Result<(), Error> {
        let rest = Range::prefix(Table::Message, message_prefix(&self.tenant, message), 1);
        match self.store.range(self.partition, rest).await?.is_empty() {
            true => Ok(()),
            false => Err(Error::Incomplete { message, what: "its text is missing" }),
        }
    }

    async fn next_row(&mut self) -> Result<Option<(Bytes, Bytes)>, Error> {
        if self.unread.is_empty()
            && let Some(range) = self.range.take()
        {
            let page = self.store.range(self.partition, range.clone()).await?;
            self.rows += page.len();
            if let Some((last, _)) = page.last().filter(|_| page.len() == range.limit) {
                let mut rest = range.resume(last.clone());
                rest.limit = MORE_ROWS;
                self.range = Some(rest);
            }
            self.unread = page.into();
        }
        Ok(self.unread.pop_front())
    }
}
