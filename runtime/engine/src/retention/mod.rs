//! Retention: what was kept long enough is taken away.
//!
//! Beside the path: ids and keys carry their time, so the oldest of everything is found without a row more for each
//! message. A batch is one commit, with what was counted and what the audit log tells of it: after a crash the next pass goes
//! on where the last commit was. What is under a legal hold stays.
//!
//! | file | what it holds |
//! |---|---|
//! | `messages.rs` | messages with their timelines, and carriers' ids |
//! | `others.rs` | answers of webhooks, and events that were given up |
//! | `log.rs` | the audit log itself: cut at a checkpoint |
//! | `tally.rs` | what was deleted so far |

mod log;
mod messages;
mod others;
mod tally;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use signalbox_model::directory::RetentionPlan;
use signalbox_model::{MessageId, Partition, TenantId, Timestamp};
use signalbox_records::audit::Item;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::error::Error;
use crate::handle::Handle;
use crate::step::Step;

pub use tally::{Deleted, Kind, Totals};

/// How what was kept long enough is looked for.
#[derive(Debug, Clone)]
pub struct Config {
    /// How often: what is kept for months may be gone an hour late.
    pub every: Duration,
    /// Rows that a pass reads or deletes in a second, so that it takes little from the path.
    pub rows_per_second: u32,
    /// For so long nothing that is to be done with a message can come after the last that was: webhooks are tried and
    /// idempotency keys known until then. The house makes it long enough for both.
    pub settled: Duration,
}

impl Default for Config {
    fn default() -> Self {
        let settled = Duration::from_secs(5 * 86_400);
        Self { every: Duration::from_secs(3_600), rows_per_second: 5_000, settled }
    }
}

/// Rows that are read at a time.
const PAGE: usize = 1_024;
/// Messages in one commit: few enough that the path's messages, which share locks with them, wait for no more than a
/// commit, and rarely.
const AT_ONCE: usize = 64;
/// Rows that one request may have read or deleted; it is told whether there is more.
const ROWS_A_REQUEST: usize = 50_000;

/// What passes have done.
#[derive(Default)]
pub(crate) struct Retention {
    /// One pass at a time.
    one: tokio::sync::Mutex<()>,
    status: Mutex<Status>,
}

/// How the passes do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    /// When the last one over all tenants ended.
    pub last_pass: Option<Timestamp>,
    /// What it and those before it deleted since the start.
    pub deleted: u64,
    /// Why the last one didn't come to its end.
    pub failed: bool,
}

/// What is kept of a tenant for how long, and what was deleted.
#[derive(Debug, Clone)]
pub struct Report {
    /// For how long.
    pub plan: RetentionPlan,
    /// Since there is retention.
    pub totals: Totals,
    /// Is anything of it under a legal hold?
    pub held: bool,
}

/// What a pass was asked for did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ran {
    /// What it deleted.
    pub deleted: Deleted,
    /// Ask again: it had its fill before it came to the end.
    pub more: bool,
}

/// How much a pass may do, and what it did.
pub(crate) struct Pass {
    left: usize,
    /// Rows a second; nothing is waited for without.
    pace: Option<u32>,
    stop: CancellationToken,
    deleted: Deleted,
}

impl Pass {
    /// Rows were read or deleted. False: that was enough.
    async fn goes_on(&mut self, rows: usize) -> bool {
        self.left = self.left.saturating_sub(rows.max(1));
        if let Some(pace) = self.pace {
            let wait = Duration::from_secs_f64(rows as f64 / f64::from(pace.max(1)));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => {}
            }
        }
        !self.is_over()
    }

    fn is_over(&self) -> bool {
        self.left == 0 || self.stop.is_cancelled()
    }
}

/// Takes away what was kept long enough, for as long as the host runs.
pub(crate) async fn run(engine: Arc<Engine>, stop: CancellationToken) {
    let config = &engine.config.retention;
    loop {
        let until = engine.clock.now() + config.every;
        tokio::select! {
            () = engine.clock.sleep_until(until) => {}
            () = stop.cancelled() => return,
        }
        let pace = Some(config.rows_per_second);
        let mut pass = Pass { left: usize::MAX, pace, stop: stop.clone(), deleted: Deleted::default() };
        let done = over_all(&engine, &mut pass).await;
        let mut status = engine.retention.status.lock();
        status.failed = done.is_err();
        if let Err(error) = done {
            engine.step_failed("deleting what was kept long enough", &error);
        } else {
            status.last_pass = Some(engine.clock.now());
        }
    }
}

