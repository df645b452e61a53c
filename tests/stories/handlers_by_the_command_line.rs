//! Handlers and events that were given up, by the command line: deployed, looked at, followed, tried again.

use serde_json::{Value, json};
use signalbox_tests::place::guest_file;
use signalbox_tests::{Carrier, House, HouseConfig, NUMBER, until};

const PHONE: &str = "+14155550199";

/// What a command answers.
async fn ask(house: &House, args: &[&str]) -> Value {
    let ended = house.command(&[args, &["--json"]].concat()).await;
    assert!(ended.status.success(), "{args:?}: {ended:?}");
    serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{args:?}: {ended:?}"))
}

fn file(guest: &str) -> String {
    guest_file(guest).display().to_string()
}

#[tokio::test]
async fn a_handler_is_deployed_shown_and_given_aliases() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("handler.toml");
    std::fs::write(&manifest, "name = \"desk\"\ndescription = \"Answers.\"\n").unwrap();
    let manifest = manifest.display().to_string();
    let first = ask(&house, &["handlers", "deploy", "desk", &file("echo-support"), "--manifest", &manifest]).await;
    assert_eq!((&first["aliases"], &first["description"]), (&json!(["live"]), &json!("Answers.")), "{first}");
    let second = ask(&house, &["handlers", "deploy", "desk", &file("misbehaving")]).await;
    assert_eq!(second["aliases"], json!([]), "{second}");
    let digest = second["digest"].as_str().unwrap();

    let shared = ask(&house, &["handlers", "alias", "desk", "canary", &digest[..12], "--percent", "40"]).await;
    assert_eq!((&shared["canary"]["percent"], &shared["digest"]), (&json!(40), &first["digest"]), "{shared}");
    let ended = ask(&house, &["handlers", "alias", "desk", "canary", "--remove"]).await;
    assert!(ended["canary"].is_null(), "{ended}");
    ask(&house, &["handlers", "alias", "desk", "live", digest]).await;
    let shown = ask(&house, &["handlers", "show", "desk"]).await;
    assert_eq!((&shown["digest"], shown["versions"].as_array().map(Vec::len)), (&json!(digest), Some(2)), "{shown}");
    let words = house.command(&["handlers", "show", "desk"]).await.stdout;
    assert!(words.contains("desk") && words.contains(&digest[..12]), "{words}");
    let unknown = house.command(&["handlers", "alias", "desk", "live", "ffffffffffff"]).await;
    assert!(!unknown.status.success() && unknown.stderr.contains("has no version"), "{unknown:?}");
}

#[tokio::test]
async fn a_log_is_followed_as_it_grows() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    house.acme().give_number_to("misbehaving").await;
    carrier.phone_sends(PHONE, NUMBER, "reject").await;
    let mut follower = house.start_command(&["handlers", "logs", "misbehaving", "-f", "--json"]);
    let line = |text: String| serde_json::from_str::<Value>(&text).expect("every line is JSON");
    let first = line(follower.line().await);
    assert!(first["text"].as_str().unwrap().contains("not for me"), "what was said before: {first}");
    carrier.phone_sends("+14155550198", NUMBER, "other").await;
    let second = line(follower.line().await);
    assert!(second["text"].as_str().unwrap().contains("no idea"), "{second}");
    assert_eq!(second["n"].as_u64(), first["n"].as_u64().map(|n| n + 1), "each line once");
    assert_eq!(follower.log(), "");
    follower.kill().await;
    let unknown = house.command(&["handlers", "logs", "nobody", "-f"]).await;
    assert!(!unknown.status.success() && unknown.stderr.contains("no handler"), "{unknown:?}");
}

async fn parked(house: &House, more: &[&str]) -> Vec<Value> {
    ask(house, &[&["parked", "list"], more].concat()).await["events"].as_array().unwrap().clone()
}

async fn one_parked(house: &House) -> Value {
    until("an event to be parked", || async { parked(house, &[]).await.pop().ok_or("there is none") }).await
}

#[tokio::test]
async fn parked_events_are_listed_and_tried_again_by_when_they_were_given_up() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    acme.give_number_to("misbehaving").await;
    carrier.phone_sends(PHONE, NUMBER, "reject").await;
    let event = one_parked(&house).await;
    let at = event["parked_at"].as_str().unwrap();
    assert_eq!(parked(&house, &["--after", at]).await.len(), 1, "at or after");
    assert_eq!(parked(&house, &["--before", at]).await.len(), 0, "before");
    assert_eq!(parked(&house, &["--after", "2100-01-01T00:00:00Z"]).await.len(), 0);
    assert_eq!(parked(&house, &["--handler", "misbehaving", "--before", "2100-01-01T00:00:00Z"]).await.len(), 1);

    let none = ask(&house, &["parked", "retry", "--before", at]).await;
    assert_eq!(none, json!({ "retried": 0, "more": false }));
    let one = ask(&house, &["parked", "retry", "--after", at]).await;
    assert_eq!(one, json!({ "retried": 1, "more": false }));
    let again = until("the event to be parked again", || async {
        let now = parked(&house, &[]).await.pop().ok_or("there is none")?;
        if now["parked_at"] == event["parked_at"] { Err("it is the first time's") } else { Ok(now) }
    })
    .await;
    assert_eq!(again["event"], event["event"]);
    let wrong = acme.api.post("/v1/parked/retry", &json!({ "after": "yesterday" })).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text());
    let id = again["event"].as_str().unwrap();
    assert_eq!(ask(&house, &["parked", "discard", id]).await, json!({ "discarded": 1 }));
    assert!(parked(&house, &[]).await.is_empty());
}

#[tokio::test]
async fn a_candidate_is_held_against_the_handler_that_it_is_for() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    acme.give_number_to("echo-support").await;
    carrier.phone_sends(PHONE, NUMBER, "thanks").await;
    carrier.await_texts_at(PHONE, 1).await;
    let folder = tempfile::tempdir().unwrap();
    let candidate = folder.path().join("candidate.wasm");
    std::fs::copy(guest_file("echo-support"), &candidate).unwrap();
    let candidate = candidate.display().to_string();
    let gate = ["gate", "--with", &candidate, "--last", "5"];
    let only = until("the run to be recorded", || async {
        let verdict = ask(&house, &gate).await;
        if verdict["compared"].as_u64() >= Some(1) { Ok(verdict) } else { Err(format!("{verdict}")) }
    })
    .await;
    assert_eq!(only["different"], 0, "{only}");

    acme.upload("another", signalbox_tests::place::guest("draft-stamp")).await.expect(201);
    let which = house.command(&gate).await;
    assert!(!which.status.success() && which.stderr.contains("--handler"), "{which:?}");
    assert!(which.stderr.contains("another, echo-support"), "it names them: {which:?}");
    std::fs::write(folder.path().join("handler.toml"), "name = \"echo-support\"\n").unwrap();
    let named = ask(&house, &gate).await;
    assert!(named["compared"].as_u64() >= Some(1), "the manifest beside it names it: {named}");
}
