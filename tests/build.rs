//! Makes a test of each guest example, named after it, which plays its conversation scripts. An example without any doesn't
//! compile.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What makes a folder an example: the sign of its language.
const SIGNS: [&str; 5] = ["Cargo.toml", "handler.c", "app.py", "package.json", "go.mod"];
/// Examples that other tests hold: what it does wrong is seen from within the host (runtime/guest/tests).
const HELD_ELSEWHERE: [&str; 1] = ["rust/misbehaving"];

fn main() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-examples");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", examples.display());
    let mut tests = String::new();
    for language in folders(&examples) {
        println!("cargo::rerun-if-changed={}", language.display());
        let mut of_language = String::new();
        for example in folders(&language) {
            println!("cargo::rerun-if-changed={}", example.display());
            let (name, folder) = (identifier(&example), format!("{}/{}", name(&language), name(&example)));
            if SIGNS.iter().any(|sign| example.join(sign).is_file()) && !HELD_ELSEWHERE.contains(&folder.as_str()) {
                let scripts = example.join("conversations");
                assert!(
                    scripts.is_dir(),
                    "the example {folder} has no tests: write scripts into {}",
                    scripts.display()
                );
                writeln!(of_language, "    #[test]\n    fn {name}() {{ super::play({folder:?}) }}")
                    .expect("a string grows");
            }
        }
        if !of_language.is_empty() {
            writeln!(tests, "mod {} {{\n{of_language}}}", identifier(&language)).expect("a string grows");
        }
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    std::fs::write(out.join("examples.rs"), tests).expect("cargo's own folder can be written");
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the examples lie in the repository");
    let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn name(folder: &Path) -> String {
    folder.file_name().expect("it is a folder of a listing").to_string_lossy().into_owned()
}

fn identifier(folder: &Path) -> String {
    name(folder).replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}
