//! Uploads are compiled by a process of their own, within its limits, and once.

use std::time::{Duration, Instant};

use signalbox_guest::{Compiler, Config, Host, Refusal, UploadLimits};

use super::house::{House, TENANT, configured, output, serve, signalbox};

fn guest_path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/guests/{name}.wasm"))
}

fn echo_support() -> Vec<u8> {
    std::fs::read(guest_path("echo-support")).expect("guests are built with `cargo xtask guests`")
}

fn host(upload: UploadLimits) -> Host {
    let program = env!("CARGO_BIN_EXE_signalbox").into();
    let compiler = Compiler::Child { program, arguments: vec!["compile-component".to_owned()] };
    Host::new(Config { instances: 1, upload, compiler, ..Config::default() }).unwrap()
}

/// Passes the scan, and is hard work: every local is changed in every loop.
fn bomb() -> Vec<u8> {
    let locals = " i64".repeat(1_000);
    let step = |n: usize| {
        let (a, b) = (n % 1_000, (n * 7 + 3) % 1_000);
        format!("(loop (local.set {a} (i64.add (local.get {b}) (local.get {a}))) (br_if 0 (i64.eqz (local.get {b}))))")
    };
    let body: String = (0..900).map(step).collect();
    let function = format!("(func (local{locals}) {body})");
    wat::parse_str(format!("(component (core module {}))", function.repeat(60))).unwrap()
}

#[tokio::test]
async fn a_child_makes_the_same_handler_as_a_thread() {
    let theirs = host(UploadLimits::default()).compile(echo_support()).await.unwrap();
    let ours = Host::new(Config { instances: 1, ..Config::default() }).unwrap().compile(echo_support()).await.unwrap();
    assert_eq!(theirs.info().native_bytes, ours.info().native_bytes);
    assert_eq!((&theirs.info().digest, &theirs.info().exports), (&ours.info().digest, &ours.info().exports));
}

#[tokio::test]
async fn what_the_child_finds_wrong_is_told() {
    let bytes = wat::parse_str("(component (core module (func (result i32))))").unwrap();
    let refusal = host(UploadLimits::default()).compile(bytes).await.unwrap_err();
    let Refusal::Malformed { reason } = &refusal else { panic!("{refusal:?}") };
    assert!(reason.contains("type mismatch"), "{reason}");
}

#[tokio::test]
async fn a_bomb_ends_at_the_limit_on_cpu_time() {
    let most = Duration::from_secs(1);
    let refusal =
        host(UploadLimits { compile_cpu: most, ..UploadLimits::default() }).compile(bomb()).await.unwrap_err();
    assert_eq!(refusal, Refusal::CompileTooLong { most });
}

#[tokio::test]
async fn a_bomb_ends_at_the_limit_on_time() {
    let began = Instant::now();
    let most = Duration::from_millis(200);
    let refusal = host(UploadLimits { compile: most, ..UploadLimits::default() }).compile(bomb()).await.unwrap_err();
    assert_eq!(refusal, Refusal::CompileTooLong { most });
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_bomb_ends_at_the_limit_on_memory() {
    let most = 160 << 20;
    let upload = UploadLimits { compile_memory_bytes: most, ..UploadLimits::default() };
    let host = host(upload);
    assert_eq!(host.compile(bomb()).await.unwrap_err(), Refusal::CompileTooLarge { most });
    let small = wat::parse_str("(component)").unwrap();
    assert!(matches!(host.compile(small).await, Err(Refusal::NoHandler { .. })), "there is room for what is small");
}

#[test]
fn a_restart_takes_what_was_compiled_and_a_key_for_everybody_stops_it() {
    let folder = configured(TENANT);
    let house = House::start(&mut serve(folder.path()));
    let key = house.ready["new_keys"][0]["key"].as_str().unwrap();
    let mut put = signalbox();
    put.env("SIGNALBOX_URL", house.url()).env("SIGNALBOX_KEY", key).args(["handlers", "put", "echo"]);
    let (code, _, stderr) = output(put.arg(guest_path("echo-support")));
    assert_eq!(code, 0, "{stderr}");
    house.signal("TERM");
    assert_eq!(house.ended(), 0);

    let mut house = House::start(&mut serve(folder.path()));
    let log = house.log();
    house.signal("TERM");
    let log: Vec<_> = log.collect();
    assert_eq!(house.ended(), 0);
    let back = log.iter().find(|line| line.contains("a handler is back")).unwrap_or_else(|| panic!("{log:#?}"));
    assert!(back.contains("from_cache=true"), "{back}");

    use std::os::unix::fs::PermissionsExt;
    let native_key = folder.path().join("data/native/key");
    std::fs::set_permissions(&native_key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, _, stderr) = output(&mut serve(folder.path()));
    assert_eq!(code, 1);
    assert!(stderr.contains("native/key") && stderr.contains("mode 644"), "{stderr}");
}
