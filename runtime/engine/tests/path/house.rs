//! A house to test the path in: the in-memory store, a clock that stands still, and a carrier that does what the test
//! says. Real carriers, real sockets and real processes are in the stories.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use signalbox_carriers::{Answer, Brought, Carrier, Health, InboundPart, Incoming, Outcome, Slot, Submission, Verdict};
use signalbox_engine::{AuditQuery, Caller, Config, Handle, NewBinding, Parts, Request, Service, Standing};
use signalbox_guest as guest;
use signalbox_model::directory::{
    HandlerCaps, InDoubtPlan, NumberPlan, RecordingMode, RecordingPlan, RetentionPlan, StopReach, SupervisionPlan,
    Tenant,
};
use signalbox_model::handler::{OnFailure, Scope};
use signalbox_model::{
    Address, Cause, Chance, Clock, KeyId, ManualClock, MessageId, Partition, Receipt, ReceiptState, Status, Timestamp,
};
use signalbox_policy::Policies;
use signalbox_records::Record;
use signalbox_records::audit::item::Item;
use signalbox_records::audit::{Keys, Summary, Verifier};
use signalbox_records::vault::Master;
use signalbox_store::Store;
use signalbox_store::memory::{self, MemoryStore};
use signalbox_text::{Concatenation, DefaultAlphabet};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

pub const OURS: &str = "+15550100001";
/// The tenant's second number.
pub const OTHER: &str = "+15550100002";
/// A long code of the tenant's in the United States.
pub const NEW_YORK: &str = "+12125550100";
/// A short code of the tenant's.
pub const SHORT: &str = "72345";
/// Another tenant's number.
pub const ELSE: &str = "+15550100009";
pub const THEIRS: &str = "+15550199001";

/// A carrier that does what the test says: `answer` if it is set, or else whatever the test gives to what it took.
pub struct Scripted {
    name: Arc<str>,
    state: Mutex<State>,
    arrived: Notify,
    opened: Notify,
}

#[derive(Default)]
struct State {
    always: Option<Outcome>,
    submitted: VecDeque<Submitted>,
    taken: u64,
    seen: Vec<Submission>,
    seen_at: Vec<tokio::time::Instant>,
    closed: bool,
    down: bool,
    /// Whoever asks whether it is up runs into a defect.
    panics: bool,
    /// Parts that may be without an answer at once, if that is bounded, and those that are.
    window: Option<usize>,
    out: usize,
    left: bool,
    has_baa: bool,
}

/// A submission that waits for its outcome.
pub struct Submitted {
    pub submission: Submission,
    pub answer: oneshot::Sender<Outcome>,
}

impl Scripted {
    pub fn new() -> Arc<Self> {
        Self::named("scripted")
    }

    pub fn named(name: &str) -> Arc<Self> {
        Arc::new(Self { name: name.into(), state: Mutex::default(), arrived: Notify::new(), opened: Notify::new() })
    }

    /// Answers every submission like this from now on; `Taken` gets ids that count up.
    pub fn always(&self, outcome: Outcome) {
        self.state.lock().always = Some(outcome);
    }

    /// Its operator signs a business associate agreement.
    pub fn signs(&self) {
        self.state.lock().has_baa = true;
    }

    /// From now on it has no place for a message, or has again.
    pub fn close(&self, closed: bool) {
        self.state.lock().closed = closed;
        self.opened.notify_waiters();
    }

    /// Its binds fall: nothing goes by it until they are up again.
    pub fn down(&self, down: bool) {
        self.state.lock().down = down;
        self.close(down);
    }

    /// From now on whoever routes a message by it panics, or doesn't any more.
    pub fn panics(&self, panics: bool) {
        self.state.lock().panics = panics;
    }

    /// From now on so many parts may be without an answer at once.
    pub fn window(&self, parts: usize) {
        self.state.lock().window = Some(parts);
    }

    /// When each submission was put on the wire.
    pub fn seen_at(&self) -> Vec<tokio::time::Instant> {
        self.state.lock().seen_at.clone()
    }

    /// It was let go of to the end.
    pub fn was_left(&self) -> bool {
        self.state.lock().left
    }

    /// Everything that was ever put on the wire.
    pub fn seen(&self) -> Vec<Submission> {
        self.state.lock().seen.clone()
    }

    /// How much was ever put on the wire.
    pub fn seen_count(&self) -> usize {
        self.state.lock().seen.len()
    }