async fn over_all(engine: &Engine, pass: &mut Pass) -> Result<(), Error> {
    let _one = engine.retention.one.lock().await;
    for tenant in engine.directory.tenants() {
        over_tenant(engine, &tenant.id, &tenant.retention, pass).await?;
    }
    Ok(())
}

async fn over_tenant(engine: &Engine, tenant: &TenantId, plan: &RetentionPlan, pass: &mut Pass) -> Result<(), Error> {
    if engine.holds.book().on_tenant(tenant).is_some() {
        return Ok(());
    }
    for partition in (0..engine.store.partitions()).map(Partition::new) {
        if pass.is_over() {
            return Ok(());
        }
        let mut work = Work::begin(engine, tenant, partition).await?;
        work.messages(plan.messages, pass).await?;
        work.carrier_ids(plan.carrier_ids, pass).await?;
        work.deliveries(plan.deliveries, pass).await?;
        work.parked_deliveries(plan.deliveries, pass).await?;
        work.parked_events(plan.messages, pass).await?;
    }
    log::cut(engine, tenant, plan.audit, pass).await
}

/// A tenant's part of a partition, while it is gone through.
struct Work<'e> {
    engine: &'e Engine,
    tenant: &'e TenantId,
    partition: Partition,
    totals: Totals,
}

impl<'e> Work<'e> {
    async fn begin(engine: &'e Engine, tenant: &'e TenantId, partition: Partition) -> Result<Self, Error> {
        let totals = tally::read(engine, tenant, partition).await?;
        Ok(Self { engine, tenant, partition, totals })
    }

    /// Commits what is deleted with what is to be told of it: `count` of a kind, by the day that it was of.
    async fn commit(
        &mut self,
        mut step: Step<'_>,
        kind: Kind,
        days: BTreeMap<String, (u64, Vec<MessageId>)>,
        pass: &mut Pass,
    ) -> Result<(), Error> {
        let count = days.values().map(|(count, _)| count).sum();
        let mut totals = self.totals;
        totals.add(kind, count, step.at);
        tally::stage(&mut step.batch, self.tenant, &totals);
        for (day, (count, messages)) in days {
            step.log(self.tenant, Item::Swept { what: kind.as_str().to_owned(), day, count, messages });
        }
        step.commit().await?;
        self.totals = totals;
        pass.deleted.add(kind, count);
        self.engine.retention.status.lock().deleted += count;
        Ok(())
    }
}

/// The day of an instant.
fn day(at: Timestamp) -> String {
    let mut text = at.to_rfc3339();
    text.truncate("2026-12-24".len());
    text
}

/// Counts one of a day.
fn note(days: &mut BTreeMap<String, (u64, Vec<MessageId>)>, at: Timestamp, message: Option<MessageId>) {
    let (count, messages) = days.entry(day(at)).or_default();
    *count += 1;
    messages.extend(message);
}

impl Handle {
    /// For how long what is on record of a tenant is kept, and what was deleted.
    pub async fn retention(&self, tenant: &TenantId) -> Result<Option<Report>, Error> {
        let engine = &self.0;
        let Some(account) = engine.directory.account(tenant) else { return Ok(None) };
        let mut totals = Totals::default();
        for partition in (0..engine.store.partitions()).map(Partition::new) {
            totals.join(&tally::read(engine, tenant, partition).await?);
        }
        let held = !engine.holds.book().list(tenant).is_empty();
        Ok(Some(Report { plan: account.tenant.retention, totals, held }))
    }

    /// Deletes what was kept long enough now, up to a bound.
    pub async fn run_retention(&self, tenant: &TenantId) -> Result<Ran, Error> {
        let engine = &self.0;
        let Some(account) = engine.directory.account(tenant) else { return Ok(Ran::default()) };
        let _one = engine.retention.one.lock().await;
        let stop = CancellationToken::new();
        let mut pass = Pass { left: ROWS_A_REQUEST, pace: None, stop, deleted: Deleted::default() };
        over_tenant(engine, tenant, &account.tenant.retention, &mut pass).await?;
        Ok(Ran { deleted: pass.deleted, more: pass.is_over() })
    }

    /// How the passes over all tenants do.
    pub fn retention_status(&self) -> Status {
        *self.0.retention.status.lock()
    }
}
