//! Puts the templates of `signalbox new` into the binary, with the contract and the kit that go with them.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Folders that are embedded, each under its name.
const FOLDERS: [(&str, &str); 3] =
    [("TEMPLATES", "templates"), ("WIT", "../../wit"), ("KIT", "../../guest-examples/js-kit")];
/// What lies there after a build.
const BUILT: [&str; 3] = ["node_modules", "build", "target"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut source = String::new();
    for (name, folder) in FOLDERS {
        let folder = here.join(folder).canonicalize().expect("the folder lies in the repository");
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files = Vec::new();
        list(&folder, &mut files);
        files.sort();
        writeln!(source, "pub const {name}: &[(&str, &str)] = &[").expect("a string grows");
        for file in files {
            let path = file.strip_prefix(&folder).expect("it was found there").to_string_lossy().replace('\\', "/");
            writeln!(source, "    ({path:?}, include_str!({:?})),", file.display()).expect("a string grows");
        }
        source.push_str("];\n");
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    std::fs::write(out.join("templates.rs"), source).expect("cargo's own folder can be written");
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder lies in the repository").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if !path.is_dir() {
            files.push(path);
        } else if !BUILT.iter().any(|built| *built == name) {
            println!("cargo::rerun-if-changed={}", path.display());
            list(&path, files);
        }
    }
}
