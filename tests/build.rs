//! Makes a test of each guest example that has conversation scripts, named after it: none can be forgotten.

use std::fmt::Write;
use std::path::{Path, PathBuf};

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
            if example.join("conversations").is_dir() {
                let (name, folder) = (identifier(&example), format!("{}/{}", name(&language), name(&example)));
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
