//! Erasure over HTTP: what it says it did, and that a legal hold wins.

use serde_json::json;

use crate::house::{House, OURS, THEIRS};

#[tokio::test]
async fn a_person_is_erased_unless_they_are_on_hold() {
    let house = House::open().await;
    let message = json!({ "from": OURS, "to": THEIRS, "text": "hello" });
    let sent = house.ask("POST", "/v1/messages", Some(&message)).await.json();
    let path = format!("/v1/messages/{}", sent["id"].as_str().unwrap());
    let whom = json!({ "number": THEIRS });
    let hold = json!({ "on": "contact", "number": THEIRS, "why": "Doe v. Acme" });
    let hold = house.ask("POST", "/v1/holds", Some(&hold)).await.json();
    let refused = house.ask("POST", "/v1/erasures", Some(&whom)).await;
    let problem = refused.problem("hold.covers");
    assert!(problem["detail"].as_str().unwrap().contains(hold["id"].as_str().unwrap()), "{problem}");
    let shown = house.ask("GET", &path, None).await.json();
    assert_eq!((&shown["text"], shown["body_erased"] == true), (&json!("hello"), false));

    let release = format!("/v1/holds/{}/release", hold["id"].as_str().unwrap());
    house.ask("POST", &release, Some(&json!({ "why": "settled" }))).await;
    let bearer = format!("Bearer {}", house.key);
    let csv = [("Authorization", bearer.as_str()), ("Content-Type", "text/csv")];
    let list = "/v1/suppression/internal?kind=own&source=shop&fetched_at=2026-11-30T00:00:00Z";
    let put = house.client().await.ask("PUT", list, &csv, format!("number\n{THEIRS}\n").as_bytes()).await;
    assert_eq!(put.status, 200, "{put:?}");
    let erased = house.ask("POST", "/v1/erasures", Some(&whom)).await;
    assert_eq!((erased.status, &erased.json()["messages"]), (200, &json!(1)), "{erased:?}");
    assert_eq!(erased.json()["number_hidden"], json!(false), "there is no key here");
    assert_eq!(house.ask("GET", &path, None).await.json()["body_erased"], json!(true));
    assert_eq!(
        erased.json()["on_lists"],
        json!(["internal"]),
        "a list of the tenant's own keeps the number, and that is said"
    );
    let again = house.ask("POST", "/v1/erasures", Some(&whom)).await;
    assert_eq!((again.status, &again.json()["messages"]), (200, &json!(0)));
    let nobody = house.ask("POST", "/v1/erasures", Some(&json!({ "number": "+1" }))).await;
    assert_eq!(nobody.problem("request.invalid")["errors"][0]["field"], "number");
}
