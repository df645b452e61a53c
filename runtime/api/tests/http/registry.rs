//! Brands, campaigns and numbers are registered, imported whole or not at all, and moved on by signed events alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use signalbox_api::{Config, OperatorKey};
use signalbox_store::memory::{self, MemoryStore};
use signalbox_webhooks::Signer;

use crate::client::Answer;
use crate::house::{House, OURS};

const OPERATOR: &str = "an-operators-key-of-enough-characters-of-chance";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NUMBER: &str = "/v1/registry/numbers/%2B15550100001";

async fn open() -> House {
    let config = Config {
        operator_key: OperatorKey::new(OPERATOR),
        registry_secret: Some(Signer::parse(SECRET).unwrap()),
        ..Config::default()
    };
    House::with(config, Arc::clone(&MemoryStore::new(memory::Config::default())) as _).await
}

async fn put(house: &House, path: &str, body: Value) -> Answer {
    house.ask("PUT", path, Some(&body)).await
}

async fn as_operator(house: &House, path: &str, body: Value) -> Answer {
    house.ask_with(OPERATOR, &[], "PUT", path, Some(&body)).await
}

async fn set_up(house: &House) {
    let brand = json!({ "name": "Acme", "entity": "private_profit", "tax_id": "12-3456789" });
    assert_eq!(put(house, "/v1/registry/brands/acme", brand).await.status, 201);
    let campaign = json!({ "brand": "acme", "use_case": "mixed", "sub_use_cases": ["marketing", "2fa"], "samples": ["One", "Two"] });
    assert_eq!(put(house, "/v1/registry/campaigns/promo", campaign).await.status, 201);
    assert_eq!(put(house, NUMBER, json!({ "campaign": "promo" })).await.status, 201);
}

async fn import(house: &House, kind: &str, content: &str, file: &str) -> Answer {
    let bearer = format!("Bearer {}", house.key);
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", content)];
    house.client().await.ask("POST", &format!("/v1/registry-imports/{kind}"), &headers, file.as_bytes()).await
}

/// Sends an event that was signed at this second by this secret, under a name that none had before.
async fn tell(house: &House, secret: &str, second: u64, body: &str) -> Answer {
    static TOLD: AtomicU64 = AtomicU64::new(0);
    tell_as(house, (&format!("evt_{}", TOLD.fetch_add(1, Ordering::Relaxed)), secret), second, body).await
}

async fn tell_as(house: &House, (name, secret): (&str, &str), second: u64, body: &str) -> Answer {
    let signature = Signer::parse(secret).unwrap().sign(name, second, body.as_bytes());
    let time = second.to_string();
    let headers = [("webhook-id", name), ("webhook-timestamp", &time), ("webhook-signature", &signature)];
    house.client().await.ask("POST", "/v1/registry/tcr", &headers, body.as_bytes()).await
}

fn second(house: &House) -> u64 {
    house.handle.now().as_micros() / 1_000_000
}

async fn status(house: &House) -> Value {
    house.ask("GET", "/v1/registry/campaigns/promo", None).await.json()["fields"].clone()
}

#[tokio::test]
async fn a_tenant_declares_and_only_the_operator_says_where_it_stands() {
    let house = open().await;
    set_up(&house).await;
    let refused = put(&house, "/v1/registry/campaigns/promo", json!({ "status": "active" })).await;
    assert_eq!(refused.problem("request.invalid")["errors"][0]["field"], "status");
    let path = "/v1/registry/campaigns/promo?tenant=acme";
    let active = json!({ "status": "active", "dca_complete": true, "carrier_status": "approved", "tcr_id": "CABC123" });
    let answer = as_operator(&house, path, active).await;
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("active")), "{answer:?}");
    as_operator(&house, "/v1/registry/campaigns/promo", json!({})).await.problem("query.invalid");
    put(&house, "/v1/registry/campaigns/promo?tenant=rival", json!({})).await.problem("query.invalid");
    let rival = house.ask_with(&house.stranger, &[], "GET", "/v1/registry/campaigns/promo", None).await;
    rival.problem("registration.unknown");
    let theirs = put(&house, "/v1/registry/numbers/%2B15550100002", json!({ "campaign": "promo" })).await;
    theirs.problem("request.invalid");
    house.ask("GET", "/v1/registry/colours", None).await.problem("registration.unknown");
    put(&house, "/v1/registry/brands/acme", json!({ "colour": "red" })).await.problem("request.malformed");
    let shown = house.ask("GET", "/v1/registry/campaigns/promo", None).await.json();
    let history = shown["history"].as_array().unwrap();
    assert_eq!((history.len(), &history[0]["who"], &history[1]["who"]), (2, &json!("operator"), &json!("tenant")));
    let change = history[0]["changes"].as_array().unwrap().iter().find(|change| change["field"] == "status").unwrap();
    assert_eq!((&change["before"], &change["after"]), (&json!("pending"), &json!("active")));
    let brand = house.ask("GET", "/v1/registry/brands/acme", None).await.json();
    assert_eq!(brand["fields"]["tax_id"], "…6789");
    let list = house.ask("GET", "/v1/registry/numbers", None).await.json();
    assert_eq!(list["registrations"][0]["id"], OURS);
}

