//! What came of an attempt, written down: the event leaves the outbox or waits in it for its retry, and the attempt
//! goes on record, in one batch.

use std::sync::atomic::{AtomicU64, Ordering};

use signalbox_model::Timestamp;
use signalbox_store::Table;
use signalbox_store::layout::outbox_key;

use crate::delivery::{self, Delivery};
use crate::desk::Desk;
use crate::item::{Endpoint, stage_row};
use crate::parked::{Place, stage_park};
use crate::verdict::{AGAIN, Next};
use crate::window::Pending;
use crate::worker::{Done, Outcome};

impl Desk {
    pub(crate) fn settle(&mut self, done: Done, now: Timestamp) {
        self.judge_health(&done.outcome, now);
        // The lane may have been dropped, and its rows with it.
        let of_this = |first: &&Pending| first.row.item.id == done.item.id;
        let Some(first) = self.window.first(done.item.conversation).filter(of_this).cloned() else { return };
        let next = done.outcome.next(first.row.attempts, now, &self.context.chance);
        match next {
            Next::Again => {
                tracing::warn!(event = %done.item.id, why = done.outcome.why(), "webhook event waits for its record");
                self.window.postpone(done.item.conversation, now + AGAIN, 0, now);
            }
            Next::Delivered | Next::Drop => {
                self.tally(if next == Next::Delivered { Some(|c| &c.delivered) } else { None });
                self.record(&first, &done, now);
                self.remove(&first, now);
            }
            Next::Retry(wait) => {
                self.tally(Some(|c| &c.failed));
                self.record(&first, &done, now);
                self.postpone(&first, now + wait, now);
            }
            Next::Park(why) => self.give_up(first, &done, now, why),
            Next::Gone => {
                self.disable(&done);
                self.give_up(first, &done, now, "the endpoint answered 410".to_owned());
            }
        }
    }

    fn judge_health(&mut self, outcome: &Outcome, now: Timestamp) {
        if outcome.is_ill() {
            self.health.ill(outcome.asked_for_rest(now), now);
        } else if matches!(outcome, Outcome::Answered(_)) {
            self.health.well();
        }
    }

    fn postpone(&mut self, first: &Pending, at: Timestamp, now: Timestamp) {
        let postponed = self.window.postpone(first.row.item.conversation, at, 1, now).cloned();
        let key = self.entry.key;
        if let (Some(pending), Some(batch)) = (postponed, self.batch(first.partition)) {
            stage_row(batch, key, pending.seq, &pending.row);
        }
    }

    fn give_up(&mut self, mut first: Pending, done: &Done, now: Timestamp, why: String) {
        self.tally(Some(|c| &c.failed));
        self.record(&first, done, now);
        first.row.attempts += 1;
        self.park(first, now, why);
    }

    /// Moves the first event of its conversation to those that were given up.
    pub(crate) fn park(&mut self, pending: Pending, now: Timestamp, why: String) {
        let Pending { partition, seq, row } = pending;
        let item = &row.item;
        tracing::warn!(tenant = %item.tenant, endpoint = item.endpoint.label(), event = %item.id, why, "webhook event parked");
        self.tally(Some(|c| &c.parked));
        self.window.finish(item.conversation, now);
        let place = Place { partition, endpoint: self.entry.key, seq };
        if let Some(batch) = self.batch(partition) {
            stage_park(batch, place, row, now, why);
        }
    }

    /// Takes an event that nobody wants out of the outbox, with a line on record.
    pub(crate) fn drop_event(&mut self, pending: &Pending, now: Timestamp, why: &'static str) {
        let delivery = Delivery {
            item: pending.row.item.clone(),
            attempt: pending.row.ever() + 1,
            at: now,
            latency_us: 0,
            status: None,
            answer: Vec::new(),
            error: Some(why.to_owned()),
        };
        if let Some(batch) = self.batch(pending.partition) {
            delivery::stage(batch, &delivery);
        }
        self.remove(pending, now);
    }

    fn remove(&mut self, pending: &Pending, now: Timestamp) {
        let key = outbox_key(self.entry.key.0, pending.seq);
        if let Some(batch) = self.batch(pending.partition) {
            batch.delete(Table::Outbox, key);
        }
        self.window.finish(pending.row.item.conversation, now);
    }

    fn record(&mut self, first: &Pending, done: &Done, now: Timestamp) {
        let (status, answer) = match &done.outcome {
            Outcome::Answered(answer) => (Some(answer.status.as_u16()), answer.body.to_vec()),
            Outcome::Failed(_) | Outcome::Missing | Outcome::Unreadable(_) => (None, Vec::new()),
        };
        let delivery = Delivery {
            item: first.row.item.clone(),
            attempt: first.row.ever() + 1,
            at: now,
            latency_us: u64::try_from(done.latency.as_micros()).unwrap_or(u64::MAX),
            status,
            answer,
            error: Some(done.outcome.why()).filter(|why| !why.is_empty()),
        };
        if let Some(batch) = self.batch(first.partition) {
            delivery::stage(batch, &delivery);
        }
    }

    /// The webhook wants nothing any more: noted with its owner, and here for what waits.
    fn disable(&mut self, done: &Done) {
        let Endpoint::Webhook { name } = &done.item.endpoint else { return };
        if let Some(webhook) = self.context.lookup.webhook(&done.item.tenant, name)
            && self.gone.insert(name.clone(), webhook.made_at) != Some(webhook.made_at)
        {
            tracing::warn!(tenant = %done.item.tenant, webhook = name, "the endpoint answered 410: disabled");
            self.context.lookup.gone(&done.item.tenant, name);
        }
    }

    fn tally(&self, counter: Option<fn(&crate::roster::Counters) -> &AtomicU64>) {
        if let Some(counter) = counter {
            counter(&self.entry.counters).fetch_add(1, Ordering::Relaxed);
        }
    }
}
