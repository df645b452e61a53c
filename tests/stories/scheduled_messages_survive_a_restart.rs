//! A message for later waits on disk, leaves at its time, and can be taken back until then.

use serde_json::{Value, json};
use signalbox_tests::{Carrier, House, HouseConfig, NUMBER, Tenant, in_the_future};

const PHONE: &str = "+14155550199";

async fn schedule(tenant: &Tenant, text: &str, send_at: &str) -> String {
    tenant.send_so(&json!({ "from": NUMBER, "to": PHONE, "text": text, "send_at": send_at })).await
}

#[tokio::test]
async fn a_message_for_later_leaves_at_its_time_after_a_kill() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let at = in_the_future(3);
    let id = schedule(&house.acme(), "at its time", &at).await;
    let canceled = schedule(&house.acme(), "never", &at).await;
    let far = schedule(&house.acme(), "in an hour", &in_the_future(3_600)).await;
    let held = house.acme().await_status(&id, "held").await;
    assert_eq!((&held["send_at"], &held["held_until"]), (&json!(at), &json!(at)));
    let answer = house.acme().api.post(&format!("/v1/messages/{canceled}/cancel"), &Value::Null).await.expect(200);
    assert_eq!(answer["status"], "canceled");

    let house = House::start(house.kill().await).await;
    let acme = house.acme();
    acme.await_status(&id, "delivered").await;
    let submit = &carrier.ledger("submit").await[0];
    let timeline = acme.timeline(&id).await;
    let queued = timeline["entries"].as_array().unwrap().iter().find(|entry| entry["status"] == "queued").unwrap();
    assert!(queued["at"].as_str().unwrap() >= at.as_str(), "it left at {}, not before {at}", queued["at"]);
    assert_eq!(submit["text"], "at its time");
    assert_eq!(carrier.texts_at(PHONE).await, ["at its time"]);
    assert_eq!(acme.message(&canceled).await["status"], "canceled");
    assert_eq!(acme.message(&far).await["status"], "held");

    let too_late = acme.api.post(&format!("/v1/messages/{id}/cancel"), &Value::Null).await;
    too_late.expect_problem(409, "message.too_late");
    let again = acme.api.post(&format!("/v1/messages/{canceled}/cancel"), &Value::Null).await;
    assert!([200, 409].contains(&again.status.as_u16()), "{}", again.text());
    acme.api.post(&format!("/v1/messages/{far}/cancel"), &Value::Null).await.expect(200);
}

#[tokio::test]
async fn a_message_whose_validity_runs_out_while_it_waits_ends_as_expired() {
    let carrier = Carrier::behaving("[bind]\nhang_up = true").await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    let short = acme.send_so(&json!({ "from": NUMBER, "to": PHONE, "text": "stale", "valid_for": 1 })).await;
    let long = acme.send_so(&json!({ "from": NUMBER, "to": PHONE, "text": "patient", "valid_for": 600 })).await;
    let expired = acme.await_status(&short, "expired").await;
    assert_eq!(expired["error"], "expired");
    let queued = acme.api.post(&format!("/v1/messages/{long}/cancel"), &Value::Null).await.expect(200);
    assert_eq!(queued["status"], "canceled", "what waits for a carrier can be taken back");
    let last = acme.send(PHONE, "after the storm").await;
    carrier.set_scenario("").await;
    acme.await_status(&last, "delivered").await;
    assert_eq!(carrier.texts_at(PHONE).await, ["after the storm"]);
}
