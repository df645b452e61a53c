//! Other people's tools and packages, installed by name into `target/`. A tool that can't be had is an error which says
//! how to get it, never a silent skip; nothing is tried twice.

use crate::progress::{self, said_by};
use crate::workspace::target;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Long for the largest of them (100 MB), short for a download that hangs.
const TIMEOUT: Duration = Duration::from_secs(600);

/// A virtual environment with the packages of a requirements file. Answers its folder for programs.
pub fn python(there: &Path, requirements: &Path) -> Result<PathBuf> {
    need("python3", &["python3", "python3-venv"])?;
    let stamp = fs::read_to_string(requirements).with_context(|| requirements.display().to_string())?;
    once(there, &stamp, || {
        make_venv(there)?;
        let mut pip = Command::new(there.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements);
        progress::step(&format!("pip install {}", listed(&stamp)), || progress::quiet(&mut pip, TIMEOUT))
    })?;
    Ok(there.join("bin"))
}

/// Node packages at the versions that a folder's lock file says. Answers their folder for programs.
pub fn node(there: &Path, wanted: &Path) -> Result<PathBuf> {
    need("node", &["nodejs", "npm"])?;
    need("npm", &["npm"])?;
    let lock = wanted.join("package-lock.json");
    let stamp = fs::read_to_string(&lock).with_context(|| lock.display().to_string())?;
    once(there, &stamp, || {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(wanted.join(file), there.join(file))?;
        }
        // In an empty folder this takes what the lock file says, as `npm ci` does; but that one also refuses a lock file
        // without the packages for other platforms, which not every registry has.
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(there);
        let name = there.file_name().unwrap_or_default().to_string_lossy();
        progress::step(&format!("npm install ({name})"), || progress::quiet(&mut npm, TIMEOUT))
    })?;
    Ok(there.join("node_modules/.bin"))
}

/// A part of Rust's standard library.
pub fn rust_target(name: &str, sysroot: &Path) -> Result<()> {
    if sysroot.join("lib/rustlib").join(name).is_dir() {
        return Ok(());
    }
    ensure!(
        progress::is_there("rustup"),
        "the target {name} isn't installed and rustup isn't there to add it: install rustup, or the standard library \
         for {name} in the way that rustc was installed"
    );
    progress::step(&format!("rustup target add {name}"), || {
        progress::quiet(Command::new("rustup").args(["target", "add", name]), TIMEOUT)
    })
}

/// A program of Rust's own that comes with a component, at the compiler's version.
pub fn rust_program(component: &str, program: &str) -> Result<PathBuf> {
    let sysroot = said_by(Command::new("rustc").args(["--print", "sysroot"]))?;
    let there = Path::new(sysroot.trim()).join("lib/rustlib").join(host()?).join("bin").join(program);
    if !there.is_file() {
        ensure!(
            progress::is_there("rustup"),
            "{program} isn't there and rustup isn't there to add it: install the compiler's {component}"
        );
        progress::step(&format!("rustup component add {component}"), || {
            progress::quiet(Command::new("rustup").args(["component", "add", component]), TIMEOUT)
        })?;
    }
    ensure!(there.is_file(), "{component} was added, but {} isn't there", there.display());
    Ok(there)
}

/// The machine that the compiler builds for, such as `x86_64-unknown-linux-gnu`.
pub fn host() -> Result<String> {
    let compiler = compiler()?;
    let host = compiler.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

/// All that the compiler says of its version.
pub fn compiler() -> Result<String> {
    said_by(Command::new("rustc").arg("-vV"))
}

/// Where a toolchain of ours lies.
pub fn folder(name: &str) -> PathBuf {
    target().join("tools").join(name)
}

/// Some systems have Python and leave out what a venv needs.
fn make_venv(there: &Path) -> Result<()> {
    let make = || {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(there);
        progress::quiet(&mut venv, TIMEOUT)
    };
    make().or_else(|error| {
        apt(&["python3-venv"]).with_context(|| format!("a virtual environment can't be made: {error:#}"))?;
        make()
    })
}

/// Does the work unless it was done to its end for the same stamp.
fn once(folder: &Path, stamp: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let done = folder.join(".installed");
    if fs::read_to_string(&done).is_ok_and(|known| known == stamp) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    work()?;
    fs::write(done, stamp)?;
    Ok(())
}

fn listed(requirements: &str) -> String {
    let packages = requirements.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    packages.collect::<Vec<_>>().join(" ")
}

/// Has a program of the system, or installs what it comes with.
pub fn need(program: &str, packages: &[&str]) -> Result<()> {
    if progress::is_there(program) {
        return Ok(());
    }
    apt(packages).with_context(|| format!("`{program}` isn't there"))?;
    ensure!(progress::is_there(program), "`{program}` isn't there though {} was installed", packages.join(" "));
    Ok(())
}

/// Installs packages of the system, where that is ours to do.
fn apt(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|said| said.stdout.trim_ascii() == b"0");
    ensure!(is_root && progress::is_there("apt-get"), "install it by hand (on Debian: apt-get install {names})");
    progress::step(&format!("apt-get install {names}"), || {
        let mut update = Command::new("apt-get");
        progress::quiet(update.args(["update", "-q"]), TIMEOUT)?;
        let mut install = Command::new("apt-get");
        install.args(["install", "-y", "-q", "--no-install-recommends"]).args(packages);
        progress::quiet(install.env("DEBIAN_FRONTEND", "noninteractive"), TIMEOUT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_again_only_after_a_failure_or_for_another_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("peers");
        let mut done = 0;
        assert!(once(&path, "a", || anyhow::bail!("no network")).is_err());
        for stamp in ["a", "a", "b", "b"] {
            once(&path, stamp, || {
                done += 1;
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(done, 2);
    }
}
