//! Runs of handlers are recorded as their tenant has it set, and each does the same when it is run again: on the host, by
//! a gate, and offline, by the command line.

use http::Method;
use serde_json::{Value, json};
use signalbox_tests::place::{binary, guest};
use signalbox_tests::{Carrier, House, HouseConfig, KEY_OF_ACME, NUMBER, Process, Tenant, until};
use tokio::process::Command;

const KEY: &str = "SIGNALBOX_KEY";

fn phone(n: usize) -> String {
    format!("+1415555{n:04}")
}

async fn recorded(tenant: &Tenant, query: &str) -> Vec<Value> {
    let page = tenant.api.get(&format!("/v1/invocations?limit=500{query}")).await.expect(200);
    page["invocations"].as_array().unwrap().clone()
}

/// Waits for so many runs that were shown a message. What comes of an answer is shown to its handler, too: how many of those
/// runs there are is the carrier's business.
async fn runs(tenant: &Tenant, query: &str, count: usize) -> Vec<Value> {
    until(format_args!("{count} recorded runs of {query}"), || async {
        let runs = recorded(tenant, query).await;
        let runs: Vec<_> = runs.into_iter().filter(|run| run["kind"] == "message").collect();
        if runs.len() == count { Ok(runs) } else { Err(format!("there are {}", runs.len())) }
    })
    .await
}

fn id(run: &Value) -> &str {
    run["invocation"].as_str().unwrap()
}

async fn gate(tenant: &Tenant, handler: &str, component: Vec<u8>) -> Value {
    let api = tenant.api.with("content-type", "application/wasm");
    api.ask(Method::POST, &format!("/v1/handlers/{handler}/gate?last=100"), component).await.expect(200)
}

/// `signalbox …` as the tenant; its exit code and what it said.
async fn signalbox(house: &House, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(binary("signalbox"));
    command.args(arguments).env("SIGNALBOX_URL", house.url()).env(KEY, KEY_OF_ACME);
    let ended = Process::run("signalbox", command).await;
    (ended.status.code(), ended.stdout + &ended.stderr)
}

#[tokio::test]
async fn all_of_them_do_the_same_again() {
    let carrier = Carrier::start().await;
    let config = HouseConfig::new(&carrier).section("limits", "max_attempts = 1");
    let house = House::bound_to(&carrier, config).await;
    let acme = house.acme();
    acme.give_number_to("echo-support").await;
    for (n, text) in ["thanks", "What are your hours?", "hello", "I want a human"].iter().enumerate() {
        carrier.phone_sends(&phone(n), NUMBER, text).await;
    }
    acme.await_list("direction=inbound&status=handled", 4).await;
    acme.give_number_to("misbehaving").await;
    let fails = ["reject", "trap", "panic", "exit", "spin", "recurse", "allocate", "flood sends", "large state"];
    let well = ["hello", "surroundings", "files", "own writes", "history", "flood log"];
    for (n, text) in fails.iter().chain(&well).enumerate() {
        carrier.phone_sends(&phone(10 + n), NUMBER, text).await;
    }
    let shown = 4 + fails.len() + well.len();
    until("every event to be handled or given up", || async {
        let waiting = acme.list("direction=inbound").await;
        let done = waiting.iter().filter(|message| message["status"] != "received").count();
        if done == shown { Ok(()) } else { Err(format!("{done} are")) }
    })
    .await;
    let failed = acme.list("direction=inbound&status=handler_failed").await;
    assert!(failed.len() >= 5, "{failed:?}");
    let failed = runs(&acme, "&outcome=failed", failed.len()).await;
    let messages = acme.list("direction=inbound&status=handled").await;
    // The record of each message names its run.
    for message in messages {
        let timeline = acme.timeline(message["id"].as_str().unwrap()).await;
        let entries = timeline["entries"].as_array().unwrap().iter();
        let run = entries.filter_map(|entry| entry["cause"]["handler"]["invocation"].as_str()).next().unwrap();
        let run = acme.api.get(&format!("/v1/invocations/{run}")).await.expect(200);
        assert_eq!((&run["outcome"], &run["kind"]), (&json!("completed"), &json!("message")));
        assert!(!run.to_string().contains("+14155550"), "a whole number is shown: {run}");
    }
    house
        .bolt()
        .api
        .get(&format!("/v1/invocations/{}", id(&failed[0])))
        .await
        .expect_problem(404, "invocation.unknown");

    for handler in ["echo-support", "misbehaving"] {
        let recorded = recorded(&acme, &format!("&handler={handler}")).await;
        assert!(recorded.len() >= 4, "{recorded:?}");
        let verdict = gate(&acme, handler, guest(handler)).await;
        let count = |key: &str| verdict[key].as_u64().unwrap();
        // What came of messages may have been shown to it meanwhile.
        assert!(count("compared") + count("stopped") >= recorded.len() as u64, "{verdict}");
        assert_eq!(count("stopped") > 0, recorded.iter().any(|run| run["failure"] == "cpu-limit"), "{verdict}");
        assert_eq!((&verdict["different"], &verdict["unsure"]), (&json!(0), &json!(0)), "{verdict}");
        let (code, said) = signalbox(&house, &["replay", id(&recorded[0])]).await;
        assert_eq!(code, Some(0), "{}: {said}", recorded[0]);
        let (code, said) = signalbox(&house, &["replay", "--last", "100", "--handler", handler, "--json"]).await;
        let answer: Value = serde_json::from_str(&said).unwrap();
        assert_eq!((code, &answer["same"]), (Some(0), &answer["replayed"]), "{answer}");
        assert!(answer["replayed"].as_u64().unwrap() >= recorded.len() as u64, "{answer}");
    }
    let other = gate(&acme, "echo-support", guest("misbehaving")).await;
    assert!(other["different"].as_u64().unwrap() > 0 && other["examples"][0]["lines"].is_array(), "{other}");
}

