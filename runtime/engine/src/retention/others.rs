//! What webhooks were answered, and events that were given up.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::BufMut;
use signalbox_model::{Address, Event, EventId, MessageId, Timestamp};
use signalbox_registry::holds::Book;
use signalbox_store::{Range, Table, layout};

use super::messages::is_held;
use super::{Kind, PAGE, Pass, Work, note};
use crate::engine::read_error;
use crate::error::Error;
use crate::parked;
use crate::step::Step;

impl Work<'_> {
    /// Deletes what webhooks were answered that long ago.
    pub(super) async fn deliveries(&mut self, keep: Option<Duration>, pass: &mut Pass) -> Result<(), Error> {
        let read = |key: &[u8], _: &[u8]| {
            let (message, event) = layout::parse_delivery_key(key)?;
            Some((event.made_at(), About::Message(message)))
        };
        self.sweep(Table::Delivery, Kind::Deliveries, keep, read, pass).await
    }

    /// Deletes events that were given up that long ago.
    pub(super) async fn parked_events(&mut self, keep: Option<Duration>, pass: &mut Pass) -> Result<(), Error> {
        let read = |key: &[u8], value: &[u8]| {
            let event = EventId::from_bytes(*key.last_chunk::<16>()?);
            let parked = parked::read_row(value).ok()?;
            Some((event.made_at(), About::event(&parked.queued.event)))
        };
        self.sweep(Table::ParkedEvent, Kind::ParkedEvents, keep, read, pass).await
    }

    /// Goes through a table whose keys begin with the tenant and an id, as far as ids are old enough. `read` says of when
    /// a row is and what it is about; what it can't read stays.
    async fn sweep(
        &mut self,
        table: Table,
        kind: Kind,
        keep: Option<Duration>,
        read: impl Fn(&[u8], &[u8]) -> Option<(Timestamp, About)>,
        pass: &mut Pass,
    ) -> Result<(), Error> {
        let Some(keep) = keep else { return Ok(()) };
        let before = self.engine.clock.now() - keep;
        let mut end = layout::tenant_prefix(self.tenant);
        end.put_uint(before.as_millis() & 0xFFFF_FFFF_FFFF, 6);
        let mut range = Range::prefix(table, layout::tenant_prefix(self.tenant).freeze(), PAGE);
        range.end = std::ops::Bound::Excluded(end.freeze());
        while !pass.is_over() {
            let page = self.engine.store.range(self.partition, range.clone()).await?;
            let book = self.engine.holds.unmoved().await;
            let mut step = Step::new(self.engine, self.partition);
            let (mut days, mut rows) = (BTreeMap::new(), page.len());
            for (key, value) in &page {
                let Some((at, about)) = read(key, value).filter(|(at, _)| *at < before) else { continue };
                if !self.is_held(&book, about).await? {
                    step.batch.delete(table, key.clone());
                    note(&mut days, at, None);
                    rows += 1;
                }
            }
            if !days.is_empty() {
                self.commit(step, kind, days, pass).await?;
            }
            drop(book);
            let more = page.len() == PAGE;
            if let Some((last, _)) = page.into_iter().next_back() {
                range = range.resume(last);
            }
            if !pass.goes_on(rows).await || !more {
                break;
            }
        }
        Ok(())
    }

    /// Deletes webhook events of the tenant's that were given up that long ago. There are few, and they lie by endpoint.
    pub(super) async fn parked_deliveries(&mut self, keep: Option<Duration>, pass: &mut Pass) -> Result<(), Error> {
        let Some(keep) = keep else { return Ok(()) };
        let before = self.engine.clock.now() - keep;
        let mut after = None;
        while !pass.is_over() {
            let page = signalbox_webhooks::all_parked(&*self.engine.store, self.partition, after, PAGE).await;
            let page = page.map_err(webhooks_error)?;
            let book = self.engine.holds.unmoved().await;
            let mut step = Step::new(self.engine, self.partition);
            let (mut days, mut rows) = (BTreeMap::new(), page.len());
            for parked in page.iter().filter(|parked| parked.item.tenant == *self.tenant && parked.at < before) {
                if !self.is_held(&book, About::Message(parked.item.message)).await? {
                    signalbox_webhooks::stage_forget(&mut step.batch, parked.place);
                    note(&mut days, parked.at, None);
                    rows += 1;
                }
            }
            if !days.is_empty() {
                self.commit(step, Kind::ParkedDeliveries, days, pass).await?;
            }
            drop(book);
            after = page.last().map(|parked| parked.place);
            if !pass.goes_on(rows).await || page.len() < PAGE {
                break;
            }
        }
        Ok(())
    }

    /// Is what a row is about under a legal hold?
    async fn is_held(&self, book: &Book, about: About) -> Result<bool, Error> {
        if book.list(self.tenant).is_empty() {
            return Ok(false);
        }
        Ok(match about {
            About::Message(id) => {
                let message = signalbox_records::load_message(&*self.engine.store, self.tenant, id).await;
                // A message that is gone wasn't held.
                message.map_err(read_error)?.is_some_and(|message| is_held(book, &message))
            }
            About::People(ours, theirs) => book.on_conversation(self.tenant, &ours, &theirs).is_some(),
            About::Nobody => true,
        })
    }
}

/// What a row is about, by which a legal hold is found.
enum About {
    Message(MessageId),
    People(Address, Address),
    /// It doesn't say: as long as anything of the tenant's is held, so is it.
    Nobody,
}

impl About {
    fn event(event: &Event) -> Self {
        match event {
            Event::Outbound { message, .. }
            | Event::Inbound { message, .. }
            | Event::Cancel { message, .. }
            | Event::StatusChange { message, .. } => Self::Message(*message),
            Event::Adopt { message } => Self::People(message.ours().clone(), message.theirs().clone()),
            Event::Timer { conversation, .. } => Self::People(conversation.ours.clone(), conversation.theirs.clone()),
            Event::Remember { .. } | Event::Verdict { .. } => Self::Nobody,
        }
    }
}

fn webhooks_error(error: signalbox_webhooks::Error) -> Error {
    match error {
        signalbox_webhooks::Error::Store(error) => Error::Store(error),
        signalbox_webhooks::Error::Unreadable(error) => Error::Unreadable(error),
        other => unreachable!("reading what is parked fails by the store alone: {other}"),
    }
}
