//! What a handler says can be followed, what it uses is counted, and one that fails too often rests.

use serde_json::{Value, json};
use signalbox_tests::{Carrier, House, HouseConfig, KEY_OF_ACME, NUMBER, Raw, Tenant, place, until};

const PHONE: &str = "+14155550199";

fn phone(n: usize) -> String {
    format!("+1415555040{n}")
}

#[tokio::test]
async fn a_log_is_followed_as_it_grows_until_the_house_goes_down() {
    let carrier = Carrier::start().await;
    let config = HouseConfig::new(&carrier).section("limits", "max_attempts = 1");
    let house = House::bound_to(&carrier, config).await;
    house.acme().give_number_to("misbehaving").await;
    let mut follower = Raw::connect(house.url()).await;
    let ask = format!(
        "GET /v1/handlers/misbehaving/logs?follow=true HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY_OF_ACME}\r\n\r\n"
    );
    assert!(follower.write(ask).await);
    let head = follower.read_until("\r\n\r\n").await;
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    carrier.phone_sends(PHONE, NUMBER, "trap").await;
    let first = follower.read_until("gave up").await;
    assert!(first.contains("id: 0\nevent: line\ndata: {"), "{first}");
    assert!(first.contains(r#""kind":"message""#) && first.contains(r#""attempt":1"#), "{first}");
    carrier.phone_sends(&phone(1), NUMBER, "reject").await;
    follower.read_until("not for me").await;
    house.terminate().await;
    follower.read_to_end().await;
    let (_, ended) = house.ended().await;
    assert!(ended.status.success(), "a follower holds up no drain: {}", ended.stderr);
}

async fn used(acme: &Tenant, handler: Option<&str>) -> Option<Value> {
    let usage = acme.api.get("/v1/usage").await.expect(200);
    let mut rows = usage["usage"].as_array().unwrap().iter();
    rows.rfind(|row| row["handler"].as_str() == handler).cloned()
}

#[tokio::test]
async fn what_is_used_is_counted_by_handler_and_outlives_a_restart() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    acme.give_number_to("echo-support").await;
    carrier.phone_sends(PHONE, NUMBER, "thanks").await;
    carrier.await_texts_at(PHONE, 1).await;
    let id = acme.send(&phone(1), &"x".repeat(161)).await;
    acme.await_status(&id, "delivered").await;
    let handler = used(&acme, Some("echo-support")).await.expect("the handler ran");
    assert!(handler["invocations"].as_u64() >= Some(3), "a message and two drafts: {handler}");
    for what in ["cpu_us", "peak_memory_bytes", "host_calls"] {
        assert!(handler[what].as_u64() > Some(0), "{what}: {handler}");
    }
    assert_eq!((&handler["messages"], &handler["segments"], &handler["failures"]), (&json!(1), &json!(1), &json!(0)));
    let own = used(&acme, None).await.expect("the tenant sent a message itself");
    assert_eq!((&own["messages"], &own["segments"]), (&json!(1), &json!(2)), "{own}");
    let house = house.restart().await;
    let after = used(&house.acme(), None).await.expect("it was written down");
    assert_eq!(after, own);
    let bad = house.acme().api.get("/v1/usage?from=yesterday").await;
    bad.expect_problem(400, "query.invalid");
}

#[tokio::test]
async fn a_version_that_fails_in_a_row_rests_and_its_events_wait() {
    let carrier = Carrier::start().await;
    let limits = "breaker_failures = 2\nbreaker_wait = \"2s\"\nmax_attempts = 1";
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier).section("limits", limits)).await;
    let acme = house.acme();
    acme.give_number_to("misbehaving").await;
    for n in 0..2 {
        carrier.phone_sends(&phone(n), NUMBER, "trap").await;
    }
    until("the version to rest", || async {
        let handler = acme.handler("misbehaving").await;
        if handler["rests_until"].is_string() { Ok(()) } else { Err(format!("{handler}")) }
    })
    .await;
    carrier.phone_sends(PHONE, NUMBER, "be good").await;
    assert_eq!(carrier.await_texts_at(PHONE, 1).await, ["before"], "its one attempt wasn't used up");
    let handler = acme.handler("misbehaving").await;
    assert!(handler["rests_until"].is_null(), "it works again: {handler}");
}

#[tokio::test]
async fn a_draft_whose_handler_fails_does_what_its_binding_says() {
    let carrier = Carrier::start().await;
    let config = HouseConfig::new(&carrier).section("limits", "max_attempts = 1");
    let house = House::bound_to(&carrier, config).await;
    let acme = house.acme();
    acme.upload_version("bad", "", &place::guest("misbehaving"), None).await.expect(201);
    let bind = async |on_failure: &str| {
        let binding = json!({ "handler": "bad", "tenant": true, "kinds": ["draft"], "on_failure": on_failure });
        let bound = acme.api.put("/v1/bindings/drafts", &binding).await;
        assert!(bound.status.is_success(), "{}", bound.text());
    };
    bind("open").await;
    let id = acme.send(PHONE, "spin").await;
    acme.await_status(&id, "delivered").await;
    let story = acme.story_of(&id).await;
    assert!(story.iter().any(|line| line.contains("computed for more than 10ms")), "the record says it: {story:?}");
    bind("hold").await;
    let id = acme.send(&phone(1), "spin").await;
    acme.await_status(&id, "held").await;
    let story = acme.story_of(&id).await;
    assert!(story.last().unwrap().contains("handler bad failed"), "{story:?}");
    bind("closed").await;
    let id = acme.send(&phone(2), "spin").await;
    acme.await_status(&id, "rejected").await;
    assert!(carrier.texts_at(&phone(1)).await.is_empty() && carrier.texts_at(&phone(2)).await.is_empty());
}
