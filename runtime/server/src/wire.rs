//! How the house is joined, in the order in which it must be: what can be wrong is found before anything is taken, and
//! the door opens last. And how it is taken apart: the door closes first.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::registry::Registry;
use signalbox_carriers::Carrier;
use signalbox_carriers::smpp::Smpp;
use signalbox_model::{Chance, Clock};
use signalbox_policy::{Origin, Watcher};
use signalbox_reach::{Client, Connector, SystemResolver};
use signalbox_records::audit::Keys;
use signalbox_store::Store;
use signalbox_store_embedded::EmbeddedStore;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use {signalbox_api as api, signalbox_engine as engine, signalbox_guest as guest};

use crate::config::{self, AuditKey, Config};
use crate::exit::Error;
use crate::keys::{self, NewKey};
use crate::machine::SystemClock;
use crate::native;
use crate::process::Process;

/// What carriers brought and the path hasn't looked at yet: a few windows; beyond that carriers wait.
const INTAKE: usize = 1_024;
/// Connections that may wait to be taken.
const BACKLOG: u32 = 1_024;
/// How often we look whether the path has recovered.
const LOOK: Duration = Duration::from_millis(2);

/// A house that stands: it takes traffic.
pub struct House {
    handle: engine::Handle,
    host: Arc<guest::Host>,
    address: SocketAddr,
    new_keys: Vec<NewKey>,
    path: Running<Result<(), engine::Error>>,
    api: Running<()>,
}

/// A part that runs, and how to end it.
struct Running<T> {
    task: JoinHandle<T>,
    drain: CancellationToken,
}

impl House {
    /// Joins the parts. When it returns, what waited in the store is on its way again and the API listens.
    pub async fn open(config: &Config, stop: &CancellationToken) -> Result<Self, Error> {
        let policies = policies(config)?;
        let door = reserve(config.listen)?;
        let store = open_store(config).await?;
        let known_keys = keys::known(&*store).await?;
        let chance = Chance::from_os();
        let (intake, brought) = mpsc::channel(INTAKE);
        let mut carriers: Vec<Arc<dyn Carrier>> = Vec::new();
        for carrier in &config.carriers {
            carriers.push(Smpp::start(carrier.clone(), intake.clone(), chance.clone())?);
        }
        let cache = native::in_store(config, &chance)?;
        let host = guest::Config { cache: Some(cache), ..handlers(config) };
        let host = Arc::new(guest::Host::new(host)?);
        let limits = with_audit_keys(config, &chance)?;
        let parts = engine::Parts {
            config: limits,
            store,
            clock: Arc::new(SystemClock),
            chance,
            policies,
            host: host.clone(),
            tenants: config.tenants.iter().map(|tenancy| tenancy.tenant.clone()).collect(),
            carriers,
            intake: brought,
            outbound: Arc::new(web(&config.outbound)?),
            webhooks: config.webhooks.clone(),
        };
        let service = engine::Service::open(parts).await?;
        let handle = service.handle();
        let new_keys = keys::settle(&handle, &config.tenants, &known_keys).await?;
        let bound = config.runtime.drain_timeout.saturating_sub(config.api.drain_timeout);
        let mut path = Running::start(|drain| service.run(drain, bound));
        path.recovered(&handle, stop).await?;
        let (listener, address) = listen(door, config.listen)?;
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process));
        let service = api::Service::new(config.api.clone(), handle.clone(), registry);
        let api = Running::start(|drain| service.run(listener, drain));
        Ok(Self { handle, host, address, new_keys, path, api })
    }

    /// What the path is asked by.
    pub fn handle(&self) -> &engine::Handle {
        &self.handle
    }

    /// What compiles and runs handlers.
    pub fn host(&self) -> &Arc<guest::Host> {
        &self.host
    }

    /// Where the API listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The keys that were made now. Nobody will ever see them again.
    pub fn new_keys(&self) -> &[NewKey] {
        &self.new_keys
    }

    /// Serves until `stop` is cancelled, or a part fails; then drains.
    pub async fn run(mut self, stop: &CancellationToken) -> Result<(), Error> {
        tokio::select! {
            () = stop.cancelled() => self.drain().await,
            ended = &mut self.path.task => match ended {
                Ok(Err(error)) => Err(error.into()),
                Ok(Ok(())) | Err(_) => Err(Error::Stopped("the path")),
            },
            _ = &mut self.api.task => {
                self.drain().await?;
                Err(Error::Stopped("the API"))
            }
        }
    }

    /// No more connections, requests in flight to their end; then the path: steps, carriers' answers, webhooks, the
    /// store. In this order, so that no request meets a path that is going down.
    async fn drain(self) -> Result<(), Error> {
        let began = Instant::now();
        let Self { path, api, .. } = self;
        api.drain.cancel();
        if !api.task.is_finished() {
            let _ = api.task.await;
        }
        path.drain.cancel();
        let ended = path.task.await;
        tracing::info!(took = ?began.elapsed(), "drained");
        ended.map_err(|_| Error::Stopped("the path"))?.map_err(Error::from)
    }
}

