//! The crates' own benchmarks, as they print them.

use super::Options;
use super::figure::{Figure, Table};
use super::rig::Programs;
use crate::{guests, progress, workspace};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
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
    for line in run("pdu_bench", &[], programs)? {
        let note = "half submit_sm, a quarter each submit_sm_resp and receipts; one core";
        table.show(&Figure::new(&line.name, line.value, &line.unit, "", note));
    }
    Ok(())
}

/// Handlers on fresh instances. The draft handler's figures bear the plain names: it is on every message's way.
pub fn guest(_: &Options, programs: &Programs, table: &Table) -> Result<()> {
    for line in run("guest_bench", &[], programs)? {
        let name = line.name.strip_suffix("_draft").unwrap_or(&line.name);
        let expected = line.expected.as_str().filter(|expected| *expected != "none").unwrap_or_default();
        table.show(&Figure::new(name, line.value, &line.unit, expected, line.note));
    }
    Ok(())
}

/// A small handler and a larger one in every language, threads and many tenants.
pub fn guests(_: &Options, programs: &Programs, table: &Table) -> Result<()> {
    if !programs.no_build {
        guests::build(&[])?;
        guests::starters::build(&programs.binaries.signalbox)?;
    }
    for line in run("guest_bench", &["guests"], programs)? {
        let expected = line.expected.as_str().unwrap_or_default();
        table.show(&Figure::new(&line.name, line.value, &line.unit, expected, line.note).of(line.lang));
    }
    Ok(())
}

/// Deciding: the whole default set as the path asks it with each lookup, the same with all facts at hand, a set of 20 rules, and
/// each rule by itself.
pub fn policy(_: &Options, programs: &Programs, table: &Table) -> Result<()> {
    let on_the_path = run("policy_path_bench", &[], programs)?;
    for line in on_the_path.into_iter().chain(run("policy_bench", &[], programs)?) {
        let expected = line.expected.as_str().unwrap_or_default();
        table.show(&Figure::new(&line.name, line.value, &line.unit, expected, line.note));
    }
    Ok(())
}

/// The embedded store.
pub fn store(_: &Options, programs: &Programs, table: &Table) -> Result<()> {
    for line in run("store_bench", &[], programs)? {
        let name = format!("store_{}", line.name.trim_start_matches("store_"));
        let expected = line.expected.as_f64().map(|value| value.to_string()).unwrap_or_default();
        table.show(&Figure::new(&name, line.value, &line.unit, &expected, "the store alone"));
    }
    Ok(())
}

/// Built with the whole workspace, so that nothing is built twice.
fn run(example: &str, arguments: &[&str], programs: &Programs) -> Result<Vec<Line>> {
    if !programs.no_build {
        let mut build = workspace::cargo();
        build.args(["build", "--locked", "--release", "--workspace", "--example", example]);
        progress::run(&format!("build {example}"), &mut build)?;
    }
    let program = workspace::target().join("release/examples").join(example);
    progress::step(example, || {
        let mut command = std::process::Command::new(&program);
        let output =
            command.args(arguments).stderr(Stdio::inherit()).output().with_context(|| program.display().to_string())?;
        ensure!(output.status.success(), "{example} ended with {}", output.status);
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
    })
}
