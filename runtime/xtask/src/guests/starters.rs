//! The projects that `signalbox new` writes, built: what a small handler costs is measured by them.
//!
//! The program writes each into `target/guests-build/starters/starter-LANG`; the recipe that builds the examples of its
//! language makes `target/guests/starter-LANG.wasm` of it. Only benchmarks need them; that projects build by their own
//! commands is a story.

use super::{Example, Language, builds, rust};
use crate::progress;
use crate::workspace::guests;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What `signalbox new --lang` takes, each a folder of its templates.
const LANGUAGES: [&str; 6] = ["c", "rust", "ts", "js", "go", "python"];

/// It writes twenty small files.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Has the program write them, and builds those that aren't as they were.
pub fn build(signalbox: &Path) -> Result<()> {
    for language in LANGUAGES {
        let starter = write(signalbox, language).and_then(|starter| starter.build_if_changed());
        starter.with_context(|| format!("the starter in {language}"))?;
    }
    Ok(())
}

/// Whether there is one of each language: a benchmark that builds nothing needs them as they were built last.
pub fn check() -> Result<()> {
    for language in LANGUAGES {
        let component = guests().join(format!("starter-{language}.wasm"));
        ensure!(
            component.exists(),
            "{} isn't there: run `cargo xtask bench guests` without --no-build",
            component.display()
        );
    }
    Ok(())
}

fn write(signalbox: &Path, language: &str) -> Result<Example> {
    let folder = builds().join("starters").join(format!("starter-{language}"));
    // The program leaves alone what has something in it.
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut new = Command::new(signalbox);
    progress::quiet(new.arg("new").arg(&folder).args(["--lang", language]), TIMEOUT)?;
    let starter = Example::read(folder)?;
    if starter.language == Language::Rust {
        rust::lend_lock(&starter)?;
    }
    Ok(starter)
}

#[cfg(test)]
mod tests {
    use super::super::folders;
    use super::*;
    use crate::workspace::root;

    #[test]
    fn every_language_of_new_projects_is_measured_and_has_a_recipe() {
        let templates = folders(&root().join("runtime/server/templates")).unwrap();
        let mut languages = LANGUAGES;
        languages.sort_unstable();
        let named: Vec<_> = templates.iter().map(|folder| folder.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(named, languages);
        for template in templates {
            assert!(Language::of(&template).is_some(), "{}", template.display());
        }
    }
}
