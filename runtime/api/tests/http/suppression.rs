//! Suppression lists are imported whole or not at all, counted at once, shown, asked and taken away.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::house::{House, OURS, THEIRS};

async fn import(house: &House, name: &str, query: &str, csv: &str) -> Answer {
    let bearer = format!("Bearer {}", house.key);
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "text/csv")];
    house.client().await.ask("PUT", &format!("/v1/suppression/{name}?{query}"), &headers, csv.as_bytes()).await
}

fn said(kind: &str) -> String {
    format!("kind={kind}&source=a%20test&fetched_at=2026-11-30T00:00:00Z")
}

async fn send(house: &House) -> Answer {
    let message = json!({ "from": OURS, "to": THEIRS, "text": "hello" });
    house.ask("POST", "/v1/messages", Some(&message)).await
}

fn told(answer: &Answer) -> Value {
    answer.problem("request.invalid")["errors"][0].clone()
}

#[tokio::test]
async fn whoever_is_on_an_own_list_gets_nothing_until_the_list_is_gone() {
    let house = House::open().await;
    assert_eq!(send(&house).await.status, 202);
    let bad = import(&house, "internal", &said("own"), "number\n+15550199001\nnobody\n").await;
    assert_eq!(told(&bad)["field"], "line 3 number");
    assert_eq!(send(&house).await.status, 202, "nothing of it counts");
    let made = import(&house, "internal", &said("own"), "number\n+15550199001\n+15550199002\n").await;
    assert_eq!(
        (made.status, &made.json()["numbers"], &made.json()["stale"]),
        (200, &json!(2), &json!(false)),
        "{made:?}"
    );
    let refused = send(&house).await;
    let reason = &refused.problem("policy.refused")["decision"]["reasons"][0];
    assert_eq!(reason["rule"], "consent.suppressed");
    let check = house.ask("GET", "/v1/suppression-checks/%2B15550199001", None).await.json();
    assert_eq!((&check["lists"][0]["name"], &check["lists"][0]["on"]), (&json!("internal"), &json!(true)));
    // The file is the whole list.
    import(&house, "internal", &said("own"), "number\n+15550199002\n").await;
    assert_eq!(send(&house).await.status, 202);
    import(&house, "internal", &said("own"), "number\n+15550199001\n").await;
    assert_eq!(house.ask("DELETE", "/v1/suppression/internal", None).await.status, 204);
    house.ask("DELETE", "/v1/suppression/internal", None).await.problem("list.unknown");
    house.ask("GET", "/v1/suppression/internal", None).await.problem("list.unknown");
    assert_eq!(send(&house).await.status, 202);
}

#[tokio::test]
async fn a_list_says_how_old_it_is_and_is_nobody_elses() {
    let house = House::open().await;
    import(&house, "national", &format!("{}&covers=555,212", said("dnc")), "555,0199001\n").await;
    let shown = house.ask("GET", "/v1/suppression/national", None).await.json();
    assert_eq!(shown["covers"], "212,555");
    assert_eq!((&shown["stale_from"], &shown["stale"]), (&json!("2026-12-31T00:00:00.000000Z"), &json!(false)));
    house.clock.advance(std::time::Duration::from_secs(30 * 86_400));
    let listed = house.ask("GET", "/v1/suppression", None).await.json();
    assert_eq!((&listed["lists"][0]["name"], &listed["lists"][0]["stale"]), (&json!("national"), &json!(true)));
    let stranger = house.ask_with(&house.stranger, &[], "GET", "/v1/suppression", None).await.json();
    assert_eq!(stranger["lists"], json!([]));
}

#[tokio::test]
async fn what_is_wrong_with_a_list_is_told() {
    let house = House::open().await;
    let good = "number\n+15550199001\n";
    for (query, field) in [
        ("kind=dnc&source=x", "fetched_at"),
        ("source=x&fetched_at=2026-11-30T00:00:00Z", "kind"),
        ("kind=dnc&fetched_at=2026-11-30T00:00:00Z", "source"),
        ("kind=none&source=x&fetched_at=2026-11-30T00:00:00Z", "kind"),
        ("kind=dnc&source=x&fetched_at=2026-11-30T00:00:00Z", "covers"),
        ("kind=dnc&source=x&fetched_at=2026-11-30T00:00:00Z&covers=all,201", "covers"),
        ("kind=own&source=x&fetched_at=2026-11-30T00:00:00Z&covers=all", "covers"),
    ] {
        let answer = import(&house, "a", query, good).await;
        assert_eq!(answer.problem("query.invalid")["errors"][0]["field"], field, "{query}");
    }
    assert_eq!(told(&import(&house, "A", &said("own"), good).await)["field"], "name");
    assert_eq!(told(&import(&house, "a", &format!("{}&for=all", said("own")), good).await)["code"], "list.not_yours");
    let later = said("own").replace("2026-11-30", "2026-12-02");
    assert_eq!(told(&import(&house, "a", &later, good).await)["code"], "list.times");
    assert_eq!(import(&house, "a", &said("own"), good).await.status, 200);
    assert_eq!(told(&import(&house, "a", &format!("{}&covers=all", said("dnc")), good).await)["code"], "name.taken");
    let older = said("own").replace("2026-11-30", "2026-11-29");
    assert_eq!(told(&import(&house, "a", &older, good).await)["code"], "list.older");
    house.ask("PUT", &format!("/v1/suppression/a?{}", said("own")), Some(&json!({}))).await.problem("body.type");
}