impl<T: Send + 'static> Running<T> {
    fn start<F: Future<Output = T> + Send + 'static>(run: impl FnOnce(CancellationToken) -> F) -> Self {
        let drain = CancellationToken::new();
        Self { task: tokio::spawn(run(drain.clone())), drain }
    }
}

impl Running<Result<(), engine::Error>> {
    /// Waits until every inbox was read to its end once, or until there is no use in waiting.
    async fn recovered(&mut self, handle: &engine::Handle, stop: &CancellationToken) -> Result<(), Error> {
        let recovered = async {
            let mut look = tokio::time::interval(LOOK);
            while !handle.readiness().recovered {
                look.tick().await;
            }
        };
        tokio::select! {
            () = recovered => Ok(()),
            () = stop.cancelled() => Ok(()),
            ended = &mut self.task => match ended {
                Ok(Err(error)) => Err(error.into()),
                Ok(Ok(())) | Err(_) => Err(Error::Stopped("the path")),
            },
        }
    }
}

/// The configured policies, or the built-in ones.
pub fn policies(config: &Config) -> Result<Watcher, Error> {
    let origin = Origin { folder: config.policy.clone(), packs: config.packs.clone() };
    Ok(Watcher::open(origin, SystemClock.now())?)
}

/// The path's limits, with the audit log's keys if it is written.
fn with_audit_keys(config: &Config, chance: &Chance) -> Result<engine::Config, Error> {
    let mut limits = config.limits.clone();
    let Some(key) = &config.audit else { return Ok(limits) };
    let path = match key {
        AuditKey::InStore => config.store.folder.join("audit.key"),
        AuditKey::File(path) => path.clone(),
    };
    let fresh = || {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&chance.bytes32());
        bytes[32..].copy_from_slice(&chance.bytes32());
        bytes
    };
    limits.audit.keys = Some(Keys::settle(&path, fresh)?);
    Ok(limits)
}

/// Handlers' way out.
fn web(outbound: &config::Outbound) -> Result<engine::Web, Error> {
    let config::Outbound { reach, connect_timeout, extra_roots } = outbound.clone();
    let connector = Connector::new(reach, Arc::new(SystemResolver), connect_timeout, extra_roots)?;
    Ok(engine::Web::new(Client::new(connector), guest::Limits::default().http_bytes))
}

async fn open_store(config: &Config) -> Result<Arc<dyn Store>, Error> {
    let config = config.store.clone();
    let opened = tokio::task::spawn_blocking(move || EmbeddedStore::open(config)).await;
    Ok(opened.map_err(|_| Error::Stopped("the store"))??)
}

/// Shadows have slots of their own, so that they never take one from a handler that answers.
fn handlers(config: &Config) -> guest::Config {
    let shadows = u32::try_from(config.limits.max_shadows).unwrap_or(u32::MAX);
    let instances = config.handlers.instances.saturating_add(shadows);
    let own = config.handlers.max_memory_bytes;
    let caps = config.tenants.iter().filter_map(|tenancy| tenancy.tenant.caps.memory_bytes);
    let max_memory_bytes = caps.filter_map(|cap| usize::try_from(cap).ok()).fold(own, usize::max);
    guest::Config { instances, max_memory_bytes, ..config.handlers.clone() }
}

/// Takes the address, so that one that is in use is found at once; nobody can connect yet.
fn reserve(address: SocketAddr) -> Result<TcpSocket, Error> {
    let socket = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A restart must not wait for connections of the last run to be forgotten.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(socket)
    };
    socket().map_err(|source| Error::Listen { address, source })
}

fn listen(door: TcpSocket, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen { address, source };
    let listener = door.listen(BACKLOG).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}
