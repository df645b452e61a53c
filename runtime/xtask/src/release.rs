//! `cargo xtask release`: the program as it is shipped, compiled with what it does under load in mind.
//!
//! ```text
//! instrumented build ─► messages through the whole path ─► profile ─► optimized build
//! ```
//!
//! The profile is made anew for each state of the sources and lies in no repository: it holds for one compiler and one
//! code. What is trained for one state is kept until the sources change.

use crate::bench::{path, rig::Programs};
use crate::guests::{self, sources};
use crate::workspace::{Binaries, Profile, cargo, root, target};
use crate::{progress, tools};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `cargo xtask release`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// One JSON object: where the program lies, its size in bytes, and what it was trained for.
    #[arg(long)]
    json: bool,
}

/// Builds it and says where it lies.
pub fn run(options: &Options) -> Result<bool> {
    let program = build()?;
    let bytes = fs::metadata(&program)?.len();
    #[allow(clippy::print_stdout, reason = "a command's output")]
    if options.json {
        println!("{}", serde_json::json!({ "program": program, "bytes": bytes, "sources": sources_hash()? }));
    } else {
        println!("{} ({} MiB)", program.display(), bytes >> 20);
    }
    Ok(true)
}

/// The trained program as it was built last for these sources.
pub fn built() -> Result<PathBuf> {
    let program = kept()?.join("signalbox");
    ensure!(program.is_file(), "{} isn't there: `cargo xtask release` makes it", program.display());
    Ok(program)
}

/// The trained program, built unless it is there for these sources.
pub fn build() -> Result<PathBuf> {
    let kept = kept()?;
    let program = kept.join("signalbox");
    if program.is_file() {
        return Ok(program);
    }
    let profile = kept.join("path.profdata");
    if !profile.is_file() {
        fs::create_dir_all(&kept)?;
        train(&profile)?;
    }
    let using = format!("-Cprofile-use={}", shown(&profile)?);
    let built = compile("optimize what was trained", "optimized", &using, &[])?;
    fs::copy(built, &program)?;
    forget_all_but(&kept)?;
    Ok(program)
}

/// Counts what the program does while messages go through it, and writes the profile.
fn train(profile: &Path) -> Result<()> {
    let profdata = tools::rust_program("llvm-tools", "llvm-profdata")?;
    let counts = folder().join("counts");
    if counts.exists() {
        fs::remove_dir_all(&counts)?;
    }
    fs::create_dir_all(&counts)?;
    guests::build(&["draft-stamp"])?;
    let plain = Binaries::build(Profile::Release)?;
    let counting = format!("-Cprofile-generate={}", shown(&counts)?);
    // What links do across crates comes after what is counted, and takes longest.
    let signalbox = compile("build a program that counts", "instrumented", &counting, &[("LTO", "off")])?;
    let programs = Programs { binaries: Binaries { signalbox, ..plain }, no_build: true };
    progress::step("train: messages through the whole path", || path::train(&programs))?;
    let mut merge = Command::new(profdata);
    merge.args(["merge", "--sparse", "--output"]).arg(profile).arg(&counts);
    progress::run("merge the counts", &mut merge)
}

/// Builds the program alone, in a folder of its own: other flags than usual would have cargo build the rest anew. `settings`
/// of the profile are others than the manifest's.
fn compile(what: &str, name: &str, flags: &str, settings: &[(&str, &str)]) -> Result<PathBuf> {
    let host = tools::host()?;
    let there = folder().join(name);
    let mut build = cargo();
    build.args(["build", "--locked", "--release", "--package", "signalbox-server", "--bin", "signalbox"]);
    // With a target named, flags aren't for build scripts, which would leave counts of their own.
    build.args(["--target", &host, "--target-dir"]).arg(&there).env("RUSTFLAGS", flags);
    build.envs(settings.iter().map(|(name, value)| (format!("CARGO_PROFILE_RELEASE_{name}"), value)));
    progress::run(what, &mut build)?;
    let program = there.join(host).join("release/signalbox");
    ensure!(program.is_file(), "cargo made no {}", program.display());
    Ok(program)
}

/// Where what belongs to these sources lies.
fn kept() -> Result<PathBuf> {
    Ok(folder().join(&sources_hash()?[..16]))
}

fn folder() -> PathBuf {
    target().join("trained")
}

/// What the program and its training are made of.
fn sources_hash() -> Result<String> {
    let root = root();
    let mut parts = vec![root.join("wit"), root.join("policies"), root.join("guest-examples/rust/draft-stamp")];
    for entry in fs::read_dir(root.join("runtime"))? {
        parts.push(entry?.path());
    }
    // What developers run is no part of it, but for how it trains.
    parts.retain(|part| part.is_dir() && !part.ends_with("xtask"));
    parts.sort();
    let recipe = concat!(include_str!("release.rs"), include_str!("bench/path.rs"));
    let manifests = ["Cargo.toml", "Cargo.lock"].map(|name| fs::read_to_string(root.join(name)));
    let manifests = manifests.into_iter().collect::<Result<String, _>>().context("the workspace's manifests")?;
    let parts: Vec<&Path> = parts.iter().map(PathBuf::as_path).collect();
    sources::hash(&parts, &format!("{recipe}{manifests}{}", tools::compiler()?))
}

/// Programs that were trained for other sources are of no use any more.
fn forget_all_but(kept: &Path) -> Result<()> {
    for entry in fs::read_dir(folder())? {
        let path = entry?.path();
        if path != kept && path.join("path.profdata").is_file() {
            fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}

fn shown(path: &Path) -> Result<&str> {
    let text = path.to_str().filter(|text| !text.contains(char::is_whitespace));
    text.with_context(|| format!("{}: flags of the compiler can't hold a folder with spaces", path.display()))
}
