//! A stranger's client binds to the simulated carrier: what we test ourselves with is an SMSC for others, too.

use serde_json::json;
use signalbox_tests::{Carrier, Peer};

const SHOP: &str = "14155550100";
const PHONE: &str = "14155550199";

async fn bound(carrier: &Carrier) -> Peer {
    let port = carrier.port.to_string();
    let mut esme = Peer::python("esme.py", ["127.0.0.1", &port, "python", "secret"]);
    assert_eq!(esme.event("bound").await["status"], 0);
    esme
}

#[tokio::test]
async fn a_message_is_answered_receipted_and_seen_at_the_phone() {
    let carrier = Carrier::start().await;
    let mut esme = bound(&carrier).await;
    esme.order(&json!({ "order": "submit", "from": SHOP, "to": PHONE, "text": "Hello from Python" })).await;
    let sequence = esme.event("submitted").await["sequence"].clone();
    let answer = esme.event("answer").await;
    assert_eq!((&answer["status"], &answer["sequence"]), (&json!(0), &sequence));
    let receipt = esme.event("receipt").await;
    assert_eq!(receipt["id"], answer["message_id"]);
    assert_eq!(receipt["state"], 2, "delivered is 2 in message_state");
    assert_eq!((&receipt["from"], &receipt["to"]), (&json!(PHONE), &json!(SHOP)));
    let text = receipt["text"].as_str().unwrap();
    assert!(text.contains("stat:DELIVRD") && text.contains(answer["message_id"].as_str().unwrap()), "{text}");
    carrier.wait(&[("receipts_acked", 1)]).await;
    assert_eq!(carrier.texts_at(PHONE).await, ["Hello from Python"]);
}

#[tokio::test]
async fn long_texts_arrive_whole() {
    let carrier = Carrier::start().await;
    let mut esme = bound(&carrier).await;
    for (text, parts) in [("Plain letters, over and over. ".repeat(11), 3), ("Знаки, снова и снова. ".repeat(7), 3)]
    {
        esme.order(&json!({ "order": "submit", "from": SHOP, "to": PHONE, "text": text })).await;
        assert_eq!(esme.event("submitted").await["parts"], parts);
        let ids: Vec<_> =
            esme.events("answer", parts).await.iter().map(|answer| answer["message_id"].clone()).collect();
        for receipt in esme.events("receipt", parts).await {
            assert!(ids.contains(&receipt["id"]), "{receipt} is for one of {ids:?}");
        }
        assert_eq!(carrier.texts_at(PHONE).await.last(), Some(&text));
    }
}

#[tokio::test]
async fn what_a_phone_sends_is_delivered_and_acknowledged() {
    let carrier = Carrier::start().await;
    let mut esme = bound(&carrier).await;
    for text in ["Are you there?", "Есть кто?"] {
        carrier.phone_sends(PHONE, SHOP, text).await;
        let mo = esme.event("mo").await;
        assert_eq!((&mo["from"], &mo["to"], &mo["text"]), (&json!(PHONE), &json!(SHOP), &json!(text)));
    }
    carrier.wait(&[("mo_acked", 2)]).await;
}

#[tokio::test]
async fn links_are_enquired_and_binds_undone() {
    let carrier = Carrier::start().await;
    let mut esme = bound(&carrier).await;
    esme.order(&json!({ "order": "enquire" })).await;
    let enquired = esme.event("enquired").await;
    assert_eq!((&enquired["command"], &enquired["status"]), (&json!("enquire_link_resp"), &json!(0)));
    esme.order(&json!({ "order": "unbind" })).await;
    let unbound = esme.event("unbound").await;
    assert_eq!((&unbound["command"], &unbound["status"]), (&json!("unbind_resp"), &json!(0)));
    assert!(esme.ended().await.status.success());
    assert_eq!(carrier.stats().await["bound"], 0);
}
