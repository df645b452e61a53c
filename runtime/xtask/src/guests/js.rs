//! TypeScript and JavaScript: `guest-examples/js-kit` checks the types, makes one module of `src/handler.ts` or
//! `src/handler.js`, and a component of it and QuickJS. The kit makes the world, too: of what the module imports and exports.

use super::{Example, contract, sources};
use crate::workspace::root;
use crate::{progress, tools};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// It takes seconds.
const TIMEOUT: Duration = Duration::from_secs(300);

/// The kit, with the versions of its tools.
pub fn fingerprint() -> Result<String> {
    sources::hash(&[&kit()], include_str!("js.rs"))
}

/// Makes the component.
pub fn build(example: &Example) -> Result<PathBuf> {
    let there = tools::folder("js");
    tools::node(&there, &kit())?;
    // The kit finds its packages beside itself.
    copy_files(&kit(), &there)?;
    let workshop = example.workshop()?;
    let component = workshop.join("component.wasm");
    let mut node = Command::new("node");
    node.arg(there.join("build.mjs")).arg(&example.folder).arg("--wit").arg(contract::folder());
    node.arg("--work").arg(&workshop).arg("--out").arg(&component);
    progress::step(&example.title(), || progress::quiet(&mut node, TIMEOUT))?;
    Ok(component)
}

fn kit() -> PathBuf {
    root().join("guest-examples/js-kit")
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let path = entry?.path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().expect("a file of a listing has a name")))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn new_projects_pin_what_the_kit_pins() {
        let packages = |file: PathBuf, key: &str| {
            let json: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
            json[key].clone()
        };
        let ours = packages(kit().join("package.json"), "dependencies");
        assert!(ours.is_object());
        for language in ["ts", "js"] {
            let template = root().join("runtime/server/templates").join(language);
            assert_eq!(packages(template.join("package.json"), "devDependencies"), ours, "{language}");
        }
    }
}
