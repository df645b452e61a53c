//! The simulator as a command.

use crate::{Config, Error, Handle, Limits, Scenario, Simulator};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// What the command line says.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Address to listen on for SMPP; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:2775")]
    listen: SocketAddr,
    /// Scenario file (TOML).
    #[arg(long)]
    scenario: Option<PathBuf>,
    /// Seed of every draw; drawn from the system if left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Address of the control API.
    #[arg(long)]
    control: Option<SocketAddr>,
    /// Address of the webhook sink.
    #[arg(long)]
    sink: Option<SocketAddr>,
    /// Append the ledger to this file, as JSON lines.
    #[arg(long)]
    ledger: Option<PathBuf>,
    /// Keep counts only, neither ledger nor inboxes in memory.
    #[arg(long)]
    no_ledger: bool,
    /// Count webhooks without keeping them.
    #[arg(long)]
    sink_count_only: bool,
    /// Print the addresses as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Starts a simulator, prints where it listens, and serves until it is interrupted or terminated.
pub async fn run(args: Args) -> Result<(), Error> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let simulator = Simulator::start(config(&args)?).await?;
    announce(&simulator, args.json);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    simulator.stop().await;
    Ok(())
}

fn config(args: &Args) -> Result<Config, Error> {
    let scenario = args.scenario.as_deref().map(Scenario::from_file).transpose()?.unwrap_or_default();
    Ok(Config {
        listen: args.listen,
        control: args.control,
        sink: args.sink,
        scenario,
        seed: args.seed,
        ledger_file: args.ledger.clone(),
        counts_only: args.no_ledger,
        sink_counts_only: args.sink_count_only,
        limits: Limits::default(),
    })
}

#[expect(clippy::print_stdout, reason = "the command's answer: where it listens")]
fn announce(simulator: &Handle, json: bool) {
    let (smpp, control, sink) = (simulator.smpp_addr(), simulator.control_addr(), simulator.sink_addr());
    let seed = simulator.seed();
    if json {
        println!("{}", serde_json::json!({ "listen": smpp, "control": control, "sink": sink, "seed": seed }));
        return;
    }
    println!("simulated carrier: SMPP on {smpp}, seed {seed}");
    if let Some(control) = control {
        println!("control API on http://{control}");
    }
    if let Some(sink) = sink {
        println!("webhook sink on http://{sink}");
    }
}
