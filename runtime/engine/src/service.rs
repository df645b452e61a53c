//! The path's service: opens what the path needs, recovers, runs its loops, and drains.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use signalbox_carriers::{Carrier, Incoming};
use signalbox_guest as guest;
use signalbox_model::directory::Tenant;
use signalbox_model::{Chance, Clock, MessageId, Partition, TenantId};
use signalbox_policy::Watcher;
use signalbox_records::Vault;
use signalbox_records::vault::MasterError;
use signalbox_store::{Store, Table};
use signalbox_webhooks as webhooks;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::Audit;
use crate::breakdown::{self, Breakdown};
use crate::config::Config;
use crate::directory::Directory;
use crate::early;
use crate::egress::{self, Lane};
use crate::engine::{Engine, PartitionCell, decode_seq, seq_key};
use crate::error::Error;
use crate::handle::Handle;
use crate::hot::{Hot, Locks};
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::rates::Rates;
use crate::recordings::{self, Recordings};
use crate::rollback::{SUSPECTS, Suspect};
use crate::room::{self, Room};
use crate::turns::{self, Turns};
use crate::wheel::Wheel;
use crate::{audit, erasure, gate, in_force, inbound, retention, rollback, sealing, throughput, timers, usage};

/// Of a drain's bound kept for what comes after carriers' last answers: unbinding, writing down what is in doubt, and
/// the webhooks of it. A quarter, and at most so much.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// However late carriers let go, so long what they left is written down.
const LEAST: Duration = Duration::from_millis(500);

/// What the path is made of; the server wires it.
pub struct Parts {
    /// Limits.
    pub config: Config,
    /// The storage engine.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub chance: Chance,
    /// Rules, keywords and the answers to them.
    pub policies: Watcher,
    /// Runs handlers. Several paths may share one: it knows nothing of them.
    pub host: Arc<guest::Host>,
    /// Tenants with their numbers, from the operator's configuration.
    pub tenants: Vec<Tenant>,
    /// Connections to carriers.
    pub carriers: Vec<Arc<dyn Carrier>>,
    /// What carriers bring.
    pub intake: mpsc::Receiver<Incoming>,
    /// Where handlers' HTTP requests go.
    pub outbound: Arc<dyn Outbound>,
    /// How webhooks are delivered.
    pub webhooks: webhooks::Config,
}

/// The path's loops.
pub struct Service {
    engine: Arc<Engine>,
    suspects: mpsc::Receiver<Suspect>,
    recordings: mpsc::Receiver<recordings::Row>,
    intake: mpsc::Receiver<Incoming>,
    webhooks: webhooks::Service,
}

