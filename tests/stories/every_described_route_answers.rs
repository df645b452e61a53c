//! The description of the API is true: it is OpenAPI 3.1, and every route in it is there.

use http::Method;
use serde_json::Value;
use signalbox_tests::{Carrier, House, HouseConfig, NUMBER};

#[tokio::test]
async fn every_described_route_answers_and_every_answer_is_described() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    let id = acme.send("+14155550199", "to be looked at").await;
    acme.give_number_to("echo-support").await;
    let api = house.anonymous().get("/openapi.json").await.expect(200);
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"), "{}", api["openapi"]);
    let paths = api["paths"].as_object().unwrap();
    let mut asked = 0;
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().unwrap() {
            let concrete = path.replace("{id}", &id).replace("{number}", NUMBER).replace("{name}", "echo-support");
            let concrete =
                concrete.replace("{binding}", NUMBER).replace("{alias}", "canary").replace("{secret}", "token");
            let concrete = concrete.replace("{event}", "evt_00000000000000000000000000");
            let concrete = concrete.replace("{digest}", "000000");
            let concrete = concrete.replace("{invocation}", "inv_00000000000000000000000000");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let kind = operation["requestBody"]["content"].as_object().and_then(|content| content.keys().next());
            let client = kind.map_or(acme.api.clone(), |kind| acme.api.with("content-type", kind.clone()));
            let answer = client.ask(method.clone(), &concrete, "").await;
            let status = answer.status.as_str().to_owned();
            assert!(!["405", "500", "501"].contains(&status.as_str()), "{method} {path}: {}", answer.text());
            assert!(status != "404" || answer.json()["code"] != "route.unknown", "{method} {path} isn't there");
            let described = operation["responses"].as_object().unwrap();
            assert!(described.contains_key(&status), "{method} {path} answers {status}, which isn't described");
            needs_a_key(&house, &method, path, &concrete).await;
            asked += 1;
        }
    }
    assert!(asked >= 34, "{asked}");
    references_lead_somewhere(&api, &api);
}

async fn needs_a_key(house: &House, method: &Method, path: &str, concrete: &str) {
    let status = house.anonymous().ask(method.clone(), concrete, "").await.status;
    assert_eq!(status == 401, path.starts_with("/v1/"), "{method} {path} without a key: {status}");
}

fn references_lead_somewhere(api: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').expect("a reference within the document");
                assert!(api.pointer(pointer).is_some(), "{reference} leads nowhere");
            }
            members.values().for_each(|member| references_lead_somewhere(api, member));
        }
        Value::Array(items) => items.iter().for_each(|item| references_lead_somewhere(api, item)),
        _ => {}
    }
}
