//! What people allow is put on the ledger, shown, and imported whole or not at all.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::house::{House, OURS, THEIRS};

const WHO: &str = "%2B15550199001";

async fn import(house: &House, name: &str, csv: &str) -> Answer {
    let bearer = format!("Bearer {}", house.key);
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "text/csv")];
    house.client().await.ask("PUT", &format!("/v1/consent-imports/{name}"), &headers, csv.as_bytes()).await
}

fn path() -> String {
    format!("/v1/consents/{}", THEIRS.replace('+', "%2B"))
}

#[tokio::test]
async fn a_word_is_put_on_the_ledger_and_a_later_stop_stands_beside_it() {
    let house = House::open().await;
    let given = json!({
        "sender": OURS, "consent": "express_written", "at": "2026-10-01T09:00:00Z", "method": "web form", "proof": "form 7",
    });
    let put = house.ask("PUT", &path(), Some(&given)).await;
    assert_eq!(put.status, 200, "{put:?}");
    assert_eq!(put.json()["consent"], "express_written");
    house.hears("Please stop texting me").await;
    let shown = house.ask("GET", &path(), None).await.json();
    let consent = &shown["consents"][0];
    assert_eq!((&consent["consent"], &consent["granted"]["proof"]), (&json!("none"), &json!("form 7")));
    let by = &consent["revoked"][0]["by"];
    assert_eq!((&by["kind"], &by["what"]), (&json!("keyword"), &json!("stop texting me")));
    assert!(by["message_id"].as_str().unwrap().starts_with("msg_"));
    let old = json!({ "sender": OURS, "consent": "express", "at": "2026-11-01T09:00:00Z", "method": "shop" });
    assert_eq!(house.ask("PUT", &path(), Some(&old)).await.json()["consent"], "none", "it is older than the stop");
    let history = house.ask("GET", &format!("{}/history?sender={}", path(), OURS.replace('+', "%2B")), None).await;
    let history = history.json();
    assert_eq!(history["history"].as_array().unwrap().len(), 3, "{history}");
    assert!(history["history"][0]["revoked"].is_object());
    let stranger = house.ask_with(&house.stranger, &[], "GET", "/v1/consents", None).await.json();
    assert_eq!(stranger["consents"], json!([]));
}

#[tokio::test]
async fn what_is_wrong_with_a_consent_is_told_by_its_field() {
    let house = House::open().await;
    let cases: [(Value, &str); 7] = [
        (json!({ "consent": "express", "method": "web" }), "sender"),
        (json!({ "sender": "+15550000000", "consent": "express", "method": "web" }), "sender"),
        (json!({ "sender": OURS, "consent": "express" }), "method"),
        (json!({ "sender": OURS, "consent": "express", "method": "web", "at": "2031-01-01T00:00:00Z" }), "at"),
        (json!({ "sender": OURS, "consent": "express", "method": "web", "at": "soon" }), "at"),
        (json!({ "sender": OURS, "consent": "revoked", "reach": "category" }), "category"),
        (json!({ "sender": OURS, "consent": "express", "method": "web", "reach": "all" }), "reach"),
    ];
    for (body, field) in cases {
        let answer = house.ask("PUT", &path(), Some(&body)).await;
        assert_eq!(answer.problem("request.invalid")["errors"][0]["field"], field, "{body}");
    }
    assert_eq!(house.ask("GET", &path(), None).await.json()["consents"], json!([]));
    let history = house.ask("GET", &format!("{}/history", path()), None).await;
    assert_eq!(history.problem("query.invalid")["errors"][0]["field"], "sender");
}

#[tokio::test]
async fn a_file_is_imported_whole_or_every_wrong_line_is_told() {
    let house = House::open().await;
    let header = "number,sender,consent,at,method,reach\n";
    let good = format!(
        "{header}{THEIRS},{OURS},express,2026-01-01T00:00:00Z,paper,\n\
                        +15550199002,{OURS},revoked,2026-01-02T00:00:00Z,,all\n"
    );
    let bad = format!("{good}+15550199003,{OURS},perhaps,2026-01-02T00:00:00Z,,\nx,{OURS},revoked,never,,\n");
    let refused = import(&house, "old-list", &bad).await;
    let problem = refused.problem("request.invalid");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["line 4 consent", "line 5 number", "line 5 at"]);
    assert_eq!(house.ask("GET", "/v1/consents", None).await.json()["consents"], json!([]));
    assert_eq!(house.ask("GET", "/v1/consent-imports/old-list", None).await.problem("import.unknown")["status"], 404);

    let made = import(&house, "old-list", &good).await;
    assert_eq!((made.status, &made.json()["changes"]), (201, &json!(2)), "{made:?}");
    assert_eq!(import(&house, "old-list", &good).await.status, 200);
    let changed = import(&house, "old-list", &good.replace("paper", "web")).await;
    assert_eq!(changed.problem("request.invalid")["errors"][0]["code"], "name.taken");
    let shown = house.ask("GET", "/v1/consent-imports/old-list", None).await.json();
    assert_eq!((&shown["written"], shown["completed_at"].is_string()), (&json!(2), true));

    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = house.ask("GET", &format!("/v1/consents?limit=1{cursor}"), None).await.json();
        all.extend(page["consents"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(all.len(), 2, "{all:?}");
    let send = json!({ "from": OURS, "to": "+15550199002", "text": "hello" });
    house.ask("POST", "/v1/messages", Some(&send)).await.problem("policy.refused");
    assert_eq!(import(&house, "Old%20List", &good).await.problem("request.invalid")["errors"][0]["field"], "name");
    let json = house.ask("PUT", "/v1/consent-imports/other", Some(&json!({}))).await;
    json.problem("body.type");
    let bad_cursor = house.ask("GET", "/v1/consents?cursor=zz", None).await;
    assert_eq!(bad_cursor.problem("query.invalid")["errors"][0]["field"], "cursor");
    assert_eq!(house.ask("GET", &format!("/v1/consents/{WHO}"), None).await.status, 200);
}
