//! The guest examples: every folder of `guest-examples/<language>` becomes `target/guests/<name>.wasm`.
//!
//! A folder's layout says its language. An example is built again only if its sources, the contract, its recipe or the
//! versions of the tools changed, and a language's tools are installed when the first example needs them.
//!
//! | module | what |
//! |---|---|
//! | `sources` | a hash over what a component is made of |
//! | `contract` | the WIT that an example is built against |
//! | `rust`, `c`, `python`, `js`, `go` | a recipe each |
//! | `starters` | the projects that `signalbox new` writes, built by these recipes |

mod bindgen;
mod c;
mod contract;
mod go;
mod js;
mod python;
mod rust;
pub(crate) mod sources;
pub(crate) mod starters;

use crate::progress::said_by;
use crate::workspace::{self, root};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// An example.
#[derive(Clone, Debug)]
pub struct Example {
    /// Its folder's name, and its component's.
    pub name: String,
    /// Where it lies.
    pub folder: PathBuf,
    /// What it is written in.
    pub language: Language,
}

/// What a handler is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A `Cargo.toml`.
    Rust,
    /// A `handler.c`.
    C,
    /// An `app.py`.
    Python,
    /// A `package.json`; TypeScript or JavaScript.
    Js,
    /// A `go.mod`.
    Go,
}

/// Builds those whose sources changed: the named ones, or all. Answers the names.
pub fn build(names: &[&str]) -> Result<Vec<String>> {
    let all = examples()?;
    for name in names {
        if !all.iter().any(|example| example.name == *name) {
            let known: Vec<_> = all.iter().map(|example| example.name.as_str()).collect();
            bail!("there is no guest `{name}`; there are {}", known.join(", "));
        }
    }
    fs::create_dir_all(workspace::guests())?;
    let chosen = all.iter().filter(|example| names.is_empty() || names.contains(&example.name.as_str()));
    let mut built = Vec::new();
    for example in chosen {
        example.build_if_changed().with_context(|| format!("the guest {}", example.name))?;
        built.push(example.name.clone());
    }
    Ok(built)
}

/// All examples, in the order of their languages' folders and their names.
pub fn examples() -> Result<Vec<Example>> {
    let mut examples = Vec::new();
    for language in folders(&root().join("guest-examples"))? {
        for folder in folders(&language)? {
            examples.push(Example::read(folder)?);
        }
    }
    let mut names: Vec<_> = examples.iter().map(|example| &example.name).collect();
    names.sort();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        bail!("two guest examples are called {}: their components would be one file", pair[0]);
    }
    Ok(examples)
}

/// The cargo packages among all this, which are no members of the workspace: their names and folders.
pub fn cargo_folders() -> Result<Vec<(String, PathBuf)>> {
    let rust = examples()?.into_iter().filter(|example| example.language == Language::Rust);
    let mut folders: Vec<_> = rust.map(|example| (format!("guest {}", example.name), example.folder)).collect();
    folders.push(("bindings' generator".to_owned(), bindgen::folder()));
    Ok(folders)
}

impl Example {
    fn read(folder: PathBuf) -> Result<Self> {
        let name = folder.file_name().expect("a folder of a listing has a name").to_string_lossy().into_owned();
        let language = Language::of(&folder).with_context(|| {
            let there = folder.display();
            format!(
                "{there} has none of Cargo.toml, handler.c, app.py, package.json, go.mod: its language can't be told"
            )
        })?;
        Ok(Self { name, folder, language })
    }

    fn build_if_changed(&self) -> Result<()> {
        let component = workspace::guests().join(format!("{}.wasm", self.name));
        let stamp = workspace::guests().join(format!(".{}.sources", self.name));
        let sources = sources::hash(&[&self.folder, &contract::folder()], &self.language.fingerprint()?)?;
        if component.is_file() && fs::read_to_string(&stamp).is_ok_and(|known| known == sources) {
            return Ok(());
        }
        let made = self.language.build(self)?;
        // By way of another name: a test that reads meanwhile sees the old file or the new one.
        let fresh = component.with_extension("fresh");
        fs::copy(&made, &fresh).with_context(|| made.display().to_string())?;
        fs::rename(&fresh, &component)?;
        fs::write(&stamp, sources)?;
        Ok(())
    }

    /// A folder of its own for what is made on the way, empty.
    fn workshop(&self) -> Result<PathBuf> {
        let folder = builds().join(&self.name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// What progress calls its build.
    fn title(&self) -> String {
        format!("build the guest {}", self.name)
    }
}

impl Language {
    fn of(folder: &Path) -> Option<Self> {
        const SIGNS: [(&str, Language); 5] = [
            ("Cargo.toml", Language::Rust),
            ("handler.c", Language::C),
            ("app.py", Language::Python),
            ("package.json", Language::Js),
            ("go.mod", Language::Go),
        ];
        SIGNS.into_iter().find(|(file, _)| folder.join(file).is_file()).map(|(_, language)| language)
    }

    /// The recipe and the versions of its tools, read without installing any.
    fn fingerprint(self) -> Result<String> {
        match self {
            Self::Rust => rust::fingerprint(),
            Self::C => Ok(c::fingerprint()),
            Self::Python => Ok(python::fingerprint()),
            Self::Js => js::fingerprint(),
            Self::Go => Ok(go::fingerprint()),
        }
    }

    /// Makes the component, and says where it lies.
    fn build(self, example: &Example) -> Result<PathBuf> {
        match self {
            Self::Rust => rust::build(example),
            Self::C => c::build(example),
            Self::Python => python::build(example),
            Self::Js => js::build(example),
            Self::Go => go::build(example),
        }
    }
}

/// Where guests are built.
fn builds() -> PathBuf {
    root().join("target/guests-build")
}

/// Where the versions of the tools are written down.
fn toolchains() -> PathBuf {
    root().join("runtime/xtask/toolchains")
}

fn folders(below: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(below).with_context(|| below.display().to_string())?;
    let mut folders: Vec<_> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    folders.retain(|path| path.is_dir() && path.file_name().is_none_or(|name| name != "target"));
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_says_the_language() {
        for (file, expected) in [
            ("Cargo.toml", Some(Language::Rust)),
            ("handler.c", Some(Language::C)),
            ("app.py", Some(Language::Python)),
            ("package.json", Some(Language::Js)),
            ("go.mod", Some(Language::Go)),
            ("README.md", None),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(file), "").unwrap();
            assert_eq!(Language::of(folder.path()), expected, "{file}");
        }
    }

    #[test]
    fn every_folder_of_the_examples_is_one() {
        let examples = examples().unwrap();
        assert!(examples.iter().any(|example| example.name == "echo-support"));
        assert!(build(&["no-such-guest"]).unwrap_err().to_string().contains("echo-support"));
    }
}
