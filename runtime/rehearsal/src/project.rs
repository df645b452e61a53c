//! Where scripts, manifests and components lie.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use signalbox_guest::manifest::Manifest;

use crate::error::Error;
use crate::script::Script;

/// The name of a manifest.
pub const MANIFEST: &str = "handler.toml";
/// Folders in which no scripts of a project's own lie.
const NOT_OURS: [&str; 5] = ["target", "node_modules", "dist", "build", "venv"];
/// How deep folders are looked through.
const DEEPEST: usize = 12;

/// A handler's folder, and scripts that are to be played with it.
#[derive(Debug)]
pub struct Project {
    /// The folder; none if a component was named and there is no manifest.
    pub folder: Option<PathBuf>,
    /// What the handler says of itself.
    pub manifest: Manifest,
    /// Its scripts.
    pub scripts: Vec<Script>,
}

/// Finds the scripts among files and folders, and the handler of each. With `bare`, a script without a manifest is no
/// error: the component was named.
pub fn projects(places: &[PathBuf], bare: bool) -> Result<Vec<Project>, Error> {
    let mut by_folder: BTreeMap<Option<PathBuf>, Vec<Script>> = BTreeMap::new();
    let mut refused = Vec::new();
    for place in places {
        let files = scripts(place)?;
        if files.is_empty() {
            return Err(Error::NoScripts(place.clone()));
        }
        for file in files {
            let folder = folder_of(&file);
            if folder.is_none() && !bare {
                return Err(Error::NoManifest(file));
            }
            match Script::load(&file) {
                Ok(script) => by_folder.entry(folder).or_default().push(script),
                Err(error) => refused.push(error),
            }
        }
    }
    if !refused.is_empty() {
        return Err(Error::Scripts(refused));
    }
    // A handler is its folder, however its scripts were named.
    let project = |(folder, scripts): (Option<PathBuf>, Vec<Script>)| {
        let manifest = match &folder {
            Some(folder) => manifest(folder)?,
            None => Manifest { name: "handler".to_owned(), ..Manifest::default() },
        };
        Ok(Project { folder, manifest, scripts })
    };
    by_folder.into_iter().map(project).collect()
}

/// Reads a folder's manifest.
pub fn manifest(folder: &Path) -> Result<Manifest, Error> {
    let path = folder.join(MANIFEST);
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    Ok(Manifest::parse(&path.display().to_string(), &text)?)
}

/// The script itself, or the scripts below a folder: every TOML file in a folder `conversations`.
fn scripts(place: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    if place.is_dir() {
        walk(place, DEEPEST, &mut found)?;
        found.sort();
    } else {
        found.push(place.to_owned());
    }
    Ok(found)
}

fn walk(folder: &Path, deeper: usize, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let unreadable = |source| Error::Read { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let of_ours = !name.starts_with('.') && !NOT_OURS.contains(&&*name);
        if path.is_dir() && of_ours && deeper > 0 {
            walk(&path, deeper - 1, found)?;
        } else if path.extension().is_some_and(|kind| kind == "toml")
            && folder.file_name().is_some_and(|name| name == "conversations")
        {
            found.push(path);
        }
    }
    Ok(())
}

/// The nearest folder above a script that has a manifest.
fn folder_of(script: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(script).ok()?;
    let folder = whole.ancestors().skip(1).find(|folder| folder.join(MANIFEST).is_file())?;
    // As it was written, where that is possible: it is shown to people.
    let depth = whole.ancestors().skip(1).position(|above| above == folder)?;
    let written = script.ancestors().nth(depth + 1).filter(|written| !written.as_os_str().is_empty());
    Some(written.map_or_else(|| folder.to_owned(), Path::to_owned))
}

impl Project {
    /// Where its component is: as the manifest says, or where builds of its language and `cargo xtask guests` leave it;
    /// the newest of them.
    pub fn component(&self) -> Result<PathBuf, Error> {
        let name = &self.manifest.name;
        let folder = self.folder.clone().unwrap_or_default();
        let looked = places(&folder, &self.manifest);
        let newest = looked.iter().filter(|path| path.is_file()).max_by_key(|path| written(path));
        newest.cloned().ok_or_else(|| {
            let hint = match &self.manifest.build {
                Some(build) => format!("build it first: `{build}` in {}", folder.display()),
                None => format!("build it first, or say where it is with `component = \"…\"` in {MANIFEST}"),
            };
            Error::NoComponent { name: name.clone(), hint, looked }
        })
    }
}

fn written(path: &Path) -> Option<std::time::SystemTime> {
    path.metadata().and_then(|meta| meta.modified()).ok()
}

fn places(folder: &Path, manifest: &Manifest) -> Vec<PathBuf> {
    if let Some(component) = &manifest.component {
        return vec![folder.join(component)];
    }
    let file = format!("{}.wasm", manifest.name);
    let rust = format!("{}.wasm", manifest.name.replace('-', "_"));
    let mut places = vec![
        folder.join("target/wasm32-wasip2/release").join(&rust),
        folder.join("target/wasm32-wasip2/debug").join(&rust),
        folder.join("dist").join(&file),
        folder.join("build").join(&file),
        folder.join(&file),
    ];
    // Within this repository, examples are built into one folder.
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    places
        .extend(whole.ancestors().skip(1).map(|above| above.join("target/guests").join(&file)).filter(|p| p.is_file()));
    places
}
