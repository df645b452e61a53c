//! The same key and body give the same answer and one message, whatever happens in between.

use http::Method;
use serde_json::{Value, json};
use signalbox_tests::{Carrier, House, HouseConfig, NUMBER};

const PHONE: &str = "+14155550199";

fn message(text: &str) -> Value {
    json!({ "from": NUMBER, "to": PHONE, "text": text })
}

#[tokio::test]
async fn a_key_gives_the_same_answer_before_and_after_a_kill() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let keyed = house.acme().api.with("idempotency-key", "order-17");
    let first = keyed.post("/v1/messages", &message("once")).await.expect(202);
    house.acme().await_status(first["id"].as_str().unwrap(), "delivered").await;
    assert_eq!(keyed.post("/v1/messages", &message("once")).await.expect(202), first);
    keyed.post("/v1/messages", &message("twice")).await.expect_problem(422, "idempotency.reused");

    let house = House::start(house.kill().await).await;
    let keyed = house.acme().api.with("idempotency-key", "order-17");
    assert_eq!(keyed.post("/v1/messages", &message("once")).await.expect(202), first);
    keyed.post("/v1/messages", &message("twice")).await.expect_problem(422, "idempotency.reused");
    let bolt = house.bolt().api.with("idempotency-key", "order-17");
    let theirs = json!({ "from": house.bolt().number, "to": PHONE, "text": "another tenant's key is another key" });
    let theirs = bolt.post("/v1/messages", &theirs).await.expect(202);
    assert_ne!(theirs["id"], first["id"]);
    house.bolt().await_status(theirs["id"].as_str().unwrap(), "delivered").await;
    assert_eq!(carrier.texts_at(PHONE).await, ["once", "another tenant's key is another key"]);
}

#[tokio::test]
async fn a_refusal_is_given_again_and_an_unreadable_request_leaves_its_key_free() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let keyed = house.acme().api.with("idempotency-key", "refused");
    let stranger = json!({ "from": "+14155559999", "to": PHONE, "text": "x" });
    let first = keyed.post("/v1/messages", &stranger).await.expect_problem(422, "policy.refused");
    let again = keyed.post("/v1/messages", &stranger).await.expect_problem(422, "policy.refused");
    assert_eq!(first["message_id"], again["message_id"], "one record of one refusal");
    let keyed = house.acme().api.with("idempotency-key", "mended");
    keyed.post("/v1/messages", &message("")).await.expect_problem(422, "request.invalid");
    keyed.post("/v1/messages", &message("mended")).await.expect(202);
}

#[tokio::test]
async fn many_at_once_with_one_key_send_one_message() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let keyed = house.acme().api.with("idempotency-key", "stampede").with("content-type", "application/json");
    let batch = json!({ "messages": [message("a"), message("b")] });
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (keyed, body) = (keyed.clone(), batch.to_string());
        asking.spawn(async move { keyed.ask(Method::POST, "/v1/messages/batch", body).await });
    }
    let mut given = Vec::new();
    while let Some(answer) = asking.join_next().await {
        let answer = answer.unwrap();
        match answer.status.as_u16() {
            202 => given.push(answer.json()),
            _ => assert_eq!(answer.expect_problem(409, "idempotency.busy")["retryable"], true),
        }
    }
    assert!(!given.is_empty() && given.iter().all(|answer| *answer == given[0]), "{given:?}");
    let later = keyed.ask(Method::POST, "/v1/messages/batch", batch.to_string()).await.expect(202);
    assert_eq!(later, given[0]);
    for result in later["results"].as_array().unwrap() {
        house.acme().await_status(result["accepted"]["id"].as_str().unwrap(), "delivered").await;
    }
    assert_eq!(carrier.texts_at(PHONE).await, ["a", "b"]);
}
