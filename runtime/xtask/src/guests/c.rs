//! C: bindings, then clang and wasi-libc as Zig brings them, then a component.

use super::bindgen::{self, Bindgen};
use super::{Example, contract, toolchains};
use crate::{progress, tools};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What a deep call in an event needs. Without saying so it would be 16 MiB, and the least memory with it.
const STACK_BYTES: u32 = 64 * 1024;
/// The first build also builds the C library, which takes a minute on a slow machine.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The recipe and the versions of its tools.
pub fn fingerprint() -> String {
    [include_str!("c.rs"), include_str!("../../toolchains/c.txt"), bindgen::FINGERPRINT].concat()
}

/// Makes the component.
pub fn build(example: &Example) -> Result<PathBuf> {
    let zig = tools::folder("c");
    let python = tools::python(&zig, &toolchains().join("c.txt"))?.join("python");
    let bindgen = Bindgen::get()?;
    let workshop = example.workshop()?;
    let contract = contract::lay_out(example, &workshop)?;
    let (core, component) = (workshop.join("core.wasm"), workshop.join("component.wasm"));
    // Bindings are compiled by themselves: what is generated is taken as it is, what is written stands every warning.
    let world = contract.world.replace('-', "_");
    let generated = workshop.join("bindings.o");
    let mut bindings = compiler(&zig, &python);
    bindings.args(["-w", "-c"]).arg(workshop.join(format!("{world}.c"))).arg("-o").arg(&generated);
    let mut module = compiler(&zig, &python);
    module.args(["-std=c17", "-Wall", "-Wextra", "-Werror", "-s", "-mexec-model=reactor"]);
    module.arg(format!("-Wl,-z,stack-size={STACK_BYTES}")).arg("-I").arg(&workshop).args(c_files(&example.folder)?);
    module.arg(&generated).arg(workshop.join(format!("{world}_component_type.o"))).arg("-o").arg(&core);
    progress::step(&example.title(), || {
        bindgen.bindings("c", &contract, &workshop)?;
        progress::quiet(&mut bindings, TIMEOUT)?;
        progress::quiet(&mut module, TIMEOUT)?;
        bindgen.component(&contract, &core, &component)
    })?;
    Ok(component)
}

fn compiler(zig: &Path, python: &Path) -> Command {
    let mut cc = Command::new(python);
    cc.args(["-m", "ziglang", "cc", "--target=wasm32-wasi", "-Os"]);
    // Its cache stays with it.
    cc.env("ZIG_GLOBAL_CACHE_DIR", zig.join("cache")).env("ZIG_LOCAL_CACHE_DIR", zig.join("cache"));
    cc
}

fn c_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<_> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    files.sort();
    Ok(files)
}
