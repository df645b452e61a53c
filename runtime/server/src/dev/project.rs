//! A handler's folder: what its manifest asks for, and its component built again whenever a source changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use signalbox_guest::Manifest;
use signalbox_rehearsal::Project as Found;
use tokio::process::Command;

use super::say::Voice;
use crate::exit::Error;

/// How often sources are looked at.
const LOOK: Duration = Duration::from_millis(300);
/// Folders in which builds leave what they made.
const MADE: [&str; 5] = ["target", "node_modules", "build", "dist", "__pycache__"];
/// What builds write beside the sources.
const LOCKS: [&str; 2] = ["Cargo.lock", "package-lock.json"];
/// Lines of a failed build that are shown, the last ones: compilers end with what counts.
const SHOWN_LINES: usize = 80;
/// Sources that are watched; a folder with more is not a handler's.
const MOST_FILES: usize = 10_000;

/// A handler's folder.
pub struct Project {
    folder: PathBuf,
    pub manifest: Manifest,
}

impl Project {
    /// Of this folder; it has a manifest.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let manifest = signalbox_rehearsal::manifest(folder)?;
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Builds it, and says where its component is then.
    pub async fn first(&self, voice: Voice) -> Result<PathBuf, Error> {
        if let Some(command) = &self.manifest.build {
            voice.building(&self.manifest.name, command);
            self.build(command).await.map_err(|said| Error::Project(failed(command, &said)))?;
        }
        let (folder, manifest) = (Some(self.folder.clone()), self.manifest.clone());
        Ok(Found { folder, manifest, scripts: Vec::new() }.component()?)
    }

    /// Builds it whenever its sources have changed and stand still, as its manifest then says; who watches the component
    /// sees what comes of it.
    pub async fn watch(self, voice: Voice) {
        let mut clock = tokio::time::interval(LOOK);
        let mut built = sources(&self.folder);
        let mut before = built.clone();
        loop {
            clock.tick().await;
            let now = sources(&self.folder);
            // Editors write several files in one go: it is built once all look the same twice.
            if now == before && now != built {
                built = now.clone();
                self.build_again(voice).await;
            }
            before = now;
        }
    }

    /// A manifest that can't be read is told of by who watches it.
    async fn build_again(&self, voice: Voice) {
        let manifest = signalbox_rehearsal::manifest(&self.folder);
        let Some(command) = manifest.ok().and_then(|manifest| manifest.build) else { return };
        voice.building(&self.manifest.name, &command);
        if let Err(said) = self.build(&command).await {
            voice.build_failed(&self.manifest.name, &failed(&command, &said));
        }
    }

    /// Runs the build in the folder. An error is what it said.
    async fn build(&self, command: &str) -> Result<(), String> {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).current_dir(&self.folder).stdin(Stdio::null()).kill_on_drop(true);
        let output = shell.output().await.map_err(|error| format!("sh can't be started: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        Err(String::from_utf8_lossy(&said).into_owned())
    }
}

fn failed(command: &str, said: &str) -> String {
    let lines: Vec<_> = said.lines().collect();
    let (cut, shown) = lines.split_at(lines.len().saturating_sub(SHOWN_LINES));
    let cut = if cut.is_empty() { String::new() } else { format!("({} lines before)\n", cut.len()) };
    format!("`{command}` failed:\n{cut}{}", shown.join("\n"))
}

/// The sources with how they look from outside: when one of these changes, it was written.
fn sources(folder: &Path) -> BTreeMap<PathBuf, (Option<SystemTime>, u64)> {
    let mut files = BTreeMap::new();
    list(folder, &mut files);
    files
}

fn list(folder: &Path, files: &mut BTreeMap<PathBuf, (Option<SystemTime>, u64)>) {
    // What can't be read now may be on its way to being replaced.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with('.') || MADE.contains(&&*name) || LOCKS.contains(&&*name) || files.len() >= MOST_FILES {
            continue;
        }
        match entry.metadata() {
            Ok(meta) if meta.is_dir() => list(&path, files),
            Ok(meta) => drop(files.insert(path, (meta.modified().ok(), meta.len()))),
            Err(_) => {}
        }
    }
}

/// Secrets of a handler in development: `SIGNALBOX_SECRET_API_KEY` is `api_key`.
pub fn secrets(manifest: &Manifest) -> BTreeMap<String, String> {
    let value = |name: &str| std::env::var(format!("SIGNALBOX_SECRET_{}", name.to_uppercase().replace('-', "_"))).ok();
    manifest.secrets.iter().filter_map(|secret| Some((secret.name.clone(), value(&secret.name)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_builds_make_is_no_source() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        write("src/lib.rs");
        let before = sources(folder.path());
        for made in ["target/release/x.wasm", "build/x.wasm", "node_modules/x/x.js", "Cargo.lock", ".git/HEAD"] {
            write(made);
        }
        assert_eq!((before.len(), sources(folder.path()) == before), (1, true));
        write("src/more.rs");
        assert_ne!(sources(folder.path()), before);
    }

    #[test]
    fn the_end_of_a_failed_build_is_shown() {
        let said = (0..200).map(|n| format!("line {n}\n")).collect::<String>();
        let shown = failed("make", &said);
        assert!(shown.starts_with("`make` failed:\n(120 lines before)\nline 120\n") && shown.ends_with("line 199"));
    }
}
