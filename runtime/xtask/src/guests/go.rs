//! Go: bindings, then a reactor of the Go compiler's for WASI's first preview, then a component by way of the adapter.

use super::bindgen::{self, Bindgen};
use super::{Example, contract, toolchains};
use crate::{progress, tools};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What the bindings' module asks for at least.
const GO: &str = "1.27.1";
/// A module without a `main` that runs, and without names for debuggers.
const FLAGS: [&str; 3] = ["-buildmode=c-shared", "-trimpath", "-ldflags=-s -w -checklinkname=0"];
/// The first build also builds the standard library.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The recipe and the versions of its tools.
pub fn fingerprint() -> String {
    [include_str!("go.rs"), include_str!("../../toolchains/go.txt"), bindgen::FINGERPRINT].concat()
}

/// Makes the component.
pub fn build(example: &Example) -> Result<PathBuf> {
    let there = tools::folder("go");
    let bin = tools::python(&there, &toolchains().join("go.txt"))?;
    let bindgen = Bindgen::get()?;
    let workshop = example.workshop()?;
    let contract = contract::lay_out(example, &workshop)?;
    let (core, component) = (workshop.join("core.wasm"), workshop.join("component.wasm"));
    progress::step(&example.title(), || {
        // Bindings are packages of the example's module: both lie in the workshop. Its own go.mod is the one that counts.
        bindgen.bindings("go", &contract, &workshop)?;
        copy_sources(&example.folder, &workshop)?;
        let library = bindgen::go_library()?;
        fs::write(workshop.join("go.work"), format!("go {GO}\n\nuse .\n\nuse {:?}\n", library.display().to_string()))?;
        let mut go = Command::new(bin.join("go"));
        go.arg("build").args(FLAGS).arg("-o");
        go.arg(&core).arg(".").current_dir(&workshop);
        go.env("GOOS", "wasip1").env("GOARCH", "wasm").env("GOTOOLCHAIN", "local").env("GOPROXY", "off");
        go.env("GOCACHE", there.join("cache")).env("GOPATH", there.join("path"));
        progress::quiet(&mut go, TIMEOUT)?;
        bindgen.component(&contract, &core, &component)
    })?;
    Ok(component)
}

fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().expect("a file of a listing has a name");
        if path.is_dir() {
            fs::create_dir_all(to.join(name))?;
            copy_sources(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::FLAGS;
    use crate::workspace::{read, root};

    #[test]
    fn new_projects_compile_as_the_recipe_does() {
        let makefile = read(&root().join("runtime/server/templates/go/Makefile")).unwrap();
        let build = makefile.lines().find(|line| line.contains("$(GO) build")).unwrap().replace('"', "");
        assert!(build.contains(&FLAGS.join(" ")), "{build}");
    }
}
