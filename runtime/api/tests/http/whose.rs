//! Who asks, and what is whose.

use serde_json::json;

use crate::house::{House, OURS, THEIRS};

#[tokio::test]
async fn a_request_without_a_key_is_told_how_to_send_one() {
    let house = House::open().await;
    let answer = house.client().await.ask("GET", "/v1/messages", &[], b"").await;
    assert_eq!(answer.status, 401);
    assert!(answer.problem("auth.missing")["detail"].as_str().unwrap().contains("Bearer sb_"));
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"signalbox\""));
}

#[tokio::test]
async fn what_isnt_a_known_key_is_refused_alike() {
    let house = House::open().await;
    let mut wrong_secret = house.key.clone();
    let last = if wrong_secret.pop() == Some('0') { '1' } else { '0' };
    wrong_secret.push(last);
    let tokens = [wrong_secret.as_str(), "sb_x_y", "", "sb_00000000000000000000000000_secret", "é"];
    let headers = tokens.map(|token| format!("Bearer {token}"));
    for header in headers.iter().map(String::as_str).chain(["Basic dXNlcjpwYXNz", "Bearer", house.key.as_str()]) {
        let answer = house.client().await.ask("GET", "/v1/messages", &[("Authorization", header)], b"").await;
        assert_eq!(answer.status, 401, "{header}");
        let problem = answer.problem("auth.invalid");
        assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"));
        assert!(!problem.to_string().contains("sb_x_y"));
    }
}

#[tokio::test]
async fn the_scheme_is_read_in_any_letters() {
    let house = House::open().await;
    let header = format!("bearer {}", house.key);
    let answer = house.client().await.ask("GET", "/v1/messages", &[("authorization", &header)], b"").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn nothing_of_another_tenant_can_be_seen_or_touched() {
    let house = House::open().await;
    let body = json!({"from": OURS, "to": THEIRS, "text": "hi", "send_at": "2026-12-02T09:00:00Z"});
    let id = house.ask("POST", "/v1/messages", Some(&body)).await.json()["id"].as_str().unwrap().to_owned();
    let as_stranger = async |method, path: &str, body| house.ask_with(&house.stranger, &[], method, path, body).await;
    for (method, path) in [("GET", ""), ("GET", "/timeline"), ("POST", "/cancel")] {
        let answer = as_stranger(method, &format!("/v1/messages/{id}{path}"), None).await;
        assert_eq!(answer.status, 404, "{method} {path}");
        answer.problem("message.unknown");
    }
    assert_eq!(as_stranger("GET", "/v1/messages", None).await.json()["messages"], json!([]));
    let bound = as_stranger("PUT", &format!("/v1/bindings/{OURS}"), Some(&json!({"handler": "x"}))).await;
    assert_eq!(bound.status, 404);
    bound.problem("number.unknown");
    assert_eq!(house.ask("GET", &format!("/v1/messages/{id}"), None).await.status, 200);
}
