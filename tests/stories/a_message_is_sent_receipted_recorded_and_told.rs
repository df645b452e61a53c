//! The path from end to end: an API send reaches a phone, its receipt comes back, the record has every step, and the
//! tenant is told of each, signed so that strangers' libraries believe it.

use serde_json::{Value, json};
use signalbox_tests::{Carrier, Hook, House, HouseConfig, NUMBER, Peer, until};

const PHONE: &str = "+14155550199";
const LIFE: [&str; 5] = ["accepted", "queued", "sending", "sent", "delivered"];

fn tells(id: &str) -> impl Fn(&&Hook) -> bool {
    move |hook| hook.body["data"]["id"] == id
}

#[tokio::test]
async fn a_message_is_sent_receipted_recorded_and_told() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    let secret = acme.tell(&carrier.sink.url).await;

    let answer = acme.try_send(PHONE, "Your table is ready.").await.expect(202);
    assert_eq!((&answer["status"], &answer["encoding"]), (&json!("accepted"), &json!("gsm7")));
    assert_eq!(answer["segments"], 1);
    let id = answer["id"].as_str().unwrap();
    let message = acme.await_status(id, "delivered").await;

    assert_eq!(carrier.texts_at(PHONE).await, ["Your table is ready."]);
    assert_eq!((&message["from"], &message["to"]), (&json!(NUMBER), &json!(PHONE)));
    assert_eq!(acme.life_of(id).await, LIFE);
    the_timeline_is_complete(&acme.timeline(id).await, &carrier).await;

    let told = carrier.sink.wait(LIFE.len()).await;
    let told: Vec<_> = told.iter().filter(tells(id)).collect();
    let types: Vec<_> = told.iter().map(|hook| hook.body["type"].as_str().unwrap()).collect();
    assert_eq!(types, LIFE.map(|status| format!("message.{status}")), "told in order, each once");
    strangers_believe(&told, &secret).await;
    until("the record to have each delivery's answer", || async {
        let timeline = acme.timeline(id).await;
        let deliveries = timeline["deliveries"].as_array().unwrap();
        let well = deliveries.iter().filter(|delivery| delivery["status"] == 200).count();
        if well == LIFE.len() { Ok(()) } else { Err(timeline["deliveries"].to_string()) }
    })
    .await;
    assert!(!house.log().contains("table is ready") && !house.log().contains("4155550199"), "{}", house.log());
    house.drain().await;
}

async fn the_timeline_is_complete(timeline: &Value, carrier: &Carrier) {
    let entries = timeline["entries"].as_array().unwrap();
    let numbers: Vec<_> = entries.iter().map(|entry| entry["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..entries.len() as u64).collect::<Vec<_>>(), "without holes");
    let sequences: Vec<_> = entries.iter().map(|entry| entry["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
    let times: Vec<_> = entries.iter().map(|entry| entry["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let decision = &entries[0]["cause"]["decision"];
    assert_eq!(decision["verdict"], "allow", "{decision}");
    assert!(decision["rules"].is_string(), "a number of 64 bits is lost on readers with 53: {decision}");
    let carrier_id = carrier.ledger("submit").await[0]["message_id"].clone();
    let sent = entries.iter().find(|entry| entry["status"] == "sent").unwrap();
    assert_eq!(sent["cause"]["carrier_ids"], json!([carrier_id]));
    let receipt = entries.last().unwrap();
    assert_eq!((&receipt["cause"]["kind"], &receipt["cause"]["carrier_id"]), (&json!("receipt"), &carrier_id));
}

/// Both libraries take every webhook as it is, and neither takes one that was changed.
async fn strangers_believe(told: &[&Hook], secret: &str) {
    for mut peer in [Peer::node("verify.js"), Peer::python("verify.py", [""; 0])] {
        for hook in told {
            peer.order(&hook.to_verify(secret)).await;
            let verified = peer.event("verified").await;
            assert_eq!(verified["payload"], hook.body);
        }
        let mut changed = told[0].to_verify(secret);
        changed["body"] = json!(data_encoding::BASE64.encode(b"{\"type\":\"message.delivered\"}"));
        peer.order(&changed).await;
        peer.event("refused").await;
        let mut another = told[0].to_verify(secret);
        another["secret"] = json!("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        peer.order(&another).await;
        peer.event("refused").await;
        assert!(peer.ended().await.status.success());
    }
}

#[tokio::test]
async fn a_webhook_that_fails_is_tried_again_with_the_same_id_and_in_order() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    acme.tell(&format!("{}/hooks/acme", carrier.sink.url)).await;
    carrier.sink.set_answers(&json!({ "sequence": [503], "per": "request" })).await;
    let id = acme.send(PHONE, "Twice told").await;
    acme.await_status(&id, "delivered").await;
    let delivered = |hook: &Hook| hook.body["type"] == "message.delivered" && hook.answered == 200;
    carrier.sink.wait_for("the delivery", delivered).await;
    let hooks = carrier.sink.hooks().await;
    assert_eq!(hooks[0].answered, 503);
    assert_eq!(hooks[0].headers["webhook-id"], hooks[1].headers["webhook-id"], "the same event");
    assert_eq!(hooks[0].raw, hooks[1].raw, "the same octets");
    let well: Vec<_> = hooks.iter().filter(|hook| hook.answered == 200).collect();
    let types: Vec<_> = well.iter().map(|hook| hook.body["type"].as_str().unwrap()).collect();
    assert_eq!(types, LIFE.map(|status| format!("message.{status}")));
}

#[tokio::test]
async fn a_callback_url_is_told_of_its_own_message_only() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    let callback = format!("{}/callback", carrier.sink.url);
    let message = json!({ "from": NUMBER, "to": PHONE, "text": "Call me", "callback_url": callback });
    let id = acme.send_so(&message).await;
    let other = acme.send(PHONE, "Don't call me").await;
    acme.await_status(&other, "delivered").await;
    acme.await_status(&id, "delivered").await;
    let hooks = carrier.sink.wait(LIFE.len()).await;
    assert!(hooks.iter().all(|hook| hook.path == "/callback" && tells(&id)(&hook)), "{hooks:?}");
}

#[tokio::test]
async fn what_a_phone_writes_is_on_record_and_told() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    acme.tell(&carrier.sink.url).await;
    let long = "Ein langer Text mit Umlauten: äöü. ".repeat(8);
    let order = json!({ "to": NUMBER, "text": long, "order": "reversed", "duplicated": [1] });
    carrier.phone_sends_so(PHONE, &order).await;
    carrier.wait(&[("mo_acked", 3)]).await;
    let messages = acme.await_list("direction=inbound", 1).await;
    assert_eq!((&messages[0]["text"], &messages[0]["from"]), (&json!(long), &json!(PHONE)));
    assert_eq!((&messages[0]["status"], messages.len()), (&json!("unhandled"), 1));
    let hook = carrier.sink.wait_for("the inbound message", |hook| hook.body["type"] == "message.received").await;
    assert_eq!(hook.body["data"]["text"], json!(long));
}
