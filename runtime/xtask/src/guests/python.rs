//! Python: componentize-py, which brings its own CPython.

use super::{Example, contract, toolchains};
use crate::{progress, tools};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// It runs the interpreter once to take a picture of its memory: a quarter of a minute.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The recipe and the version of its tool.
pub fn fingerprint() -> String {
    [include_str!("python.rs"), include_str!("../../toolchains/python.txt")].concat()
}

/// Makes the component.
pub fn build(example: &Example) -> Result<PathBuf> {
    let bin = tools::python(&tools::folder("python"), &toolchains().join("python.txt"))?;
    let workshop = example.workshop()?;
    let contract = contract::lay_out(example, &workshop)?;
    let component = workshop.join("component.wasm");
    let mut command = Command::new(bin.join("componentize-py"));
    command.arg("--wit-path").arg(&contract.folder).args(["--world", &contract.world, "componentize"]);
    command.arg("--stub-wasi").arg("--python-path").arg(&example.folder);
    command.arg("app").arg("--output").arg(&component).current_dir(&workshop);
    // Else it would leave its caches in the example's folder.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    progress::step(&example.title(), || progress::quiet(&mut command, TIMEOUT))?;
    Ok(component)
}
