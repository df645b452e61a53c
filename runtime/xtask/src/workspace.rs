//! Where things lie, and what cargo is asked to build.

use crate::{guests as examples, progress};
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How the programs are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Quick to build.
    Dev,
    /// What is shipped.
    Release,
}

/// Which programs a command stands on.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Choice {
    /// How the programs are built.
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    pub profile: Profile,
    /// Take the programs and guests as they were built last.
    #[arg(long)]
    pub no_build: bool,
}

/// The programs.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// The runtime.
    pub signalbox: PathBuf,
    /// The carrier, on one thread.
    pub simulator: PathBuf,
    /// The load generator.
    pub load: PathBuf,
}

/// The repository's folder.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("xtask lies in runtime/xtask").to_owned()
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The guest components' folder. Always below the root, where tests look for it.
pub fn guests() -> PathBuf {
    root().join("target/guests")
}

/// Cargo, at the repository's root, as if it were called by hand. What `cargo run` says of this program in the environment
/// would have packages built anew whose build scripts look there (ring's does), and all that stands on them.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_said_by_cargo_run) {
            cargo.env_remove(name);
        }
    }
    cargo
}

fn is_said_by_cargo_run(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| variable.starts_with(prefix))
        || ["CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&variable)
}

impl Profile {
    /// What cargo calls it, as a flag; none for the default.
    fn flag(self) -> Option<&'static str> {
        (self == Self::Release).then_some("--release")
    }

    /// The folder below target.
    fn folder(self) -> PathBuf {
        target().join(if self == Self::Release { "release" } else { "debug" })
    }

    /// The name.
    pub fn name(self) -> &'static str {
        if self == Self::Release { "release" } else { "dev" }
    }
}

impl Choice {
    /// Programs, and the guests that are needed, built now unless told otherwise.
    pub fn get(self, guests: &[&str]) -> Result<Binaries> {
        if self.no_build {
            return Binaries::built(self.profile);
        }
        if !guests.is_empty() {
            examples::build(guests)?;
        }
        Binaries::build(self.profile)
    }
}

impl Binaries {
    /// Builds them. Always the whole workspace's, so that each command finds what another built. Tests and benchmarks need
    /// features that the programs don't get (a clock that can be stopped), and build what stands on these anew.
    pub fn build(profile: Profile) -> Result<Self> {
        let mut build = cargo();
        build.args(["build", "--locked", "--workspace", "--bins"]).args(profile.flag());
        progress::run(&format!("build the programs ({})", profile.name()), &mut build)?;
        Self::built(profile)
    }

    /// Those that were built before.
    pub fn built(profile: Profile) -> Result<Self> {
        let folder = profile.folder();
        let find = |name: &str| {
            let path = folder.join(name);
            ensure!(path.is_file(), "{} isn't there: `cargo build --workspace --bins` makes it", path.display());
            Ok(path)
        };
        Ok(Self {
            signalbox: find("signalbox")?,
            simulator: find("signalbox-simulator")?,
            load: find("signalbox-load")?,
        })
    }
}

/// Reads a file, and says which if that fails.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_called_as_by_hand() {
        // Cargo runs tests with these set, as it runs programs.
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some() && std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        let cargo = cargo();
        let removed: Vec<_> = cargo.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        assert!(removed.contains(&"CARGO_PKG_NAME".as_ref()) && removed.contains(&"CARGO_MANIFEST_DIR".as_ref()));
        assert!(!removed.contains(&"CARGO_HOME".as_ref()) && !removed.contains(&"CARGO_TARGET_DIR".as_ref()));
    }
}
