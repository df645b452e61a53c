//! The configuration: one TOML file, read whole or refused with everything that is wrong with it.
//!
//! | module | what it holds |
//! |---|---|
//! | `carriers`, `tenants`, `retention`, `supervision`, `limits`, `audit`, `encryption` | what the sections mean |
//! | `secret` | values that stand in a file or in the environment |

mod audit;
mod carriers;
mod encryption;
mod limits;
mod retention;
mod secret;
mod supervision;
mod tenants;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use signalbox_carriers::smpp;
use signalbox_model::directory::Tenant;
use signalbox_reach::Reach;
use toml::de::DeTable;
use tracing_subscriber::EnvFilter;
use {
    signalbox_api as api, signalbox_engine as engine, signalbox_guest as guest,
    signalbox_store_embedded as store_embedded, signalbox_webhooks as webhooks,
};

use crate::native;
pub use audit::AuditKey;
use secret::Surroundings;
pub use signalbox_forms::{Complaint, Error, duration};
use signalbox_forms::{Reader, Section};

/// A full example with a comment on every key.
pub const EXAMPLE: &str = include_str!("example.toml");

/// The port that the API listens on unless told otherwise.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8480);

/// What a house is made of.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// The store.
    pub store: store_embedded::Config,
    /// The packs of rules that are switched on.
    pub packs: Vec<String>,
    /// The folder of policies; the built-in ones if there is none.
    pub policy: Option<PathBuf>,
    /// Carriers.
    pub carriers: Vec<smpp::Config>,
    /// Tenants.
    pub tenants: Vec<Tenancy>,
    /// How webhooks are delivered.
    pub webhooks: webhooks::Config,
    /// How handlers' HTTP requests are sent.
    pub outbound: Outbound,
    /// Where the audit log's key is, if one is written.
    pub audit: Option<AuditKey>,
    /// The path's limits.
    pub limits: engine::Config,
    /// The sandbox. Its cache is in the store's folder.
    pub handlers: guest::Config,
    /// Native code that is kept between starts. As many as 16 handlers of the largest kind, or some 1,000 small ones.
    pub native_cache_bytes: u64,
    /// The API's limits.
    pub api: api::Config,
    /// What is logged, and how.
    pub log: Log,
    /// The process.
    pub runtime: Runtime,
}

/// A tenant, and the API keys that the operator wrote for it.
#[derive(Clone)]
pub struct Tenancy {
    /// The tenant.
    pub tenant: Tenant,
    /// `sb_…`; may be empty.
    pub api_keys: Vec<String>,
}

impl std::fmt::Debug for Tenancy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tenancy").field("tenant", &self.tenant.id).finish_non_exhaustive()
    }
}

/// How handlers' HTTP requests are sent.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// Where they may go, if their tenant was granted the host.
    pub reach: Reach,
    /// Until a connection stands, name and TLS included: a part of what a whole request may take.
    pub connect_timeout: Duration,
    /// Certificate authorities besides the machine's own.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

impl Default for Outbound {
    fn default() -> Self {
        Self { reach: Reach::default(), connect_timeout: Duration::from_secs(2), extra_roots: Vec::new() }
    }
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct Log {
    /// What: `info`, or by part, `info,signalbox_engine=debug`.
    pub level: String,
    /// How.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The process.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// Threads that run tasks; as many as there are cores if not said.
    pub worker_threads: Option<usize>,
    /// How long a drain may take.
    pub drain_timeout: Duration,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

impl Default for Runtime {
    /// 25 s to drain: service managers commonly kill after 30.
    fn default() -> Self {
        Self { worker_threads: None, drain_timeout: Duration::from_secs(25) }
    }
}

impl Config {
    /// What can be meant so, and is more often forgotten.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let us = self.packs.iter().any(|pack| pack == audit::PACK);
        if us && self.limits.sealing.master.is_none() {
            warnings.push(
                "bodies of messages are stored in plain, and an erasure can't hide numbers: the pack `us` is on and [encryption] has no key; \
                 `signalbox keys make master.key` makes one, and `key = \"file:master.key\"` uses it"
                    .to_owned(),
            );
        }
        if us && self.audit.is_none() {
            warnings.push("the pack `us` is on and the audit log is off ([audit] enabled = false): nobody can show later what was decided".to_owned());
        }
        warnings
    }

    /// The defaults, with the store in `folder`: no carriers, no tenants.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            listen: DEFAULT_LISTEN,
            store: store_embedded::Config::new(folder),
            packs: Vec::new(),
            policy: None,
            carriers: Vec::new(),
            tenants: Vec::new(),
            webhooks: webhooks::Config::default(),
            outbound: Outbound::default(),
            audit: None,
            limits: engine::Config::default(),
            handlers: guest::Config::default(),
            native_cache_bytes: native::CACHE_BYTES,
            api: api::Config::default(),
            log: Log::default(),
            runtime: Runtime::default(),
        }
    }

    /// Reads a file. Paths in it are relative to its folder.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let refused = |complaints| Error::Refused { path: path.to_owned(), complaints };
        Self::parse(&text, &Surroundings::of_process(folder)).map_err(refused)
    }

    fn parse(text: &str, surroundings: &Surroundings<'_>) -> Result<Self, Vec<Complaint>> {
        let reader = Reader::new(text);
        let (document, broken) = DeTable::parse_recoverable(text);
        for error in &broken {
            reader.complain(error.span().map_or(0, |span| span.start), "", error.message().trim_end());
        }
        if !broken.is_empty() {
            return Err(reader.into_complaints());
        }
        let config = read(&Section::file(&reader, document.get_ref()), surroundings);
        let complaints = reader.into_complaints();
        if complaints.is_empty() { Ok(config) } else { Err(complaints) }
    }
}

