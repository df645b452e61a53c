//! `signalbox serve`, from a configuration that is made for the story.

use crate::carrier::Carrier;
use crate::http::Client;
use crate::place;
use crate::process::{Ended, Process};
use crate::replays;
use crate::tenant::Tenant;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::process::Command;

/// A number of the tenant `acme`.
pub const NUMBER: &str = "+14155550100";
/// A number of the tenant `bolt`.
pub const NUMBER_OF_BOLT: &str = "+14155550200";
/// A key of the tenant `acme`.
pub const KEY_OF_ACME: &str = "sb_01k6dq2v4me3s8l0hnt2a5vb9c_acmeacmeacmeacmeacmeacmeacmeacmeacmeacmeacme";
/// A key of the tenant `bolt`.
pub const KEY_OF_BOLT: &str = "sb_01k6dq2v4me3s8l0hnt2a5vb9d_boltboltboltboltboltboltboltboltboltboltbolt";

/// What a house is started with. The folder lives as long as somebody holds this.
#[derive(Clone)]
pub struct HouseConfig {
    folder: Arc<TempDir>,
    carriers: Vec<(String, u16)>,
    carrier_keys: String,
    tenant_keys: String,
    sections: BTreeMap<&'static str, String>,
    /// What the process runs under, such as `prlimit` and its options.
    wrapper: Vec<String>,
}

/// A house that runs.
///
/// Every run of a handler is recorded, unless the story says otherwise, and does the same again when the story ends: see
/// [`replays`].
pub struct House {
    config: HouseConfig,
    /// None when the story took it.
    process: Option<Process>,
    url: String,
}

impl HouseConfig {
    /// A fresh folder, this carrier, the tenants `acme` and `bolt`, webhooks to this machine allowed.
    pub fn new(carrier: &Carrier) -> Self {
        Self::with_ports([carrier.port])
    }

    /// With an SMSC on each of these ports, tried in this order, named `carrier-1` and so on.
    pub fn with_ports(ports: impl IntoIterator<Item = u16>) -> Self {
        let named = |(index, port)| (format!("carrier-{}", index + 1), port);
        let config = Self {
            folder: Arc::new(tempfile::tempdir().expect("a temporary folder can be made")),
            carriers: ports.into_iter().enumerate().map(named).collect(),
            carrier_keys: String::new(),
            tenant_keys: String::new(),
            sections: BTreeMap::new(),
            wrapper: Vec::new(),
        };
        config
            .section("store", r#"folder = "store""#)
            .section("listen", r#"api = "127.0.0.1:0""#)
            .section("webhooks", "allow_private = true\nallow_http = true")
            .section("log", r#"level = "info,signalbox=debug""#)
            .section("handlers", "instances = 64")
            .section("limits", "max_steps = 64\nmax_steps_per_tenant = 32")
            .carrier_key(r#"reconnect_min = "20ms""#)
            .carrier_key(r#"reconnect_max = "200ms""#)
    }

    /// Keys of a section.
    #[must_use]
    pub fn section(mut self, name: &'static str, keys: &str) -> Self {
        let section = self.sections.entry(name).or_default();
        section.push_str(keys);
        section.push('\n');
        self
    }

    /// A key of every carrier.
    #[must_use]
    pub fn carrier_key(mut self, key: &str) -> Self {
        self.carrier_keys.push_str(key);
        self.carrier_keys.push('\n');
        self
    }

    /// A key of the tenant `acme`.
    #[must_use]
    pub fn tenant_key(mut self, key: &str) -> Self {
        self.tenant_keys.push_str(key);
        self.tenant_keys.push('\n');
        self
    }

    /// Runs the process under this command.
    #[must_use]
    pub fn under<'a>(mut self, wrapper: impl IntoIterator<Item = &'a str>) -> Self {
        self.wrapper = wrapper.into_iter().map(str::to_owned).collect();
        self
    }

    /// The story's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.folder().join("store")
    }

    /// The configuration as it stands in the file.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, keys) in &self.sections {
            let _ = write!(text, "[{name}]\n{keys}");
        }
        for (name, port) in &self.carriers {
            let _ = write!(
                text,
                "[[carriers]]\nkind = \"smpp\"\nname = \"{name}\"\nhost = \"127.0.0.1\"\nport = {port}\n\
                 system_id = \"signalbox\"\npassword = \"secret\"\n{}",
                self.carrier_keys
            );
        }
        let names: Vec<_> = self.carriers.iter().map(|(name, _)| name).collect();
        for (tenant, key, number, keys) in
            [("acme", KEY_OF_ACME, NUMBER, self.tenant_keys.as_str()), ("bolt", KEY_OF_BOLT, NUMBER_OF_BOLT, "")]
        {
            let recording = if keys.contains("recording =") { "" } else { "recording = { mode = \"all\" }\n" };
            let _ = write!(
                text,
                "[[tenants]]\nname = \"{tenant}\"\nbrand = \"{tenant}\"\nhelp = \"Call 555.\"\napi_keys = [\"{key}\"]\n\
                 {keys}{recording}[[tenants.numbers]]\nnumber = \"{number}\"\ncarriers = {names:?}\n"
            );
        }
        text
    }

    /// Writes this text where the configuration belongs, and gives the command that serves it.
    pub fn command_for(&self, text: &str) -> Command {
        let file = self.folder().join("signalbox.toml");
        std::fs::write(&file, text).expect("the story's folder can be written");
        let binary = place::binary("signalbox");
        let mut command = match self.wrapper.split_first() {
            Some((wrapper, args)) => {
                let mut command = Command::new(wrapper);
                command.args(args).arg(binary);
                command
            }
            None => Command::new(binary),
        };
        command.arg("serve").arg("--json").arg("--config").arg(file);
        command
    }

    /// Starts a house that must refuse to start.
    pub async fn refused(&self) -> Ended {
        self.refused_with(&self.text()).await
    }

    /// Starts a house from this text; it must refuse to start.
    pub async fn refused_with(&self, text: &str) -> Ended {
        let ended = Process::run("signalbox", self.command_for(text)).await;
        assert!(!ended.status.success(), "it started, and ended well: {ended:?}");
        assert!(!ended.stdout.contains("ready"), "it said that it was ready: {ended:?}");
        ended
    }
}

impl House {
    /// Starts a house and waits until it takes traffic.
    pub async fn start(config: HouseConfig) -> Self {
        let mut process = Process::start("signalbox", config.command_for(&config.text()));
        let ready: Value = serde_json::from_str(&process.line().await).expect("the house says where it listens");
        assert_eq!(ready["ready"], true);
        let url = ready["url"].as_str().expect("an address").to_owned();
        Self { config, process: Some(process), url }
    }

