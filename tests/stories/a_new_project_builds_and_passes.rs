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

/// The tools of a language, as `cargo xtask guests` installs them for the repository's own guests.
fn tools(language: &str, guest: &str) -> PathBuf {
    let folder = target().join("tools").join(language).canonicalize();
    let folder =
        folder.unwrap_or_else(|error| panic!("the tools aren't there: run `cargo xtask guests {guest}`: {error}"));
    assert!(folder.join(".installed").is_file(), "the tools aren't whole: run `cargo xtask guests {guest}`");
    folder
}

/// Makes bindings in C and Go, and components of core modules.
fn bindgen() -> PathBuf {
    let program = target().join("guests-build/bindgen/debug/signalbox-bindgen");
    program.canonicalize().expect("`cargo xtask guests otp` builds it")
}

fn plays(project: &Path) {
    let played = said(Command::new(binary("signalbox")).arg("test").arg(project));
    assert!(played.contains("2 passed"), "{played}");
}

#[test]
fn in_c() {
    let folder = tempfile::tempdir().unwrap();
    let project = new(folder.path(), "c");
    let (zig, bindgen) = (tools("c", "otp"), bindgen());
    let bindgen = bindgen.display();
    let mut make = Command::new("make");
    make.arg(format!("CC={} -m ziglang cc", zig.join("bin/python").display()));
    make.arg(format!("BINDINGS={bindgen} c wit message-hook build"));
    make.arg(format!("COMPONENT={bindgen} component wit message-hook build/core.wasm build/my-bot.wasm"));
    make.env("ZIG_GLOBAL_CACHE_DIR", zig.join("cache")).env("ZIG_LOCAL_CACHE_DIR", zig.join("cache"));
    said(make.current_dir(&project));
    plays(&project);
}

#[test]
fn in_go() {
    let folder = tempfile::tempdir().unwrap();
    let project = new(folder.path(), "go");
    let (go, bindgen) = (tools("go", "echo"), bindgen());
    let bindgen = bindgen.display();
    // The module that bindings stand on comes with their generator, so no registry is asked for it.
    let theirs =
        std::fs::read_to_string(target().join("guests-build/echo/go.work")).expect("`cargo xtask guests echo`");
    let theirs = theirs.replace("use .", "use ./my-bot/build");
    std::fs::write(folder.path().join("go.work"), theirs).unwrap();
    let mut make = Command::new("make");
    make.arg(format!("GO={}", go.join("bin/go").display())).arg("MODULES=");
    make.arg(format!("BINDINGS={bindgen} go wit message-hook build"));
    make.arg(format!("COMPONENT={bindgen} component wit message-hook build/core.wasm build/my-bot.wasm"));
    make.env("GOWORK", folder.path().join("go.work")).env("GOTOOLCHAIN", "local").env("GOPROXY", "off");
    make.env("GOCACHE", go.join("cache")).env("GOPATH", go.join("path"));
    said(make.current_dir(&project));
    plays(&project);
}

/// A project's packages are pinned to those of the kit, which a test of the xtask holds: what is installed is taken.
fn with_npm(language: &str) {
    let folder = tempfile::tempdir().unwrap();
    let project = new(folder.path(), language);
    std::os::unix::fs::symlink(tools("js", "campaign").join("node_modules"), project.join("node_modules")).unwrap();
    said(Command::new("npm").args(["run", "--silent", "build"]).current_dir(&project));
    plays(&project);
}

#[test]
fn in_typescript() {
    with_npm("ts");
}

#[test]
fn in_javascript() {
    with_npm("js");
}

#[test]
fn in_python() {
    let folder = tempfile::tempdir().unwrap();
    let project = new(folder.path(), "python");
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/xtask/toolchains/python.txt");
    let wanted = std::fs::read_to_string(project.join("requirements.txt")).unwrap();
    assert_eq!(wanted, std::fs::read_to_string(ours).unwrap(), "what is installed isn't what the project asks for");
    std::os::unix::fs::symlink(tools("python", "support-triage"), project.join(".venv")).unwrap();
    said(Command::new("sh").arg("build.sh").current_dir(&project));
    plays(&project);
}