#[tokio::test]
async fn another_component_shows_its_difference_and_fails_the_gate() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    acme.give_number_to("echo-support").await;
    carrier.phone_sends(&phone(1), NUMBER, "thanks").await;
    let recorded = runs(&acme, "&outcome=completed", 1).await;
    let folder = tempfile::tempdir().unwrap();
    let (saved, other) = (folder.path().join("run"), folder.path().join("other.wasm"));
    std::fs::write(&other, guest("misbehaving")).unwrap();
    let (saved, other) = (saved.to_str().unwrap(), other.to_str().unwrap());
    assert_eq!(signalbox(&house, &["replay", id(&recorded[0]), "--save", saved]).await.0, Some(0));
    let gate =
        |allow: &'static str| ["gate", "--handler", "echo-support", "--with", other, "--last", "5", "--allow", allow];
    let (code, said) = signalbox(&house, &gate("0")).await;
    assert!(code == Some(1) && said.contains(" events would be handled otherwise"), "{code:?} {said}");
    assert_eq!(signalbox(&house, &gate("5")).await.0, Some(0));
    let (code, said) = signalbox(&house, &["replay", "--last", "100", "--with", other, "--json"]).await;
    let answer: Value = serde_json::from_str(&said).unwrap();
    let count = |key: &str| answer[key].as_u64().unwrap();
    // Receipts of its answer may be among them, and are handled otherwise, too.
    let different = answer["different"].as_array().unwrap();
    assert_eq!((code, count("same") + different.len() as u64), (Some(1), count("replayed")), "{answer}");
    assert!(different.iter().any(|run| run["invocation"] == recorded[0]["invocation"]), "{answer}");

    // From here on it is offline.
    let mut command = Command::new(binary("signalbox"));
    command.args(["replay", saved, "--with", other]);
    house.drain().await;
    let ended = Process::run("signalbox", command).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("You're welcome.") && ended.stdout.contains("\n- "), "{}", ended.stdout);
    let mut command = Command::new(binary("signalbox"));
    command.args(["replay", saved, "--json"]);
    let ended = Process::run("signalbox", command).await;
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.status.code(), &answer["same"]), (Some(0), &json!(true)), "{answer}");
}

#[tokio::test]
async fn failures_alone_are_kept_and_no_more_than_is_set() {
    let carrier = Carrier::start().await;
    let config = HouseConfig::new(&carrier).tenant_key("recording = { mode = \"failures\", max = 3 }");
    let house = House::bound_to(&carrier, config.section("limits", "max_attempts = 1")).await;
    let acme = house.acme();
    acme.give_number_to("misbehaving").await;
    carrier.phone_sends(&phone(1), NUMBER, "hello").await;
    acme.await_list("direction=inbound&status=handled", 1).await;
    let mut newest = String::new();
    for n in 2..8 {
        carrier.phone_sends(&phone(n), NUMBER, "reject").await;
        acme.await_list("direction=inbound&status=handler_failed", n - 1).await;
        newest = until("the run to be recorded", || async {
            let first = acme.api.get("/v1/invocations?limit=1").await.expect(200)["invocations"][0].clone();
            let now = first["invocation"].as_str().unwrap_or_default().to_owned();
            if now == newest { Err("it isn't") } else { Ok(now) }
        })
        .await;
    }
    let kept = runs(&acme, "", 3).await;
    assert!(kept.iter().all(|run| run["failure"] == "reject"), "{kept:?}");
    // A restart counts what is there.
    let house = house.restart().await;
    let acme = house.acme();
    carrier.wait(&[("binds", 2), ("bound", 1)]).await;
    carrier.phone_sends(&phone(9), NUMBER, "reject").await;
    acme.await_list("direction=inbound&status=handler_failed", 7).await;
    until("the newest run to be recorded", || async {
        let first = acme.api.get("/v1/invocations?limit=1").await.expect(200)["invocations"][0].clone();
        if id(&first) == newest { Err("it isn't") } else { Ok(()) }
    })
    .await;
    runs(&acme, "", 3).await;
}
