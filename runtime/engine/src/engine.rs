//! What the functions of the path share.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use parking_lot::{Mutex, MutexGuard};
use signalbox_carriers::Carrier;
use signalbox_guest as guest;
use signalbox_model::{Chance, Clock, ErrorClass, MessageId, Partition, TenantId, Timestamp};
use signalbox_policy::Watcher;
use signalbox_store::{Batch, Epoch, Store, Table, layout};
use signalbox_webhooks as webhooks;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::TaskTracker;

use crate::audit::Audit;
use crate::breakdown::Breakdown;
use crate::config::Config;
use crate::directory::Directory;
use crate::early::EarlyReceipts;
use crate::egress::Lane;
use crate::error::Error;
use crate::hot::{Hot, Live, Locks};
use crate::idempotency::InFlight;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::recordings::Recordings;
use crate::rollback::Suspect;
use crate::timers::{Due, HandlerTimers};
use crate::turns::Turns;
use crate::wheel::Wheel;

/// How far a partition's sequence is reserved ahead, in microseconds: a restart goes on behind the reservation, so
/// that the sequence rises even if the machine's clock was set back.
const SEQ_RESERVE: u64 = 600_000_000;

/// What the functions of the path share. No global cells: whoever needs it is given it.
pub(crate) struct Engine {
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Chance,
    pub(crate) policy: Watcher,
    pub(crate) directory: Arc<Directory>,
    pub(crate) consent: Arc<signalbox_registry::Ledger>,
    /// Rates of tenants, numbers and carriers, shared by all lanes.
    pub(crate) rates: Arc<crate::rates::Rates>,
    /// What brands sent today.
    pub(crate) allowances: crate::throughput::Allowances,
    pub(crate) registration: Arc<signalbox_registry::registration::Registration>,
    pub(crate) imports: crate::consent::Imports,
    pub(crate) suppression: signalbox_registry::Suppression,
    pub(crate) holds: signalbox_registry::Holds,
    pub(crate) programs: crate::programs::Programs,
    pub(crate) counted: crate::counted::Counted,
    pub(crate) host: Arc<guest::Host>,
    pub(crate) outbound: Arc<dyn Outbound>,
    pub(crate) lanes: BTreeMap<Arc<str>, Lane>,
    pub(crate) webhooks: webhooks::Handle,
    pub(crate) reach: webhooks::Reach,
    pub(crate) turns: Turns,
    pub(crate) wheel: Wheel<Due>,
    pub(crate) handler_timers: HandlerTimers,
    /// What handlers put into conversations in this minute.
    pub(crate) chatter: crate::cascade::Chatter,
    pub(crate) hot: Arc<Hot>,
    pub(crate) locks: Locks,
    pub(crate) audit: Audit,
    /// Keys of bodies, where any are sealed.
    pub(crate) vault: Option<Arc<signalbox_records::Vault>>,
    pub(crate) early: EarlyReceipts,
    pub(crate) idempotency: InFlight,
    pub(crate) metrics: Metrics,
    pub(crate) logs: Logs,
    pub(crate) recordings: Recordings,
    /// What was kept long enough and is deleted.
    pub(crate) retention: crate::retention::Retention,
    /// Room for gates.
    pub(crate) gates: Semaphore,
    /// Room for shadows' runs.
    pub(crate) shadows: Arc<Semaphore>,
    /// Versions that fail too much, on their way to be taken back.
    pub(crate) suspects: mpsc::Sender<Suspect>,
    /// What was used is written down by one at a time.
    pub(crate) usage_flushing: tokio::sync::Mutex<()>,
    pub(crate) tasks: TaskTracker,
    /// Outbound messages that are accepted and not yet with a carrier.
    pub(crate) waiting: crate::backlog::Backlog,
    pub(crate) draining: AtomicBool,
    /// Partitions whose inbox was read to its end once: all of them, and the host has recovered.
    pub(crate) recovered: AtomicUsize,
    /// Room on the store's disk.
    pub(crate) room: crate::room::Room,
    /// Why the path can't go on, once it can't.
    pub(crate) breakdown: Breakdown,
    pub(crate) partitions: Vec<PartitionCell>,
}

/// What is counted per partition.
pub(crate) struct PartitionCell {
    epoch: AtomicU64,
    seq: AtomicU64,
    reserved: AtomicU64,
    outbox: Mutex<()>,
}

impl PartitionCell {
    pub(crate) fn new(epoch: Epoch, seq: u64) -> Self {
        Self {
            epoch: AtomicU64::new(epoch.0),
            seq: AtomicU64::new(seq),
            reserved: AtomicU64::new(0),
            outbox: Mutex::new(()),
        }
    }
}

impl Engine {
    fn cell(&self, partition: Partition) -> &PartitionCell {
        let last = self.partitions.len() - 1;
        // The directory's cell is the last.
        &self.partitions[usize::from(partition.index()).min(last)]
    }

    /// The right by which this process writes `partition`.
    pub(crate) fn epoch(&self, partition: Partition) -> Epoch {
        Epoch(self.cell(partition).epoch.load(Ordering::Relaxed))
    }