    /// Starts a house and waits until it is bound to its carrier, so that what phones send has a receiver.
    pub async fn bound_to(carrier: &Carrier, config: HouseConfig) -> Self {
        let house = Self::start(config).await;
        carrier.wait(&[("bound", 1)]).await;
        house
    }

    /// `http://host:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The tenant whose number is [`NUMBER`].
    pub fn acme(&self) -> Tenant {
        Tenant::new(self.anonymous().with("authorization", format!("Bearer {KEY_OF_ACME}")), NUMBER)
    }

    /// The tenant whose number is [`NUMBER_OF_BOLT`].
    pub fn bolt(&self) -> Tenant {
        Tenant::new(self.anonymous().with("authorization", format!("Bearer {KEY_OF_BOLT}")), NUMBER_OF_BOLT)
    }

    /// Somebody without a key.
    pub fn anonymous(&self) -> Client {
        Client::new(self.url.clone())
    }

    /// Runs the command line against it, as the tenant `acme`, to its end.
    pub async fn command(&self, args: &[&str]) -> Ended {
        Process::run("signalbox", self.command_for(args)).await
    }

    /// Starts the command line against it, as the tenant `acme`.
    pub fn start_command(&self, args: &[&str]) -> Process {
        Process::start("signalbox", self.command_for(args))
    }

    fn command_for(&self, args: &[&str]) -> Command {
        let mut command = Command::new(place::binary("signalbox"));
        command.args(args).env("SIGNALBOX_URL", &self.url).env("SIGNALBOX_KEY", KEY_OF_ACME);
        command
    }

    /// What it was started with.
    pub fn config(&self) -> &HouseConfig {
        &self.config
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("only who ends the house takes it")
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        self.process().log()
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.process().id()
    }

    /// Sends SIGTERM.
    pub async fn terminate(&self) {
        self.process().terminate().await;
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> (HouseConfig, Ended) {
        let process = self.process.take().expect("only who ends the house takes it");
        (self.config.clone(), process.ended().await)
    }

    /// SIGTERM, and waits for the end, which must be a good one.
    pub async fn drain(self) -> HouseConfig {
        self.terminate().await;
        let (config, ended) = self.ended().await;
        assert!(ended.status.success(), "a drain ends well: {:?}\n{}", ended.status, ended.stderr);
        config
    }

    /// SIGTERM, and another start on the same folder.
    pub async fn restart(self) -> Self {
        Self::start(self.drain().await).await
    }

    /// SIGKILL.
    pub async fn kill(mut self) -> HouseConfig {
        self.process.take().expect("only who ends the house takes it").kill().await;
        self.config.clone()
    }
}

impl Drop for House {
    /// What a house recorded that was ended before, its successor on the same folder replays.
    fn drop(&mut self) {
        let Some(process) = &mut self.process else { return };
        if !std::thread::panicking() && process.is_running() {
            replays::are_the_same(&self.url, &[KEY_OF_ACME, KEY_OF_BOLT]);
        }
    }
}