impl Service {
    /// Takes the partitions, reads what is set up, and brings back what waits for a time.
    pub async fn open(parts: Parts) -> Result<Self, Error> {
        let Parts { mut config, store, clock, chance, policies, host, tenants, carriers, intake, outbound, webhooks } =
            parts;
        // Nothing may still be told of a message, nor an idempotency key stand for it, when it is deleted.
        config.retention.settled = config.retention.settled.max(config.idempotency).max(webhooks.max_age);
        let mut partitions = Vec::new();
        let mut epochs = Vec::new();
        for partition in (0..store.partitions()).map(Partition::new).chain([Partition::DIRECTORY]) {
            let epoch = store.acquire(partition).await?;
            let reserved = store.get(partition, Table::Meta, seq_key()).await?;
            let seq = reserved.as_deref().and_then(decode_seq).unwrap_or(0);
            partitions.push(PartitionCell::new(epoch, seq));
            epochs.push(epoch);
        }
        let directory_epoch = *epochs.last().expect("the directory's partition was taken");
        let directory = Arc::new(Directory::open(store.clone(), directory_epoch, tenants, &host, &chance).await?);
        let consent = signalbox_registry::Ledger::open(store.clone()).await.map_err(crate::consent::registry_error)?;
        let suppression = signalbox_registry::Suppression::open(store.clone(), directory_epoch).await;
        let suppression = suppression.map_err(crate::consent::registry_error)?;
        let holds = signalbox_registry::Holds::open(store.clone(), directory_epoch).await;
        let holds = holds.map_err(crate::consent::registry_error)?;
        let intents = policies.load_full();
        let programs = crate::programs::Programs::open(store.clone(), directory_epoch, &intents.intents).await?;
        let counted = crate::counted::Counted::open(&*store, config.counted_people, clock.now()).await?;
        let registration = signalbox_registry::registration::Registration::open(store.clone()).await;
        let registration = registration.map_err(crate::consent::registry_error)?;
        let epochs: webhooks::Epochs = {
            let last = epochs.len() - 1;
            Arc::new(move |partition| Some(epochs[usize::from(partition.index()).min(last)]))
        };
        let vault = open_vault(&config.sealing, &store, &epochs, &directory, &chance).await?.map(Arc::new);
        if let Some(vault) = vault.clone() {
            consent.hide_with(Box::new(move |tenant, person| vault.person(tenant, person).ok()));
        }
        let hot = Arc::new(Hot::new(config.hot_messages));
        let reach = webhooks.reach;
        let webhooks = webhooks::Service::new(
            webhooks,
            webhooks::Parts {
                store: store.clone(),
                epochs,
                lookup: directory.clone(),
                source: Arc::new(Told { store: store.clone(), hot: hot.clone(), vault: vault.clone() }),
                clock: clock.clone(),
                chance: chance.clone(),
            },
        )
        .map_err(|error| Error::Store(signalbox_store::Error::Unusable(error.to_string())))?;
        let rates = Arc::new(Rates::default());
        let lane = |carrier: Arc<dyn Carrier>| (carrier.name().clone(), Lane::new(carrier, rates.clone()));
        let lanes: BTreeMap<_, _> = carriers.into_iter().map(lane).collect();
        let (suspects, from_runs) = mpsc::channel(SUSPECTS);
        let (recorded, recordings) = mpsc::channel(recordings::QUEUE);
        let engine = Engine {
            turns: Turns::new(store.partitions(), config.max_steps, config.max_steps_per_tenant),
            wheel: Wheel::new(clock.clone()),
            handler_timers: Default::default(),
            hot,
            locks: Locks::new(),
            vault,
            audit: Audit::new(config.audit.clone(), store.partitions()),
            early: early::EarlyReceipts::default(),
            chatter: crate::cascade::Chatter::new(),
            idempotency: Default::default(),
            metrics: Metrics::new(),
            logs: Default::default(),
            recordings: Recordings::new(recorded),
            retention: Default::default(),
            gates: Semaphore::new(gate::AT_ONCE),
            shadows: Arc::new(Semaphore::new(config.max_shadows)),
            suspects,
            usage_flushing: Default::default(),
            tasks: TaskTracker::new(),
            waiting: Default::default(),
            draining: AtomicBool::new(false),
            room: Room::new(),
            breakdown: Breakdown::new(),
            recovered: AtomicUsize::new(0),
            policy: policies,
            webhooks: webhooks.handle(),
            reach,
            config,
            store,
            clock,
            chance,
            directory,
            consent,
            registration,
            rates,
            allowances: Default::default(),
            imports: Default::default(),
            suppression,
            holds,
            programs,
            counted,
            host,
            outbound,
            lanes,
            partitions,
        };
        let engine = Arc::new(engine);
        room::look(&engine).await;
        throughput::recover(&engine).await?;
        for partition in (0..engine.store.partitions()).map(Partition::new) {
            timers::recover(&engine, partition).await?;
            inbound::recover(&engine, partition).await?;
            early::recover(&engine, partition).await?;
        }
        erasure::resume(&engine).await?;
        in_force::note(&engine, &engine.policy.load_full()).await?;
        Ok(Self { engine, suspects: from_runs, recordings, intake, webhooks })
    }

    /// What others ask of the path.
    pub fn handle(&self) -> Handle {
        Handle(self.engine.clone())
    }

    /// Runs until `drain` is cancelled; then stops taking in, finishes what is in flight within `bound`, lets go of the
    /// carriers and closes the store.
    pub async fn run(self, drain: CancellationToken, bound: Duration) -> Result<(), Error> {
        let Self { engine, suspects, recordings, intake, webhooks } = self;
        let stop = CancellationToken::new();
        let loops = TaskTracker::new();
        let essential = |part, work: BoxFuture<'static, _>| breakdown::start(&engine, &loops, part, work);
        for partition in (0..engine.store.partitions()).map(Partition::new) {
            essential("reading what waits", turns::read_inbox(engine.clone(), partition, stop.clone()).boxed());
        }
        let turns = engine.turns.open(&engine);
        loops.spawn(early::match_parked(engine.clone()));
        loops.spawn(room::run(engine.clone(), stop.clone()));
        essential("what brings back what is due", timers::run(engine.clone(), stop.clone()).map(Ok).boxed());
        loops.spawn(rollback::run(engine.clone(), suspects, stop.clone()));
        loops.spawn(usage::run(engine.clone(), stop.clone()));
        loops.spawn(throughput::run(engine.clone(), stop.clone()));
        loops.spawn(audit::run(engine.clone(), stop.clone()));
        loops.spawn(retention::run(engine.clone(), stop.clone()));
        for name in engine.lanes.keys() {
            essential("a carrier's queue", egress::run(engine.clone(), name.clone(), stop.clone()).map(Ok).boxed());
        }
        let recordings_stop = CancellationToken::new();
        loops.spawn(recordings::run(engine.clone(), recordings, recordings_stop.clone()));
        // Carriers go on bringing receipts and messages while the rest drains.
        let intake_stop = CancellationToken::new();
        let brought = inbound::run(engine.clone(), intake, intake_stop.clone());
        essential("taking in what carriers bring", brought.map(Ok).boxed());
        let webhooks_stop = CancellationToken::new();
        let drained = webhooks_stop.clone();
        let telling = webhooks.run(drained.cancelled_owned()).map(|told| told.map_err(webhooks_error));
        essential("delivering webhooks", telling.boxed());
        loops.close();
        let failed = tokio::select! {
            // First: whatever else has ended, ended of it.
            biased;
            error = engine.store.failed() => Some(Error::from(error)),
            error = engine.breakdown.told() => Some(error),
            () = drain.cancelled() => None,
        };
        engine.draining.store(true, Ordering::Relaxed);
        stop.cancel();
        drop(turns);
        if let Some(error) = failed {
            intake_stop.cancel();
            webhooks_stop.cancel();
            recordings_stop.cancel();
            return Err(error);
        }
        drain_all(&engine, &loops, [intake_stop, webhooks_stop, recordings_stop], bound).await
    }
}

