//! Each limit of an event and of an upload, gone over by a guest: what its tenant reads of it in the API and by `signalbox
//! handlers logs`, word for word.

use serde_json::Value;
use signalbox_tests::{Carrier, House, HouseConfig, NUMBER, Tenant, place};

const CPU: &str = "the handler computed for more than 50ms: look for a loop that doesn't end, or do less per event";
const WALL: &str = "the event took longer than 20ms in all, waiting included: read less state and history, or answer first and go on \
                    in a timer";
const STACK: &str = "the handler ran out of stack: look for a recursion that doesn't end";
const MEMORY: &str = "the handler wanted more memory than the 64 MiB (or table elements than the 20000) of an event: hold less \
                      at once";
const CALL: &str = "the handler gave the host more than 1048576 bytes in one call: give it less";

/// More time than any of the deeds needs: how fast this machine computes is no part of the story.
const PATIENT: &str = "name = \"patient\"\n[limits]\ncpu = \"20s\"\nwall = \"30s\"\n";
const SHORT: &str = "name = \"short\"\n[limits]\nwall = \"20ms\"\n";

fn over(limit: &str) -> String {
    format!("the handler went over the limit of {limit} per event, so none of what it asked for is done")
}

/// What `misbehaving` is asked for, and what is said of it.
fn deeds() -> Vec<(&'static str, String)> {
    vec![
        ("recurse", STACK.into()),
        ("recurse lightly", STACK.into()),
        ("allocate", MEMORY.into()),
        ("flood sends", over("10 sends")),
        ("flood timers", over("10 timers")),
        ("flood notes", over("64 notes")),
        ("flood state", over("100 state operations")),
        ("large state", over("262144 bytes of state")),
        ("large call", CALL.into()),
        ("return much", CALL.into()),
        ("leak pollables", over("1000 pollables")),
        ("leak headers", over("1000 handles")),
        ("hold headers", over("4194304 bytes of HTTP headers and bodies")),
    ]
}

fn phone(n: usize) -> String {
    format!("+141555504{n:02}")
}

/// Without the functions in which it happened.
fn words(said: &str) -> &str {
    said.split_once(" (in ").map_or(said, |(words, _)| words)
}

/// Why the last of so many events of a phone failed, as the API says it.
async fn failure(acme: &Tenant, phone: &str, count: usize) -> String {
    let query = format!("direction=inbound&from=%2B{}", phone.trim_start_matches('+'));
    let newest = acme.await_list(&query, count).await[0]["id"].as_str().unwrap().to_owned();
    acme.await_status(&newest, "handler_failed").await;
    let timeline = acme.timeline(&newest).await;
    let last = timeline["entries"].as_array().unwrap().last().unwrap().clone();
    words(last["cause"]["error"].as_str().unwrap_or_else(|| panic!("{timeline}"))).to_owned()
}

/// What `signalbox handlers logs` shows of a handler's errors.
async fn log(house: &House, handler: &str) -> Vec<(String, String)> {
    let ended = house.command(&["handlers", "logs", handler, "--json"]).await;
    let shown: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let lines = shown["lines"].as_array().unwrap().iter();
    lines.map(|line| (text(line, "level"), words(&text(line, "text")).to_owned())).collect()
}

