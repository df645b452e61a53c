//! Webhooks are set up; their secrets are shown once.

use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn a_secret_that_is_made_here_is_shown_once() {
    let house = House::open().await;
    let body = json!({"url": "https://hooks.example/in", "events": ["message.*"]});
    let made = house.ask("PUT", "/v1/webhooks/main", Some(&body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"));
    let changed = house.ask("PUT", "/v1/webhooks/main", Some(&body)).await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json().get("secret"), None);
    let listed = house.ask("GET", "/v1/webhooks", None).await;
    assert_eq!(listed.json()["webhooks"][0]["name"], "main");
    assert!(!String::from_utf8(listed.body).unwrap().contains("whsec_"));
    assert_eq!(house.handle.webhooks(&crate::house::name("acme"))[0].secret, secret);
}

#[tokio::test]
async fn a_webhook_that_cant_be_used_is_refused_by_its_field() {
    let house = House::open().await;
    let cases = [
        ("main", json!({"url": "ftp://x", "events": ["message.*"]}), "url"),
        ("main", json!({"url": "https://x.example", "events": []}), "events"),
        ("main", json!({"url": "https://x.example", "events": ["message.lost"]}), "events"),
        ("main", json!({"url": "https://x.example", "events": ["message.*"], "secret": "hush"}), "secret"),
        ("Main", json!({"url": "https://x.example", "events": ["message.*"]}), "name"),
    ];
    for (name, body, field) in cases {
        let answer = house.ask("PUT", &format!("/v1/webhooks/{name}"), Some(&body)).await;
        assert_eq!(answer.status, 422, "{body}");
        let problem = answer.problem("request.invalid");
        assert_eq!(problem["errors"][0]["field"], field);
        assert!(!problem.to_string().contains("hush"), "{problem}");
    }
}

#[tokio::test]
async fn the_secret_of_callbacks_can_be_read_by_its_tenant() {
    let house = House::open().await;
    let ours = house.ask("GET", "/v1/callback-secret", None).await.json();
    assert!(ours["secret"].as_str().unwrap().starts_with("whsec_"));
    let theirs = house.ask_with(&house.stranger, &[], "GET", "/v1/callback-secret", None).await.json();
    assert_ne!(ours, theirs);
}
