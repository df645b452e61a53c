//! `cargo xtask deny`: licences, advisories, duplicates and origins of dependencies, by the rules in `deny.toml`.

use crate::progress;
use crate::workspace::cargo;
use anyhow::Result;

/// The tool's version: another one may read `deny.toml` otherwise.
const VERSION: &str = "0.20.2";

/// Installs cargo-deny if it isn't there, and runs it.
pub fn run() -> Result<()> {
    if !progress::is_there("cargo-deny") {
        progress::run("install cargo-deny", cargo().args(["install", "--locked", "cargo-deny", "--version", VERSION]))?;
    }
    progress::run("cargo deny", cargo().args(["deny", "--all-features", "check"]))
}
