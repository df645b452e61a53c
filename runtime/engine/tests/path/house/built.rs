//! Houses as tests want them, and what the next one starts on when one dies.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use signalbox_carriers::{Carrier, Outcome};
use signalbox_engine::{Caller, Config, Parts, Service};
use signalbox_guest as guest;
use signalbox_model::directory::{HandlerCaps, RecordingMode, RetentionPlan, StopReach, SupervisionPlan, Tenant};
use signalbox_model::{Chance, Clock, KeyId, ManualClock, Partition, Timestamp};
use signalbox_policy::Policies;
use signalbox_records::audit::Keys;
use signalbox_records::vault::Master;
use signalbox_store::Store;
use signalbox_store::memory::{self, MemoryStore};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Door, ELSE, House, NEW_YORK, SHORT, Scripted, Trapped, acme, noon, tenant};

/// What was compiled before, by this run of the tests or another: a house that starts a hundred times compiles once.
static NATIVE: LazyLock<guest::Cache> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/native");
    guest::Cache::open(folder, 64 << 20, || Chance::from_os().bytes32()).expect("cargo's own folder can be written")
});

/// The path as it is by default, and with an audit log.
fn audited() -> Config {
    let mut config = Config::default();
    config.audit.keys = Some(Keys::from_bytes(&[5; 64]));
    config.audit.everybody = true;
    // The clock stands still: all that a test has said is said within one minute.
    config.handler_messages_per_minute = 10_000;
    config
}
impl House {
    /// A house whose tenant wants a STOP to reach so far; its second number is [`OTHER`].
    pub async fn with_reach(reach: StopReach) -> Self {
        let store = MemoryStore::new(memory::Config::default());
        let policies = Policies::built_in();
        let opened = Self::with(tenant(reach), policies, store, Scripted::new(), ManualClock::at(noon())).await;
        opened.expect("a fresh store opens")
    }

    /// A house with other rules, at a time.
    pub async fn under(policies: Policies, at: Timestamp) -> Self {
        let store = MemoryStore::new(memory::Config::default());
        let tenant = tenant(StopReach::default());
        let opened = Self::with(tenant, policies, store, Scripted::new(), ManualClock::at(at)).await;
        opened.expect("a fresh store opens")
    }

    /// A house whose tenant has such runs recorded.
    pub async fn recording(mode: RecordingMode, store: Arc<MemoryStore>, carrier: Arc<Scripted>) -> Self {
        let mut tenant = tenant(StopReach::default());
        tenant.recording.mode = mode;
        Self::with(tenant, Policies::built_in(), store, carrier, ManualClock::at(noon()))
            .await
            .expect("a fresh store opens")
    }

    /// A house under the rules for the United States, whose tenant has [`NEW_YORK`] and [`SHORT`].
    pub async fn in_the_us() -> Self {
        let store = MemoryStore::new(memory::Config::default());
        Self::in_the_us_on(store, Scripted::new(), ManualClock::at(noon())).await
    }

    pub async fn in_the_us_on(store: Arc<MemoryStore>, carrier: Arc<Scripted>, clock: ManualClock) -> Self {
        let mut tenant = tenant(StopReach::default());
        let plan = tenant.numbers.values().next().unwrap().clone();
        tenant.numbers.extend([NEW_YORK, SHORT].map(|number| (number.parse().unwrap(), plan.clone())));
        let origin = signalbox_policy::Origin { folder: None, packs: vec!["us".to_owned()] };
        Self::with(tenant, Policies::open(&origin).unwrap(), store, carrier, clock).await.expect("its store opens")
    }

    /// Like [`House::crash`], for a house in the United States.
    pub async fn crash_in_the_us(self) -> Self {
        let (store, carrier, clock) = (self.store.crash_image(), self.carrier.clone(), self.clock.clone());
        self.running.abort();
        carrier.state.lock().submitted.clear();
        Self::in_the_us_on(store, carrier, clock).await
    }

    pub async fn new() -> Self {
        let store = MemoryStore::new(memory::Config::default());
        Self::on(store, Scripted::new(), ManualClock::at(noon())).await.expect("a fresh store opens")
    }

