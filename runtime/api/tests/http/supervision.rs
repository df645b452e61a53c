//! A supervisor's queue, over HTTP. What it holds is the path's; without a plan it is empty.

use serde_json::json;

use crate::house::{House, OURS, THEIRS};

#[tokio::test]
async fn a_queue_is_listed_and_what_isn_t_in_it_can_t_be_decided_on() {
    let house = House::open().await;
    let queue = house.ask("GET", "/v1/supervision", None).await;
    assert_eq!((queue.status, queue.json()), (200, json!({"waiting": []})));
    let body = json!({"from": OURS, "to": THEIRS, "text": "hi", "send_at": "2026-12-02T09:00:00Z"});
    let id = house.ask("POST", "/v1/messages", Some(&body)).await.json()["id"].as_str().unwrap().to_owned();
    let decide = async |how: &str, id: &str, why: &str| {
        house.ask("POST", &format!("/v1/supervision/{id}/{how}"), Some(&json!({ "why": why }))).await
    };
    for how in ["approve", "reject"] {
        decide(how, &id, "it is fine").await.problem("message.unknown");
        decide(how, "msg_none", "it is fine").await.problem("message.unknown");
        let refused = decide(how, &id, "").await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["field"]), (422, &json!("why")), "{refused:?}");
    }
}
