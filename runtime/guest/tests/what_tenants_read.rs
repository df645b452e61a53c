//! Each limit has a guest that goes over it, and words that its tenant reads.

mod common;

use common::*;
use signalbox_guest::*;

/// What is said of an event, without the functions in which it happened.
async fn event(text: &str) -> String {
    let (host, handler) = shared("misbehaving").await;
    let mut world = World::default();
    world.limits.cpu = Limits::default().cpu;
    if text != "spin" {
        world.limits.cpu = patient().cpu;
    }
    let failure = world.hear(host, handler, text).await.expect_err(text);
    let (said, place) = failure.message.split_once(" (in ").unwrap_or((&failure.message, ""));
    assert!(place.is_empty() || place.starts_with("on-message"), "{text}: {place}");
    said.to_owned()
}

#[tokio::test]
async fn of_an_event() {
    let over = |limit: &str| {
        format!("the handler went over the limit of {limit} per event, so none of what it asked for is done")
    };
    let mut wrong = Vec::new();
    for (text, words) in [
        (
            "spin",
            "the handler computed for more than 50ms: look for a loop that doesn't end, or do less per event".into(),
        ),
        ("recurse", "the handler ran out of stack: look for a recursion that doesn't end".into()),
        ("recurse lightly", "the handler ran out of stack: look for a recursion that doesn't end".into()),
        (
            "allocate",
            "the handler wanted more memory than the 64 MiB (or table elements than the 20000) of an event: hold less \
             at once"
                .into(),
        ),
        ("flood sends", over("10 sends")),
        ("flood timers", over("10 timers")),
        ("flood notes", over("64 notes")),
        ("flood state", over("100 state operations")),
        ("large state", over("262144 bytes of state")),
        ("large call", "the handler gave the host more than 1048576 bytes in one call: give it less".into()),
        ("return much", "the handler gave the host more than 1048576 bytes in one call: give it less".into()),
        ("leak pollables", over("1000 pollables")),
        ("leak headers", over("1000 handles")),
        ("hold headers", over("4194304 bytes of HTTP headers and bodies")),
    ] {
        let said = event(text).await;
        if said != words {
            wrong.push(said);
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "said where other words were expected");
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

/// Imports of so many functions, one by one.
fn imports(count: usize) -> String {
    (0..count).map(|n| format!("(import \"f{n}\" (func))")).collect()
}

/// An import of an interface with so many functions.
fn interface_of(functions: usize) -> String {
    let functions: String = (0..functions).map(|n| format!("(export \"f{n}\" (func))")).collect();
    format!("(import \"wasi:io/streams@0.2.0\" (instance {functions}))")
}

#[tokio::test]
async fn of_an_upload() {
    let host = host();
    let timer = exporting("signalbox:messaging/timer-handler@0.1.0", "on-timer");
    let locals = format!("(core module (func (local{})))", " i64".repeat(2_001));
    let blocks = format!("(core module (func (local{}) {}))", " i32".repeat(1_500), "block end ".repeat(1_500));
    let functions = format!("(core module {})", "(func)".repeat(60_001));
    let body = format!("(core module (func {}))", "nop ".repeat((1 << 20) + 1));
    let socket = format!(r#"(import "wasi:sockets/tcp@0.2.3" (instance (export "connect" (func)))) {timer}"#);
    let mut wrong = Vec::new();
    for (bytes, words) in [
        (
            vec![0; (24 << 20) + 1],
            "the component has 25165825 bytes, 25165824 are the most: build it for release, optimize for size, and strip \
             its debug information",
        ),
        (
            vec![0; 24 << 20],
            "this is no WebAssembly component: it doesn't begin like one. Upload the `.wasm` file that your toolchain \
             made",
        ),
        (component(&locals), "function 0 at byte 32 has 2001 locals, 2000 are the most: split the function"),
        (
            component(&blocks),
            "function 0 at byte 35 has 2251500 locals times blocks, 2000000 are the most: split the function",
        ),
        (
            component(&functions),
            "the component has 60001 functions, 60000 are the most: leave out code that isn't used",
        ),
        (component(&body), "function 0 at byte 38 has 1048579 bytes, 1048576 are the most: split the function"),
        (
            component(&socket),
            "the component imports what this host doesn't offer: wasi:sockets/tcp@0.2.3. Handlers have no files, sockets \
             or programs; leave out the library that wants them, and see `wit/imports.wit` for what there is",
        ),
        (
            component(&format!("{}{timer}", imports(4_001))),
            "the component has 4001 imports, 4000 are the most: import only interfaces and functions that are used",
        ),
        (
            component(&format!("{}{timer}", interface_of(4_001))),
            "the component has 4001 imported functions, 4000 are the most: import only interfaces and functions that \
             are used",
        ),
        (
            component(&format!("{}{timer}", imports(22))),
            "the component imports what this host doesn't offer: f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, \
             f14, f15, f16, f17, f18, f19 and 2 more. Handlers have no files, sockets or programs; leave out the library \
             that wants them, and see `wit/imports.wit` for what there is",
        ),
        (
            component(&exporting("wasi:cli/run@0.2.0", "run")),
            "the component exports none of message-handler, draft-handler, receipt-handler and timer-handler of \
             signalbox:messaging@0.1.0; it exports wasi:cli/run@0.2.0. Build it against the `handler` world, or one of \
             the thin ones, in `wit/`",
        ),
        (
            component(&exporting("signalbox:messaging/timer-handler@7.0.0", "on-timer")),
            "the component exports `signalbox:messaging/timer-handler@7.0.0`, and this host speaks \
             signalbox:messaging@0.1.0: build it against that version, or wait until the host is upgraded",
        ),
        (
            b"\0asm\x0d\0\x01\0\xff\xff".to_vec(),
            "the component can't be read: malformed section id at byte 8. It may be cut off, or use a feature of \
             WebAssembly that is off here",
        ),
    ] {
        let said = host.compile(bytes).await.expect_err(words).to_string();
        if said != words {
            wrong.push(said);
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "said where other words were expected");
}
