//! The control API.

use crate::esme::{Esme, TRANSCEIVER};
use crate::http::{get, post, request};
use crate::simulator;

#[tokio::test]
async fn a_phone_sends_and_receives_over_http() {
    let carrier = simulator("").await;
    let control = carrier.control_addr().unwrap();
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    let sent = post(control, "/phones/+15559/send", r#"{"to":"+15550001","text":"hi","encoding":"ucs2"}"#).await;
    assert_eq!((sent.status, sent.json()["data_coding"].as_u64()), (200, Some(8)));
    assert_eq!(esme.delivery().await.message, b"\0h\0i");
    assert_eq!(esme.submitted("15559", "hello").await.status, 0);
    let inbox = get(control, "/phones/15559/messages").await;
    assert_eq!((&inbox["messages"][0]["text"], &inbox["messages"][0]["from"]), (&"hello".into(), &"+15550001".into()));
    let refused = post(control, "/phones/+15559/send", r#"{"to":"+1","txt":"hi"}"#).await;
    assert_eq!(refused.status, 422);
    assert!(refused.json()["error"].as_str().unwrap().contains("txt"));
}

#[tokio::test]
async fn waits_end_when_the_counts_are_reached_or_the_time_is_over() {
    let carrier = simulator("").await;
    let control = carrier.control_addr().unwrap();
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    let waiting = tokio::spawn(async move { get(control, "/wait?submits=1&receipts_acked=1&timeout_ms=10000").await });
    esme.submit("15559", "hello").await;
    esme.delivery().await;
    let waited = waiting.await.unwrap();
    assert_eq!((&waited["met"], &waited["stats"]["receipts_acked"]), (&true.into(), &1.into()));
    assert_eq!(get(control, "/wait?submits=2&timeout_ms=1").await["met"], false);
    assert_eq!(get(control, "/stats").await["submits"], 1);
    assert_eq!(request(control, "GET", "/wait?sumbits=2", "", "").await.status, 422);
}

#[tokio::test]
async fn the_ledger_is_read_in_pages() {
    let carrier = simulator("[receipts]\nlost_rate = 1\n").await;
    let control = carrier.control_addr().unwrap();
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    for text in ["a", "b"] {
        esme.submitted("15559", text).await;
    }
    let first = get(control, "/ledger?limit=2").await;
    assert_eq!((&first["lines"][0]["kind"], &first["lines"][1]["kind"]), (&"session".into(), &"submit".into()));
    assert_eq!((&first["lines"][1]["text"], &first["next"]), (&"a".into(), &2.into()));
    let rest = get(control, "/ledger?after=2").await;
    assert_eq!((rest["lines"].as_array().unwrap().len(), &rest["lines"][0]["text"]), (1, &"b".into()));
}

#[tokio::test]
async fn the_scenario_changes_while_the_carrier_runs() {
    let carrier = simulator("").await;
    let control = carrier.control_addr().unwrap();
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    let json = "content-type: application/json\r\n";
    let changed = request(control, "PUT", "/scenario", json, r#"{"throttle":{"rate":1}}"#).await;
    assert_eq!(changed.status, 200);
    assert_eq!(esme.submitted("15559", "a").await.status, 0x58);
    assert_eq!(request(control, "PUT", "/scenario", "", "[queue_full]\nrate = 1.0\n").await.status, 200);
    assert_eq!(esme.submitted("15559", "a").await.status, 0x14);
    let refused = request(control, "PUT", "/scenario", "", "[queue_full]\nrat = 1\n").await;
    assert_eq!(refused.status, 422);
    let error = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("line 2") && error.contains("rat"), "{error}");
    assert_eq!(get(control, "/scenario").await["queue_full"]["rate"], 1.0, "the last good one stays");
}

#[tokio::test]
async fn orders_reach_the_sessions() {
    let carrier = simulator("").await;
    let control = carrier.control_addr().unwrap();
    let mut esme = Esme::bound(carrier.smpp_addr(), TRANSCEIVER).await;
    let garbage = post(control, "/garbage", r#"{"garbage":"unknown-command"}"#).await;
    assert_eq!(garbage.json()["sessions"], 1);
    assert_eq!(esme.read().await.command, 0x0F0F);
    assert_eq!(post(control, "/disconnect", r#"{"system_id":"nobody"}"#).await.json()["sessions"], 0);
    assert_eq!(post(control, "/disconnect", "").await.json()["sessions"], 1);
    assert_eq!(esme.try_read().await, None);
}
