//! One task writes recordings and takes old ones away.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use signalbox_model::directory::RecordingPlan;
use signalbox_model::{Conversation, Partition, TenantId};
use signalbox_records::vault::Words;
use signalbox_store::layout::{self, RecordingRow};
use signalbox_store::{Batch, Range, Table};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Row, home};
use crate::engine::Engine;
use crate::error::Error;

/// Recordings in one commit: few enough that the path's own commits don't wait behind megabytes.
const AT_ONCE: usize = 64;
/// How often is looked for those that were kept long enough.
const SWEEP: Duration = Duration::from_secs(60);
/// Rows that are read or deleted at a time.
const PAGE: usize = 256;

/// What is known of how many each tenant has; counted in the store when it is first needed, and again after erasures, of which
/// there were so many.
#[derive(Default)]
struct Counts(HashMap<TenantId, usize>, u64);

/// Writes what comes until `stop` is cancelled, and then what still waits.
pub(crate) async fn run(engine: Arc<Engine>, mut rows: mpsc::Receiver<Row>, stop: CancellationToken) {
    let (mut counts, mut waiting) = (Counts::default(), Vec::new());
    let mut sweep = tokio::time::interval(SWEEP);
    sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let done = tokio::select! {
            _ = rows.recv_many(&mut waiting, AT_ONCE) => counts.write(&engine, &mut waiting).await,
            _ = sweep.tick() => counts.sweep(&engine).await,
            () = stop.cancelled() => break,
        };
        told(&engine, done);
    }
    rows.close();
    while rows.recv_many(&mut waiting, AT_ONCE).await > 0 {
        told(&engine, counts.write(&engine, &mut waiting).await);
    }
}

fn told(engine: &Engine, done: Result<(), Error>) {
    if let Err(error) = done {
        engine.step_failed("keeping recordings", &error);
    }
}

impl Counts {
    /// Writes all of `rows`, a commit for each tenant among them.
    async fn write(&mut self, engine: &Engine, rows: &mut Vec<Row>) -> Result<(), Error> {
        let mut by_tenant: HashMap<TenantId, Vec<Row>> = HashMap::new();
        for row in rows.drain(..) {
            by_tenant.entry(row.tenant.clone()).or_default().push(row);
        }
        let mut result = Ok(());
        for (tenant, rows) in by_tenant {
            let lost = rows.len() as u64;
            if let Err(error) = self.write_tenant(engine, &tenant, rows).await {
                engine.metrics.recordings_dropped.inc_by(lost);
                result = Err(error);
            }
        }
        result
    }

    async fn write_tenant(&mut self, engine: &Engine, tenant: &TenantId, rows: Vec<Row>) -> Result<(), Error> {
        let home = home(engine, tenant);
        let erasures = engine.recordings.erasures.load(Ordering::Acquire);
        if std::mem::replace(&mut self.1, erasures) != erasures {
            self.0.clear();
        }
        let had = self.count(engine, home, tenant).await?;
        let mut batch = Batch::new(home, engine.epoch(home));
        let mut count = 0;
        for row in rows {
            let key = |part| layout::recording_key(tenant, part, row.id);
            if let Some(whole) = &row.whole {
                let (key, Conversation { ours, theirs, .. }) = (key(RecordingRow::Whole), &row.conversation);
                let at = (Table::Recording, &key[..]);
                let whole = match engine.seal_words(tenant, (Some(ours), theirs), at, whole, row.said).await? {
                    Some(Words::Sealed(sealed)) => layout::encode_as(layout::SEALED, &sealed),
                    // Its person was erased while it waited to be written.
                    Some(Words::Erased) => continue,
                    None => whole.clone(),
                };
                batch.put(Table::Recording, key, whole);
            }
            batch.put(Table::Recording, key(RecordingRow::Summary), layout::encode(&row.run));
            count += 1;
        }
        if count == 0 {
            return Ok(());
        }
        engine.store.commit(batch).await?;
        let has = had + count;
        self.0.insert(tenant.clone(), has);
        let max = plan(engine, tenant).map_or(has, |plan| plan.max);
        self.drop_oldest(engine, home, tenant, has.saturating_sub(max), |_| true).await?;
        Ok(())
    }

    async fn count(&self, engine: &Engine, home: Partition, tenant: &TenantId) -> Result<usize, Error> {
        if let Some(known) = self.0.get(tenant) {
            return Ok(*known);
        }
        let mut range = Range::prefix(Table::Recording, prefix(tenant), PAGE);
        let mut count = 0;
        loop {
            let page = engine.store.range(home, range.clone()).await?;
            count += page.len();
            match page.last() {
                Some((last, _)) if page.len() == PAGE => range = range.resume(last.clone()),
                _ => return Ok(count),
            }
        }
    }

    /// Takes away those that were kept long enough.
    async fn sweep(&mut self, engine: &Engine) -> Result<(), Error> {
        let now = engine.clock.now();
        for tenant in engine.directory.tenants() {
            let keep = tenant.recording.keep;
            let is_old = |id: signalbox_model::InvocationId| id.made_at() + keep <= now;
            self.drop_oldest(engine, home(engine, &tenant.id), &tenant.id, usize::MAX, is_old).await?;
        }
        Ok(())
    }

    /// Takes away the oldest, at most `most`, for as long as `goes` says so.
    async fn drop_oldest(
        &mut self,
        engine: &Engine,
        home: Partition,
        tenant: &TenantId,
        mut most: usize,
        goes: impl Fn(signalbox_model::InvocationId) -> bool,
    ) -> Result<(), Error> {
        while most > 0 {
            let range = Range::prefix(Table::Recording, prefix(tenant), most.min(PAGE));
            let page = engine.store.range(home, range.clone()).await?;
            let ids = page.iter().filter_map(|(key, _)| layout::recording_id(key)).take_while(|id| goes(*id));
            let ids: Vec<_> = ids.collect();
            if ids.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new(home, engine.epoch(home));
            for id in &ids {
                batch.delete(Table::Recording, layout::recording_key(tenant, RecordingRow::Summary, *id));
                batch.delete(Table::Recording, layout::recording_key(tenant, RecordingRow::Whole, *id));
            }
            engine.store.commit(batch).await?;
            if let Some(count) = self.0.get_mut(tenant) {
                *count = count.saturating_sub(ids.len());
            }
            if ids.len() < range.limit {
                return Ok(());
            }
            most -= ids.len();
        }
        Ok(())
    }
}

fn prefix(tenant: &TenantId) -> bytes::Bytes {
    layout::recording_prefix(tenant, RecordingRow::Summary)
}

fn plan(engine: &Engine, tenant: &TenantId) -> Option<RecordingPlan> {
    engine.directory.account(tenant).map(|account| account.tenant.recording)
}
