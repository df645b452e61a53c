//! Messages with their timelines, and the carriers' ids by which receipts find them.

use std::collections::BTreeMap;
use std::time::Duration;

use signalbox_model::directory::RetentionPlan;
use signalbox_model::{MessageId, Timestamp};
use signalbox_records::aged::{self, Aged};
use signalbox_registry::holds::Book;
use signalbox_store::{Batch, Table, layout};

use super::{AT_ONCE, Kind, PAGE, Pass, Work, note};
use crate::engine::{Engine, read_error};
use crate::error::Error;
use crate::settle::canonical_id;
use crate::step::Step;

impl Work<'_> {
    /// Deletes messages that were kept long enough and that nothing more happens to.
    pub(super) async fn messages(&mut self, keep: Option<Duration>, pass: &mut Pass) -> Result<(), Error> {
        let Some(keep) = keep else { return Ok(()) };
        let before = self.engine.clock.now() - keep;
        let mut after = None;
        while !pass.is_over() {
            let page = self.page(after, before).await?;
            let book = self.engine.holds.book();
            let goes = |aged: &Aged| self.is_over(aged) && !is_held(&book, &aged.message);
            let old = page.items.iter().filter(|(_, aged)| aged.as_ref().is_some_and(goes)).map(|(id, _)| *id);
            let old: Vec<_> = old.collect();
            after = page.items.last().map(|(id, _)| *id);
            let mut rows = page.rows;
            for some in old.chunks(AT_ONCE) {
                rows += self.delete(some, pass).await?;
            }
            if !pass.goes_on(rows).await || !page.more {
                break;
            }
        }
        Ok(())
    }

    async fn page(&self, after: Option<MessageId>, before: Timestamp) -> Result<aged::Page, Error> {
        let page = aged::oldest(&*self.engine.store, self.tenant, self.partition, after, before, PAGE).await;
        page.map_err(read_error)
    }

    fn is_over(&self, aged: &Aged) -> bool {
        aged.is_over(self.engine.clock.now(), self.engine.config.retention.settled)
    }

    /// Deletes these, with all that leads to them, unless something has come in between.
    async fn delete(&mut self, ids: &[MessageId], pass: &mut Pass) -> Result<usize, Error> {
        let engine = self.engine;
        let book = engine.holds.unmoved().await;
        let _locks = engine.locks.lock_all(ids).await;
        let mut step = Step::new(engine, self.partition);
        let (mut days, mut rows, mut gone) = (BTreeMap::new(), 0, Vec::new());
        for id in ids {
            let aged = aged::one(&*engine.store, self.tenant, *id).await.map_err(read_error)?;
            let Some(aged) = aged.filter(|aged| self.is_over(aged) && !is_held(&book, &aged.message)) else { continue };
            rows += aged.stage_removal(&mut step.batch) + stage_ids(engine, &mut step.batch, &aged);
            crate::supervision::stage_removal(engine, &mut step.batch, &aged.message);
            note(&mut days, id.made_at(), Some(*id));
            gone.push(*id);
        }
        if gone.is_empty() {
            return Ok(0);
        }
        self.commit(step, Kind::Messages, days, pass).await?;
        // Under their locks: nobody brings one back into memory meanwhile.
        gone.into_iter().for_each(|id| engine.hot.forget(id));
        Ok(rows)
    }

    /// Deletes the ids under which carriers knew messages that they can't report on any more. Each message is looked at
    /// once; the ids of one that wasn't over then go with it.
    pub(super) async fn carrier_ids(&mut self, keep: Option<Duration>, pass: &mut Pass) -> Result<(), Error> {
        let Some(keep) = keep else { return Ok(()) };
        let engine = self.engine;
        let now = engine.clock.now();
        let settled = keep.max(RetentionPlan::LEAST_CARRIER_IDS);
        while !pass.is_over() {
            let page = self.page(self.totals.carrier_ids_through, now - keep).await?;
            let Some((last, _)) = page.items.last() else { break };
            let book = engine.holds.unmoved().await;
            let mut step = Step::new(engine, self.partition);
            let (mut days, mut rows) = (BTreeMap::new(), 0);
            for (id, aged) in &page.items {
                let Some(aged) = aged else { continue };
                if aged.is_over(now, settled) && !is_held(&book, &aged.message) {
                    let ids = stage_ids(engine, &mut step.batch, aged);
                    (0..ids).for_each(|_| note(&mut days, id.made_at(), None));
                    rows += ids;
                }
            }
            self.totals.carrier_ids_through = Some(*last);
            self.commit(step, Kind::CarrierIds, days, pass).await?;
            drop(book);
            if !pass.goes_on(page.rows + rows).await || !page.more {
                break;
            }
        }
        Ok(())
    }
}

/// Is it under a legal hold?
pub(super) fn is_held(book: &Book, message: &signalbox_model::Message) -> bool {
    book.on_conversation(&message.tenant, message.ours(), message.theirs()).is_some()
}

/// Takes away what carriers' ids lead to a message by.
fn stage_ids(engine: &Engine, batch: &mut Batch, aged: &Aged) -> usize {
    let mut count = 0;
    for (carrier, ids) in &aged.sent {
        for id in ids {
            let id = canonical_id(engine, carrier, id);
            batch.delete(Table::CarrierId, layout::carrier_id_key(carrier, &id));
            count += 1;
        }
    }
    count
}
