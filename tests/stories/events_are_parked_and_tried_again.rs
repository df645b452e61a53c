//! An event that its handler can't handle: it stays with the version that took it, is set aside, and waits for a person.

use http::Method;
use serde_json::{Value, json};
use signalbox_tests::{Carrier, House, HouseConfig, NUMBER, Tenant, place, until};

const PHONE: &str = "+14155550199";
const OTHER_PHONE: &str = "+14155550198";

async fn parked(acme: &Tenant, query: &str, count: usize) -> Vec<Value> {
    until(format_args!("{count} parked events"), || async {
        let page = acme.api.get(&format!("/v1/parked{query}")).await.expect(200);
        let events = page["events"].as_array().unwrap().clone();
        if events.len() == count { Ok(events) } else { Err(format!("{page}")) }
    })
    .await
}

/// The versions that failed on the first message of a phone, attempt by attempt.
async fn failures(acme: &Tenant, id: &str) -> Vec<String> {
    let timeline = acme.timeline(id).await;
    let entries = timeline["entries"].as_array().unwrap().iter();
    let failed = entries.filter(|entry| entry["cause"]["kind"] == "handler_failed");
    failed.map(|entry| entry["cause"]["handler"]["version"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_event_stays_with_its_version_until_a_person_tries_it_again() {
    let carrier = Carrier::start().await;
    let config = HouseConfig::new(&carrier).section("limits", "max_attempts = 3");
    let house = House::bound_to(&carrier, config).await;
    let acme = house.acme();
    let old = acme.upload_version("desk", "", &place::guest("misbehaving"), None).await.expect(201);
    acme.bind("desk").await;
    // It asks for another attempt after 1.5 s, each time.
    carrier.phone_sends(PHONE, NUMBER, "retry").await;
    let id = acme.await_list("direction=inbound", 1).await[0]["id"].as_str().unwrap().to_owned();
    until("the first attempt to fail", || async {
        let failed = failures(&acme, &id).await;
        if failed.is_empty() { Err("it hasn't") } else { Ok(()) }
    })
    .await;
    acme.upload_version("desk", "?alias=live", &place::guest("echo-support"), None).await.expect(200);
    let house = house.restart().await;
    carrier.wait(&[("binds", 2), ("bound", 1)]).await;
    let acme = house.acme();
    carrier.phone_sends(OTHER_PHONE, NUMBER, "thanks").await;
    assert_eq!(carrier.await_texts_at(OTHER_PHONE, 1).await, ["You're welcome."], "new events go to the new version");

    acme.await_status(&id, "handler_failed").await;
    let version = old["version"].as_str().unwrap();
    assert_eq!(failures(&acme, &id).await, [version; 3], "over the deploy and the restart");
    let events = parked(&acme, "?handler=desk&kind=message", 1).await;
    assert_eq!((&events[0]["message"], &events[0]["version"]), (&json!(id), &json!(version)), "{events:?}");
    assert_eq!(events[0]["attempts"], 3);
    assert!(parked(&acme, "?kind=timer", 0).await.is_empty());

    let nothing = acme.api.post("/v1/parked/retry", &json!({})).await;
    nothing.expect_problem(422, "request.invalid");
    let retried =
        acme.api.post("/v1/parked/retry", &json!({ "handler": "desk", "after_deploy": true })).await.expect(202);
    assert_eq!(retried, json!({ "retried": 1, "more": false }));
    acme.await_status(&id, "handled").await;
    let answer = &carrier.await_texts_at(PHONE, 1).await[0];
    assert!(answer.starts_with("you wrote: retry"), "the version that answers now: {answer}");
    parked(&acme, "", 0).await;
}

#[tokio::test]
async fn one_event_is_tried_again_or_discarded_by_its_id() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let (acme, bolt) = (house.acme(), house.bolt());
    acme.give_number_to("misbehaving").await;
    carrier.phone_sends(PHONE, NUMBER, "reject").await;
    carrier.phone_sends(OTHER_PHONE, NUMBER, "reject").await;
    let events = parked(&acme, "", 2).await;
    assert!(events.iter().all(|event| event["error"].as_str().unwrap().contains("not for me")), "{events:?}");
    let path = |event: &Value| format!("/v1/parked/{}", event["event"].as_str().unwrap());

    // Another tenant neither sees nor touches them.
    parked(&bolt, "", 0).await;
    bolt.api.ask(Method::DELETE, &path(&events[0]), "").await.expect_problem(404, "parked.unknown");
    let page = acme.api.get("/v1/parked?limit=1").await.expect(200);
    let rest = acme.api.get(&format!("/v1/parked?cursor={}", page["next_cursor"].as_str().unwrap())).await.expect(200);
    assert_eq!([&page["events"][0], &rest["events"][0]], [&events[0], &events[1]], "newest first, page by page");

    assert_eq!(acme.api.ask(Method::DELETE, &path(&events[0]), "").await.status, 204);
    acme.api.ask(Method::DELETE, &path(&events[0]), "").await.expect_problem(404, "parked.unknown");
    let again = acme.api.ask(Method::POST, &format!("{}/retry", path(&events[1])), "").await.expect(202);
    assert_eq!(again["retried"], 1);
    // It is rejected again, and so parked again: the same event, later.
    let after = until("the event to come back", || async {
        let page = acme.api.get("/v1/parked").await.expect(200);
        let events_now = page["events"].as_array().unwrap().clone();
        match events_now.first() {
            Some(first) if first["parked_at"] != events[1]["parked_at"] => Ok(events_now),
            _ => Err(format!("{page}")),
        }
    })
    .await;
    assert_eq!((after.len(), &after[0]["event"]), (1, &events[1]["event"]));
}
