//! What the stories need beyond Rust: Node's and Python's implementations of the protocols that we speak, at the
//! versions of `tests/peers`, in `target/peers`. A missing tool is a failure, never a silent skip.

use crate::progress;
use crate::workspace::{root, target};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Long for a download of a few hundred kilobytes, short for one that hangs.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Installs both, unless they are there at these versions.
pub fn install() -> Result<()> {
    need("node", &["nodejs", "npm"])?;
    need("npm", &["npm"])?;
    need("python3", &["python3", "python3-venv"])?;
    node().context("the Node packages of tests/peers/node")?;
    python().context("the Python packages of tests/peers/python")
}

fn node() -> Result<()> {
    let (wanted, there) = (root().join("tests/peers/node"), target().join("peers/node"));
    let stamp = fs::read_to_string(wanted.join("package-lock.json"))?;
    once(&there, &stamp, || {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(wanted.join(file), there.join(file))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&there);
        progress::step("npm ci", || progress::quiet(&mut npm, TIMEOUT))
    })
}

fn python() -> Result<()> {
    let (wanted, there) = (root().join("tests/peers/python/requirements.txt"), target().join("peers/python"));
    let stamp = fs::read_to_string(&wanted)?;
    once(&there, &stamp, || {
        make_venv(&there)?;
        let mut pip = Command::new(there.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&wanted);
        progress::step("pip install", || progress::quiet(&mut pip, TIMEOUT))
    })
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

fn need(program: &str, packages: &[&str]) -> Result<()> {
    if progress::is_there(program) {
        return Ok(());
    }
    apt(packages).with_context(|| format!("`{program}` isn't there; the stories need it"))?;
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
