//! What tenants and their handlers used, by day: counted in memory and written down at short intervals and at the drain.
//!
//! A crash loses what was counted since it was last written, at most [`Config::usage_flush`](crate::Config); a step that
//! is done again because it couldn't be committed is counted again. So these are figures for quotas and for looking;
//! what must be exact by the message is in the records.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use signalbox_guest as guest;
use signalbox_model::{Partition, TenantId, Timestamp};
use signalbox_store::{Batch, Range, Table, layout};
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::error::Error;

/// A day, in UTC: `2026-12-24`.
pub type Day = String;

/// What was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Runs of the handler, attempts each counted.
    pub invocations: u64,
    /// Runs that failed.
    pub failures: u64,
    /// Computing time, in microseconds.
    pub cpu_us: u64,
    /// The most memory that one run held, in bytes.
    pub peak_memory_bytes: u64,
    /// Calls of the host.
    pub host_calls: u64,
    /// Messages that were accepted from it.
    pub messages: u64,
    /// Segments of these.
    pub segments: u64,
}

/// What was used on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRow {
    /// Which day.
    pub day: Day,
    /// By this handler; by the tenant's own requests if it is empty.
    pub handler: String,
    /// What.
    pub used: Used,
}

impl Used {
    fn add(&mut self, more: &Self) {
        self.invocations += more.invocations;
        self.failures += more.failures;
        self.cpu_us += more.cpu_us;
        self.peak_memory_bytes = self.peak_memory_bytes.max(more.peak_memory_bytes);
        self.host_calls += more.host_calls;
        self.messages += more.messages;
        self.segments += more.segments;
    }
}

/// What was used and isn't written down yet.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Vec<(Day, Used)>>);

impl Tally {
    fn add(&self, at: Timestamp, more: &Used) {
        let day = day(at);
        let mut days = self.0.lock();
        match days.iter_mut().find(|(known, _)| *known == day) {
            Some((_, used)) => used.add(more),
            None => days.push((day, *more)),
        }
    }

    /// Counts a run.
    pub(crate) fn run(&self, at: Timestamp, usage: &guest::Usage, failed: bool) {
        self.add(
            at,
            &Used {
                invocations: 1,
                failures: u64::from(failed),
                cpu_us: u64::try_from(usage.cpu.as_micros()).unwrap_or(u64::MAX),
                peak_memory_bytes: usage.peak_memory_bytes as u64,
                host_calls: u64::from(usage.host_calls),
                ..Used::default()
            },
        );
    }

    /// Counts a message.
    pub(crate) fn message(&self, at: Timestamp, segments: u8) {
        self.add(at, &Used { messages: 1, segments: u64::from(segments), ..Used::default() });
    }

    fn take(&self) -> Vec<(Day, Used)> {
        std::mem::take(&mut *self.0.lock())
    }

    fn put_back(&self, taken: &[(Day, Used)]) {
        for (day, used) in taken {
            let mut days = self.0.lock();
            match days.iter_mut().find(|(known, _)| known == day) {
                Some((_, more)) => more.add(used),
                None => days.push((day.clone(), *used)),
            }
        }
    }
}

/// The day of an instant.
fn day(at: Timestamp) -> Day {
    let mut text = at.to_rfc3339();
    text.truncate("2026-12-24".len());
    text
}

/// Tallies to be written, each of a tenant and a handler; of the tenant itself if the name is empty.
type Tallies = Vec<(TenantId, String, Arc<Tally>)>;

fn tallies(engine: &Engine, only: Option<&TenantId>) -> Tallies {
    let accounts = engine.directory.accounts().into_iter().filter(|a| only.is_none_or(|only| a.tenant.id == *only));
    accounts
        .flat_map(|account| {
            let tenant = account.tenant.id.clone();
            let of_handlers = account.handlers.values();
            let handlers: Vec<_> =
                of_handlers.map(|h| (tenant.clone(), h.meta.name.clone(), h.tally.clone())).collect();
            handlers.into_iter().chain([(tenant, String::new(), account.tally.clone())])
        })
        .collect()
}

