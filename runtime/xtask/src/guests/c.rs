//! C: bindings, then clang and wasi-libc as Zig brings them, then a component.

use super::bindgen::{self, Bindgen};
use super::{Example, contract, toolchains};
use crate::{progress, tools};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What everything is compiled for, and how.
const FLAGS: [&str; 2] = ["--target=wasm32-wasi", "-Os"];
/// A module without a `main`, and without names for debuggers.
const MODULE: [&str; 2] = ["-s", "-mexec-model=reactor"];
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
    module.args(["-std=c17", "-Wall", "-Wextra", "-Werror"]).args(MODULE);
    module.arg(stack()).arg("-I").arg(&workshop).args(c_files(&example.folder)?);
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
    cc.args(["-m", "ziglang", "cc"]).args(FLAGS);
    // Its cache stays with it.
    cc.env("ZIG_GLOBAL_CACHE_DIR", zig.join("cache")).env("ZIG_LOCAL_CACHE_DIR", zig.join("cache"));
    cc
}

fn stack() -> String {
    format!("-Wl,-z,stack-size={STACK_BYTES}")
}

fn c_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<_> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{read, root};

    #[test]
    fn new_projects_compile_as_the_recipe_does() {
        let makefile = read(&root().join("runtime/server/templates/c/Makefile")).unwrap();
        let flags = makefile.lines().find_map(|line| line.strip_prefix("FLAGS = ")).unwrap();
        let mut flags: Vec<_> = flags.split(' ').filter(|flag| !flag.starts_with("-I")).collect();
        let stack = stack();
        let mut ours = [&FLAGS[..], &MODULE, &[&stack]].concat();
        flags.sort_unstable();
        ours.sort_unstable();
        assert_eq!(flags, ours);
    }

    #[test]
    fn new_projects_compile_all_their_files() {
        let template = root().join("runtime/server/templates/c");
        let makefile = read(&template.join("Makefile")).unwrap();
        let mut named: Vec<_> = makefile.split_whitespace().filter(|word| word.ends_with(".c")).collect();
        named.retain(|word| !word.contains('/'));
        let there = c_files(&template).unwrap();
        let there: Vec<_> = there.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        // The rule names them twice: as what it depends on, and as what it compiles.
        assert_eq!(named, [there.clone(), there].concat());
    }
}
