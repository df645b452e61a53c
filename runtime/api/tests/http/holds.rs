//! Legal holds over HTTP: who places and releases them, and that both are logged.

use serde_json::{Value, json};
use signalbox_api::{Config, OperatorKey};
use signalbox_store::memory::{self, MemoryStore};

use crate::client::Answer;
use crate::house::{House, OURS, THEIRS};

const OPERATOR: &str = "an-operators-key-of-enough-characters-of-chance";

async fn place(house: &House, body: Value) -> Answer {
    house.ask("POST", "/v1/holds", Some(&body)).await
}

#[tokio::test]
async fn a_hold_is_placed_listed_and_released() {
    let house = House::open().await;
    let placed = place(&house, json!({ "on": "contact", "number": THEIRS, "why": "Doe v. Acme" })).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let hold = placed.json();
    assert!(house.handle.holds().on_person(&"acme".parse().unwrap(), &THEIRS.parse().unwrap()).is_some());
    let other = json!({ "on": "conversation", "number": THEIRS, "sender": OURS, "why": "Doe v. Acme" });
    place(&house, other).await;
    let path = format!("/v1/holds/{}/release", hold["id"].as_str().unwrap());
    let released = house.ask("POST", &path, Some(&json!({ "why": "settled" }))).await;
    assert_eq!((released.status, &released.json()["released"]["why"]), (200, &json!("settled")));
    let all = house.ask("GET", "/v1/holds", None).await.json();
    let all: Vec<_> =
        all["holds"].as_array().unwrap().iter().map(|hold| (&hold["on"], hold["released"].is_null())).collect();
    assert_eq!(all, [(&json!("conversation"), true), (&json!("contact"), false)]);
    let again = house.ask("POST", &path, Some(&json!({ "why": "settled" }))).await;
    assert_eq!(again.problem("hold.fast")["status"], 409);
}

#[tokio::test]
async fn a_hold_says_exactly_what_it_is_on_and_why() {
    let house = House::open().await;
    for (body, field) in [
        (json!({ "on": "contact", "why": "x" }), "number"),
        (json!({ "on": "conversation", "number": THEIRS, "why": "x" }), "sender"),
        (json!({ "on": "tenant", "number": THEIRS, "why": "x" }), "number"),
        (json!({ "on": "contact", "number": "+1", "why": "x" }), "number"),
        (json!({ "on": "everything", "why": "x" }), "on"),
        (json!({ "on": "tenant", "why": " " }), "why"),
    ] {
        let refused = place(&house, body.clone()).await;
        assert_eq!(refused.problem("request.invalid")["errors"][0]["field"], field, "{body}");
    }
    assert!(house.handle.holds().is_empty());
}

#[tokio::test]
async fn what_the_operator_holds_only_the_operator_releases() {
    let config = Config { operator_key: OperatorKey::new(OPERATOR), ..Config::default() };
    let house = House::with(config, MemoryStore::new(memory::Config::default())).await;
    let body = json!({ "on": "tenant", "why": "subpoena" });
    let placed = house.ask_with(OPERATOR, &[], "POST", "/v1/holds?tenant=acme", Some(&body)).await;
    assert_eq!((placed.status, &placed.json()["placed_by"]), (201, &json!("operator")));
    let path = format!("/v1/holds/{}/release", placed.json()["id"].as_str().unwrap());
    let why = json!({ "why": "we would rather not" });
    house.ask("POST", &path, Some(&why)).await.problem("hold.fast");
    house.ask_with(&house.stranger, &[], "POST", &path, Some(&why)).await.problem("hold.unknown");
    let released = house.ask_with(OPERATOR, &[], "POST", &format!("{path}?tenant=acme"), Some(&why)).await;
    assert_eq!(released.status, 200);
}

#[tokio::test]
async fn placing_and_releasing_are_in_the_audit_log() {
    let house = House::audited("none", MemoryStore::new(memory::Config::default())).await;
    let placed = place(&house, json!({ "on": "contact", "number": THEIRS, "why": "Doe v. Acme" })).await.json();
    let path = format!("/v1/holds/{}/release", placed["id"].as_str().unwrap());
    house.ask("POST", &path, Some(&json!({ "why": "settled" }))).await;
    let mut logged = Vec::new();
    for partition in 0..house.handle.partitions() {
        let page = house.ask("GET", &format!("/v1/audit/frames?partition={partition}"), None).await.json();
        assert!(!page.to_string().contains(&THEIRS[1..]), "no number is in the log");
        for frame in page["frames"].as_array().unwrap() {
            let items = frame["shown"]["items"].as_array().unwrap().iter();
            logged.extend(items.filter_map(|item| item.get("hold").cloned()));
        }
    }
    let said: Vec<_> = logged.iter().map(|hold| (&hold["placed"], &hold["why"], &hold["hold"])).collect();
    let id = &placed["id"];
    assert_eq!(said, [(&json!(true), &json!("Doe v. Acme"), id), (&json!(false), &json!("settled"), id)]);
    assert!(logged[0]["person"].is_string());
}
