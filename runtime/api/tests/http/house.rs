//! A running path with two tenants, and an API in front of it on a real socket.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use prometheus_client::registry::Registry;
use serde_json::Value;
use signalbox_api::{Config, Service};
use signalbox_carriers::{Answer as CarrierAnswer, Brought, Carrier, Health, InboundPart, Incoming, Slot, Verdict};
use signalbox_engine::{self as engine, Handle, Parts};
use signalbox_guest as guest;
use signalbox_model::directory::{HandlerCaps, InDoubtPlan, NumberPlan, RecordingPlan, Tenant};
use signalbox_model::{Chance, ManualClock, TenantId, Timestamp};
use signalbox_policy::Policies;
use signalbox_store::Store;
use signalbox_store::memory::{self, MemoryStore};
use signalbox_text::DefaultAlphabet;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::{Answer, Client};

pub const OURS: &str = "+15550100001";
pub const THEIRS: &str = "+15550199001";

/// A running path with an API.
pub struct House {
    pub at: SocketAddr,
    pub handle: Handle,
    /// A key of the tenant that most tests are.
    pub key: String,
    /// A key of another tenant.
    pub stranger: String,
    pub clock: ManualClock,
    pub drain: CancellationToken,
    pub serving: JoinHandle<()>,
    intake: mpsc::Sender<Incoming>,
    stop: CancellationToken,
}

/// A carrier that never takes anything: here it is about what the API answers.
struct Shut(Arc<str>);

impl Carrier for Shut {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn is_up(&self) -> bool {
        false
    }

    fn try_slot(&self, _parts: u8) -> Option<Box<dyn Slot>> {
        None
    }

    fn ready(&self, _parts: u8) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }

    fn health(&self) -> Health {
        Health::default()
    }

    fn canonical_id(&self, raw: &str) -> String {
        raw.to_owned()
    }

    fn close(&self, _bound: Duration) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.drain.cancel();
        self.stop.cancel();
    }
}

impl House {
    pub async fn open() -> Self {
        Self::with(Config::default(), MemoryStore::new(memory::Config::default())).await
    }

    pub async fn with(config: Config, store: Arc<dyn Store>) -> Self {
        Self::limited(config, engine::Config::default(), store).await
    }

    pub async fn limited(config: Config, limits: engine::Config, store: Arc<dyn Store>) -> Self {
        Self::of(config, limits, store, tenant("acme", OURS)).await
    }

    /// A house with an audit log, whose tenant belongs to a sector.
    pub async fn audited(sector: &str, store: Arc<dyn Store>) -> Self {
        let mut limits = engine::Config::default();
        limits.audit.keys = Some(signalbox_records::audit::Keys::from_bytes(&[5; 64]));
        limits.audit.everybody = true;
        let mut tenant = tenant("acme", OURS);
        tenant.settings.insert("sector".to_owned(), sector.to_owned());
        Self::of(Config::default(), limits, store, tenant).await
    }

    /// A house whose tenant is this one.
    pub async fn of(config: Config, limits: engine::Config, store: Arc<dyn Store>, tenant: Tenant) -> Self {
        Self::under(Policies::built_in(), config, limits, store, tenant, vec![Arc::new(Shut("test".into()))]).await
    }

    /// A house with the policies of a folder.
    pub async fn ruled_by(folder: &std::path::Path, store: Arc<dyn Store>) -> Self {
        let origin = signalbox_policy::Origin { folder: Some(folder.to_owned()), packs: Vec::new() };
        let policies = signalbox_policy::Watcher::open(origin, Timestamp::EPOCH).unwrap();
        let (config, limits) = (Config::default(), engine::Config::default());
        let carriers: Vec<Arc<dyn Carrier>> = vec![Arc::new(Shut("test".into()))];
        Self::under(policies, config, limits, store, tenant("acme", OURS), carriers).await
    }

