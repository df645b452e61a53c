//! `signalbox serve` in a folder of its own.

use super::{Api, Process, free_address};
use crate::http::Client;
use anyhow::{Context, Result};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The tenant.
pub const TENANT: &str = "demo";
/// Its number.
pub const NUMBER: &str = "+15550001000";
/// Another number of the tenant's, for what shall not meet the traffic of the first.
pub const SECOND_NUMBER: &str = "+15550001001";
/// Another tenant's number, where there is one.
pub const NEIGHBOURS_NUMBER: &str = "+15550002000";
const NEIGHBOUR: &str = "neighbour";
/// The only carrier.
pub const CARRIER: &str = "simulated";

/// What a server is started with, again and again if need be.
#[derive(Debug)]
pub struct ServerPlan {
    program: PathBuf,
    folder: PathBuf,
    config: PathBuf,
    /// Where its API listens, the same at each start.
    pub address: SocketAddr,
    /// The tenant's key: shown at the first start only.
    key: Option<String>,
    neighbours_key: Option<String>,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Its process.
    pub process: Process,
    /// Its API, as the tenant.
    pub api: Api,
    /// The tenant's key.
    pub key: String,
    /// The other tenant's key, where there is one.
    pub neighbours_key: Option<String>,
    /// From its start to its ready line.
    pub ready_after: Duration,
}

impl Server {
    /// Where its API listens.
    pub fn api_address(&self) -> SocketAddr {
        self.api.address()
    }
}

impl ServerPlan {
    /// Writes the configuration into `folder`: one tenant, two numbers, one carrier at `smpp`.
    pub fn new(program: &Path, folder: &Path, smpp: SocketAddr) -> Result<Self> {
        let address = free_address()?;
        let config = folder.join("signalbox.toml");
        std::fs::write(&config, config_text(address, smpp))?;
        let (program, folder) = (program.to_owned(), folder.to_owned());
        Ok(Self { program, folder, config, address, key: None, neighbours_key: None })
    }

    /// Adds another tenant, before the first start.
    pub fn with_neighbour(self) -> Result<Self> {
        let tenant = format!(
            "\n[[tenants]]\nname = \"{NEIGHBOUR}\"\nbrand = \"Neighbour\"\nhelp = \"Write to help@example.com\"\n\n\
             [[tenants.numbers]]\nnumber = \"{NEIGHBOURS_NUMBER}\"\ncarriers = [\"{CARRIER}\"]\n"
        );
        let config = std::fs::read_to_string(&self.config)? + &tenant;
        std::fs::write(&self.config, config)?;
        Ok(self)
    }

    /// Starts the server and waits until it is ready.
    pub fn start(&mut self) -> Result<Server> {
        let began = Instant::now();
        let started = Process::start_and_hear("signalbox", &mut self.command(), &self.folder, Duration::from_secs(60));
        let (process, line) = started?;
        let ready_after = began.elapsed();
        let said: Value = serde_json::from_str(&line).context("the server's first line")?;
        let new_key = |tenant: &str| {
            let keys = said["new_keys"].as_array()?;
            keys.iter().find(|key| key["tenant"] == tenant)?["key"].as_str().map(str::to_owned)
        };
        self.neighbours_key = new_key(NEIGHBOUR).or(self.neighbours_key.take());
        if let Some(key) = new_key(TENANT) {
            // Whoever looks closer at a folder that was kept needs it.
            std::fs::write(self.folder.join("key"), &key)?;
            self.key = Some(key);
        }
        let key = self.key.clone().context("the server made no key for its tenant")?;
        let api = Api::new(Client::new(self.address, Some(&key)));
        Ok(Server { process, api, key, neighbours_key: self.neighbours_key.clone(), ready_after })
    }

    /// Starts the server and kills it after so long, ready or not.
    pub fn start_and_kill(&self, after: Duration) -> Result<()> {
        let process = Process::start("signalbox", &mut self.command(), &self.folder)?;
        std::thread::sleep(after);
        process.kill()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["serve", "--json", "--config"]).arg(&self.config);
        command
    }
}

fn config_text(api: SocketAddr, smpp: SocketAddr) -> String {
    format!(
        r#"[listen]
api = "{api}"

[store]
folder = "store"

[[carriers]]
kind = "smpp"
name = "{CARRIER}"
host = "{host}"
port = {port}
system_id = "signalbox"
password = "sesame"
binds = 2
window = 200
reconnect_min = "50ms"
reconnect_max = "1s"

[[tenants]]
name = "{TENANT}"
brand = "Signalbox demo"
help = "Write to help@example.com"

[[tenants.numbers]]
number = "{NUMBER}"
carriers = ["{CARRIER}"]

[[tenants.numbers]]
number = "{SECOND_NUMBER}"
carriers = ["{CARRIER}"]

[webhooks]
allow_private = true
allow_http = true

# What is written here comes as fast as it can.
[limits]
handler_messages_per_minute = 1000000

[log]
level = "warn"
"#,
        host = smpp.ip(),
        port = smpp.port(),
    )
}
