//! Bindings in C and Go and components of core modules, by the package in `runtime/xtask/bindgen`. It is built when the
//! first guest needs it: half a minute that nobody else has to wait for.

use super::builds;
use super::contract::Contract;
use crate::workspace::root;
use crate::{progress, workspace};
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The tool, built.
pub struct Bindgen {
    program: PathBuf,
}

/// Its sources and the versions of its libraries.
pub const FINGERPRINT: &str = concat!(
    include_str!("bindgen.rs"),
    include_str!("../../bindgen/src/main.rs"),
    include_str!("../../bindgen/Cargo.lock")
);

/// It works for milliseconds.
const TIMEOUT: Duration = Duration::from_secs(120);

impl Bindgen {
    /// Builds it.
    pub fn get() -> Result<Self> {
        let target = builds().join("bindgen");
        let mut cargo = workspace::cargo();
        cargo.args(["build", "--quiet", "--locked"]).current_dir(folder()).env("CARGO_TARGET_DIR", &target);
        progress::run("build the bindings' generator", &mut cargo)?;
        Ok(Self { program: target.join("debug/signalbox-bindgen") })
    }

    /// Writes a contract's bindings into a folder.
    pub fn bindings(&self, language: &str, contract: &Contract, into: &Path) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.arg(language).arg(&contract.folder).arg(&contract.world).arg(into);
        progress::quiet(&mut command, TIMEOUT)
    }

    /// Makes a component of a core module.
    pub fn component(&self, contract: &Contract, core: &Path, out: &Path) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.arg("component").arg(&contract.folder).arg(&contract.world).arg(core).arg(out);
        progress::quiet(&mut command, TIMEOUT)
    }
}

/// The Go module that Go's bindings stand on, as it comes with their generator: a build needs no other registry.
pub fn go_library() -> Result<PathBuf> {
    let mut cargo = workspace::cargo();
    cargo.args(["metadata", "--format-version=1", "--locked"]).current_dir(folder());
    let metadata: Value = serde_json::from_str(&super::said_by(&mut cargo)?)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let generator = packages.into_iter().find(|package| package["name"] == "wit-bindgen-go");
    let manifest =
        generator.and_then(|package| package["manifest_path"].as_str()).context("wit-bindgen-go isn't there")?;
    Ok(Path::new(manifest).with_file_name("src").join("pkg"))
}

/// Where its package lies.
pub fn folder() -> PathBuf {
    root().join("runtime/xtask/bindgen")
}
