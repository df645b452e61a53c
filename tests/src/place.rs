//! Where things lie that were built before.

use std::path::{Path, PathBuf};

/// A binary of the workspace, beside this test's own.
pub fn binary(name: &str) -> PathBuf {
    let path = debug_folder().join(name);
    assert!(path.is_file(), "{} is not there; run `cargo build --workspace` first", path.display());
    path
}

/// Where a guest lies that was built from `guest-examples`.
pub fn guest_file(name: &str) -> PathBuf {
    root().join("target/guests").join(name).with_extension("wasm")
}

/// A guest, built from `guest-examples`.
pub fn guest(name: &str) -> Vec<u8> {
    let path = guest_file(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask guests` first", path.display()))
}

/// Where each part of the suite says how many runs of handlers it replayed, and how many of them did the same: a line
/// each, which `cargo xtask test` adds up.
pub fn replayed() -> PathBuf {
    root().join("target/replayed.txt")
}

/// A peer's script.
pub fn peer_script(name: &str) -> PathBuf {
    root().join("tests/peers").join(name)
}

/// The folder in which Node finds the peers' packages.
pub fn node_packages() -> PathBuf {
    installed(target_folder().join("peers/node/node_modules"))
}

/// The Python that has the peers' packages.
pub fn python() -> PathBuf {
    installed(target_folder().join("peers/python/bin/python"))
}

fn installed(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is not there; `cargo xtask test` installs it", path.display());
    path
}

/// The repository's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in the repository")
}

/// The test binary lies in `target/<profile>/deps`.
fn debug_folder() -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its executable");
    own.ancestors().nth(2).expect("the test binary lies two folders deep").to_owned()
}

/// `target`.
fn target_folder() -> PathBuf {
    debug_folder().parent().expect("a profile's folder lies in target").to_owned()
}
