//! Recordings: runs of handlers, kept so that they can be run again offline and by a gate.
//!
//! They are written beside the path and are no part of a step's commit: a crash may lose the last ones, and one that
//! doesn't fit is dropped and counted. A tenant that records nothing pays nothing for it.

mod read;
mod write;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_guest::{self as guest, Recording};
use signalbox_model::conversation::stable_hash;
use signalbox_model::directory::RecordingMode;
use signalbox_model::event::Queued;
use signalbox_model::handler::EventKind;
use signalbox_model::{Conversation, EventId, InvocationId, Partition, TenantId, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::assign::Taker;
use crate::engine::Engine;

pub use read::{MAX_PAGE, RunCursor, RunDetail, RunFilter, RunOutcome, RunPage};
pub(crate) use read::{component, list, load, open, show};
pub(crate) use write::run;

/// Recordings that wait to be written: a second of a busy host.
pub(crate) const QUEUE: usize = 1_024;
/// And their bytes, in KiB: memory that a slow store can't make grow.
const QUEUE_KIB: usize = 32 << 10;
/// The largest that is kept. Usual ones have one or two KiB; ten thousand of these would still fit a disk.
const MAX_BYTES: usize = 1 << 20;

/// The way of recordings into the store.
pub(crate) struct Recordings {
    queue: mpsc::Sender<Row>,
    room: Arc<Semaphore>,
    /// How often recordings were erased, behind the back of the task that counts them.
    pub(crate) erasures: AtomicU64,
}

/// What a run was, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The handler.
    pub handler: String,
    /// Its version's digest.
    pub digest: String,
    /// What it was shown.
    pub event: EventId,
    /// Of which kind.
    pub kind: EventKind,
    /// The attempt at the event, from 1.
    pub attempt: u32,
    /// When it ended.
    pub at: Timestamp,
    /// Why it has no effect: a failure's stable name; none if it has.
    pub failure: Option<String>,
    /// What it computed, in microseconds.
    pub cpu_us: u64,
    /// What it took, in microseconds.
    pub wall_us: u64,
    /// The most memory that it had.
    pub peak_memory_bytes: u64,
    /// How often it asked the host for something.
    pub host_calls: u32,
    /// What its recording takes; nothing if it was too large to be kept, so that the run can't be replayed.
    pub bytes: Option<u32>,
}

/// A recording on its way.
pub(crate) struct Row {
    tenant: TenantId,
    id: InvocationId,
    run: Run,
    whole: Option<Bytes>,
    /// Whose words stand in it, and since when they were said.
    conversation: Conversation,
    said: Timestamp,
    _room: OwnedSemaphorePermit,
}

impl Recordings {
    pub(crate) fn new(queue: mpsc::Sender<Row>) -> Self {
        Self { queue, room: Arc::new(Semaphore::new(QUEUE_KIB)), erasures: AtomicU64::new(0) }
    }
}

/// Must this run be recorded while it goes on? Whether it fails isn't known before.
pub(crate) const fn wants(mode: RecordingMode) -> bool {
    !matches!(mode, RecordingMode::Off)
}

/// Is a run kept that ended so?
pub(crate) fn is_kept(mode: RecordingMode, event: EventId, outcome: &guest::Outcome) -> bool {
    keeps(mode, event, outcome.is_err())
}

/// A sample is drawn by the event, so that all attempts at it are kept or none.
fn keeps(mode: RecordingMode, event: EventId, failed: bool) -> bool {
    match mode {
        RecordingMode::Off => false,
        RecordingMode::All => true,
        RecordingMode::Failures => failed,
        RecordingMode::Sample(one_of) => failed || is_drawn(event, one_of),
    }
}

fn is_drawn(event: EventId, one_of: u32) -> bool {
    let hash = stable_hash(&[b"recording", event.as_bytes()]);
    let number = u64::from_be_bytes(hash[..8].try_into().expect("eight of sixteen bytes"));
    number.is_multiple_of(u64::from(one_of.max(1)))
}

/// Hands a run over to be written, if it is kept; never waits.
pub(crate) fn keep(
    engine: &Engine,
    conversation: &Conversation,
    taker: &Taker,
    queued: &Queued,
    (id, kind): (InvocationId, EventKind),
    outcome: &guest::Outcome,
    recording: Option<Recording>,
) {
    if !is_kept(taker.handler.recording.mode, queued.id, outcome) {
        return;
    }
    let whole = recording.map(|recording| Bytes::from(recording.to_bytes())).filter(|whole| whole.len() <= MAX_BYTES);
    let kib = u32::try_from(whole.as_ref().map_or(0, Bytes::len).div_ceil(1 << 10)).unwrap_or(u32::MAX);
    let room = engine.recordings.room.clone().try_acquire_many_owned(kib);
    let run = run_of(engine, taker, queued, kind, outcome, whole.as_ref().map(Bytes::len));
    let row = |room| Row {
        tenant: conversation.tenant.clone(),
        id,
        run,
        whole,
        conversation: conversation.clone(),
        said: queued.at,
        _room: room,
    };
    if room.map_or(true, |room| engine.recordings.queue.try_send(row(room)).is_err()) {
        engine.metrics.recordings_dropped.inc();
    }
}

fn run_of(
    engine: &Engine,
    taker: &Taker,
    queued: &Queued,
    kind: EventKind,
    outcome: &guest::Outcome,
    bytes: Option<usize>,
) -> Run {
    let micros = |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let (usage, failure) = match outcome {
        Ok(completed) => (&completed.usage, None),
        Err(failure) => (&failure.usage, Some(failure.kind.name().to_owned())),
    };
    Run {
        handler: taker.handler.meta.name.clone(),
        digest: taker.version.meta.digest.clone(),
        event: queued.id,
        kind,
        attempt: u32::from(queued.attempts) + 1,
        at: engine.clock.now(),
        failure,
        cpu_us: micros(usage.cpu),
        wall_us: micros(usage.wall),
        peak_memory_bytes: usage.peak_memory_bytes as u64,
        host_calls: usage.host_calls,
        bytes: bytes.map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX)),
    }
}

/// Where a tenant's recordings lie: together, so that they are listed and bounded without a look at every partition.
pub(crate) fn home(engine: &Engine, tenant: &TenantId) -> Partition {
    let hash = stable_hash(&[b"recordings", tenant.as_str().as_bytes()]);
    Partition::of_hash(&hash, engine.store.partitions())
}

#[cfg(test)]
mod tests {
    use signalbox_model::Chance;

    use super::*;

    #[test]
    fn a_sample_is_one_of_so_many_and_every_failure() {
        let chance = Chance::seeded(3);
        let events: Vec<_> =
            (0..2_000).map(|n| EventId::new(Timestamp::from_millis(n), Partition::new(0), &chance)).collect();
        let kept = |mode, failed| events.iter().filter(|event| keeps(mode, **event, failed)).count();
        let sampled = kept(RecordingMode::Sample(10), false);
        assert!((140..260).contains(&sampled), "{sampled}");
        assert_eq!(kept(RecordingMode::Sample(10), true), 2_000);
        assert_eq!((kept(RecordingMode::Failures, false), kept(RecordingMode::Failures, true)), (0, 2_000));
        assert_eq!((kept(RecordingMode::Off, true), kept(RecordingMode::All, false)), (0, 2_000));
    }
}
