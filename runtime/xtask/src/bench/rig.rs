//! What benchmarks stand on: a house on the disk that cargo builds on, and a load.

use crate::house::{Carrier, CarrierPlan, NUMBER, Process, Server, ServerPlan, free_address};
use crate::workspace::{self, Binaries};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// What is measured.
pub struct Programs {
    pub binaries: Binaries,
    pub no_build: bool,
}

/// A house whose carrier can be reached.
pub struct Rig<'a> {
    programs: &'a Programs,
    pub folder: TempDir,
    pub carrier: Carrier,
    pub server: Server,
}

/// A house whose carrier can't: what is accepted waits.
pub struct Waiting<'a> {
    programs: &'a Programs,
    pub folder: TempDir,
    pub plan: ServerPlan,
    pub server: Server,
}

/// What a load is told besides where to.
#[derive(Clone, Copy, Debug)]
pub struct Load<'a> {
    pub count: u64,
    pub batch: u64,
    pub concurrency: u64,
    /// Messages a second; as fast as answers come if left out.
    pub rate: Option<u64>,
    pub text: &'a str,
}

/// What the load generator reports.
#[derive(Debug, Deserialize)]
pub struct LoadReport {
    pub accepted: u64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    last_trouble: Option<String>,
}

/// Answers leave in batches, as they do where a carrier has work to do for each.
pub const SCENARIO: &str = r#"
[response]
delay = "1ms"
[receipts]
delay = "5ms..20ms"
"#;

/// On the disk that cargo builds on: the system's temporary folder may be memory, where fsync costs nothing.
pub fn folder() -> Result<TempDir> {
    let beside = workspace::target();
    tempfile::Builder::new().prefix("bench-").tempdir_in(&beside).with_context(|| beside.display().to_string())
}

impl<'a> Rig<'a> {
    /// Starts it. `books` has the carrier keep its ledger, in `carrier.jsonl`.
    pub fn start(programs: &'a Programs, books: bool) -> Result<Self> {
        let folder = folder()?;
        let ledger = books.then(|| folder.path().join("carrier.jsonl"));
        let plan = CarrierPlan { scenario: SCENARIO.to_owned(), seed: Some(1), ledger, counts_only: true };
        let carrier = Carrier::start(Command::new(&programs.binaries.simulator), &plan, folder.path())?;
        let plan = ServerPlan::new(&programs.binaries.signalbox, folder.path(), carrier.smpp)?;
        Self::open(programs, folder, carrier, plan)
    }

    /// Starts it with a second tenant, and has the carrier keep its ledger.
    pub fn start_with_neighbour(programs: &'a Programs) -> Result<Self> {
        let folder = folder()?;
        let ledger = Some(folder.path().join("carrier.jsonl"));
        let plan = CarrierPlan { scenario: SCENARIO.to_owned(), seed: Some(1), ledger, counts_only: false };
        let carrier = Carrier::start(Command::new(&programs.binaries.simulator), &plan, folder.path())?;
        let plan = ServerPlan::new(&programs.binaries.signalbox, folder.path(), carrier.smpp)?.with_neighbour()?;
        Self::open(programs, folder, carrier, plan)
    }

    fn open(programs: &'a Programs, folder: TempDir, carrier: Carrier, mut plan: ServerPlan) -> Result<Self> {
        let mut server = plan.start()?;
        server.api.wait_bound(Duration::from_secs(20))?;
        Ok(Self { programs, folder, carrier, server })
    }

    /// Starts a load.
    pub fn load(&self, load: &Load<'_>) -> Result<Process> {
        start_load(self.programs, &self.server, self.folder.path(), load)
    }
}

impl<'a> Waiting<'a> {
    /// Starts it.
    pub fn start(programs: &'a Programs) -> Result<Self> {
        let folder = folder()?;
        let mut plan = ServerPlan::new(&programs.binaries.signalbox, folder.path(), free_address()?)?;
        let server = plan.start()?;
        Ok(Self { programs, folder, plan, server })
    }

    /// Runs a load to its end.
    pub fn load(&self, load: &Load<'_>) -> Result<LoadReport> {
        report(start_load(self.programs, &self.server, self.folder.path(), load)?, load)
    }
}

fn start_load(programs: &Programs, server: &Server, folder: &Path, load: &Load<'_>) -> Result<Process> {
    let mut command = Command::new(&programs.binaries.load);
    command.args(["--url", &format!("http://{}", server.api_address()), "--key", &server.key]);
    command.args(["--from", NUMBER, "--text", load.text, "--count", &load.count.to_string()]);
    command.args(["--batch", &load.batch.to_string(), "--concurrency", &load.concurrency.to_string()]);
    if let Some(rate) = load.rate {
        command.args(["--rate", &rate.to_string()]);
    }
    Process::start("load", &mut command, folder)
}

/// A load's report, once it has ended; an error if anything was refused.
pub fn report(process: Process, load: &Load<'_>) -> Result<LoadReport> {
    let report: LoadReport = serde_json::from_str(&process.output()?).context("the load's report")?;
    let trouble = report.last_trouble.as_deref().unwrap_or("no reason given");
    ensure!(report.accepted == load.count, "{} of {} were accepted: {trouble}", report.accepted, load.count);
    Ok(report)
}
