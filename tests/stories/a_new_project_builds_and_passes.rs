//! `signalbox new` writes projects that build with their language's tools, and whose conversations go as they say.

use std::path::{Path, PathBuf};
use std::process::Command;

use signalbox_tests::place::binary;

/// What the repository's own guests were built with and into.
fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target")
}

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

fn new(folder: &Path, language: &str) -> PathBuf {
    said(Command::new(binary("signalbox")).args(["new", "my-bot", "--lang", language]).current_dir(folder));
    folder.join("my-bot")
}

#[test]
fn in_rust() {
    let folder = tempfile::tempdir().unwrap();
    let project = new(folder.path(), "rust");
    // Beside the guests, whose packages are there: the test needs no network.
    let build = target().join("guests-build");
    let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    cargo.args(["build", "--quiet", "--offline", "--release", "--target", "wasm32-wasip2"]);
    said(cargo.current_dir(&project).env("CARGO_TARGET_DIR", &build));
    let component = build.join("wasm32-wasip2/release/my_bot.wasm");
    let played = said(Command::new(binary("signalbox")).arg("test").arg(&project).arg("--handler").arg(component));
    assert!(played.contains("2 passed"), "{played}");
}

#[test]
fn in_c() {
    let folder = tempfile::tempdir().unwrap();
    let project = new(folder.path(), "c");
    let (zig, bindgen) = (target().join("tools/c"), target().join("guests-build/bindgen/debug/signalbox-bindgen"));
    assert!(zig.is_dir() && bindgen.is_file(), "the tools for C aren't there: run `cargo xtask guests otp`");
    let bindgen = bindgen.display();
    let mut make = Command::new("make");
    make.arg(format!("CC={} -m ziglang cc", zig.join("bin/python").display()));
    make.arg(format!("BINDINGS={bindgen} c wit message-hook build"));
    make.arg(format!("COMPONENT={bindgen} component wit message-hook build/core.wasm build/my-bot.wasm"));
    make.env("ZIG_GLOBAL_CACHE_DIR", zig.join("cache")).env("ZIG_LOCAL_CACHE_DIR", zig.join("cache"));
    said(make.current_dir(&project));
    let played = said(Command::new(binary("signalbox")).arg("test").arg(&project));
    assert!(played.contains("2 passed"), "{played}");
}