    /// Likewise, under these policies, with these carriers.
    pub async fn under(
        policies: impl Into<signalbox_policy::Watcher>,
        config: Config,
        limits: engine::Config,
        store: Arc<dyn Store>,
        tenant: Tenant,
        carriers: Vec<Arc<dyn Carrier>>,
    ) -> Self {
        let clock = ManualClock::at(Timestamp::parse_rfc3339("2026-12-01T12:00:00Z").unwrap());
        let (intake, from_carriers) = mpsc::channel(16);
        let mut hooks = signalbox_webhooks::Config::default();
        hooks.reach.allow_private = true;
        hooks.reach.allow_http = true;
        let rival = self::tenant("rival", "+15550100002");
        let parts = Parts {
            config: limits,
            store,
            clock: Arc::new(clock.clone()),
            chance: Chance::seeded(7),
            policies: policies.into(),
            host: Arc::new(guest::Host::new(guest::Config { instances: 4, ..guest::Config::default() }).unwrap()),
            tenants: vec![tenant, rival],
            carriers,
            intake: from_carriers,
            outbound: Arc::new(engine::Nowhere),
            webhooks: hooks,
        };
        let path = engine::Service::open(parts).await.unwrap();
        let handle = path.handle();
        let key = handle.make_key(&name("acme")).await.unwrap();
        let stranger = handle.make_key(&name("rival")).await.unwrap();
        let (stop, drain) = (CancellationToken::new(), CancellationToken::new());
        tokio::spawn(path.run(stop.clone(), Duration::from_secs(5)));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let service = Service::new(config, handle.clone(), Registry::default());
        let serving = tokio::spawn(service.run(listener, drain.clone()));
        Self { at, handle, key, stranger, clock, drain, serving, intake, stop }
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.at).await
    }

    /// Asks as the tenant, with a JSON body if there is one.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_with(&self.key, &[], method, path, body).await
    }

    pub async fn ask_with(
        &self,
        key: &str,
        headers: &[(&str, &str)],
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let bearer = format!("Bearer {key}");
        let mut all = vec![("Authorization", bearer.as_str())];
        all.extend(headers);
        let body = body.map(|body| body.to_string().into_bytes());
        if body.is_some() {
            all.push(("Content-Type", "application/json"));
        }
        self.client().await.ask(method, path, &all, &body.unwrap_or_default()).await
    }

    /// Asks as the tenant with a body as it is.
    pub async fn send_raw(&self, path: &str, body: &[u8]) -> Answer {
        let bearer = format!("Bearer {}", self.key);
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        self.client().await.ask("POST", path, &headers, body).await
    }

    /// Somebody writes to the tenant's number.
    pub async fn hears(&self, text: &str) {
        let (answer, verdict) = CarrierAnswer::pair();
        let part = InboundPart {
            from: THEIRS.parse().unwrap(),
            to: OURS.parse().unwrap(),
            octets: Bytes::copy_from_slice(text.as_bytes()),
            data_coding: 0,
            default_alphabet: DefaultAlphabet::Ascii,
            place: None,
        };
        let carrier: Arc<str> = "test".into();
        self.intake.send(Incoming { carrier, what: Brought::Part(part), answer }).await.unwrap();
        assert_eq!(verdict.await.unwrap(), Verdict::Durable);
    }
}

pub fn name(text: &str) -> TenantId {
    text.parse().unwrap()
}

pub fn tenant(id: &str, number: &str) -> Tenant {
    let plan = NumberPlan { carriers: vec!["test".to_owned()], segments_per_second: 0 };
    Tenant {
        id: name(id),
        brand: "Acme".to_owned(),
        help: "acme.example".to_owned(),
        weight: 1,
        segments_per_second: 0,
        numbers: BTreeMap::from([(number.parse().unwrap(), plan)]),
        in_doubt: InDoubtPlan::default(),
        stop_reach: Default::default(),
        recording: RecordingPlan::default(),
        retention: Default::default(),
        supervision: None,
        secrets: BTreeMap::new(),
        hosts: Vec::new(),
        settings: BTreeMap::new(),
        caps: HandlerCaps::default(),
    }
}