/// What was expected and isn't there.
fn missing(
    expected: impl IntoIterator<Item = (&'static str, String)>,
    lines: &[(String, String)],
) -> Vec<(String, String)> {
    let expected = expected.into_iter().map(|(level, words)| (level.to_owned(), words));
    expected.filter(|line| !lines.contains(line)).collect()
}

async fn bound_to(acme: &Tenant, name: &str, manifest: Option<&str>) {
    let uploaded = acme.upload_version(name, "?alias=live", &place::guest("misbehaving"), manifest).await;
    assert!(uploaded.status.is_success(), "{}", uploaded.text());
    acme.bind(name).await;
}

/// A house whose tenant's handlers may have the time that they ask for, and try each event once.
async fn patient_house(carrier: &Carrier) -> House {
    let config = HouseConfig::new(carrier)
        .section("limits", "max_attempts = 1\nbreaker_failures = 1000")
        .tenant_key("limits = { cpu = \"20s\", wall = \"30s\" }");
    House::bound_to(carrier, config).await
}

#[tokio::test]
async fn of_an_event() {
    let carrier = Carrier::start().await;
    let house = patient_house(&carrier).await;
    let acme = house.acme();
    bound_to(&acme, "patient", Some(PATIENT)).await;
    for (n, (deed, _)) in deeds().iter().enumerate() {
        carrier.phone_sends(&phone(n), NUMBER, deed).await;
    }
    let mut wrong = Vec::new();
    for (n, (deed, words)) in deeds().into_iter().enumerate() {
        let said = failure(&acme, &phone(n), 1).await;
        if said != words {
            wrong.push((deed, said));
        }
    }
    assert_eq!(wrong, [], "said where other words were expected");
    // A log that is flooded is cut, and its event handled.
    carrier.phone_sends(&phone(91), NUMBER, "flood log").await;
    acme.await_list("direction=inbound&status=handled", 1).await;
    let told = deeds().into_iter().map(|(_, words)| ("error", words));
    let told = told.chain([("warn", "9936 more lines were cut off".into())]);
    let lines = log(&house, "patient").await;
    assert_eq!(missing(told, &lines), [], "isn't in the log: {lines:#?}");

    for (name, manifest, n, words) in [("plain", None, 92, CPU), ("short", Some(SHORT), 93, WALL)] {
        bound_to(&acme, name, manifest).await;
        carrier.phone_sends(&phone(n), NUMBER, "spin").await;
        assert_eq!(failure(&acme, &phone(n), 1).await, words);
        let lines = log(&house, name).await;
        assert_eq!(missing([("error", words.to_owned())], &lines), [], "isn't in the log: {lines:#?}");
    }
}

#[tokio::test]
async fn of_what_an_event_is_handed() {
    let carrier = Carrier::start().await;
    let house = patient_house(&carrier).await;
    let acme = house.acme();
    bound_to(&acme, "patient", Some(PATIENT)).await;
    // There is so much only after several events.
    for _ in 0..5 {
        carrier.phone_sends(&phone(0), NUMBER, "keep more").await;
    }
    acme.await_list("direction=inbound&status=handled", 5).await;
    carrier.phone_sends(&phone(0), NUMBER, "read all").await;
    let words = over("1048576 bytes in one call");
    assert_eq!(failure(&acme, &phone(0), 6).await, words);
    let lines = log(&house, "patient").await;
    assert_eq!(missing([("error", words)], &lines), [], "isn't in the log: {lines:#?}");
    // It was handed more than is kept of a run, so the last one can't be replayed.
    house.drain().await;
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

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {text})")).expect("a component")
}

fn uploads() -> Vec<(Vec<u8>, &'static str)> {
    let timer = exporting("signalbox:messaging/timer-handler@0.1.0", "on-timer");
    let locals = format!("(core module (func (local{})))", " i64".repeat(2_001));
    let blocks = format!("(core module (func (local{}) {}))", " i32".repeat(1_500), "block end ".repeat(1_500));
    let functions = format!("(core module {})", "(func)".repeat(60_001));
    let body = format!("(core module (func {}))", "nop ".repeat((1 << 20) + 1));
    let socket = format!(r#"(import "wasi:sockets/tcp@0.2.3" (instance (export "connect" (func)))) {timer}"#);
    let imports: String = (0..4_001).map(|n| format!("(import \"f{n}\" (func))")).collect();
    let table = format!("(core module $t (table 20001 funcref)) (core instance (instantiate $t)) {timer}");
    let instances = format!("(core module $n) {} {timer}", "(core instance (instantiate $n))".repeat(65));
    vec![
        (
            vec![0; 24 << 20],
            "this is no WebAssembly component: it doesn't begin like one. Upload the `.wasm` file that your toolchain made",
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
        (component(&"(core module)".repeat(65)), "the component has 65 modules, 64 are the most: link them into fewer"),
        (
            component(&imports),
            "the component has 4001 imports, 4000 are the most: import only interfaces and functions that are used",
        ),
        (
            component(&table),
            "an event has no room for this component: table index 0 has a minimum element size of 20001 which exceeds the \
             limit of 20000. Declare smaller tables and memories, and fewer instances",
        ),
        (
            component(&instances),
            "an event has no room for this component: The component transitively contains 66 core module instances, which \
             exceeds the configured maximum of 64. Declare smaller tables and memories, and fewer instances",
        ),
        (
            component(&socket),
            "the component imports what this host doesn't offer: wasi:sockets/tcp@0.2.3. Handlers have no files, sockets \
             or programs; leave out the library that wants them, and see `wit/imports.wit` for what there is",
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
    ]
}

#[tokio::test]
async fn of_an_upload() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    let (mut wrong, mut told) = (Vec::new(), Vec::new());
    for (bytes, words) in uploads() {
        let problem = acme.upload("bad", bytes).await.expect_problem(422, "component.refused");
        let said = problem["detail"].as_str().unwrap();
        if said != words {
            wrong.push(said.to_owned());
        }
        told.push(("error", format!("an upload is refused: {words}")));
    }
    assert_eq!(wrong, Vec::<String>::new(), "said where other words were expected");
    let lines = log(&house, "bad").await;
    assert_eq!(missing(told, &lines), [], "isn't in the log: {lines:#?}");
    let handlers = acme.api.get("/v1/handlers").await.expect(200);
    assert_eq!(handlers["handlers"], serde_json::json!([]), "nothing that was refused is kept");
}
