//! The disk has less room than the store wants to keep free: nothing new is taken in, the process lives, and goes on once
//! there is room. A disk that has none at all in spite of that: the sender hears it, the process ends with the reason, and
//! what was accepted is there.

use http::Method;
use serde_json::{Value, json};
use signalbox_tests::{Carrier, House, HouseConfig, Tenant, place};

/// The limit on a file's size stands for the full disk: it needs no rights, and a write beyond it fails in the same
/// place. Its unit is 512 bytes; a journal begins with 64 MiB set aside, so it is a bit above that.
const FULL: [&str; 3] = ["sh", "-c", "trap '' XFSZ; ulimit -f 132096; exec \"$0\" \"$@\""];
/// Each upload takes this much of it.
const PADDING: u32 = 12 << 20;

/// A good component made large by a custom section of noise, so that nothing can compress it.
fn padded(seed: u64) -> Vec<u8> {
    let mut bytes = place::guest("echo-support");
    bytes.push(0);
    let size = PADDING + 2;
    bytes.extend((0..5).map(|at| (size >> (7 * at)) as u8 & 0x7F | if at < 4 { 0x80 } else { 0 }));
    bytes.extend([1, b'p']);
    let mut state = seed;
    bytes.extend((0..PADDING).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    }));
    bytes
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_accepted_is_kept() {
    let carrier = Carrier::start().await;
    // One large buffer: the journal, and only it, must meet the limit.
    let config = HouseConfig::new(&carrier).section("store", "memtable = \"1GiB\"");
    let house = House::start(config.clone().under(FULL)).await;
    let accepted = send_until_it_fails(&house.acme()).await;
    assert!(accepted.len() > 20, "{}", accepted.len());
    let (_, ended) = house.ended().await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let last = ended.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("signalbox: ") && last.contains("store"), "it says why, last: {last}");
    assert!(ended.stderr.contains("File too large"), "the system's reason is there: {}", ended.stderr);

    let house = House::start(config).await;
    for id in &accepted {
        house.acme().await_status(id, "delivered").await;
    }
    let id = house.acme().send("+14155550199", "there is room again").await;
    house.acme().await_status(&id, "delivered").await;
}

/// More than any disk has stands for one that is nearly full.
const WANTED: &str = "min_free = \"8000000GiB\"";

#[tokio::test]
async fn a_nearly_full_disk_takes_nothing_in_and_the_process_lives() {
    let carrier = Carrier::start().await;
    let config = HouseConfig::new(&carrier);
    let house = House::bound_to(&carrier, config.clone()).await;
    let before = house.acme().send("+14155550199", "while there was room").await;
    house.acme().await_status(&before, "delivered").await;
    house.drain().await;

    let house = House::start(config.clone().section("store", WANTED)).await;
    let acme = house.acme();
    let answer = acme.try_send("+14155550199", "too late").await;
    let problem = answer.expect_problem(503, "store.full");
    assert_eq!(problem["retryable"], true);
    assert!(text(&problem["detail"]).contains("makes room"), "{problem}");
    let upload = acme.upload("echo", place::guest("echo-support")).await;
    upload.expect_problem(503, "store.full");
    house.anonymous().get("/readyz").await.expect_problem(503, "not_ready");
    let status = house.anonymous().get("/status").await.expect(200);
    assert_eq!((&status["ready"], &status["store"]["full"]), (&json!(false), &json!(true)));
    assert!(status["store"]["free_bytes"].as_u64().is_some_and(|free| free > 0), "the system said: {status}");
    assert_eq!(acme.message(&before).await["status"], "delivered", "what there is can be read");
    let log = house.log();
    assert!(log.contains("min_free"), "{log}");
    house.drain().await;

    let house = House::start(config).await;
    let id = house.acme().send("+14155550199", "there is room again").await;
    house.acme().await_status(&id, "delivered").await;
}

/// Fills the journal with uploads, and sends in between. Answers the ids of what was accepted.
async fn send_until_it_fails(acme: &Tenant) -> Vec<String> {
    let upload = acme.api.with("content-type", "application/wasm");
    let mut accepted = Vec::new();
    for round in 0..20 {
        for n in 0..10 {
            let message = json!({ "from": acme.number, "to": "+14155550199", "text": format!("{round}/{n}") });
            let sent = acme.api.with("content-type", "application/json");
            match sent.try_ask(Method::POST, "/v1/messages", message.to_string()).await {
                Ok(answer) if answer.status == 202 => accepted.push(text(&answer.json()["id"])),
                Ok(answer) => {
                    answer.expect_problem(503, "store.unavailable");
                    return accepted;
                }
                Err(_) => return accepted,
            }
        }
        match upload.try_ask(Method::PUT, "/v1/handlers/large", padded(round)).await {
            Ok(answer) if answer.status.is_success() => {}
            Ok(answer) => {
                let problem = answer.expect_problem(503, "store.unavailable");
                assert_eq!(problem["retryable"], true);
                return accepted;
            }
            Err(_) => return accepted,
        }
    }
    panic!("the limit was never met")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
