//! What can't become a handler is refused when it is uploaded, with words that its author can use.

mod common;

use common::*;
use signalbox_guest::*;

async fn refusal(host: &Host, bytes: Vec<u8>) -> Refusal {
    host.compile(bytes).await.expect_err("a refusal")
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {text})")).expect("a component")
}

/// A component that exports `function` in an interface of this name; the function has no parameters.
fn exporting(interface: &str, function: &str) -> String {
    format!(
        r#"(core module $m (func (export "f")))
           (core instance $i (instantiate $m))
           (func $f (canon lift (core func $i "f")))
           (instance $e (export "{function}" (func $f)))
           (export "{interface}" (instance $e))"#
    )
}

#[tokio::test]
async fn a_component_of_another_world() {
    let host = host();
    let refusal = refusal(&host, component(&exporting("wasi:cli/run@0.2.0", "run"))).await;
    assert!(matches!(refusal, Refusal::NoHandler { .. }), "{refusal:?}");
    let text = refusal.to_string();
    assert!(text.contains("exports wasi:cli/run@0.2.0") && text.contains("message-handler"), "{text}");
    assert!(self::refusal(&host, component("")).await.to_string().contains("nothing at all"));
}

#[tokio::test]
async fn a_core_module_and_a_program_and_a_torn_file() {
    let host = host();
    let module = wat::parse_str("(module)").expect("a module");
    assert_eq!(refusal(&host, module).await, Refusal::CoreModule);
    assert!(matches!(refusal(&host, b"\x7fELF".to_vec()).await, Refusal::NotWasm { .. }));
    let mut torn = guest_bytes("echo-support");
    torn.truncate(torn.len() / 2);
    assert!(matches!(refusal(&host, torn).await, Refusal::Malformed { .. }));
    let mut garbled = guest_bytes("echo-support");
    let middle = garbled.len() / 2;
    garbled[middle..middle + 64].fill(0xff);
    assert!(matches!(refusal(&host, garbled).await, Refusal::Malformed { .. }));
}

#[tokio::test]
async fn one_made_for_another_version_of_the_contract() {
    let host = host();
    for interface in ["message-handler@0.2.0", "message-handler@1.0.0", "voice-handler@0.1.0"] {
        let name = format!("signalbox:messaging/{interface}");
        let refusal = refusal(&host, component(&exporting(&name, "on-message"))).await;
        assert!(matches!(refusal, Refusal::OtherContract { .. }), "{refusal:?}");
        assert!(refusal.to_string().contains(&name) && refusal.to_string().contains("0.1.0"), "{refusal}");
    }
}

#[tokio::test]
async fn imports_that_nobody_offers_are_listed_all() {
    let imports = r#"
        (import "wasi:sockets/tcp@0.2.3" (instance (export "connect" (func))))
        (import "signalbox:messaging/outbox@0.1.0" (instance (export "shout" (func)) (export "cancel" (func))))
        (import "signalbox:messaging/state@0.7.0" (instance (export "get" (func))))
        (import "acme:tools/database" (instance (export "query" (func))))
        (import "wasi:cli/environment@0.2.0" (instance (export "get-arguments" (func (result (list string))))))"#;
    let host = host();
    let export = exporting("signalbox:messaging/timer-handler@0.1.0", "on-timer");
    let Refusal::UnknownImports { names } = refusal(&host, component(&format!("{imports}{export}"))).await else {
        panic!("another refusal")
    };
    assert_eq!(
        names,
        [
            "wasi:sockets/tcp@0.2.3",
            "signalbox:messaging/outbox@0.1.0#shout",
            "signalbox:messaging/state@0.7.0 (here it is signalbox:messaging/state@0.1.0)",
            "acme:tools/database",
        ]
    );
}

#[tokio::test]
async fn right_names_with_wrong_types() {
    let host = host();
    let export = exporting("signalbox:messaging/timer-handler@0.1.0", "on-timer");
    let refusal = refusal(&host, component(&export)).await;
    assert!(matches!(refusal, Refusal::WrongShape { .. }), "{refusal:?}");
    let import = r#"(import "signalbox:messaging/log@0.1.0" (instance (export "write" (func (param "x" u8)))))"#;
    let refusal = self::refusal(&host, component(&format!("{import}{export}"))).await;
    assert!(matches!(refusal, Refusal::WrongShape { .. }), "{refusal:?}");
}

#[tokio::test]
async fn one_that_traps_or_loops_while_it_starts() {
    let host = host();
    for (body, word) in [("unreachable", "gave up"), ("(loop (br 0))", "computed")] {
        let start = format!("(core module $s (func $f {body}) (start $f)) (core instance (instantiate $s))");
        let export = exporting("signalbox:messaging/timer-handler@0.1.0", "on-timer");
        let refusal = refusal(&host, component(&format!("{start}{export}"))).await;
        assert!(matches!(refusal, Refusal::FailsToStart { .. }), "{refusal:?}");
        assert!(refusal.to_string().contains(word), "{refusal}");
    }
}

#[tokio::test]
async fn one_that_wants_more_memory_than_there_is() {
    let host = host();
    let module = r#"(core module $s (memory 2000)) (core instance (instantiate $s))"#;
    let export = exporting("signalbox:messaging/timer-handler@0.1.0", "on-timer");
    let text = refusal(&host, component(&format!("{module}{export}"))).await.to_string();
    assert!(text.contains("memory"), "{text}");
}

#[tokio::test]
async fn one_that_is_too_large() {
    let upload = UploadLimits { bytes: 1_000, ..UploadLimits::default() };
    let host = Host::new(Config { instances: 1, upload, ..Config::default() }).expect("a host");
    assert!(matches!(refusal(&host, guest_bytes("echo-support")).await, Refusal::TooLarge { most: 1_000, .. }));
}

#[tokio::test]
async fn one_that_takes_too_long_to_compile() {
    let upload = UploadLimits { compile: std::time::Duration::ZERO, ..UploadLimits::default() };
    let host = Host::new(Config { instances: 1, upload, ..Config::default() }).expect("a host");
    for _ in 0..2 {
        let refusal = refusal(&host, guest_bytes("echo-support")).await;
        assert!(matches!(refusal, Refusal::CompileTooLong { .. }), "{refusal:?}");
    }
}
