//! What was released of `wit/` stays as it is: components that were built against it go on.
//!
//! `tests/released/VERSION.txt` lists every item of a released version. A later state of `wit/` may have more items, each
//! with `@since`; it may not lack or change one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// WIT without comments, in single spaces.
fn plain(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let spaced = lines.collect::<Vec<_>>().join(" ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Everything in braces behind `start`, and what follows the closing one.
fn block(text: &str) -> (&str, &str) {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => return (&text[..=at], &text[at + 1..]),
            '}' => depth -= 1,
            _ => {}
        }
    }
    panic!("a brace isn't closed: {text}");
}

/// The items of all interfaces and worlds, one line each.
fn items(files: &[String]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for file in files {
        let text = plain(file);
        let (_, mut rest) = text.split_once(';').expect("a package line");
        while let Some(open) = rest.find('{') {
            let name = rest[..open].trim().to_owned();
            let (body, behind) = block(rest);
            let inner = &body[open + 1..body.len() - 1];
            all.extend(members(inner).into_iter().map(|member| format!("{name}: {member}")));
            rest = behind;
        }
    }
    all
}

/// The members of an interface or world. What they `use` of others is no promise of theirs.
fn members(mut rest: &str) -> Vec<String> {
    let mut members = Vec::new();
    while !rest.trim().is_empty() {
        rest = rest.trim_start();
        let semicolon = rest.find(';').unwrap_or(rest.len());
        let brace = rest.find('{').unwrap_or(rest.len());
        let (member, behind) = if brace < semicolon && !rest.starts_with("use ") {
            block(rest)
        } else {
            (&rest[..semicolon], rest.get(semicolon + 1..).unwrap_or_default())
        };
        if !member.starts_with("use ") {
            members.push(member.trim().to_owned());
        }
        rest = behind;
    }
    members
}

fn contract() -> BTreeSet<String> {
    let files = fs::read_dir(here("../../wit")).expect("the contract is there");
    let mut texts: Vec<(PathBuf, String)> = files
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
        .map(|path| (path.clone(), fs::read_to_string(path).expect("text")))
        .collect();
    texts.sort();
    items(&texts.into_iter().map(|(_, text)| text).collect::<Vec<_>>())
}

/// What of a released version is gone or changed, and what is new without saying since when.
fn breaches(released: &BTreeSet<String>, now: &BTreeSet<String>) -> Vec<String> {
    let gone = released.difference(now).map(|item| format!("changed or taken away: {item}"));
    let unmarked = now.difference(released).filter(|item| !item.contains("@since("));
    gone.chain(unmarked.map(|item| format!("new, and without @since: {item}"))).collect()
}

#[test]
fn what_was_released_is_there_unchanged() {
    let now = contract();
    let listing = now.iter().fold(String::new(), |text, item| text + item + "\n");
    let made = here("../../target/contract-as-it-is.txt");
    fs::write(&made, listing).expect("the target folder can be written");
    let files = fs::read_dir(here("tests/released")).expect("there are released versions");
    let versions: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    assert!(versions.iter().any(|path| path.ends_with("0.1.0.txt")), "the first released version isn't there");
    for path in versions {
        let released = fs::read_to_string(&path).expect("text").lines().map(str::to_owned).collect();
        let breaches = breaches(&released, &now);
        assert!(
            breaches.is_empty(),
            "{} was released and differs from wit/: undo the change, or make a new version of the package \
             (wit/README.md, \"How it changes\"; the contract as it is: {}):\n{}",
            path.display(),
            made.display(),
            breaches.join("\n")
        );
    }
}

#[test]
fn a_change_is_seen() {
    let text = "package a:b@0.1.0;\ninterface x { use y.{z}; /// Doc.\n f: func(a: u32) -> u8; record r { a: u8 } }";
    let released = items(&[text.to_owned()]);
    assert_eq!(released.len(), 2);
    for (from, to, words) in [
        ("u32", "u64", "changed or taken away: interface x: f"),
        ("a: u8 }", "a: u8, b: u8 }", "changed or taken away: interface x: record r"),
        ("record r", "g: func(); record r", "new, and without @since: interface x: g"),
    ] {
        let breaches = breaches(&released, &items(&[text.replace(from, to)]));
        assert!(breaches[0].starts_with(words), "{breaches:?}");
    }
    for harmless in [
        text.replace("Doc.", "Another word."),
        text.replace("y.{z}", "y.{z, w}"),
        text.replace("record r", "@since(version = 0.1.1) g: func(); record r"),
    ] {
        assert_eq!(breaches(&released, &items(&[harmless])), Vec::<String>::new());
    }
}
