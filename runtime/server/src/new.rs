//! `signalbox new`: a small project that builds, with a conversation to test it by.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::args::{Language, New};
use crate::exit::Error;
use crate::out;

include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// Writes the project.
pub fn run(args: &New) -> Result<ExitCode, Error> {
    let folder = Path::new(&args.name);
    let name = name(folder)?;
    refuse_if_full(folder)?;
    let files = files(args.lang, &name);
    for (path, text) in &files {
        let path = folder.join(path);
        let parent = path.parent().expect("it lies in the project");
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text));
        written.map_err(|error| Error::Project(format!("can't write {}: {error}", path.display())))?;
    }
    out::line(if args.json { told(folder, &name, args.lang, &files).to_string() } else { said(folder) });
    Ok(ExitCode::SUCCESS)
}

fn said(folder: &Path) -> String {
    let shown = folder.display();
    format!("{shown} is there. `cat {shown}/README.md` says how to build it; then `signalbox test {shown}`.")
}

/// The same for programs.
fn told(folder: &Path, name: &str, language: Language, files: &[(PathBuf, String)]) -> serde_json::Value {
    let paths: Vec<_> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    serde_json::json!({
        "name": name, "folder": folder.display().to_string(), "language": language.folder(), "files": paths,
    })
}

/// The handler's name: that of its folder.
fn name(folder: &Path) -> Result<String, Error> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if begins && name.len() <= 64 && name.chars().all(legal) {
        return Ok(name);
    }
    Err(Error::Project(format!(
        "`{name}` can't be a handler's name: 1 to 64 of a-z, 0-9 and '-', beginning with a letter"
    )))
}

/// What lies there is somebody's.
fn refuse_if_full(folder: &Path) -> Result<(), Error> {
    let shown = folder.display();
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::Project(format!("{shown} isn't empty; choose another name, or empty it first"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::Project(format!("can't read {shown}: {error}"))),
    }
}

/// Every file of a project, with its text.
fn files(language: Language, name: &str) -> Vec<(PathBuf, String)> {
    let prefix = format!("{}/", language.folder());
    let own = TEMPLATES.iter().filter_map(|(path, text)| Some((path.strip_prefix(&prefix)?, text)));
    let filled = |text: &str| text.replace("{{name}}", name).replace("{{module}}", &name.replace('-', "_"));
    let mut files: Vec<_> = own.map(|(path, text)| (PathBuf::from(path), filled(text))).collect();
    let wit = WIT.iter().filter(|(path, _)| path.ends_with(".wit"));
    files.extend(wit.map(|(path, text)| (Path::new("wit").join(path), (*text).to_owned())));
    if language.has_kit() {
        let kit = KIT.iter().filter(|(path, _)| !path.starts_with("package"));
        files.extend(kit.map(|(path, text)| (Path::new("kit").join(path), (*text).to_owned())));
    }
    files
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_language_has_a_project_with_all_that_belongs_to_it() {
        for language in Language::value_variants() {
            let files = files(*language, "my-bot");
            let text = |path: &str| files.iter().find(|(there, _)| there == Path::new(path)).map(|(_, text)| text);
            for needed in ["README.md", "handler.toml", "wit/worlds.wit", ".gitignore", "conversations/hello.toml"] {
                assert!(text(needed).is_some(), "{language:?}: {needed}");
            }
            let manifest = signalbox_guest::Manifest::parse("handler.toml", text("handler.toml").unwrap()).unwrap();
            assert_eq!(manifest.name, "my-bot");
            assert!(manifest.build.is_some() && manifest.component.is_some(), "{language:?}");
            assert!(text("README.md").unwrap().lines().count() <= 7, "{language:?}");
            assert!(files.iter().all(|(_, text)| !text.contains("{{")), "{language:?}");
        }
    }

    #[test]
    fn what_was_written_is_told_to_programs_too() {
        let files = files(Language::Rust, "my-bot");
        let told = told(Path::new("bots/my-bot"), "my-bot", Language::Rust, &files);
        assert_eq!(
            (&told["name"], &told["folder"], &told["language"]),
            (&"my-bot".into(), &"bots/my-bot".into(), &"rust".into())
        );
        let paths = told["files"].as_array().unwrap();
        assert!(paths.len() == files.len() && paths.contains(&"handler.toml".into()), "{told}");
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("my-bot");
        let new = || New { name: place.display().to_string(), lang: Language::Rust, json: false };
        assert!(run(&new()).is_ok());
        let refused = run(&new()).unwrap_err().to_string();
        assert!(refused.contains("isn't empty"), "{refused}");
        for bad in ["My Bot", "1bot", "..", "bot_two"] {
            assert!(name(Path::new(bad)).is_err(), "{bad}");
        }
    }
}
