//! `cargo xtask demo`: a conversation through a fresh Signalbox, each message's timeline as the API tells it.

mod play;
mod show;
mod stay;

use crate::house::{Carrier, CarrierPlan, Server, ServerPlan};
use crate::progress;
use crate::workspace::{Choice, Profile};
use anyhow::Result;
use play::Play;
use show::Show;
use std::process::Command;
use std::time::{Duration, Instant};

/// `cargo xtask demo`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Keep serving, and say what to try next.
    #[arg(long)]
    stay: bool,
    #[command(flatten)]
    programs: Choice,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Options {
    /// A demo that ends by itself, with what was built before.
    pub fn of(profile: Profile) -> Self {
        Self { stay: false, programs: Choice { profile, no_build: true }, json: false }
    }
}

/// A running demo.
struct House {
    carrier: Carrier,
    server: Server,
}

/// Builds, starts, plays. Whether every step happened.
pub fn run(options: &Options) -> Result<bool> {
    let binaries = options.programs.get(&["echo-support"])?;
    let folder = tempfile::tempdir()?;
    let began = Instant::now();
    let mut simulator = Command::new(&binaries.signalbox);
    simulator.arg("simulator");
    let carrier = Carrier::start(simulator, &CarrierPlan::default(), folder.path())?;
    let server = ServerPlan::new(&binaries.signalbox, folder.path(), carrier.smpp)?.start()?;
    let mut house = House { carrier, server };
    let show = Show::new(options.json);
    show.opening(&house, began.elapsed());
    let played = Play::new(&mut house, &show).run();
    let all = show.summary(&played, began.elapsed());
    if options.stay {
        stay::stay(&mut house, &show)?;
    }
    progress::step("drain and stop", || {
        let status = house.server.process.stop(Duration::from_secs(40))?;
        anyhow::ensure!(status.success(), "the server ended with {status}:\n{}", house.server.process.last_words());
        Ok(())
    })?;
    Ok(all)
}
