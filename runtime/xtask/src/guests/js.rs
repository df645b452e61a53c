//! TypeScript and JavaScript: esbuild makes one module of `src/handler.ts` or `src/handler.js`, jco a component of it and
//! QuickJS.

use super::{Example, contract, toolchains};
use crate::{progress, tools};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Both take seconds.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The recipe and the versions of its tools.
pub fn fingerprint() -> String {
    [include_str!("js.rs"), include_str!("../../toolchains/js/package-lock.json")].concat()
}

/// Makes the component.
pub fn build(example: &Example) -> Result<PathBuf> {
    let bin = tools::node(&tools::folder("js"), &toolchains().join("js"))?;
    let entry = entry(&example.folder)?;
    let workshop = example.workshop()?;
    let contract = contract::lay_out(example, &workshop)?;
    let component = workshop.join("component.wasm");
    let mut bundle = Command::new(bin.join("esbuild"));
    bundle.arg(&entry).args(["--bundle", "--format=esm", "--platform=neutral", "--log-level=warning"]);
    // What the host gives is linked, not bundled.
    bundle.args(["--external:signalbox:*", "--external:wasi:*", "--outfile=handler.js"]).current_dir(&workshop);
    let mut jco = Command::new(bin.join("jco"));
    jco.args(["componentize", "handler.js", "--wit"]).arg(&contract.folder);
    jco.args(["--world-name", &contract.world, "--backend", "qjs", "--backend-qjs-stub-wasi"]);
    jco.args(["--backend-qjs-disable-async", "-o"]).arg(&component).current_dir(&workshop);
    progress::step(&example.title(), || {
        progress::quiet(&mut bundle, TIMEOUT)?;
        progress::quiet(&mut jco, TIMEOUT)
    })?;
    Ok(component)
}

fn entry(folder: &Path) -> Result<PathBuf> {
    let entries = ["src/handler.ts", "src/handler.js"].map(|file| folder.join(file));
    let found = entries.into_iter().find(|file| file.is_file());
    found.with_context(|| format!("{} has neither src/handler.ts nor src/handler.js", folder.display()))
}