    /// A house whose path has other limits.
    pub async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = audited();
        change(&mut config);
        let (store, clock) = (MemoryStore::new(memory::Config::default()), ManualClock::at(noon()));
        let carrier = Scripted::new();
        carrier.always(Outcome::Taken { ids: vec![] });
        let tenants = vec![tenant(StopReach::default())];
        let opened = Self::limited(config, tenants, Policies::built_in(), store, vec![carrier], clock).await;
        opened.expect("a fresh store opens")
    }

    /// A house whose operator gives the tenant's handlers these caps.
    pub async fn with_caps(caps: HandlerCaps) -> Self {
        let tenant = Tenant { caps, ..tenant(StopReach::default()) };
        let store = MemoryStore::new(memory::Config::default());
        let opened = Self::with(tenant, Policies::built_in(), store, Scripted::new(), ManualClock::at(noon())).await;
        opened.expect("a fresh store opens")
    }

    /// A house whose operator gives the tenant's handlers these secrets.
    pub async fn with_secrets(secrets: BTreeMap<String, String>) -> Self {
        let tenant = Tenant { secrets, ..tenant(StopReach::default()) };
        let store = MemoryStore::new(memory::Config::default());
        let opened = Self::with(tenant, Policies::built_in(), store, Scripted::new(), ManualClock::at(noon())).await;
        opened.expect("a fresh store opens")
    }

    /// A house whose tenant has these settings, and numbers that go by these carriers.
    pub async fn set(settings: &[(&str, &str)], policies: Policies, carriers: Vec<Arc<Scripted>>) -> Self {
        Self::supervised(None, settings, policies, carriers).await
    }

    /// Likewise, and a supervisor looks at some of its messages.
    pub async fn supervised(
        supervision: Option<SupervisionPlan>,
        settings: &[(&str, &str)],
        policies: Policies,
        carriers: Vec<Arc<Scripted>>,
    ) -> Self {
        let mut tenant = Tenant { supervision, ..tenant(StopReach::default()) };
        tenant.settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for plan in tenant.numbers.values_mut() {
            plan.carriers = carriers.iter().map(|carrier| carrier.name.to_string()).collect();
        }
        let other = Tenant { id: "other".parse().unwrap(), numbers: BTreeMap::new(), ..tenant.clone() };
        let store = MemoryStore::new(memory::Config::default());
        let clock = ManualClock::at(noon());
        let opened = Self::with_carriers(vec![tenant, other], policies, store, carriers, clock).await;
        opened.expect("a fresh store opens")
    }

    /// A house whose tenants' records are kept for so long; the second tenant, `other`, has [`ELSE`].
    pub async fn keeping(
        plans: [RetentionPlan; 2],
        store: Arc<MemoryStore>,
        carrier: Arc<Scripted>,
        clock: ManualClock,
    ) -> Result<Self, signalbox_engine::Error> {
        let first = Tenant { retention: plans[0], ..tenant(StopReach::default()) };
        let plan = first.numbers.values().next().unwrap().clone();
        let second = Tenant {
            id: "other".parse().unwrap(),
            numbers: BTreeMap::from([(ELSE.parse().unwrap(), plan)]),
            retention: plans[1],
            ..first.clone()
        };
        Self::with_all(vec![first, second], Policies::built_in(), store, carrier, clock).await
    }

    /// A house that starts on what `store` has.
    pub async fn on(
        store: Arc<MemoryStore>,
        carrier: Arc<Scripted>,
        clock: ManualClock,
    ) -> Result<Self, signalbox_engine::Error> {
        Self::with(tenant(StopReach::default()), Policies::built_in(), store, carrier, clock).await
    }

    /// A house with limits of its own, and with these tenants and carriers.
    pub async fn tuned(tenants: Vec<Tenant>, carriers: Vec<Arc<Scripted>>, tune: impl FnOnce(&mut Config)) -> Self {
        let mut config = audited();
        tune(&mut config);
        let store = MemoryStore::new(memory::Config::default());
        let clock = ManualClock::at(noon());
        let opened = Self::limited(config, tenants, Policies::built_in(), store, carriers, clock).await;
        opened.expect("a fresh store opens")
    }

    /// A house whose operator has this master key, if any.
    pub async fn sealed(
        master: Option<u8>,
        store: Arc<MemoryStore>,
        carrier: Arc<Scripted>,
        clock: ManualClock,
    ) -> Result<Self, signalbox_engine::Error> {
        let mut config = audited();
        config.sealing.master = master.map(|byte| Master::from_bytes(&[byte; 32]));
        config.sealing.everybody = true;
        Self::limited(config, vec![tenant(StopReach::default())], Policies::built_in(), store, vec![carrier], clock)
            .await
    }

    /// Like [`House::crash`], for a house with a master key.
    pub async fn crash_sealed(self, master: Option<u8>) -> Result<Self, signalbox_engine::Error> {
        let (store, carrier, clock) = (self.store.crash_image(), self.carrier.clone(), self.clock.clone());
        self.running.abort();
        carrier.state.lock().submitted.clear();
        Self::sealed(master, store, carrier, clock).await
    }

    async fn with(
        tenant: Tenant,
        policies: Policies,
        store: Arc<MemoryStore>,
        carrier: Arc<Scripted>,
        clock: ManualClock,
    ) -> Result<Self, signalbox_engine::Error> {
        Self::limited(audited(), vec![tenant], policies, store, vec![carrier], clock).await
    }

    async fn with_all(
        tenants: Vec<Tenant>,
        policies: Policies,
        store: Arc<MemoryStore>,
        carrier: Arc<Scripted>,
        clock: ManualClock,
    ) -> Result<Self, signalbox_engine::Error> {
        Self::with_carriers(tenants, policies, store, vec![carrier], clock).await
    }

    async fn with_carriers(
        tenants: Vec<Tenant>,
        policies: Policies,
        store: Arc<MemoryStore>,
        carriers: Vec<Arc<Scripted>>,
        clock: ManualClock,
    ) -> Result<Self, signalbox_engine::Error> {
        Self::limited(audited(), tenants, policies, store, carriers, clock).await
    }

    async fn limited(
        config: Config,
        tenants: Vec<Tenant>,
        policies: Policies,
        store: Arc<MemoryStore>,
        carriers: Vec<Arc<Scripted>>,
        clock: ManualClock,
    ) -> Result<Self, signalbox_engine::Error> {
        Self::behind(store.clone(), config, tenants, policies, store, carriers, clock).await
    }

    /// A house with a store that has a trap.
    pub async fn trapped() -> (Self, Arc<Trapped>) {
        let store = MemoryStore::new(memory::Config::default());
        let front = Arc::new(Trapped { store: store.clone(), armed: Default::default() });
        let (carriers, clock) = (vec![Scripted::new()], ManualClock::at(noon()));
        let policies = Policies::built_in();
        let opened = Self::behind(front.clone(), audited(), vec![acme()], policies, store, carriers, clock).await;
        (opened.expect("a fresh store opens"), front)
    }

    async fn behind(
        front: Arc<dyn Store>,
        config: Config,
        tenants: Vec<Tenant>,
        policies: Policies,
        store: Arc<MemoryStore>,
        carriers: Vec<Arc<Scripted>>,
        clock: ManualClock,
    ) -> Result<Self, signalbox_engine::Error> {
        let carrier = carriers[0].clone();
        let (intake, incoming) = mpsc::channel(64);
        // As the server makes it of its tenants' caps.
        let memory = tenants[0].caps.memory_bytes.map_or(0, |bytes| usize::try_from(bytes).unwrap());
        let host = guest::Config { instances: 16, ..guest::Config::default() };
        let host =
            guest::Config { max_memory_bytes: host.max_memory_bytes.max(memory), cache: Some(NATIVE.clone()), ..host };
        let parts = Parts {
            config,
            store: front,
            clock: Arc::new(clock.clone()),
            chance: Chance::seeded(7),
            policies: policies.clone().into(),
            host: Arc::new(guest::Host::new(host).unwrap()),
            tenants,
            carriers: carriers.into_iter().map(|carrier| Arc::new(Door(carrier)) as Arc<dyn Carrier>).collect(),
            intake: incoming,
            outbound: Arc::new(signalbox_engine::Nowhere),
            webhooks: Default::default(),
        };
        let service = Service::open(parts).await?;
        let handle = service.handle();
        let drain = CancellationToken::new();
        let running = tokio::spawn(service.run(drain.clone(), Duration::from_secs(5)));
        let key = KeyId::new(clock.now(), Partition::DIRECTORY, &Chance::seeded(1));
        let caller = Caller { tenant: "acme".parse().unwrap(), key };
        Ok(Self { handle, carrier, clock, store, caller, policies, intake, drain, running })
    }

    /// The process dies: what is durable is what the next house starts on.
    pub async fn crash(self) -> Self {
        let policies = self.policies.clone();
        self.crash_and(policies).await
    }

    /// Likewise, and the next house has other rules.
    pub async fn crash_and(self, policies: Policies) -> Self {
        let (store, carrier, clock) = (self.store.crash_image(), self.carrier.clone(), self.clock.clone());
        self.running.abort();
        carrier.state.lock().submitted.clear();
        let opened = Self::with(tenant(StopReach::default()), policies, store, carrier, clock).await;
        opened.expect("what a crash leaves can be opened")
    }
}
