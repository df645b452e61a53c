//! Rust: cargo alone. Examples share a target folder, so what they depend on is built once.

use super::{Example, builds, said_by};
use crate::{progress, tools, workspace};
use anyhow::{Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-wasip2";

/// The recipe and the compiler; libraries are in each example's lock file.
pub fn fingerprint() -> Result<String> {
    let compiler = said_by(Command::new("rustc").arg("-vV"))?;
    Ok(format!("{}{compiler}", include_str!("rust.rs")))
}

/// Makes the component.
pub fn build(example: &Example) -> Result<PathBuf> {
    let sysroot = said_by(Command::new("rustc").args(["--print", "sysroot"]))?;
    tools::rust_target(TARGET, Path::new(sysroot.trim()))?;
    let target = builds();
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--quiet", "--release", "--locked", "--target", TARGET]);
    cargo.current_dir(&example.folder).env("CARGO_TARGET_DIR", &target);
    progress::run(&example.title(), &mut cargo)?;
    let made = target.join(TARGET).join("release").join(format!("{}.wasm", example.name.replace('-', "_")));
    ensure!(made.is_file(), "{} wasn't made: a guest's package has its folder's name and is a cdylib", made.display());
    Ok(made)
}