    /// Waits for something to be put on the wire.
    pub async fn arrives(&self) {
        self.arrived.notified().await;
    }

    /// The next submission that waits for its outcome.
    pub async fn next(&self) -> Submitted {
        loop {
            let arrived = self.arrived.notified();
            if let Some(submitted) = self.state.lock().submitted.pop_front() {
                return submitted;
            }
            arrived.await;
        }
    }
}

impl State {
    fn has_room(&self, parts: u8) -> bool {
        !self.closed && self.window.is_none_or(|window| self.out + usize::from(parts) <= window)
    }
}

struct Place(Arc<Scripted>, u8);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.state.lock().out -= usize::from(self.1);
        self.0.opened.notify_waiters();
    }
}

impl Slot for Place {
    fn submit(self: Box<Self>, submission: Submission) -> BoxFuture<'static, Outcome> {
        let (answer, outcome) = oneshot::channel();
        let mut state = self.0.state.lock();
        state.seen.push(submission.clone());
        state.seen_at.push(tokio::time::Instant::now());
        match state.always.clone() {
            Some(Outcome::Taken { .. }) => {
                state.taken += 1;
                let ids = (0..submission.segments).map(|part| format!("id-{}-{part}", state.taken)).collect();
                let _ = answer.send(Outcome::Taken { ids });
            }
            Some(outcome) => {
                let _ = answer.send(outcome);
            }
            None => state.submitted.push_back(Submitted { submission, answer }),
        }
        drop(state);
        self.0.arrived.notify_one();
        // A test that drops the answer leaves the submission without one, as a crash would.
        async move {
            let _until_answered = self;
            match outcome.await {
                Ok(outcome) => outcome,
                Err(_) => std::future::pending().await,
            }
        }
        .boxed()
    }
}

pub struct Door(pub Arc<Scripted>);

impl Carrier for Door {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    fn try_slot(&self, parts: u8) -> Option<Box<dyn Slot>> {
        let mut state = self.0.state.lock();
        if !state.has_room(parts) {
            return None;
        }
        state.out += usize::from(parts);
        Some(Box::new(Place(self.0.clone(), parts)))
    }

    fn ready(&self, parts: u8) -> BoxFuture<'_, ()> {
        async move {
            loop {
                let opened = self.0.opened.notified();
                if self.0.state.lock().has_room(parts) {
                    return;
                }
                opened.await;
            }
        }
        .boxed()
    }

    fn health(&self) -> Health {
        Health { binds_up: 1, binds: 1, ..Health::default() }
    }

    fn is_up(&self) -> bool {
        let state = self.0.state.lock();
        assert!(!state.panics, "a defect that the test wants");
        !state.down
    }

    fn has_baa(&self) -> bool {
        self.0.state.lock().has_baa
    }

    fn canonical_id(&self, raw: &str) -> String {
        raw.to_owned()
    }

    /// As a connector does: what has no answer within the bound is in doubt.
    fn close(&self, bound: Duration) -> BoxFuture<'_, ()> {
        async move {
            if !self.0.state.lock().submitted.is_empty() {
                tokio::time::sleep(bound).await;
            }
            let left = std::mem::take(&mut self.0.state.lock().submitted);
            for Submitted { answer, .. } in left {
                let _ = answer.send(Outcome::Unknown { why: "the carrier was left before it answered".to_owned() });
            }
            self.0.state.lock().left = true;
        }
        .boxed()
    }
}

/// A store in which whoever looks for parts of a long message runs into a defect, for as long as the test says.
#[derive(Debug)]
pub struct Trapped {
    store: Arc<MemoryStore>,
    pub armed: std::sync::atomic::AtomicBool,
}

impl Store for Trapped {
    fn partitions(&self) -> u16 {
        self.store.partitions()
    }

    fn durability(&self) -> signalbox_store::Durability {
        self.store.durability()
    }