/// Why webhooks can't go on.
fn webhooks_error(error: webhooks::Error) -> Error {
    match error {
        webhooks::Error::Store(error) => Error::Store(error),
        webhooks::Error::Unreadable(error) => Error::Unreadable(error),
        other => Error::Store(signalbox_store::Error::Unusable(other.to_string())),
    }
}

/// Finishes what is in flight: steps, then the answers of carriers, then what they still bring, then webhooks.
async fn drain_all(
    engine: &Arc<Engine>,
    loops: &TaskTracker,
    stops: [CancellationToken; 3],
    bound: Duration,
) -> Result<(), Error> {
    let by = Instant::now() + bound;
    // Carriers are let go of in any case, and in time for what that leaves in doubt to be written down: one that isn't
    // told keeps the bind, and refuses the next one.
    let answered_by = by - (bound / 4).min(LAST_WORDS);
    let idle = timeout_at(answered_by, engine.turns.idle()).await.is_ok();
    let left = answered_by.saturating_duration_since(Instant::now());
    let closing = engine.lanes.values().map(|lane| lane.carrier.close(left));
    futures_util::future::join_all(closing).await;
    let finish = async {
        for stop in &stops {
            stop.cancel();
        }
        engine.tasks.close();
        engine.tasks.wait().await;
        loops.wait().await;
    };
    let finished = timeout_at(by.max(Instant::now() + LEAST), finish).await.is_ok();
    if !(idle && finished) {
        tracing::warn!(
            "draining took longer than its bound; what is left is in the store and goes on at the next start"
        );
    }
    if let Err(error) = usage::flush(engine, None).await {
        engine.step_failed("writing down what was used", &error);
    }
    if let Err(error) = throughput::flush(engine).await {
        engine.step_failed("writing down daily allowances", &error);
    }
    audit::sign_all(engine).await;
    engine.store.close().await?;
    Ok(())
}

/// The keys of bodies, where any are or were sealed.
async fn open_vault(
    config: &sealing::Config,
    store: &Arc<dyn Store>,
    epochs: &webhooks::Epochs,
    directory: &Directory,
    chance: &Chance,
) -> Result<Option<Vault>, Error> {
    let rights = epochs.clone();
    let parts = signalbox_records::vault::Parts {
        store: store.clone(),
        epochs: Arc::new(move |partition| rights(partition).expect("this path has taken every partition")),
        chance: chance.clone(),
        master: config.master.clone(),
        old: config.old.clone(),
        people: sealing::PEOPLE,
    };
    let accounts = directory.accounts().into_iter();
    let sealed = accounts.map(|account| account.tenant.clone()).filter(|tenant| config.covers(tenant));
    let sealed: Vec<_> = sealed.map(|tenant| tenant.id.clone()).collect();
    Vault::open(parts, &sealed).await.map_err(|error| match error {
        MasterError::Store(error) => Error::Store(error),
        MasterError::Unreadable(error) => Error::Unreadable(error),
        other => Error::Store(signalbox_store::Error::Unusable(other.to_string())),
    })
}

/// What webhooks tell: from memory when it has just happened, or else from the records.
struct Told {
    store: Arc<dyn Store>,
    hot: Arc<Hot>,
    vault: Option<Arc<Vault>>,
}

impl Told {
    fn fresh(&self, tenant: &TenantId, message: MessageId, n: u16) -> Option<webhooks::Told> {
        let live = self.hot.get(message).filter(|live| live.message.tenant == *tenant)?;
        let entry = live.last.filter(|entry| entry.n == n)?;
        Some(webhooks::Told { message: live.message, head: live.head, entry })
    }
}

impl webhooks::Source for Told {
    fn told<'a>(
        &'a self,
        tenant: &'a TenantId,
        message: MessageId,
        n: u16,
    ) -> BoxFuture<'a, Result<Option<webhooks::Told>, webhooks::SourceError>> {
        async move {
            if let Some(told) = self.fresh(tenant, message, n) {
                return Ok(Some(told));
            }
            let told = signalbox_records::told(&*self.store, tenant, message, n).await;
            let mut told = told.map_err(|error| webhooks::SourceError(error.to_string()))?;
            if let Some(told) = &mut told {
                let unveiled = sealing::unveil(self.vault.as_deref(), &mut told.message).await;
                unveiled.map_err(|error| webhooks::SourceError(error.to_string()))?;
            }
            Ok(told.map(|told| webhooks::Told {
                message: told.message.into(),
                head: told.head.into(),
                entry: told.entry.into(),
            }))
        }
        .boxed()
    }
}
