//! A hundred thousand messages that wait: what memory they take, and how soon a killed process has them again.

use super::Options;
use super::figure::{Figure, Table, median};
use super::rig::{Load, Programs, Waiting};
use crate::house::{resident_mib, until};
use crate::progress;
use anyhow::Result;
use std::time::{Duration, Instant};

const MESSAGES: u64 = 100_000;
const PATIENCE: Duration = Duration::from_secs(120);

/// Measures.
pub fn run(options: &Options, programs: &Programs, table: &Table) -> Result<()> {
    let mut house = Waiting::start(programs)?;
    let load = Load { count: MESSAGES, batch: 100, concurrency: 16, rate: None, text: "Wait" };
    progress::step(&format!("{MESSAGES} messages are accepted and wait"), || {
        house.load(&load)?;
        until("all messages to be queued", PATIENCE, || {
            let undispatched = house.server.api.list("status=accepted&limit=1")?;
            Ok((undispatched.is_empty() && house.server.api.waiting()? == MESSAGES).then_some(()))
        })
    })?;
    let memory = resident_mib(house.server.process.id())?;
    let note = "VmRSS with 100,000 messages queued, the carrier out of reach";
    table.show(&Figure::new("rss_100k_mb", memory, "MiB", "<= 300", note));
    let (mut times, mut ready) = (Vec::new(), Vec::new());
    let Waiting { mut plan, mut server, folder: _folder, .. } = house;
    for run in 1..=options.runs {
        server.process.kill()?;
        let began = Instant::now();
        server = plan.start()?;
        until("100,000 messages to wait again", PATIENCE, || {
            let status = server.api.status()?;
            Ok((status["waiting"] == MESSAGES && status["recovered"] == true).then_some(()))
        })?;
        let took = began.elapsed();
        progress::say(&format!("restart {run}: {}", progress::seconds(took)));
        times.push(took.as_secs_f64());
        ready.push(server.ready_after.as_secs_f64());
    }
    let note = format!("kill -9, start, until all wait again; its ready line after {:.2} s", median(&mut ready));
    table.show(&Figure::new("restart_100k_s", median(&mut times), "s", "<= 2", note));
    Ok(())
}