    fn acquire(&self, partition: Partition) -> BoxFuture<'_, Result<signalbox_store::Epoch, signalbox_store::Error>> {
        self.store.acquire(partition)
    }

    fn commit(
        &self,
        batch: signalbox_store::Batch,
    ) -> BoxFuture<'_, Result<signalbox_store::Committed, signalbox_store::Error>> {
        self.store.commit(batch)
    }

    fn get(
        &self,
        partition: Partition,
        table: signalbox_store::Table,
        key: bytes::Bytes,
    ) -> BoxFuture<'_, Result<Option<bytes::Bytes>, signalbox_store::Error>> {
        let armed = self.armed.load(std::sync::atomic::Ordering::Relaxed);
        assert!(!armed || table != signalbox_store::Table::Part, "a defect that the test wants");
        self.store.get(partition, table, key)
    }

    fn range(
        &self,
        partition: Partition,
        range: signalbox_store::Range,
    ) -> BoxFuture<'_, Result<signalbox_store::Page, signalbox_store::Error>> {
        self.store.range(partition, range)
    }

    fn inbox(
        &self,
        partition: Partition,
        after: signalbox_store::InboxSeq,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(signalbox_store::InboxSeq, bytes::Bytes)>, signalbox_store::Error>> {
        self.store.inbox(partition, after, limit)
    }

    fn bell(&self, partition: Partition) -> signalbox_store::InboxBell {
        self.store.bell(partition)
    }

    fn failed(&self) -> BoxFuture<'_, signalbox_store::Error> {
        self.store.failed()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), signalbox_store::Error>> {
        self.store.close()
    }
}

/// A running house.
pub struct House {
    pub handle: Handle,
    pub carrier: Arc<Scripted>,
    pub clock: ManualClock,
    pub store: Arc<MemoryStore>,
    pub caller: Caller,
    policies: Policies,
    intake: mpsc::Sender<Incoming>,
    drain: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), signalbox_engine::Error>>,
}

/// Noon, on a day of no importance.
pub fn noon() -> Timestamp {
    Timestamp::parse_rfc3339("2026-06-01T12:00:00Z").unwrap()
}

/// A tenant as most tests have one.
pub fn acme() -> Tenant {
    tenant(StopReach::default())
}

