//! STOP, START and HELP are obeyed by the host before any handler, and nothing undoes them.

use serde_json::json;
use signalbox_tests::{Carrier, House, HouseConfig, NUMBER, NUMBER_OF_BOLT};

const PHONE: &str = "+14155550199";
const OPTED_OUT: &str =
    "acme: You are opted out and will get no more messages from this number. Reply START to opt in again.";
const OPTED_IN: &str =
    "acme: You are opted in again. Msg & data rates may apply. Reply HELP for help, STOP to opt out.";
const HELP: &str = "acme: Call 555. Msg & data rates may apply. Reply STOP to opt out.";

#[tokio::test]
async fn stop_is_confirmed_once_and_blocks_sends_until_start() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    carrier.phone_sends(PHONE, NUMBER, " Stop! ").await;
    assert_eq!(carrier.await_texts_at(PHONE, 1).await, [OPTED_OUT]);

    let refused = acme.try_send(PHONE, "One more offer").await.expect_problem(422, "policy.refused");
    assert_eq!((&refused["decision"]["verdict"], &refused["retryable"]), (&json!("deny"), &json!(false)));
    let reason = &refused["decision"]["reasons"][0];
    assert_eq!((&reason["rule"], &reason["class"]), (&json!("consent.opted-out"), &json!("consent.opted_out")));
    assert!(reason["cite"].as_str().unwrap().contains("64.1200") && !reason["fix"].as_str().unwrap().is_empty());
    let on_record = acme.message(refused["message_id"].as_str().unwrap()).await;
    assert_eq!((&on_record["status"], &on_record["error"]), (&json!("rejected"), &json!("consent.opted_out")));

    carrier.phone_sends(PHONE, NUMBER, "STOP").await;
    acme.await_list("direction=inbound", 2).await;
    let other = house.bolt().send(PHONE, "bolt was not asked to stop").await;
    house.bolt().await_status(&other, "delivered").await;
    assert_eq!(carrier.texts_at(PHONE).await.len(), 2, "a second STOP is not confirmed again");

    carrier.phone_sends(PHONE, NUMBER, "start").await;
    assert_eq!(carrier.await_texts_at(PHONE, 3).await[2], OPTED_IN);
    let again = acme.send(PHONE, "Welcome back").await;
    acme.await_status(&again, "delivered").await;
    carrier.phone_sends(PHONE, NUMBER, "HELP").await;
    assert_eq!(carrier.await_texts_at(PHONE, 5).await[4], HELP);
}

#[tokio::test]
async fn stop_stops_what_already_waits_and_outlives_a_kill() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    let later = signalbox_tests::in_the_future(3);
    let waiting = json!({ "from": NUMBER, "to": PHONE, "text": "An offer for later", "send_at": later });
    let waiting = acme.send_so(&waiting).await;
    acme.await_status(&waiting, "held").await;
    carrier.phone_sends(PHONE, NUMBER, "Unsubscribe").await;
    carrier.await_texts_at(PHONE, 1).await;
    // A text whose carrier's answer isn't on record would be in doubt after the kill, and sent again.
    acme.await_list("direction=outbound&status=delivered", 1).await;
    let house = House::start(house.kill().await).await;
    house.acme().try_send(PHONE, "Another offer").await.expect_problem(422, "policy.refused");
    let explained = json!({ "from": NUMBER, "to": PHONE, "text": "And now?" });
    let explained = house.acme().api.post("/v1/messages/explain", &explained).await.expect(200);
    assert_eq!(explained["decision"]["verdict"], "deny", "a dry run says so, too: {explained}");
    let stopped = house.acme().await_status(&waiting, "rejected,delivered").await;
    assert_eq!((&stopped["status"], &stopped["error"]), (&json!("rejected"), &json!("consent.opted_out")));
    assert_eq!(carrier.texts_at(PHONE).await, [OPTED_OUT]);
}

#[tokio::test]
async fn a_handler_can_neither_answer_stop_nor_undo_it() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    acme.give_number_to("echo-support").await;
    carrier.phone_sends(PHONE, NUMBER, "STOP").await;
    let stop = acme.await_list("direction=inbound", 1).await;
    acme.await_status(stop[0]["id"].as_str().unwrap(), "handled").await;
    let replies = acme.await_list("direction=outbound", 2).await;
    for reply in &replies {
        acme.await_status(reply["id"].as_str().unwrap(), "delivered,rejected").await;
    }
    assert_eq!(carrier.texts_at(PHONE).await, [OPTED_OUT], "the handler's reply was stopped");
    let rejected = acme.list("status=rejected").await;
    assert_eq!((rejected.len(), &rejected[0]["error"]), (1, &json!("consent.opted_out")));

    carrier.phone_sends(PHONE, NUMBER_OF_BOLT, "Can you still hear me?").await;
    assert_eq!(house.bolt().await_list("direction=inbound", 1).await.len(), 1);
}
