//! `signalbox dev`: the house as it is, with a simulated carrier on the other end of a real SMPP connection, for people
//! who write handlers.

mod deploy;
mod project;
mod say;
mod tail;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use signalbox_carriers::smpp;
use signalbox_guest::Manifest;
use signalbox_model::directory::{InDoubtPlan, NumberPlan, RecordingMode, RecordingPlan, Tenant};
use signalbox_model::{Address, TenantId};
use signalbox_simulator::{Config as SimulatorConfig, Handle as Simulated, Scenario, Simulator};
use tempfile::TempDir;

use crate::args::Dev;
use crate::config::{Config, Log, LogFormat, Tenancy};
use crate::exit::Error;
use crate::wire::House;
use crate::{block_on, log, native, signals};
use deploy::{Deployment, Of};
use project::Project;
use say::Voice;

/// The number that the development tenant has: in a range that is nobody's.
const NUMBER: &str = "+15555550100";
/// A phone for the examples, likewise.
const PHONE: &str = "+15555550123";
const CARRIER: &str = "sim";

/// Runs until a signal ends it.
pub fn run(args: Dev) -> Result<ExitCode, Error> {
    log::start(&Log { level: args.log.clone(), format: if args.json { LogFormat::Json } else { LogFormat::Text } });
    block_on(None, dev(args))
}

async fn dev(args: Dev) -> Result<ExitCode, Error> {
    let stop = signals::stop()?;
    let voice = Voice::new(args.json);
    let simulated = start_simulator(&args).await?;
    let store = Folder::of(args.folder)?;
    let project = match &args.handler {
        Some(folder) if folder.is_dir() => Some(Project::open(folder)?),
        _ => None,
    };
    let tenant = tenant(&project.as_ref().map(|project| project.manifest.clone()).unwrap_or_default());
    let mut config = config(args.listen, &store, &tenant, simulated.smpp_addr());
    config.handlers.compiler = native::compiler()?;
    let house = House::open(&config, &stop).await?;
    let handle = house.handle().clone();
    // A folder that was kept has a key already, and only its hash: so there is a new one at each start.
    let key = match house.new_keys() {
        [made, ..] => made.token.clone(),
        [] => handle.make_key(&tenant.id).await?,
    };
    let number: Address = NUMBER.parse().expect("the development number is one");
    let file = match &project {
        Some(project) => Some(project.first(voice).await?),
        None => args.handler,
    };
    let of = |file| Of {
        file,
        project: project.as_ref().map(|project| (project.folder().to_owned(), project.manifest.clone())),
        host: house.host().clone(),
        handle: handle.clone(),
        tenant: tenant.id.clone(),
        number,
        voice,
    };
    let deployment = file.map(|file| Deployment::new(of(file)));
    let mut watching = tokio::task::JoinSet::new();
    if let Some(mut deployment) = deployment {
        deployment.first().await?;
        watching.spawn(tail::run(handle, tenant.id, deployment.name().to_owned(), voice));
        watching.spawn(deployment.watch());
    }
    if let Some(project) = project {
        watching.spawn(project.watch(voice));
    }
    voice.ready(&say::Ready {
        url: format!("http://{}", house.address()),
        key: &key,
        control: simulated.control_addr().map(|address| format!("http://{address}")),
        smpp: simulated.smpp_addr(),
        folder: store.kept(),
        seed: simulated.seed(),
    });
    let ended = house.run(&stop).await;
    watching.shutdown().await;
    simulated.stop().await;
    ended.map(|()| ExitCode::SUCCESS)
}

async fn start_simulator(args: &Dev) -> Result<Simulated, Error> {
    let scenario = args.scenario.as_deref().map(Scenario::from_file).transpose()?.unwrap_or_default();
    Ok(Simulator::start(SimulatorConfig { scenario, ..SimulatorConfig::default() }).await?)
}

/// The development tenant; what a project's manifest asks for is granted.
fn tenant(manifest: &Manifest) -> Tenant {
    let number: Address = NUMBER.parse().expect("the development number is one");
    let plan = NumberPlan { carriers: vec![CARRIER.to_owned()], segments_per_second: 0 };
    Tenant {
        id: TENANT.parse::<TenantId>().expect("the development tenant's name is one"),
        brand: "Dev".to_owned(),
        help: "https://example.com/help".to_owned(),
        weight: 1,
        segments_per_second: 0,
        numbers: [(number, plan)].into(),
        in_doubt: InDoubtPlan::default(),
        stop_reach: Default::default(),
        recording: RecordingPlan { mode: RecordingMode::All, ..RecordingPlan::default() },
        retention: Default::default(),
        supervision: None,
        secrets: project::secrets(manifest),
        hosts: manifest.hosts.iter().map(ToString::to_string).collect(),
        settings: manifest.settings(&BTreeMap::new()).unwrap_or_default(),
        caps: signalbox_engine::caps_for(&manifest.limits),
    }
}

const TENANT: &str = "dev";

fn config(listen: SocketAddr, folder: &Folder, tenant: &Tenant, carrier: SocketAddr) -> Config {
    let carrier = smpp::Config {
        name: CARRIER.to_owned(),
        host: carrier.ip().to_string(),
        port: carrier.port(),
        system_id: TENANT.to_owned(),
        ..smpp::Config::default()
    };
    let mut config = Config::new(folder.path());
    config.listen = listen;
    config.carriers = vec![carrier];
    config.tenants = vec![Tenancy { tenant: tenant.clone(), api_keys: Vec::new() }];
    config.webhooks.reach.allow_private = true;
    config.outbound.reach.allow_private = true;
    config
}

/// Where the store is.
enum Folder {
    /// Kept.
    Kept(PathBuf),
    /// Gone when the process ends.
    Fresh(TempDir),
}

impl Folder {
    fn of(named: Option<PathBuf>) -> Result<Self, Error> {
        match named {
            Some(folder) => Ok(Self::Kept(folder)),
            None => {
                tempfile::Builder::new().prefix("signalbox-dev-").tempdir().map(Self::Fresh).map_err(Error::Runtime)
            }
        }
    }

    /// A folder of its own within a fresh one; the store wants an empty one, and makes it.
    fn path(&self) -> PathBuf {
        match self {
            Self::Kept(folder) => folder.clone(),
            Self::Fresh(folder) => folder.path().join("store"),
        }
    }

    fn kept(&self) -> Option<PathBuf> {
        match self {
            Self::Kept(folder) => Some(folder.clone()),
            Self::Fresh(_) => None,
        }
    }
}