fn tenant(stop_reach: StopReach) -> Tenant {
    let plan = NumberPlan { carriers: vec!["scripted".to_owned()], segments_per_second: 0 };
    Tenant {
        id: "acme".parse().unwrap(),
        brand: "Acme".to_owned(),
        help: "help.example.com".to_owned(),
        weight: 1,
        segments_per_second: 0,
        numbers: BTreeMap::from([(OURS.parse().unwrap(), plan.clone()), (OTHER.parse().unwrap(), plan)]),
        in_doubt: InDoubtPlan::default(),
        stop_reach,
        recording: RecordingPlan::default(),
        retention: Default::default(),
        supervision: None,
        secrets: BTreeMap::new(),
        hosts: Vec::new(),
        settings: BTreeMap::new(),
        caps: HandlerCaps::default(),
    }
}

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

    /// Goes through the whole audit log: its links, its checkpoints, and that what it tells of is on record as it was
    /// logged. The items, in the order of each chain.
    pub async fn verified_log(&self) -> (Summary, Vec<Item>) {
        let tenant = &self.caller.tenant;
        let mut verifier = Verifier::new(tenant.clone(), Keys::from_bytes(&[5; 64]).public());
        for mark in self.handle.audit_marks(tenant, 0, None, 1_000).await.unwrap() {
            verifier.mark(&mark).unwrap();
        }
        let (mut items, mut others) = (Vec::new(), std::collections::BTreeSet::new());
        for partition in (0..self.store.partitions()).map(Partition::new) {
            let query = AuditQuery { limit: 10_000, compare: true, ..AuditQuery::default() };
            let page = self.handle.audit_page(tenant, partition, &query).await.unwrap();
            verifier.begin_whole_at(partition, page.before).unwrap();
            for (frame, standings) in page.frames {
                let body = verifier.frame(partition, frame.n, &frame.link, &frame.body).unwrap();
                for (item, standing) in body.items.iter().zip(standings) {
                    match (item, standing) {
                        (Item::Text { message, .. }, Some(Standing::Same)) => {
                            others.remove(message);
                        }
                        (Item::Text { message, .. }, _) | (Item::Line { message, .. }, Some(Standing::Missing)) => {
                            others.insert(*message);
                        }
                        (Item::Swept { messages, .. }, _) => others.retain(|id| !messages.contains(id)),
                        _ => assert!(standing.is_none_or(|standing| standing == Standing::Same), "{item:?}"),
                    }
                }
                items.extend(body.items);
            }
        }
        assert!(others.is_empty(), "texts that are other than they were logged: {others:?}");
        (verifier.finish(None).unwrap(), items)
    }

    /// Drains and stops.
    pub async fn stop(self) -> Result<(), signalbox_engine::Error> {
        self.drain.cancel();
        self.running.await.expect("the service doesn't panic")
    }

    /// Waits for the end that it comes to by itself.
    pub async fn ended(self) -> Result<(), signalbox_engine::Error> {
        self.running.await.expect("the service doesn't panic")
    }

    pub fn request(text: &str) -> Request {
        Request { from: OURS.to_owned(), to: THEIRS.to_owned(), text: text.to_owned(), ..Request::default() }
    }

    pub async fn send(&self, request: &Request) -> MessageId {
        self.handle.accept(&self.caller, request, None).await.expect("the request is in order").id
    }

    pub async fn record(&self, id: MessageId) -> Record {
        self.handle.message(&self.caller.tenant, id).await.unwrap().expect("the message is on record")
    }

    /// Lets all go on that can without time's passing.
    pub async fn still(&self) {
        for _ in 0..300 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until a message is where the test wants it.
    pub async fn until(&self, id: MessageId, status: Status) -> Record {
        let wait = async {
            loop {
                let record = self.record(id).await;
                if record.head.status == status {
                    return record;
                }
                tokio::task::yield_now().await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(20), wait).await {
            Ok(record) => record,
            Err(_) => panic!("{id} never became {status}; it is {:#?}", self.record(id).await.entries),
        }
    }

    /// Waits until so many outbound messages aren't with a carrier yet.
    pub async fn until_waiting(&self, waiting: usize) {
        let wait = async {
            while self.handle.readiness().waiting != waiting {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect("messages went on waiting");
    }

    /// All of the tenant's messages.
    pub async fn all_messages(&self) -> Vec<(signalbox_model::Message, Status)> {
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.handle.messages(&self.caller.tenant, &Default::default(), cursor, 1_000).await.unwrap();
            all.extend(page.items.into_iter().map(|(message, head)| (message, head.status)));
            cursor = page.next;
            if cursor.is_none() {
                return all;
            }
        }
    }

    /// Waits until every inbox is empty and, if asked for, every timer of a handler has fired. False: the store failed
    /// before that.
    pub async fn is_quiet(&self, timers: bool) -> bool {
        let wait = async {
            loop {
                match self.has_work(timers).await {
                    Ok(false) => return true,
                    Ok(true) => tokio::task::yield_now().await,
                    Err(_) => return false,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("there never was an end of work")
    }

    async fn has_work(&self, timers: bool) -> Result<bool, signalbox_store::Error> {
        for partition in (0..self.store.partitions()).map(Partition::new) {
            let all = signalbox_store::Range::prefix(signalbox_store::Table::Timer, Vec::new(), 1);
            if timers && !self.store.range(partition, all).await?.is_empty() {
                return Ok(true);
            }
            if !self.store.inbox(partition, Default::default(), 1).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The tenant's messages, oldest first.
    pub async fn messages(&self) -> Vec<(signalbox_model::Message, Status)> {
        let page = self.handle.messages(&self.caller.tenant, &Default::default(), None, 1_000).await.unwrap();
        page.items.into_iter().rev().map(|(message, head)| (message, head.status)).collect()
    }

    /// Waits until a condition on the tenant's messages holds.
    pub async fn until_messages(
        &self,
        holds: impl Fn(&[(signalbox_model::Message, Status)]) -> bool,
    ) -> Vec<(signalbox_model::Message, Status)> {
        let wait = async {
            loop {
                let messages = self.messages().await;
                if holds(&messages) {
                    return messages;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the messages never were as the test wants")
    }

    pub async fn bring(&self, what: Brought) -> Verdict {
        let (answer, verdict) = Answer::pair();
        let incoming = Incoming { carrier: "scripted".into(), what, answer };
        if self.intake.send(incoming).await.is_err() {
            return Verdict::Later;
        }
        verdict.await.unwrap_or(Verdict::Later)
    }

    pub async fn receipt(&self, carrier_id: &str, state: ReceiptState) -> Verdict {
        let receipt =
            Receipt { carrier_id: carrier_id.to_owned(), state, raw_code: Some("000".to_owned()), carrier_time: None };
        let (ours, theirs): (Address, Address) = (OURS.parse().unwrap(), THEIRS.parse().unwrap());
        self.bring(Brought::Receipt { receipt, ours: Some(ours), theirs: Some(theirs) }).await
    }

    pub async fn text(&self, text: &str) -> Verdict {
        self.bring(Brought::Part(part(text, None))).await
    }

    /// A text from another phone.
    pub async fn text_from(&self, phone: &str, text: &str) -> Verdict {
        self.bring(Brought::Part(InboundPart { from: phone.parse().unwrap(), ..part(text, None) })).await
    }

    /// A text from anywhere to one of the tenant's numbers.
    pub async fn text_between(&self, phone: &str, ours: &str, text: &str) -> Verdict {
        let (from, to) = (phone.parse().unwrap(), ours.parse().unwrap());
        self.bring(Brought::Part(InboundPart { from, to, ..part(text, None) })).await
    }

    /// Uploads a guest that `cargo xtask guests` has built.
    pub async fn upload_guest(&self, name: &str) {
        let path = format!("{}/../../target/guests/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
        let component = std::fs::read(path).expect("`cargo xtask guests` has built it");
        self.handle.put_handler(&self.caller.tenant, name, component).await.expect("the guest is in order");
    }

    /// Uploads a guest, and binds it to the tenant's number.
    pub async fn bind_guest(&self, name: &str) {
        self.upload_guest(name).await;
        self.bind_to(name, OURS, OnFailure::default()).await;
    }

    /// Binds a guest that is uploaded.
    pub async fn bind_to(&self, name: &str, number: &str, on_failure: OnFailure) {
        let scope = Scope::Number(number.parse().unwrap());
        self.bind_scope(name, number, scope, on_failure).await;
    }

    pub async fn bind_scope(&self, handler: &str, name: &str, scope: Scope, on_failure: OnFailure) {
        let (name, handler) = (name.to_owned(), handler.to_owned());
        let binding = NewBinding { name, scope, kinds: vec![], handler, on_failure };
        self.handle.put_binding(&self.caller.tenant, binding).await.expect("the binding is in order");
    }

    /// What a handler keeps for the whole tenant.
    pub async fn tenants_state(&self, key: &str) -> Option<String> {
        self.state(guest::Scope::Tenant, (OURS, THEIRS), key).await
    }

    /// What a handler keeps of a conversation between one of the tenant's numbers and a phone.
    pub async fn conversations_state(&self, between: (&str, &str), key: &str) -> Option<String> {
        self.state(guest::Scope::Conversation, between, key).await
    }

    async fn state(&self, scope: guest::Scope, (ours, theirs): (&str, &str), key: &str) -> Option<String> {
        let conversation = signalbox_model::Conversation {
            tenant: self.caller.tenant.clone(),
            ours: ours.parse().unwrap(),
            theirs: theirs.parse().unwrap(),
        };
        let value = self.handle.state(&conversation, scope, key).await.expect("the store answers");
        value.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// Waits until this holds.
    pub async fn until_true(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let wait = async {
            while !holds().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    /// Waits until an inbound text is dealt with; what its handler was told off for, if it failed.
    pub async fn handled(&self, text: &str) -> Result<(), String> {
        let is_it = |message: &signalbox_model::Message| {
            message.direction == signalbox_model::Direction::Inbound && message.body.text == text
        };
        let over = |status: &Status| matches!(status, Status::Handled | Status::HandlerFailed | Status::Unhandled);
        let messages = self.until_messages(|all| all.iter().any(|(m, status)| is_it(m) && over(status))).await;
        let (message, status) = messages.into_iter().rfind(|(m, _)| is_it(m)).expect("it came in");
        if status == Status::Handled {
            return Ok(());
        }
        let record = self.record(message.id).await;
        Err(record
            .entries
            .iter()
            .rev()
            .find_map(|entry| match &entry.cause {
                Cause::HandlerFailed { error, .. } => Some(error.clone()),
                _ => None,
            })
            .unwrap_or_default())
    }
}

pub fn part(text: &str, place: Option<(u8, u8)>) -> InboundPart {
    InboundPart {
        from: THEIRS.parse().unwrap(),
        to: OURS.parse().unwrap(),
        octets: text.as_bytes().to_vec().into(),
        data_coding: 3,
        default_alphabet: DefaultAlphabet::Gsm,
        place: place.map(|(number, total)| Concatenation { reference: 9, total, number, wide: false }),
    }
}
