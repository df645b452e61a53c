//! The guest examples: every folder of `guest-examples/rust` becomes `target/guests/<name>.wasm`.

use crate::progress;
use crate::workspace::{self, root};
use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const TARGET: &str = "wasm32-wasip2";
/// Long for a download of 20 MB, short for one that hangs.
const TARGET_TIMEOUT: Duration = Duration::from_secs(600);

/// Builds those whose sources changed. Answers their names.
pub fn build() -> Result<Vec<String>> {
    add_target()?;
    fs::create_dir_all(workspace::guests())?;
    let compiler = said_by(Command::new("rustc").arg("-vV"))?;
    let contract = hash(&[&root().join("wit")], &compiler)?;
    let mut names = Vec::new();
    for folder in folders()? {
        let name = folder.file_name().expect("a folder of a listing has a name").to_string_lossy().into_owned();
        build_one(&folder, &name, &contract)?;
        names.push(name);
    }
    Ok(names)
}

/// The standard library for components.
pub fn add_target() -> Result<()> {
    let sysroot = said_by(Command::new("rustc").args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).is_dir() {
        return Ok(());
    }
    ensure!(
        progress::is_there("rustup"),
        "the target {TARGET} isn't installed and rustup isn't there to add it: install rustup, or the standard library \
         for {TARGET} in the way that rustc was installed"
    );
    progress::step(&format!("rustup target add {TARGET}"), || {
        progress::quiet(Command::new("rustup").args(["target", "add", TARGET]).current_dir(root()), TARGET_TIMEOUT)
    })
}

/// Their folders.
pub fn folders() -> Result<Vec<PathBuf>> {
    let all = root().join("guest-examples/rust");
    let entries = fs::read_dir(&all).with_context(|| all.display().to_string())?;
    let mut folders: Vec<_> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    folders.retain(|folder| folder.join("Cargo.toml").is_file());
    folders.sort();
    Ok(folders)
}

fn build_one(folder: &Path, name: &str, contract: &str) -> Result<()> {
    let component = workspace::guests().join(format!("{name}.wasm"));
    let stamp = workspace::guests().join(format!(".{name}.sources"));
    let sources = hash(&[folder], contract)?;
    if component.is_file() && fs::read_to_string(&stamp).is_ok_and(|known| known == sources) {
        return Ok(());
    }
    let build = root().join("target/guests-build");
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--quiet", "--release", "--locked", "--target", TARGET]);
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", &build);
    progress::run(&format!("build the guest {name}"), &mut cargo)?;
    let made = build.join(TARGET).join("release").join(format!("{}.wasm", name.replace('-', "_")));
    if !made.is_file() {
        bail!("{} wasn't made: a guest's package has its folder's name and is a cdylib", made.display());
    }
    // By way of another name: a test that reads meanwhile sees the old file or the new one.
    let fresh = component.with_extension("fresh");
    fs::copy(&made, &fresh)?;
    fs::rename(&fresh, &component)?;
    fs::write(&stamp, sources)?;
    Ok(())
}

/// Names and contents of all files below the folders, builds left out.
fn hash(folders: &[&Path], beside: &str) -> Result<String> {
    let mut files = Vec::new();
    for folder in folders {
        list(folder, &mut files)?;
    }
    files.sort();
    let mut digest = Sha256::new();
    digest.update(beside);
    for file in files {
        let content = fs::read(&file).with_context(|| file.display().to_string())?;
        digest.update(file.to_string_lossy().as_bytes());
        digest.update((content.len() as u64).to_le_bytes());
        digest.update(content);
    }
    Ok(digest.finalize().iter().map(|octet| format!("{octet:02x}")).collect())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                list(&path, files)?;
            }
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn said_by(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("`{}`", progress::shown(command)))?;
    ensure!(output.status.success(), "`{}` ended with {}", progress::shown(command), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_sees_every_change_but_builds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir_all(path.join("src")).unwrap();
        fs::write(path.join("src/lib.rs"), "one").unwrap();
        let first = hash(&[path], "").unwrap();
        fs::create_dir_all(path.join("target")).unwrap();
        fs::write(path.join("target/made"), "x").unwrap();
        assert_eq!(hash(&[path], "").unwrap(), first);
        assert_ne!(hash(&[path], "another compiler").unwrap(), first);
        fs::write(path.join("src/lib.rs"), "two").unwrap();
        assert_ne!(hash(&[path], "").unwrap(), first);
        fs::write(path.join("src/lib.rs"), "one").unwrap();
        fs::rename(path.join("src/lib.rs"), path.join("src/main.rs")).unwrap();
        assert_ne!(hash(&[path], "").unwrap(), first);
    }
}
