//! Components that can't be handlers are refused when they are uploaded, in words that their author can use.

use signalbox_tests::{Carrier, House, HouseConfig, place};
use std::time::Duration;
use tokio::time::Instant;

/// A component that exports an interface of this name with a function without parameters.
fn exporting(interface: &str, function: &str, before: &str) -> Vec<u8> {
    let text = format!(
        r#"(component {before}
           (core module $m (func (export "f")))
           (core instance $i (instantiate $m))
           (func $f (canon lift (core func $i "f")))
           (instance $e (export "{function}" (func $f)))
           (export "{interface}" (instance $e)))"#
    );
    wat::parse_str(text).expect("a component")
}

fn starting_with(body: &str) -> Vec<u8> {
    let start = format!("(core module $s (func $f {body}) (start $f)) (core instance (instantiate $s))");
    exporting("signalbox:messaging/timer-handler@0.1.0", "on-timer", &start)
}

fn torn() -> Vec<u8> {
    let mut bytes = place::guest("echo-support");
    bytes.truncate(bytes.len() / 2);
    bytes
}

fn of_many_locals() -> Vec<u8> {
    let locals = "(local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)".repeat(5_000);
    let text = format!("(component (core module (func {locals})))");
    wat::parse_str(text).expect("a component")
}

#[tokio::test]
async fn bad_components_are_refused_with_the_reason() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    let handler = "signalbox:messaging/timer-handler";
    let import = r#"(import "wasi:sockets/tcp@0.2.3" (instance (export "connect" (func))))"#;
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", Vec::new(), "no WebAssembly component"),
        ("a program", b"\x7fELF\x02\x01\x01".to_vec(), "no WebAssembly component"),
        ("a core module", wat::parse_str("(module)").unwrap(), "wasm32-wasip2"),
        ("a torn file", torn(), "can't be read"),
        ("an empty component", wat::parse_str("(component)").unwrap(), "exports nothing at all"),
        ("another world", exporting("wasi:cli/run@0.2.0", "run", ""), "exports wasi:cli/run@0.2.0"),
        ("another contract", exporting(&format!("{handler}@7.0.0"), "on-timer", ""), "0.1.0"),
        ("unknown imports", exporting(&format!("{handler}@0.1.0"), "on-timer", import), "wasi:sockets/tcp@0.2.3"),
        ("wrong types", exporting(&format!("{handler}@0.1.0"), "on-timer", ""), "doesn't fit the contract"),
        ("one that traps", starting_with("unreachable"), "can't be started"),
        ("one that loops", starting_with("(loop (br 0))"), "can't be started"),
        ("too many locals", of_many_locals(), "locals"),
    ];
    for (what, bytes, words) in cases {
        let began = Instant::now();
        let problem = acme.upload("bad", bytes).await.expect_problem(422, "component.refused");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{what}: {problem}");
        assert!(began.elapsed() < Duration::from_secs(10), "{what} took {:?}", began.elapsed());
    }
    acme.upload("bad", vec![0; (24 << 20) + 1]).await.expect_problem(413, "body.too_large");
    acme.upload("Bad%20Name", place::guest("echo-support")).await.expect_problem(422, "request.invalid");
    let handlers = acme.api.get("/v1/handlers").await.expect(200);
    assert_eq!(handlers["handlers"], serde_json::json!([]), "nothing that was refused is kept");
    acme.give_number_to("echo-support").await;
    let id = acme.send("+14155550199", "after all that").await;
    acme.await_status(&id, "delivered").await;
}