    /// The next sequence number of `batch`'s partition: the clock, pushed on where it stands still or goes back.
    pub(crate) fn next_seq(&self, batch: &mut Batch) -> u64 {
        let cell = self.cell(batch.partition);
        let now = self.clock.now().as_micros();
        let previous = cell
            .seq
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(now.max(last + 1)))
            .expect("the closure always gives a number");
        let seq = now.max(previous + 1);
        let reserved = cell.reserved.load(Ordering::Relaxed);
        if seq + SEQ_RESERVE / 2 > reserved {
            let next = seq + SEQ_RESERVE;
            batch.put(Table::Meta, seq_key(), Bytes::copy_from_slice(&next.to_be_bytes()));
            cell.reserved.fetch_max(next, Ordering::Relaxed);
        }
        seq
    }

    /// Held from the choice of an outbox key to the call of its commit.
    pub(crate) fn outbox_order(&self, partition: Partition) -> MutexGuard<'_, ()> {
        self.cell(partition).outbox.lock()
    }

    /// A message and where it is: from memory, or else from the store.
    pub(crate) async fn live(&self, tenant: &TenantId, id: MessageId) -> Result<Option<Live>, Error> {
        if let Some(live) = self.hot.get(id).filter(|live| live.message.tenant == *tenant) {
            return Ok(Some(live));
        }
        let record = self.record(tenant, id).await?;
        Ok(record.map(|record| Live { message: Arc::new(record.message), head: Arc::new(record.head), last: None }))
    }

    /// A message with its whole timeline, from the store.
    pub(crate) async fn record(
        &self,
        tenant: &TenantId,
        id: MessageId,
    ) -> Result<Option<signalbox_records::Record>, Error> {
        let mut record = signalbox_records::load(&*self.store, tenant, id).await.map_err(read_error)?;
        if let Some(record) = &mut record {
            self.unveil(&mut record.message).await?;
        }
        Ok(record)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// The carrier of this name.
    pub(crate) fn carrier(&self, name: &str) -> Option<&Arc<dyn Carrier>> {
        self.lanes.get(name).map(|lane| &lane.carrier)
    }

    /// An error that stops one step: said once, without bodies or numbers. The event stays where it is.
    pub(crate) fn step_failed(&self, what: &'static str, error: &Error) {
        self.metrics.step_failures.inc();
        tracing::error!(%error, what, "a step of the path failed; its event stays in the inbox");
    }

    /// Runs a part of the path that may have a defect: a panic is counted, and ends no more than this part; `None` then. What
    /// it panicked with isn't logged: it may repeat a text.
    ///
    /// Not an async function: that would hold `part`, which may be kilobytes, twice.
    pub(crate) fn caught<T>(
        &self,
        what: &'static str,
        part: impl Future<Output = T>,
    ) -> impl Future<Output = Option<T>> {
        AssertUnwindSafe(part).catch_unwind().map(move |ended| {
            if ended.is_err() {
                self.metrics.panics.inc();
                tracing::error!(what, "a defect of Signalbox ended a step of the path; its event stays in the inbox");
            }
            ended.ok()
        })
    }

    /// The wait before the next attempt, when `failed` attempts have failed.
    pub(crate) fn retry_wait(&self, failed: u8) -> Duration {
        let waits = &self.config.retry_waits;
        let base = waits[usize::from(failed.saturating_sub(1)).min(waits.len() - 1)];
        self.chance.jitter(base, 0.2)
    }

    /// How long a message waits that a carrier wasn't ready for, the `times`-th time.
    pub(crate) fn busy_wait(&self, class: ErrorClass, times: u16) -> Duration {
        // A rate is the bind's, which is slowed down for it: its messages' own waits grow half as fast.
        let pace = if class == ErrorClass::LimitRate { 2 } else { 1 };
        let doubled = u32::from(times.saturating_sub(1) / pace).min(20);
        let wait = self.config.busy_wait.saturating_mul(1 << doubled).min(self.config.busy_wait_most);
        self.chance.jitter(wait, 0.2)
    }

    /// The longest wait between two attempts.
    pub(crate) fn longest_wait(&self) -> Duration {
        let waits = &self.config.retry_waits;
        waits[waits.len() - 1]
    }

    /// The time at which an event with `failed` failed attempts is tried again.
    pub(crate) fn retry_at(&self, failed: u8) -> Timestamp {
        self.clock.now() + self.retry_wait(failed)
    }
}

/// Where a partition keeps how far its sequence is reserved.
pub(crate) fn seq_key() -> Bytes {
    Bytes::from_static(b"path/seq")
}

/// Reads what [`seq_key`] holds.
pub(crate) fn decode_seq(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_be_bytes)
}

/// The records room's errors, as the path's.
pub(crate) fn read_error(error: signalbox_records::Error) -> Error {
    match error {
        signalbox_records::Error::Store(error) => Error::Store(error),
        signalbox_records::Error::Unreadable(error) => Error::Unreadable(error),
        other => Error::Unreadable(layout::Unreadable { table: Table::Message, why: other.to_string() }),
    }
}
