//! Messages are read one by one, with their timelines, and page by page.

use serde_json::{Value, json};

use crate::house::{House, OURS, THEIRS};

async fn send(house: &House, to: &str, text: &str) -> String {
    let body = json!({"from": OURS, "to": to, "text": text, "send_at": "2026-12-02T09:00:00Z"});
    let answer = house.ask("POST", "/v1/messages", Some(&body)).await;
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn ids(page: &Value) -> Vec<String> {
    page["messages"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_timeline_tells_what_happened_from_the_first_line() {
    let house = House::open().await;
    let id = send(&house, THEIRS, "hi").await;
    let answer = house.ask("GET", &format!("/v1/messages/{id}/timeline"), None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    assert_eq!(body["message"]["id"], id);
    assert_eq!(body["entries"][0]["n"], 0);
    assert_eq!(body["entries"][0]["status"], "accepted");
    assert_eq!(body["entries"][0]["cause"]["kind"], "accepted");
    assert_eq!(body["deliveries"], json!([]));
}

#[tokio::test]
async fn what_isnt_an_id_is_a_message_that_isnt_there() {
    let house = House::open().await;
    for id in ["x", "msg_", "evt_00000000000000000000000000", "msg_0000000000000000000000000!", "%20"] {
        let answer = house.ask("GET", &format!("/v1/messages/{id}"), None).await;
        assert_eq!(answer.status, 404, "{id}");
        answer.problem("message.unknown");
    }
}

#[tokio::test]
async fn pages_follow_one_another_newest_first_without_a_gap() {
    let house = House::open().await;
    let mut sent = Vec::new();
    for i in 0..7 {
        house.clock.advance(std::time::Duration::from_millis(10));
        sent.push(send(&house, &format!("+155501990{i:02}"), "hi").await);
    }
    sent.reverse();
    let mut seen = Vec::new();
    let mut path = "/v1/messages?limit=3".to_owned();
    loop {
        let page = house.ask("GET", &path, None).await.json();
        seen.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/messages?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, sent);
}

#[tokio::test]
async fn a_listing_is_narrowed_by_its_parameters() {
    let house = House::open().await;
    let one = send(&house, "+15550199001", "hi").await;
    house.clock.advance(std::time::Duration::from_secs(60));
    let two = send(&house, "+15550199002", "hi").await;
    let all = [&two, &one];
    let cases: [(&str, &[&String]); 8] = [
        ("to=%2B15550199001", &[&one]),
        ("to=+15550199001", &[&one]),
        ("from=+15550100001&to=+15550199002", &[&two]),
        ("from=+15550199001", &[]),
        ("direction=inbound", &[]),
        ("direction=outbound", &all),
        ("after=2026-12-01T12:00:30Z", &[&two]),
        ("before=2026-12-01T12:00:30Z", &[&one]),
    ];
    for (query, expected) in cases {
        let page = house.ask("GET", &format!("/v1/messages?{query}"), None).await;
        assert_eq!(ids(&page.json()).iter().collect::<Vec<_>>(), expected, "{query}");
    }
}

#[tokio::test]
async fn parameters_that_cant_be_used_are_told_by_name() {
    let house = House::open().await;
    let cases = [
        ("limit=0", "limit", "parameter.malformed"),
        ("limit=1001", "limit", "parameter.malformed"),
        ("status=gone", "status", "parameter.malformed"),
        ("stauts=sent", "stauts", "parameter.unknown"),
        ("to=%FF%FE", "to", "parameter.malformed"),
        ("after=yesterday", "after", "parameter.malformed"),
        ("cursor=zzz", "cursor", "parameter.malformed"),
        ("direction=in&direction=in", "direction", "parameter.malformed"),
    ];
    for (query, field, code) in cases {
        let answer = house.ask("GET", &format!("/v1/messages?{query}"), None).await;
        assert_eq!(answer.status, 400, "{query}");
        let problem = answer.problem("query.invalid");
        assert_eq!((&problem["errors"][0]["field"], &problem["errors"][0]["code"]), (&json!(field), &json!(code)));
    }
}

#[tokio::test]
async fn a_cursor_of_another_listing_is_refused() {
    let house = House::open().await;
    for i in 0..3 {
        send(&house, &format!("+155501990{i:02}"), "hi").await;
    }
    let cursor = house.ask("GET", "/v1/messages?limit=1", None).await.json()["next_cursor"].clone();
    let path = format!("/v1/messages?status=held&cursor={}", cursor.as_str().unwrap());
    let problem = house.ask("GET", &path, None).await.problem("query.invalid");
    assert_eq!(problem["errors"][0]["field"], "cursor");
}
