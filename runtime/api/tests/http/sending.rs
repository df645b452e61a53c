//! Messages are accepted, refused with reasons, explained and taken back.

use serde_json::{Value, json};
use signalbox_api::Config;
use signalbox_engine as engine;
use signalbox_store::memory::{self, Crash, MemoryStore, Moment};

use crate::house::{House, OURS, THEIRS};

fn message(text: &str) -> Value {
    json!({"from": OURS, "to": THEIRS, "text": text})
}

#[tokio::test]
async fn a_message_is_accepted_with_its_encoding_and_segments() {
    let house = House::open().await;
    let answer = house.ask("POST", "/v1/messages", Some(&message("It\u{2019}s ready."))).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = answer.json();
    assert!(body["id"].as_str().unwrap().starts_with("msg_"), "{body}");
    let rest = json!({"id": body["id"], "status": "accepted", "encoding": "gsm7", "segments": 1, "folded": 1});
    assert_eq!(body, rest);
    let plain = house.ask("POST", "/v1/messages", Some(&message("ready"))).await.json();
    assert_eq!(plain.get("folded"), None);
}

#[tokio::test]
async fn all_fields_of_a_message_are_taken() {
    let house = House::open().await;
    let body = json!({
        "from": OURS, "to": THEIRS, "text": "“Hi”", "media_urls": [], "campaign": "spring", "category": "otp",
        "send_at": "2026-12-02T09:00:00Z", "valid_for": 600, "tags": ["a", "b"], "callback_url": null, "exact": true,
    });
    let answer = house.ask("POST", "/v1/messages", Some(&body)).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.json()["encoding"], "ucs2");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let kept = house.ask("GET", &format!("/v1/messages/{id}"), None).await.json();
    assert_eq!(kept["category"], "otp");
    assert_eq!(kept["tags"], json!(["a", "b"]));
    assert_eq!(kept["send_at"], "2026-12-02T09:00:00.000000Z");
}

#[tokio::test]
async fn fields_that_cant_be_used_are_told_all_at_once() {
    let house = House::open().await;
    let body = json!({"from": "12", "to": "+1 415 555 0123", "text": "", "send_at": "tomorrow", "valid_for": 0});
    let answer = house.ask("POST", "/v1/messages", Some(&body)).await;
    assert_eq!(answer.status, 422);
    let problem = answer.problem("request.invalid");
    let mut fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
    fields.sort_by_key(ToString::to_string);
    assert_eq!(fields, ["from", "send_at", "text", "to", "valid_for"]);
    assert_eq!(problem["retryable"], false);
    assert!(!problem.to_string().contains("555 0123"), "{problem}");
}

#[tokio::test]
async fn a_text_that_is_too_long_is_told_by_its_limit() {
    let house = House::open().await;
    let answer = house.ask("POST", "/v1/messages", Some(&message(&"x".repeat(2_000)))).await;
    let problem = answer.problem("request.invalid");
    assert_eq!(problem["errors"][0]["code"], "text.too_long");
    assert!(!problem.to_string().contains("xxx"));
}

#[tokio::test]
async fn the_same_key_and_body_give_the_same_answer_and_another_body_is_refused() {
    let house = House::open().await;
    let key = [("Idempotency-Key", "order-17")];
    let send = async |text: &str| house.ask_with(&house.key, &key, "POST", "/v1/messages", Some(&message(text))).await;
    let (first, again) = (send("one").await, send("one").await);
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.json()["id"], again.json()["id"]);
    let other = send("two").await;
    assert_eq!(other.status, 422);
    other.problem("idempotency.reused");
    let listed = house.ask("GET", "/v1/messages", None).await.json();
    assert_eq!(listed["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_idempotency_key_that_is_none_is_refused() {
    let house = House::open().await;
    for key in [String::new(), "k".repeat(256)] {
        let headers = [("Idempotency-Key", key.as_str())];
        let answer = house.ask_with(&house.key, &headers, "POST", "/v1/messages", Some(&message("x"))).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.problem("header.invalid")["errors"][0]["field"], "Idempotency-Key");
    }
}

