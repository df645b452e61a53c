//! Nothing of another tenant is ever visible: what isn't yours isn't there.

use serde_json::{Value, json};
use signalbox_tests::{Carrier, House, HouseConfig, NUMBER, NUMBER_OF_BOLT};

const PHONE: &str = "+14155550199";

#[tokio::test]
async fn another_tenants_things_are_not_there() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let (acme, bolt) = (house.acme(), house.bolt());
    acme.give_number_to("echo-support").await;
    acme.tell(&format!("{}/acme", carrier.sink.url)).await;
    bolt.tell(&format!("{}/bolt", carrier.sink.url)).await;
    let ours = acme.send(PHONE, "acme's own").await;
    let theirs = bolt.send(PHONE, "bolt's own").await;
    carrier.phone_sends(PHONE, NUMBER, "to acme").await;
    carrier.phone_sends(PHONE, NUMBER_OF_BOLT, "to bolt").await;
    acme.await_status(&ours, "delivered").await;
    bolt.await_status(&theirs, "delivered").await;
    acme.await_list("direction=inbound", 1).await;
    bolt.await_list("direction=inbound", 1).await;
    carrier.await_texts_at(PHONE, 3).await;

    for path in ["", "/timeline"] {
        let mine = bolt.api.get(&format!("/v1/messages/{ours}{path}")).await.expect_problem(404, "message.unknown");
        let none = bolt.api.get(&format!("/v1/messages/{}{path}", unknown(&ours))).await;
        let none = none.expect_problem(404, "message.unknown");
        assert_eq!(without_instance(mine), without_instance(none), "not mine and not there are told alike");
    }
    let cancel = bolt.api.post(&format!("/v1/messages/{ours}/cancel"), &Value::Null).await;
    cancel.expect_problem(404, "message.unknown");
    let texts: Vec<_> = bolt.list("").await.iter().map(|message| message["text"].clone()).collect();
    assert_eq!(texts, ["to bolt", "bolt's own"]);
    assert_eq!(bolt.list(&format!("to=%2B{}", &NUMBER[1..])).await.len(), 0);

    assert_eq!(bolt.api.get("/v1/handlers").await.expect(200)["handlers"], json!([]));
    assert_eq!(bolt.api.get("/v1/bindings").await.expect(200)["bindings"], json!([]));
    bolt.api.get("/v1/handlers/echo-support/logs").await.expect_problem(404, "handler.unknown");
    let binding = json!({ "handler": "echo-support" });
    bolt.api.put(&format!("/v1/bindings/{NUMBER}"), &binding).await.expect_problem(404, "number.unknown");
    bolt.api.put(&format!("/v1/bindings/{NUMBER_OF_BOLT}"), &binding).await.expect_problem(422, "request.invalid");
    let webhooks = bolt.api.get("/v1/webhooks").await.expect(200);
    let urls: Vec<_> = webhooks["webhooks"].as_array().unwrap().iter().map(|hook| hook["url"].clone()).collect();
    assert_eq!(urls, [json!(format!("{}/bolt", carrier.sink.url))]);
    assert!(!webhooks.to_string().contains("whsec_"), "a secret is shown once");

    for hook in carrier.sink.wait(16).await {
        let number = if hook.path == "/acme" { NUMBER } else { NUMBER_OF_BOLT };
        let data = &hook.body["data"];
        assert!(data["from"] == number || data["to"] == number, "{} was told of {data}", hook.path);
    }
    let refused = bolt.api.post("/v1/messages", &json!({ "from": NUMBER, "to": PHONE, "text": "as acme" })).await;
    refused.expect_problem(422, "policy.refused");
    let metrics = house.anonymous().get("/metrics").await.text();
    assert!(!metrics.contains("4155550") && !metrics.contains("bolt's own"), "{metrics}");
}

fn unknown(id: &str) -> String {
    let (rest, last) = id.split_at(id.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}

fn without_instance(mut problem: Value) -> Value {
    problem.as_object_mut().unwrap().remove("instance");
    problem
}