/// Reads everything there is; what is wrong was complained of, and has its default.
fn read(file: &Section<'_, '_>, surroundings: &Surroundings<'_>) -> Config {
    let mut config = Config::new(PathBuf::new());
    read_listen(file.section("listen"), &mut config);
    let store = file.section("store");
    if let Some(least) = store.bytes("min_free") {
        config.limits.min_free_bytes = least.value;
    }
    read_store(store, &mut config.store, surroundings);
    let policy = file.section("policy");
    config.policy = policy.text("folder").map(|folder| surroundings.path(&folder.value));
    let packs = policy.texts("packs").unwrap_or_default();
    config.packs = packs.into_iter().map(|pack| pack.value).collect();
    policy.end();
    let carriers = carriers::read(file.sections("carriers"), surroundings);
    encryption::read(file.section("encryption"), &mut config.limits.sealing, surroundings);
    let seals = config.limits.sealing.master.is_some();
    let ruled = config.policy.is_some() || config.packs.iter().any(|pack| pack == "us");
    config.tenants = tenants::read(file.sections("tenants"), &carriers, surroundings, (seals, ruled));
    config.carriers = carriers;
    limits::webhooks(file.section("webhooks"), &mut config.webhooks, surroundings);
    limits::outbound(file.section("outbound"), &mut config.outbound, surroundings);
    limits::path(file.section("limits"), &mut config.limits);
    config.audit = audit::read(file.section("audit"), &config.packs, &mut config.limits.audit, surroundings);
    limits::api(file.section("api"), &mut config.api, &config.limits);
    limits::handlers(file.section("handlers"), &mut config);
    read_operator(file.section("operator"), &mut config.api, surroundings);
    read_log(file.section("log"), &mut config.log);
    read_runtime(file.section("runtime"), &mut config.runtime);
    // Requests in flight get at most half of a drain; the rest is the path's.
    config.api.drain_timeout = config.api.drain_timeout.min(config.runtime.drain_timeout / 2);
    file.end();
    config
}

fn read_listen(section: Section<'_, '_>, config: &mut Config) {
    if let Some(address) = section.text("api") {
        match address.value.parse() {
            Ok(listen) => config.listen = listen,
            Err(_) => section.complain_of(&address, "is no address; write such as \"127.0.0.1:8480\" or \"[::]:8480\""),
        }
    }
    section.end();
}

fn read_operator(section: Section<'_, '_>, config: &mut api::Config, surroundings: &Surroundings<'_>) {
    if let Some(text) = section.text("key")
        && let Some(key) = surroundings.resolve(&section, &text)
    {
        config.operator_key = api::OperatorKey::new(key);
        if config.operator_key.is_none() {
            let least = api::OperatorKey::MIN_CHARS;
            section.complain_of(&text, format!("is too short to be a key; take at least {least} characters of chance"));
        }
    }
    if let Some(text) = section.text("registry_secret")
        && let Some(secret) = surroundings.resolve(&section, &text)
    {
        match webhooks::Signer::parse(&secret) {
            Ok(signer) => config.registry_secret = Some(signer),
            Err(error) => section.complain_of(&text, error.to_string()),
        }
    }
    section.end();
}

fn read_store(section: Section<'_, '_>, store: &mut store_embedded::Config, surroundings: &Surroundings<'_>) {
    if let Some(folder) = section.needed_text("folder") {
        store.folder = surroundings.path(&folder.value);
    }
    let set = |to: &mut u64, key| {
        if let Some(bytes) = section.bytes(key) {
            *to = bytes.value;
        }
    };
    set(&mut store.block_cache_bytes, "block_cache");
    set(&mut store.memtable_bytes, "memtable");
    if let Some(journal) = section.bytes("journal") {
        if journal.value < 64 << 20 {
            section.complain_of(&journal, "must be at least 64MiB");
        }
        store.journal_bytes = journal.value;
    }
    let most = u64::from(signalbox_model::Partition::MAX_COUNT);
    if let Some(partitions) = section.number("partitions", 1..=most) {
        store.partitions = u16::try_from(partitions.value).unwrap_or(store.partitions);
    }
    section.end();
}

fn read_log(section: Section<'_, '_>, log: &mut Log) {
    if let Some(level) = section.text("level") {
        if let Err(error) = EnvFilter::builder().parse(&level.value) {
            let help = "write trace, debug, info, warn or error, or by part \"info,signalbox_engine=debug\"";
            section.complain_of(&level, format!("{error}; {help}"));
        }
        log.level = level.value;
    }
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    if let Some(format) = section.one_of("format", &formats) {
        log.format = format.value;
    }
    section.end();
}

fn read_runtime(section: Section<'_, '_>, runtime: &mut Runtime) {
    if let Some(threads) = section.number("worker_threads", 1..=1_024) {
        runtime.worker_threads = usize::try_from(threads.value).ok();
    }
    if let Some(bound) = section.duration("drain_timeout") {
        runtime.drain_timeout = bound;
    }
    section.end();
}

#[cfg(test)]
mod tests;