#[tokio::test]
async fn a_batch_answers_for_each_message_in_order() {
    let house = House::open().await;
    let body = json!({"messages": [
        message("one"), {"from": OURS, "to": "x!"}, {"from": OURS, "too": THEIRS}, message("four"),
    ]});
    let answer = house.ask("POST", "/v1/messages/batch", Some(&body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    assert_eq!((&body["accepted"], &body["refused"]), (&json!(2), &json!(2)));
    let results = body["results"].as_array().unwrap();
    assert_eq!(results[0]["accepted"]["status"], "accepted");
    assert_eq!(results[1]["problem"]["code"], "request.invalid");
    assert_eq!(results[2]["problem"]["errors"][0]["detail"], "`too` is no field here; did you mean `to`?");
    assert_eq!(results[3]["accepted"]["segments"], 1);
}

#[tokio::test]
async fn a_batch_without_a_fault_is_accepted_whole_and_keeps_its_order() {
    let house = House::open().await;
    let texts: Vec<_> = (0..1_000).map(|i| format!("message {i}")).collect();
    let messages: Vec<_> = texts.iter().map(|text| message(text)).collect();
    let answer = house.ask("POST", "/v1/messages/batch", Some(&json!({"messages": messages}))).await;
    assert_eq!(answer.status, 202);
    let body = answer.json();
    assert_eq!(body["results"].as_array().unwrap().len(), 1_000);
    for place in [0, 499, 999] {
        let id = body["results"][place]["accepted"]["id"].as_str().unwrap();
        assert_eq!(house.ask("GET", &format!("/v1/messages/{id}"), None).await.json()["text"], texts[place]);
    }
}

#[tokio::test]
async fn a_batch_of_none_or_too_many_is_refused() {
    let house = House::open().await;
    for count in [0, 1_001] {
        let body = json!({"messages": vec![json!({"from": "1", "to": "2"}); count]});
        let answer = house.ask("POST", "/v1/messages/batch", Some(&body)).await;
        assert_eq!(answer.status, 422);
        assert_eq!(answer.problem("request.invalid")["errors"][0]["code"], "batch.size");
    }
}

#[tokio::test]
async fn what_policy_refuses_is_told_with_rule_and_remedy_and_is_on_record() {
    let house = House::open().await;
    house.hears("STOP").await;
    let answer = house.ask("POST", "/v1/messages", Some(&message("Buy!"))).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    let problem = answer.problem("policy.refused");
    assert_eq!(problem["decision"]["verdict"], "deny");
    let reason = &problem["decision"]["reasons"][0];
    for part in ["rule", "cite", "explain", "fix", "class"] {
        assert!(reason[part].as_str().is_some_and(|text| !text.is_empty()), "{part} of {reason}");
    }
    assert_eq!(reason["class"], "consent.opted_out");
    let id = problem["message_id"].as_str().unwrap();
    assert_eq!(house.ask("GET", &format!("/v1/messages/{id}"), None).await.json()["status"], "rejected");
}

#[tokio::test]
async fn an_explanation_sends_nothing() {
    let house = House::open().await;
    let answer = house.ask("POST", "/v1/messages/explain", Some(&message(&"“x” ".repeat(100)))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    assert_eq!((&body["encoding"], &body["segments"], &body["units"]), (&json!("gsm7"), &json!(3), &json!(400)));
    assert_eq!(body["decision"]["verdict"], "allow");
    assert_eq!(body["folded"].as_array().unwrap().len(), 2);
    assert_eq!(body["route"], json!(["test"]), "{body}");
    let strangers = json!({"from": "+15550100077", "to": THEIRS, "text": "x"});
    let body = house.ask("POST", "/v1/messages/explain", Some(&strangers)).await.json();
    assert!(body["no_route"].is_string(), "{body}");
    assert_eq!(house.ask("GET", "/v1/messages", None).await.json()["messages"], json!([]));
}

#[tokio::test]
async fn a_held_message_can_be_taken_back_once() {
    let house = House::open().await;
    let mut body = message("later");
    body["send_at"] = json!("2026-12-02T09:00:00Z");
    let id = house.ask("POST", "/v1/messages", Some(&body)).await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/messages/{id}/cancel");
    let answer = house.ask("POST", &path, None).await;
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("canceled")), "{answer:?}");
    let again = house.ask("POST", &path, None).await;
    assert_eq!(again.status, 409);
    again.problem("message.too_late");
    let none = house.ask("POST", "/v1/messages/msg_00000000000000000000000000/cancel", None).await;
    assert_eq!(none.status, 404);
    none.problem("message.unknown");
}

#[tokio::test]
async fn only_a_message_in_doubt_can_be_decided_on() {
    let house = House::open().await;
    let mut body = message("later");
    body["send_at"] = json!("2026-12-02T09:00:00Z");
    let id = house.ask("POST", "/v1/messages", Some(&body)).await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/messages/{id}/resolve");
    let certain = house.ask("POST", &path, Some(&json!({ "outcome": "resend" }))).await;
    assert_eq!(certain.status, 409, "{certain:?}");
    let detail = certain.problem("message.not_in_doubt")["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("is held, not in_doubt"), "{detail}");
    let wrong = house.ask("POST", &path, Some(&json!({ "outcome": "perhaps" }))).await;
    assert_eq!(wrong.problem("request.malformed")["errors"][0]["field"], "outcome", "{wrong:?}");
    let path = "/v1/messages/msg_00000000000000000000000000/resolve";
    let none = house.ask("POST", path, Some(&json!({ "outcome": "failed" }))).await;
    assert_eq!(none.status, 404);
    none.problem("message.unknown");
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back() {
    let store = MemoryStore::new(memory::Config::default());
    let limits = engine::Config { max_waiting: 0, ..engine::Config::default() };
    let house = House::limited(Config::default(), limits, store).await;
    let answer = house.ask("POST", "/v1/messages", Some(&message("x"))).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.problem("limit.queue")["retryable"], true);
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn a_store_that_fails_is_a_503_that_says_to_try_again() {
    let crash = Crash { boundary: 100, moment: Moment::BeforeDurable };
    let house = House::with(Config::default(), MemoryStore::crashing(memory::Config::default(), crash)).await;
    for _ in 0..200 {
        let answer = house.ask("POST", "/v1/messages", Some(&message("x"))).await;
        if answer.status != 202 {
            assert_eq!(answer.status, 503, "{answer:?}");
            // The path stops for good when its store has failed; which of the two this request met is chance.
            let code = answer.json()["code"].as_str().unwrap().to_owned();
            assert!(["store.unavailable", "draining"].contains(&code.as_str()), "{code}");
            assert_eq!(answer.problem(&code)["retryable"], true);
            return;
        }
    }
    panic!("the store never failed");
}
