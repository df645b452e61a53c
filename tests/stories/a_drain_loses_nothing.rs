//! SIGTERM under load: the process finishes what it began, ends well and in time, and every promise is kept.

use http::Method;
use serde_json::{Value, json};
use signalbox_tests::{Carrier, House, HouseConfig, NUMBER, Tenant, until, within};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

const SENDERS: usize = 8;

/// Segments a second that the carrier takes until the drain. A restart takes the rest as fast as it can.
const PACE: u64 = 10;

/// Waits until so many messages aren't with the carrier yet.
async fn await_waiting(house: &House, count: u64) {
    until(format_args!("{count} messages that wait"), || async {
        let status = house.anonymous().get("/status").await.expect(200);
        let waiting = status["waiting"].as_u64().expect("a count");
        if waiting >= count { Ok(()) } else { Err(format!("{waiting} wait")) }
    })
    .await;
}

/// Sends one message after another until the house takes no more; answers texts and ids of what was accepted.
async fn send_until_refused(acme: Tenant, sender: usize) -> Vec<(String, String)> {
    let api = acme.api.with("content-type", "application/json");
    let mut accepted = Vec::new();
    for n in 0.. {
        let text = format!("sender {sender} message {n}");
        let to = format!("+1415555{:04}", 5_000 + sender);
        let message = json!({ "from": NUMBER, "to": to, "text": text, "category": "marketing" });
        match api.try_ask(Method::POST, "/v1/messages", message.to_string()).await {
            Ok(answer) if answer.status == 202 => {
                accepted.push((text, answer.json()["id"].as_str().unwrap().to_owned()));
            }
            Ok(answer) => {
                let problem = answer.expect_problem(503, "draining");
                assert_eq!(problem["retryable"], true);
                break;
            }
            Err(_) => break,
        }
    }
    accepted
}

#[tokio::test]
async fn a_drain_under_load_ends_well_and_every_promise_is_kept() {
    let carrier = Carrier::behaving("[response]\ndelay = \"5ms..40ms\"\n[receipts]\ndelay = \"10ms..200ms\"").await;
    let config = HouseConfig::new(&carrier).section("runtime", "drain_timeout = \"10s\"");
    let slow = config.clone().carrier_key(&format!("max_segments_per_second = {PACE}"));
    let house = House::bound_to(&carrier, slow).await;
    let acme = house.acme();
    acme.tell(&carrier.sink.url).await;
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        senders.spawn(send_until_refused(acme.clone(), sender));
    }
    // Some are through, some on the wire, and more wait than could go within the drain's bound.
    carrier.wait(&[("receipts_acked", 5)]).await;
    await_waiting(&house, 3 * 10 * PACE).await;
    carrier.phone_sends("+14155550199", NUMBER, "amid the drain").await;
    let began = Instant::now();
    house.terminate().await;
    let (_, ended) = house.ended().await;
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    let accepted: BTreeMap<_, _> =
        within(Duration::from_secs(30), "the senders", senders.join_all()).await.into_iter().flatten().collect();
    let stats = carrier.stats().await;
    assert_eq!(stats["bound"], 0, "it unbound");
    let left = accepted.len() as u64 - stats["accepted"].as_u64().unwrap();
    assert!(left > 0, "some still waited when it ended");

    let house = House::start(config).await;
    for id in accepted.values() {
        house.acme().await_status(id, "delivered").await;
    }
    each_once_and_in_order(&carrier, &accepted).await;
    every_end_was_told_once(&carrier, &accepted).await;
    carrier.wait(&[("mo_acked", 1)]).await;
    assert_eq!(house.acme().await_list("direction=inbound", 1).await.len(), 1);
    house.drain().await;
}

/// A carrier that takes everything and answers nothing: what is on the wire is in doubt by the end, and the bind is let go
/// of, or the carrier would refuse the next one.
#[tokio::test]
async fn a_drain_leaves_a_carrier_that_never_answers() {
    let carrier = Carrier::behaving("[response]\nsilence_rate = 1").await;
    let config = HouseConfig::new(&carrier).section("runtime", "drain_timeout = \"4s\"");
    let house = House::bound_to(&carrier, config).await;
    let message = json!({ "from": NUMBER, "to": "+14155550199", "text": "anybody?", "category": "marketing" });
    let id = house.acme().send_so(&message).await;
    carrier.wait(&[("submits", 1)]).await;
    let began = Instant::now();
    house.terminate().await;
    let (config, ended) = house.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(carrier.stats().await["bound"], 0, "it unbound: {}", ended.stderr);

    carrier.set_scenario("").await;
    let house = House::bound_to(&carrier, config).await;
    let in_doubt = house.acme().await_status(&id, "in_doubt").await;
    assert_eq!(in_doubt["text"], "anybody?");
    let next = house.acme().send("+14155550199", "there you are").await;
    house.acme().await_status(&next, "delivered").await;
}

/// A drain leaves no doubt: what was on the wire was answered before it ended.
async fn each_once_and_in_order(carrier: &Carrier, accepted: &BTreeMap<String, String>) {
    let submits = carrier.ledger("submit").await;
    let texts: Vec<_> = submits.iter().map(|submit| submit["text"].as_str().unwrap()).collect();
    let different: BTreeSet<_> = texts.iter().collect();
    assert_eq!((texts.len(), different.len()), (accepted.len(), accepted.len()), "each once");
    for sender in 0..SENDERS {
        let number = |text: &&str| text.rsplit(' ').next().and_then(|n| n.parse::<u32>().ok()).unwrap();
        let of_sender = format!("sender {sender} ");
        let order: Vec<_> = texts.iter().filter(|text| text.starts_with(&of_sender)).map(number).collect();
        assert!(order.is_sorted(), "the conversation's order holds: {order:?}");
    }
}

async fn every_end_was_told_once(carrier: &Carrier, accepted: &BTreeMap<String, String>) {
    let ids: BTreeSet<_> = accepted.values().cloned().collect();
    let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let is_end = |hook: &signalbox_tests::Hook| hook.body["type"] == "message.delivered";
    let mut wanted = ids.len();
    loop {
        told.clear();
        let hooks = carrier.sink.wait(wanted).await;
        for hook in hooks.iter().filter(|hook| is_end(hook)) {
            let id = hook.body["data"]["id"].as_str().unwrap().to_owned();
            told.entry(id).or_default().push(hook.headers["webhook-id"].clone());
        }
        if ids.iter().all(|id| told.contains_key(id)) {
            break;
        }
        wanted = hooks.len() + 1;
    }
    for (id, mut events) in told {
        events.dedup();
        assert_eq!(events.len(), 1, "{id} was told of in more than one event: {events:?}");
    }
}
