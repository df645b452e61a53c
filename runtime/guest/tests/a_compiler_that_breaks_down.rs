//! A compiler process that doesn't do what it should harms nobody, and the upload's author reads what it means.

mod common;

use common::*;
use signalbox_guest::*;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What is said when a shell script stands in for the compiler.
async fn refusal(script: &str, upload: UploadLimits) -> Refusal {
    let arguments = vec!["-c".to_owned(), script.to_owned()];
    let compiler = Compiler::Child { program: PathBuf::from("/bin/sh"), arguments };
    let host = Host::new(Config { instances: 1, upload, compiler, ..Config::default() }).expect("a host");
    host.compile(guest_bytes("echo-support")).await.expect_err("a refusal")
}

#[tokio::test]
async fn one_that_crashes() {
    for (script, word) in [("kill -SEGV $$", "signal: 11"), ("kill -ABRT $$", "signal: 6"), ("exit 101", "101")] {
        let refusal = refusal(script, UploadLimits::default()).await;
        assert!(matches!(refusal, Refusal::CompilerFails { .. }), "{script}: {refusal:?}");
        let said = refusal.to_string();
        assert!(said.contains(word) && said.contains("tell the operator"), "{said}");
    }
}

#[tokio::test]
async fn one_that_crashes_after_half_an_answer() {
    let refusal = refusal("printf Nabc; kill -SEGV $$", UploadLimits::default()).await;
    assert!(matches!(refusal, Refusal::CompilerFails { .. }), "{refusal:?}");
}

#[tokio::test]
async fn one_that_came_to_a_limit() {
    let limits = UploadLimits::default();
    let (most, most_bytes) = (limits.compile_cpu, limits.compile_memory_bytes);
    assert_eq!(refusal("kill -XCPU $$", limits).await, Refusal::CompileTooLong { most });
    let script = "echo memory allocation of 8 bytes failed >&2; kill -ABRT $$";
    assert_eq!(refusal(script, limits).await, Refusal::CompileTooLarge { most: most_bytes });
}

#[tokio::test]
async fn one_whose_end_is_nobodys_fault_but_the_hosts() {
    for script in ["kill -KILL $$", "exit 0", "exit 3", "echo what", "printf 'R{}'", "cat > /dev/null; printf Nabc"] {
        let refusal = refusal(script, UploadLimits::default()).await;
        assert!(matches!(refusal, Refusal::Unavailable { .. }), "{script}: {refusal:?}");
    }
    let compiler = Compiler::Child { program: PathBuf::from("/nowhere/compiler"), arguments: Vec::new() };
    let host = Host::new(Config { instances: 1, compiler, ..Config::default() }).expect("a host");
    let refusal = host.compile(guest_bytes("echo-support")).await.expect_err("a refusal");
    assert!(matches!(refusal, Refusal::Unavailable { .. }), "{refusal:?}");
}

#[tokio::test]
async fn one_that_never_ends_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let id = folder.path().join("id");
    let began = Instant::now();
    let most = Duration::from_millis(300);
    let script = format!("echo $$ > {}; while :; do :; done", id.display());
    let refusal = refusal(&script, UploadLimits { compile: most, ..UploadLimits::default() }).await;
    assert_eq!(refusal, Refusal::CompileTooLong { most });
    assert!(began.elapsed() < Duration::from_secs(30));
    let id = std::fs::read_to_string(id).expect("it had begun");
    assert!(!PathBuf::from(format!("/proc/{}", id.trim())).exists(), "it is gone");
}

#[tokio::test]
async fn one_that_says_more_than_is_taken() {
    let upload = UploadLimits { native_bytes: 100_000, ..UploadLimits::default() };
    let refusal = refusal("while :; do echo NNNNNNNNNNNNNNNNNNNNNN || exit 1; done", upload).await;
    assert!(matches!(refusal, Refusal::OverLimit { what: "bytes of native code", .. }), "{refusal:?}");
    let loud = "i=0; while [ $i -lt 2000 ]; do echo $i nonsense >&2 || exit 1; i=$((i+1)); done; exit 3";
    let refusal = self::refusal(loud, UploadLimits::default()).await;
    assert!(matches!(refusal, Refusal::Unavailable { .. } | Refusal::CompilerFails { .. }), "{refusal:?}");
}

#[tokio::test]
async fn it_is_told_nothing_of_our_environment() {
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "there is something to tell");
    let script = r#"[ -z "${CARGO_MANIFEST_DIR+set}" ] && printf 'R{"malformed":"clean"}'"#;
    let refusal = refusal(script, UploadLimits::default()).await;
    assert_eq!(refusal, Refusal::Malformed { reason: "clean".into() });
}
