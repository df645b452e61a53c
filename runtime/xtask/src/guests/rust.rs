//! Rust: cargo alone. Examples share a target folder, so what they depend on is built once.

use super::{Example, builds, said_by};
use crate::{progress, tools, workspace};
use anyhow::{Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-wasip2";
/// The example that depends on what new projects depend on.
const LENDER: &str = "echo-support";

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

/// Gives a new project the lock file that it has not made yet: that of an example with the same dependencies. So it is
/// built of versions that were built of before, and a figure doesn't change because a registry did.
pub fn lend_lock(project: &Example) -> Result<()> {
    let lock = workspace::read(&lender().join("Cargo.lock"))?;
    fs::write(project.folder.join("Cargo.lock"), renamed(&lock, &project.name))?;
    Ok(())
}

fn lender() -> PathBuf {
    workspace::root().join("guest-examples/rust").join(LENDER)
}

/// The lender's lock file for a package of another name. Cargo sorts packages by name, and with `--locked` takes no
/// other order.
fn renamed(lock: &str, name: &str) -> String {
    const BETWEEN: &str = "\n[[package]]\n";
    let lock = lock.replace(&format!("name = {LENDER:?}\n"), &format!("name = {name:?}\n"));
    let mut parts: Vec<&str> = lock.split(BETWEEN).collect();
    parts[1..].sort_by_key(|package| package.lines().next());
    parts.join(BETWEEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{read, root};

    #[test]
    fn a_lent_lock_is_what_cargo_would_write() {
        let lent = read(&lender().join("Cargo.lock")).unwrap();
        // The same dependencies, and a name at another place among theirs.
        let cargo_s = read(&root().join("guest-examples/rust/draft-stamp/Cargo.lock")).unwrap();
        assert_ne!(lent, cargo_s);
        assert_eq!(renamed(&lent, "draft-stamp"), cargo_s);
    }

    #[test]
    fn new_projects_depend_on_what_the_lender_does() {
        let section = |manifest: PathBuf, name: &str| -> Vec<String> {
            let text = read(&manifest).unwrap();
            let lines = text.lines().skip_while(|line| *line != name).skip(1);
            lines.take_while(|line| !line.starts_with('[')).map(str::to_owned).collect()
        };
        let template = root().join("runtime/server/templates/rust/Cargo.toml");
        let dependencies = section(template, "[dependencies]");
        assert!(!dependencies.is_empty());
        assert_eq!(dependencies, section(lender().join("Cargo.toml"), "[dependencies]"));
    }
}