#[tokio::test]
async fn a_file_is_imported_whole_or_not_at_all() {
    let house = open().await;
    set_up(&house).await;
    let csv = "id,brand,use_case\none,acme,2fa\ntwo,nobody,2fa\nthree,acme,cooking\n";
    let refused = import(&house, "campaigns", "text/csv", csv).await.problem("request.invalid");
    let fields: Vec<_> = refused["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["line 3 brand", "line 4 use_case"], "{refused}");
    assert_eq!(
        house.ask("GET", "/v1/registry/campaigns", None).await.json()["registrations"].as_array().unwrap().len(),
        1
    );
    let toml = "[[campaigns]]\nid = \"one\"\nbrand = \"acme\"\nuse_case = \"2fa\"\nsamples = [\"Your code\"]\n";
    let taken = import(&house, "campaigns", "application/toml", toml).await;
    assert_eq!((taken.status, &taken.json()["imported"]), (200, &json!(1)), "{taken:?}");
    import(&house, "campaigns", "text/plain", toml).await.problem("body.type");
}

#[tokio::test]
async fn events_are_taken_signed_fresh_and_once() {
    let house = open().await;
    set_up(&house).await;
    as_operator(&house, "/v1/registry/campaigns/promo?tenant=acme", json!({ "tcr_id": "CABC123" })).await;
    let dca = r#"{"eventType":"CAMPAIGN_DCA_COMPLETE","campaignId":"CABC123"}"#;
    let (now, before) = (second(&house), status(&house).await);
    let forged = tell(&house, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", now, dca).await;
    assert!(forged.problem("signature.invalid")["detail"].as_str().unwrap().contains("webhook-signature"));
    let stale = tell(&house, SECRET, now - 301, dca).await;
    assert!(stale.problem("signature.invalid")["detail"].as_str().unwrap().contains("301 s"));
    house.client().await.ask("POST", "/v1/registry/tcr", &[], dca.as_bytes()).await.problem("auth.missing");
    assert_eq!(status(&house).await, before, "something changed that nobody signed");
    assert_eq!(tell(&house, SECRET, now, dca).await.json()["outcome"], "changed");
    assert_eq!(status(&house).await["status"], "active");
    assert_eq!(tell(&house, SECRET, now, dca).await.json()["outcome"], "kept");
    let suspended = r#"{"eventType":"MNO_CAMPAIGN_OPERATION_SUSPENDED","campaignId":"CABC123","mnoName":"T-Mobile"}"#;
    let approved = suspended.replace("SUSPENDED", "APPROVED");
    // What happened first comes last.
    tell(&house, SECRET, now, suspended).await;
    assert_eq!(tell(&house, SECRET, now - 10, &approved).await.json()["outcome"], "kept");
    assert_eq!(status(&house).await["tmobile_status"], "suspended");
    let unsuspended = suspended.replace("SUSPENDED", "UNSUSPENDED");
    tell(&house, SECRET, now + 5, &unsuspended).await;
    assert_eq!(status(&house).await["tmobile_status"], "pending");
    for unknown in
        [r#"{"eventType":"MNO_COMPLAINT","campaignId":"CABC123"}"#, r#"{"eventType":"NEW","brandId":"BXYZ999"}"#]
    {
        let kept = tell(&house, SECRET, now, unknown).await;
        assert_eq!((kept.status, &kept.json()["outcome"]), (200, &json!("kept")), "{unknown}");
    }
    tell(&house, SECRET, now, "[1]").await.problem("request.malformed");
    let lines = house.ask("GET", "/v1/registry/campaigns/promo", None).await.json();
    let events = lines["history"].as_array().unwrap().iter().filter(|line| line["who"] == "registry").count();
    assert_eq!(events, 5, "{lines:#}");
}

#[tokio::test]
async fn an_event_that_is_told_again_later_is_no_news_and_a_suspension_outlasts_approvals() {
    let house = open().await;
    set_up(&house).await;
    as_operator(&house, "/v1/registry/campaigns/promo?tenant=acme", json!({ "tcr_id": "CABC123" })).await;
    let operation = |what: &str| {
        format!(r#"{{"eventType":"MNO_CAMPAIGN_OPERATION_{what}","campaignId":"CABC123","mnoName":"T-Mobile"}}"#)
    };
    let now = second(&house);
    let named = |name: &'static str| (name, SECRET);
    let first = tell_as(&house, named("evt_a"), now, &operation("APPROVED")).await.json();
    assert_eq!(first["outcome"], "changed", "{first}");
    tell(&house, SECRET, now + 1, &operation("SUSPENDED")).await;
    // The carrier's word from before, or a new one: what it suspended isn't good again by it.
    let late = tell(&house, SECRET, now + 2, &operation("APPROVED")).await.json();
    assert_eq!((&late["outcome"], &late["why"]), (&json!("kept"), &json!("suspended can't become approved")), "{late}");
    assert_eq!(status(&house).await["tmobile_status"], "suspended");
    tell(&house, SECRET, now + 3, &operation("UNSUSPENDED")).await;
    // Signed anew, told again: it happened before the suspension.
    let again = tell_as(&house, named("evt_a"), now + 4, &operation("APPROVED")).await.json();
    assert_eq!(again["outcome"], "kept", "{again}");
    assert_eq!(status(&house).await["tmobile_status"], "pending");
    let new = tell(&house, SECRET, now + 5, &operation("APPROVED")).await.json();
    assert_eq!((&new["outcome"], &status(&house).await["tmobile_status"]), (&json!("changed"), &json!("approved")));
}
