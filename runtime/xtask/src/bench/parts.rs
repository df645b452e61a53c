//! The crates' own benchmarks, as they print them.

use super::Options;
use super::figure::{Figure, Table};
use super::rig::Programs;
use crate::{guests, progress, workspace};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[derive(Deserialize)]
struct Line {
    name: String,
    #[serde(default)]
    lang: Option<String>,
    value: f64,
    unit: String,
    #[serde(default)]
    expected: Value,
    #[serde(default)]
    note: String,
}

/// The PDU codec.
pub fn pdu(_: &Options, programs: &Programs, table: &Table) -> Result<()> {
    run("pdu_bench", &[], programs, |line| {
        let note = "half submit_sm, a quarter each submit_sm_resp and receipts; one core";
        table.show(&Figure::new(&line.name, line.value, &line.unit, "", note));
    })
}

/// Handlers on fresh instances. The draft handler's figures bear the plain names: it is on every message's way.
pub fn guest(_: &Options, programs: &Programs, table: &Table) -> Result<()> {
    run("guest_bench", &[], programs, |line| {
        let name = line.name.strip_suffix("_draft").unwrap_or(&line.name);
        let expected = line.expected.as_str().filter(|expected| *expected != "none").unwrap_or_default();
        table.show(&Figure::new(name, line.value, &line.unit, expected, line.note));
    })
}

/// A small handler and a larger one in every language, threads and many tenants.
pub fn guests(_: &Options, programs: &Programs, table: &Table) -> Result<()> {
    if !programs.no_build {
        guests::build(&[])?;
        guests::starters::build(&programs.binaries.signalbox)?;
    }
    guests::starters::check()?;
    run("guest_bench", &["guests"], programs, |line| {
        let expected = line.expected.as_str().unwrap_or_default();
        table.show(&Figure::new(&line.name, line.value, &line.unit, expected, line.note).of(line.lang));
    })
}

/// Deciding: the whole default set as the path asks it with each lookup, the same with all facts at hand, a set of 20 rules, and
/// each rule by itself.
pub fn policy(_: &Options, programs: &Programs, table: &Table) -> Result<()> {
    let show = |line: Line| {
        let expected = line.expected.as_str().unwrap_or_default();
        table.show(&Figure::new(&line.name, line.value, &line.unit, expected, line.note));
    };
    run("policy_path_bench", &[], programs, show)?;
    run("policy_bench", &[], programs, show)
}

/// The embedded store.
pub fn store(_: &Options, programs: &Programs, table: &Table) -> Result<()> {
    run("store_bench", &[], programs, |line| {
        let name = format!("store_{}", line.name.trim_start_matches("store_"));
        let expected = line.expected.as_f64().map(|value| value.to_string()).unwrap_or_default();
        table.show(&Figure::new(&name, line.value, &line.unit, &expected, "the store alone"));
    })
}

/// Shows each line as it comes: some take minutes. Built with the whole workspace, so that nothing is built twice.
fn run(example: &str, arguments: &[&str], programs: &Programs, mut show: impl FnMut(Line)) -> Result<()> {
    if !programs.no_build {
        let mut build = workspace::cargo();
        build.args(["build", "--locked", "--release", "--workspace", "--example", example]);
        progress::run(&format!("build {example}"), &mut build)?;
    }
    let program = workspace::target().join("release/examples").join(example);
    progress::step(example, || {
        let mut command = std::process::Command::new(&program);
        let mut process =
            command.args(arguments).stdout(Stdio::piped()).spawn().with_context(|| program.display().to_string())?;
        let lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let read = lines.map(|line| {
            let line = line?;
            serde_json::from_str(&line).with_context(|| line.clone()).map(&mut show)
        });
        let read: Result<()> = read.collect();
        if read.is_err() {
            process.kill()?;
        }
        let status = process.wait()?;
        read?;
        ensure!(status.success(), "{example} ended with {status}");
        Ok(())
    })
}
