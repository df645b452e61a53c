//! The WIT that an example is built against.
//!
//! An example that needs a world of its own (fewer exports, or an import from WASI) has it in `world.wit`: one package
//! with one world, which includes what it likes of the house's. Without that file it is the house's world `handler`.
//! A project that `signalbox new` wrote has the contract beside it, in `wit/`.

use super::Example;
use crate::workspace::root;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// A contract, as the tools of most languages take it.
pub struct Contract {
    /// A WIT package with its `deps`.
    pub folder: PathBuf,
    /// The world in it.
    pub world: String,
}

/// The world that new projects are written for, in every language.
const NEW_PROJECTS: &str = "message-hook";

/// Where the house's contract lies.
pub fn folder() -> PathBuf {
    root().join("wit")
}

/// Lays an example's contract out below its workshop.
pub fn lay_out(example: &Example, workshop: &Path) -> Result<Contract> {
    let theirs = example.folder.join("wit");
    if theirs.is_dir() {
        return Ok(Contract { folder: theirs, world: NEW_PROJECTS.to_owned() });
    }
    let house = folder();
    let own = example.folder.join("world.wit");
    if !own.is_file() {
        return Ok(Contract { folder: house, world: "handler".to_owned() });
    }
    let text = fs::read_to_string(&own)?;
    let world = world_of(&text).with_context(|| format!("{} has no line `world NAME {{`", own.display()))?;
    let laid = workshop.join("wit");
    copy_wit(&house, &laid.join("deps/signalbox-messaging"))?;
    if house.join("deps").is_dir() {
        for dep in fs::read_dir(house.join("deps"))? {
            let dep = dep?;
            copy_wit(&dep.path(), &laid.join("deps").join(dep.file_name()))?;
        }
    }
    fs::write(laid.join("world.wit"), &text)?;
    Ok(Contract { folder: laid, world })
}

fn world_of(text: &str) -> Option<String> {
    text.lines().find_map(|line| Some(line.strip_prefix("world ")?.trim_end().strip_suffix('{')?.trim().to_owned()))
}

/// A package is a folder of files or one file.
fn copy_wit(from: &Path, to: &Path) -> Result<()> {
    if from.is_file() {
        fs::create_dir_all(to.parent().expect("below the workshop"))?;
        fs::copy(from, to)?;
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wit") {
            fs::copy(&path, to.join(path.file_name().expect("a file of a listing has a name")))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guests::Language;
    use crate::workspace::read;

    #[test]
    fn the_world_is_found_in_its_file() {
        let text =
            "package local:otp;\n\n/// A world.\nworld otp {\n    include signalbox:messaging/handler@0.1.0;\n}\n";
        assert_eq!(world_of(text).as_deref(), Some("otp"));
        assert_eq!(world_of("interface a {}\n"), None);
    }

    #[test]
    fn new_projects_are_built_against_the_world_that_they_name() {
        let templates = root().join("runtime/server/templates");
        for file in ["c/Makefile", "go/Makefile", "python/build.sh", "rust/src/lib.rs"] {
            let text = read(&templates.join(file)).unwrap();
            assert!(text.contains(NEW_PROJECTS), "{file}");
        }
        let project = tempfile::tempdir().unwrap();
        fs::create_dir(project.path().join("wit")).unwrap();
        let example = Example { name: "bot".to_owned(), folder: project.path().to_owned(), language: Language::C };
        let contract = lay_out(&example, project.path()).unwrap();
        assert_eq!((contract.folder, contract.world.as_str()), (project.path().join("wit"), NEW_PROJECTS));
    }
}
