//! A hash over what a component is made of.

use crate::workspace::root;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// What lies in an example's folder and isn't part of its component: builds, and what is said about it.
const BESIDE: [&str; 7] =
    ["target", "node_modules", ".venv", "__pycache__", "conversations", "handler.toml", "README.md"];

/// Names and contents of all files below the folders that a component is made of.
pub fn hash(folders: &[&Path], beside: &str) -> Result<String> {
    let mut files = Vec::new();
    for folder in folders {
        list(folder, &mut files)?;
    }
    files.sort();
    let mut digest = Sha256::new();
    digest.update(beside);
    for file in files {
        let content = fs::read(&file).with_context(|| file.display().to_string())?;
        let name = file.strip_prefix(root()).unwrap_or(&file);
        digest.update(name.to_string_lossy().as_bytes());
        digest.update((content.len() as u64).to_le_bytes());
        digest.update(content);
    }
    Ok(digest.finalize().iter().map(|octet| format!("{octet:02x}")).collect())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| BESIDE.iter().any(|beside| *beside == name)) {
            continue;
        }
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_sees_every_change_but_what_is_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir_all(path.join("src")).unwrap();
        fs::write(path.join("src/lib.rs"), "one").unwrap();
        let first = hash(&[path], "").unwrap();
        for beside in ["target", "conversations", "src/__pycache__"] {
            fs::create_dir_all(path.join(beside)).unwrap();
            fs::write(path.join(beside).join("made"), "x").unwrap();
        }
        fs::write(path.join("README.md"), "x").unwrap();
        assert_eq!(hash(&[path], "").unwrap(), first);
        assert_ne!(hash(&[path], "another compiler").unwrap(), first);
        fs::write(path.join("src/lib.rs"), "two").unwrap();
        assert_ne!(hash(&[path], "").unwrap(), first);
        fs::write(path.join("src/lib.rs"), "one").unwrap();
        fs::rename(path.join("src/lib.rs"), path.join("src/main.rs")).unwrap();
        assert_ne!(hash(&[path], "").unwrap(), first);
    }
}