/// Writes down what was used, for as long as the host runs. The drain does it once more, when all is done.
pub(crate) async fn run(engine: Arc<Engine>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(engine.config.usage_flush) => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = flush(&engine, None).await {
            engine.step_failed("writing down what was used", &error);
        }
    }
}

/// Writes down what was used until now.
pub(crate) async fn flush(engine: &Engine, only: Option<&TenantId>) -> Result<(), Error> {
    let _one = engine.usage_flushing.lock().await;
    for (tenant, handler, tally) in tallies(engine, only) {
        let taken = tally.take();
        if taken.is_empty() {
            continue;
        }
        if let Err(error) = write(engine, &tenant, &handler, &taken).await {
            tally.put_back(&taken);
            return Err(error);
        }
    }
    Ok(())
}

async fn write(engine: &Engine, tenant: &TenantId, handler: &str, taken: &[(Day, Used)]) -> Result<(), Error> {
    let home = Partition::DIRECTORY;
    let mut batch = Batch::new(home, engine.epoch(home));
    for (day, more) in taken {
        let key = layout::part_key(tenant, day, handler);
        let known = engine.store.get(home, Table::Usage, key.clone()).await?;
        let mut row = match known {
            Some(known) => layout::decode::<UsageRow>(Table::Usage, &known)?,
            None => UsageRow { day: day.clone(), handler: handler.to_owned(), used: Used::default() },
        };
        row.used.add(more);
        batch.put(Table::Usage, key, layout::encode(&row));
    }
    engine.store.commit(batch).await?;
    Ok(())
}

/// Days that one question may span: a bound on its answer.
pub const MAX_DAYS: usize = 400;

/// What a tenant used from one day to another, both included, by day and handler.
pub(crate) async fn read(engine: &Engine, tenant: &TenantId, from: &str, to: &str) -> Result<Vec<UsageRow>, Error> {
    flush(engine, Some(tenant)).await?;
    let mut range = Range::prefix(Table::Usage, layout::tenant_prefix(tenant), 1_000);
    let mut rows: BTreeMap<(Day, String), UsageRow> = BTreeMap::new();
    range.start = std::ops::Bound::Included(layout::named_key(tenant, from));
    loop {
        let page = engine.store.range(Partition::DIRECTORY, range.clone()).await?;
        for (_, value) in &page {
            let row: UsageRow = layout::decode(Table::Usage, value)?;
            if *row.day > *to {
                return Ok(rows.into_values().collect());
            }
            rows.insert((row.day.clone(), row.handler.clone()), row);
        }
        match page.last() {
            Some((last, _)) if page.len() == range.limit => range = range.resume(last.clone()),
            _ => return Ok(rows.into_values().collect()),
        }
    }
}

/// Today, by the host's clock.
pub(crate) fn today(engine: &Engine) -> Day {
    day(engine.clock.now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_adds_up_by_day_and_peaks_stay_peaks() {
        let tally = Tally::default();
        let usage = |memory| guest::Usage { peak_memory_bytes: memory, host_calls: 2, ..guest::Usage::default() };
        let (noon, next) = ("2026-12-24T12:00:00Z", "2026-12-25T00:00:00Z");
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        tally.run(at(noon), &usage(900), false);
        tally.run(at(noon), &usage(500), true);
        tally.message(at(noon), 3);
        tally.message(at(next), 1);
        let taken = tally.take();
        assert!(tally.take().is_empty());
        tally.put_back(&taken);
        let days = tally.take();
        assert_eq!(days.iter().map(|(day, _)| day.as_str()).collect::<Vec<_>>(), ["2026-12-24", "2026-12-25"]);
        let used = days[0].1;
        assert_eq!((used.invocations, used.failures, used.peak_memory_bytes, used.host_calls), (2, 1, 900, 4));
        assert_eq!((used.messages, used.segments, days[1].1.segments), (1, 3, 1));
    }
}
