//! Whatever a carrier does wrong, nothing accepted is lost and each message ends as it should.

use serde_json::{Value, json};
use signalbox_tests::{Carrier, House, HouseConfig, NUMBER, Tenant, until};
use std::collections::BTreeMap;

const PHONE: &str = "+14155550199";

async fn house(carrier: &Carrier) -> House {
    House::bound_to(carrier, HouseConfig::new(carrier)).await
}

fn phone(n: usize) -> String {
    format!("+1415555{:04}", 4_000 + n)
}

/// How often the carrier took each text.
async fn taken(carrier: &Carrier) -> BTreeMap<String, usize> {
    let mut taken = BTreeMap::new();
    for submit in carrier.ledger("submit").await.iter().filter(|submit| submit["accepted"] == true) {
        *taken.entry(submit["text"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    taken
}

/// Sends `count` messages of a category to as many phones; answers their ids by text.
async fn send_many(acme: &Tenant, category: &str, count: usize) -> BTreeMap<String, String> {
    let message =
        |n| json!({ "from": NUMBER, "to": phone(n), "text": format!("{category} {n}"), "category": category });
    let messages: Vec<_> = (0..count).map(message).collect();
    let answer = acme.api.post("/v1/messages/batch", &json!({ "messages": messages })).await.expect(202);
    let results = answer["results"].as_array().unwrap().iter();
    let id = |result: &Value| result["accepted"]["id"].as_str().unwrap().to_owned();
    results.enumerate().map(|(n, result)| (format!("{category} {n}"), id(result))).collect()
}

#[tokio::test]
async fn garbage_costs_at_most_the_connection() {
    let carrier = Carrier::start().await;
    let house = house(&carrier).await;
    let acme = house.acme();
    let kinds = ["unknown-command", "stray-response", "cut-tlv", "noise", "huge-length", "tiny-length"];
    for (n, kind) in kinds.into_iter().enumerate() {
        carrier.wait(&[("bound", 1)]).await;
        assert_eq!(carrier.send_garbage(kind).await, 1, "{kind}");
        let id = acme.send(&phone(n), kind).await;
        acme.await_status(&id, "delivered").await;
    }
    let stats = carrier.stats().await;
    assert!(stats["nacks_received"].as_u64().unwrap() >= 1, "unknown commands are told so: {stats}");
    let taken = taken(&carrier).await;
    assert!(kinds.iter().all(|kind| taken.contains_key(*kind)), "{taken:?}");
}

#[tokio::test]
async fn broken_connections_are_made_again_and_what_phones_sent_comes_once() {
    let carrier = Carrier::start().await;
    let house = house(&carrier).await;
    let acme = house.acme();
    for (n, how) in ["close", "reset", "mid-pdu", "unbind"].into_iter().enumerate() {
        carrier.wait(&[("binds", n as u64 + 1), ("bound", 1)]).await;
        assert_eq!(carrier.disconnect(how).await, 1);
        carrier.phone_sends(PHONE, NUMBER, how).await;
        let id = acme.send(&phone(n), how).await;
        acme.await_status(&id, "delivered").await;
    }
    carrier.wait(&[("mo_acked", 4)]).await;
    let mut texts: Vec<_> = acme.await_list("direction=inbound", 4).await.iter().map(|m| m["text"].clone()).collect();
    texts.sort_by_key(ToString::to_string);
    assert_eq!(texts, ["close", "mid-pdu", "reset", "unbind"]);
    assert!(taken(&carrier).await.values().all(|count| *count == 1));
}

#[tokio::test]
async fn connections_that_break_amid_answers_lose_nothing_and_doubt_is_resolved_by_category() {
    let carrier = Carrier::behaving("[faults]\ndisconnect_every = 23\ncut_pdu_every = 31\ngarbage_every = 17").await;
    // Some are met several times.
    let config = HouseConfig::new(&carrier).carrier_key("window = 4").section("limits", "max_resends = 100");
    let house = House::bound_to(&carrier, config).await;
    let acme = house.acme();
    let marketing = send_many(&acme, "marketing", 100).await;
    let otp = send_many(&acme, "otp", 100).await;
    let mut in_doubt = 0;
    for id in marketing.values() {
        in_doubt += usize::from(acme.await_status(id, "delivered,in_doubt").await["status"] == "in_doubt");
    }
    for id in otp.values() {
        acme.await_status(id, "delivered").await;
    }
    assert!(in_doubt > 0, "the faults met some of the marketing messages");
    let taken = taken(&carrier).await;
    for (text, id) in marketing.iter().chain(&otp) {
        let count = taken.get(text).copied().unwrap_or_default();
        assert!(count >= 1 || acme.message(id).await["status"] == "in_doubt", "{text} never reached the carrier");
        if count > 1 {
            assert!(text.starts_with("otp"), "{text} was sent {count} times");
            assert!(acme.life_of(id).await.contains(&"in_doubt".to_owned()), "{text} was sent twice without a doubt");
        }
    }
}

#[tokio::test]
async fn throttling_and_full_queues_slow_us_down_and_nothing_else() {
    let scenario =
        "congestion_state = 85\n[throttle]\nrate = 0.1\nlasts = \"30ms\"\n[queue_full]\nrate = 0.05\nlasts = \"20ms\"";
    let carrier = Carrier::behaving(scenario).await;
    let house = house(&carrier).await;
    let acme = house.acme();
    let sent = send_many(&acme, "marketing", 60).await;
    let stats = until("a carrier that said no", || async {
        let stats = carrier.stats().await;
        let refused = stats["throttled"].as_u64().unwrap() * stats["queue_full"].as_u64().unwrap();
        if refused > 0 || stats["accepted"] == 60 { Ok(stats) } else { Err(stats.to_string()) }
    })
    .await;
    assert!(stats["throttled"].as_u64().unwrap() + stats["queue_full"].as_u64().unwrap() > 0, "{stats}");
    carrier.set_scenario("").await;
    for id in sent.values() {
        acme.await_status(id, "delivered").await;
    }
    let taken = taken(&carrier).await;
    assert_eq!((taken.len(), taken.values().sum::<usize>()), (60, 60), "each once: {taken:?}");
    let some = acme.story_of(&sent["marketing 0"]).await;
    assert!(some[0].contains("accepted"), "{some:?}");
}

#[tokio::test]
async fn silence_is_doubt_and_each_category_resolves_it_as_its_tenant_wants() {
    let carrier = Carrier::behaving("[response]\nsilence_rate = 1.0").await;
    let config = HouseConfig::new(&carrier)
        .carrier_key("response_timeout = \"300ms\"")
        // However long this test takes to have the carrier speak again.
        .section("limits", "max_resends = 100")
        .tenant_key("in_doubt = { conversational = \"hold\", otp = \"resend\" }");
    let house = House::bound_to(&carrier, config).await;
    let acme = house.acme();
    let mut ids = BTreeMap::new();
    for (n, category) in ["marketing", "conversational", "otp", "transactional"].into_iter().enumerate() {
        let message = json!({ "from": NUMBER, "to": phone(n), "text": category, "category": category });
        ids.insert(category, acme.send_so(&message).await);
    }
    for category in ["marketing", "conversational"] {
        let message = acme.await_status(&ids[category], "in_doubt").await;
        assert_eq!(message["error"], "in_doubt");
        let story = acme.story_of(&ids[category]).await;
        assert!(story.last().unwrap().contains("no answer within the response timeout"), "{story:?}");
    }
    carrier.wait(&[("submits", 6)]).await;
    carrier.set_scenario("").await;
    for category in ["otp", "transactional"] {
        acme.await_status(&ids[category], "delivered").await;
        let story = acme.story_of(&ids[category]).await;
        assert!(story.iter().any(|line| line.contains("sent again")), "{story:?}");
    }
    let house = house.restart().await;
    let taken = taken(&carrier).await;
    for category in ["marketing", "conversational"] {
        assert_eq!(house.acme().message(&ids[category]).await["status"], "in_doubt", "held, also over a restart");
        assert_eq!(taken[category], 1);
    }
}

/// Dialects in which a receipt can be matched.
const DIALECTS: [&str; 14] = [
    "standard",
    "tlv",
    "text",
    "text-no-sub",
    "text-nonnumeric-err",
    "text-4digit-err",
    "text-no-err",
    "text-12digit-date",
    "text-14digit-date",
    "text-lowercase",
    "text-no-text",
    "text-short",
    "text-long-state",
    "payload",
];

#[tokio::test]
async fn every_dialect_of_receipts_is_understood() {
    let carrier = Carrier::start().await;
    let house = house(&carrier).await;
    let acme = house.acme();
    for (n, dialect) in DIALECTS.into_iter().enumerate() {
        carrier.set_scenario(&format!("[receipts]\ndelay = \"1ms\"\ndialect = \"{dialect}\"")).await;
        let id = acme.send(&phone(n), &format!("{dialect}: well")).await;
        acme.await_status(&id, "delivered").await;
        let outcome = "[[outcomes]]\nstate = \"undelivered\"\nerror = 33";
        carrier.set_scenario(&format!("[receipts]\ndelay = \"1ms\"\ndialect = \"{dialect}\"\n{outcome}")).await;
        let id = acme.send(&phone(n), &format!("{dialect}: ill")).await;
        let message = acme.await_status(&id, "undelivered").await;
        assert!(message["error"].is_string(), "{dialect}: {message}");
    }
}

#[tokio::test]
async fn what_only_looks_like_a_receipt_moves_nothing() {
    let carrier = Carrier::behaving("[receipts]\ndelay = \"1ms\"\ndialect = \"none\"").await;
    let house = house(&carrier).await;
    let acme = house.acme();
    let unnamed = acme.send(PHONE, "its receipt doesn't say of what it is one").await;
    until("the carrier to be told that it makes no sense", || async {
        let stats = carrier.stats().await;
        if stats["receipts_refused"] == 1 { Ok(()) } else { Err(stats.to_string()) }
    })
    .await;
    acme.await_status(&unnamed, "sent").await;
    assert_eq!(acme.list("direction=inbound").await.len(), 0, "no receipt is taken for a message");
    // Anybody with a phone can write these words: without a mark of the carrier's they are a message.
    carrier.set_scenario("[receipts]\ndelay = \"1ms\"\ndialect = \"text-plain-class\"").await;
    let unmarked = acme.send(PHONE, "its receipt isn't marked as one").await;
    let inbound = acme.await_list("direction=inbound", 1).await;
    assert!(inbound[0]["text"].as_str().unwrap().contains("stat:DELIVRD"), "{inbound:?}");
    for id in [unnamed, unmarked] {
        acme.await_status(&id, "sent").await;
        assert_eq!(acme.life_of(&id).await.last().unwrap(), "sent");
    }
}

#[tokio::test]
async fn message_ids_are_matched_however_they_are_written() {
    for (form, keys) in [
        ("hex", "message_id = \"opaque\""),
        ("hex-in-response", "message_id = \"hex\"\nreceipt_message_id = \"decimal\""),
        ("hex-in-receipt", "message_id = \"decimal\"\nreceipt_message_id = \"hex\""),
        ("hex-capitals-in-receipt", "message_id = \"hex\""),
        ("padded-in-receipt", "message_id = \"decimal\""),
        ("padded-in-response", "message_id = \"decimal\""),
        ("opaque", "message_id = \"opaque\""),
    ] {
        let scenario = format!("[message_id]\nform = \"{form}\"\nfirst = 4026531840\n[receipts]\ndialect = \"text\"");
        let carrier = Carrier::behaving(&scenario).await;
        let house = House::bound_to(&carrier, HouseConfig::new(&carrier).carrier_key(keys)).await;
        let id = house.acme().send(PHONE, form).await;
        house.acme().await_status(&id, "delivered").await;
    }
}

#[tokio::test]
async fn receipts_that_come_early_twice_or_never_end_each_message_once() {
    let early = "[receipts]\ndelay = \"0ms\"\nearly_rate = 1.0\nearly_by = \"150ms\"\nduplicate_rate = 1.0";
    let carrier = Carrier::behaving(early).await;
    let house = house(&carrier).await;
    let acme = house.acme();
    let sent = send_many(&acme, "transactional", 20).await;
    for id in sent.values() {
        acme.await_status(id, "delivered").await;
        assert_eq!(acme.life_of(id).await, ["accepted", "queued", "sending", "sent", "delivered"]);
    }
    carrier.wait(&[("receipts_acked", 40)]).await;
    for id in sent.values() {
        assert_eq!(acme.life_of(id).await.last().unwrap(), "delivered", "the second receipt moves nothing");
    }
    carrier.set_scenario("[receipts]\nlost_rate = 1.0").await;
    let id = acme.send(PHONE, "never heard of again").await;
    acme.await_status(&id, "sent").await;
    assert!(taken(&carrier).await.values().all(|count| *count == 1));
}

#[tokio::test]
async fn outcomes_and_refusals_are_told_in_canonical_words() {
    let carrier = Carrier::start().await;
    let house = house(&carrier).await;
    let acme = house.acme();
    for (state, status) in [
        ("expired", "expired"),
        ("undelivered", "undelivered"),
        ("rejected", "undelivered"),
        ("deleted", "undelivered"),
    ] {
        carrier.set_scenario(&format!("[[outcomes]]\nstate = \"{state}\"\nerror = 1")).await;
        let id = acme.send(PHONE, state).await;
        acme.await_status(&id, status).await;
        let timeline = acme.timeline(&id).await;
        let last = timeline["entries"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["cause"]["kind"], &last["cause"]["raw_code"]), (&json!("receipt"), &json!("001")), "{last}");
    }
    for (refusal, class) in
        [("ESME_RINVDSTADR", "dest.invalid"), ("ESME_RINVSRCADR", "sender.invalid"), ("ESME_RSUBMITFAIL", "")]
    {
        carrier.set_scenario(&format!("[[refuse]]\nstatus = \"{refusal}\"")).await;
        let id = acme.send(PHONE, refusal).await;
        let message = acme.await_status(&id, "failed").await;
        assert!(class.is_empty() || message["error"] == class, "{message}");
        let story = acme.story_of(&id).await;
        assert!(story.last().unwrap().contains(refusal), "the carrier's own code is kept: {story:?}");
    }
}

#[tokio::test]
async fn peers_of_other_versions_are_spoken_to_in_theirs() {
    let long = "A long text for an old carrier. ".repeat(12);
    for (version, keys) in [
        ("3.3", "interface_version = \"3.3\"\nmode = \"pair\""),
        ("3.3", ""),
        ("5.0", "interface_version = \"5.0\""),
        ("3.4", "mode = \"pair\"\nbinds = 2\nconcatenation = \"sar\""),
        ("3.4", "concatenation = \"message_payload\""),
    ] {
        let carrier = Carrier::behaving(&format!("[bind]\ninterface_version = \"{version}\"")).await;
        let house = House::bound_to(&carrier, HouseConfig::new(&carrier).carrier_key(keys)).await;
        let id = house.acme().send(PHONE, &long).await;
        house.acme().await_status(&id, "delivered").await;
        assert_eq!(carrier.texts_at(PHONE).await, std::slice::from_ref(&long), "{version} {keys}");
    }
}

#[tokio::test]
async fn a_carrier_that_refuses_binds_is_asked_again() {
    let carrier = Carrier::behaving("[bind]\nrefuse_first = 3\nrefuse_status = \"ESME_RBINDFAIL\"").await;
    let house = House::start(HouseConfig::new(&carrier)).await;
    let id = house.acme().send(PHONE, "patience").await;
    carrier.wait(&[("binds_refused", 3), ("binds", 1)]).await;
    house.acme().await_status(&id, "delivered").await;
    assert!(house.log().contains("ESME_RBINDFAIL"), "the operator is told: {}", house.log());
}

#[tokio::test]
async fn long_messages_of_phones_are_whole_or_say_what_is_missing() {
    let carrier = Carrier::start().await;
    let config = HouseConfig::new(&carrier).section("limits", "reassembly = \"500ms\"");
    let house = House::bound_to(&carrier, config).await;
    let acme = house.acme();
    let text = "Teil um Teil, in keiner Ordnung. ".repeat(14);
    for (n, split) in ["udh8", "udh16", "sar", "payload"].into_iter().enumerate() {
        let message = json!({ "to": NUMBER, "text": text, "split": split, "order": "shuffled" });
        carrier.phone_sends_so(&phone(n), &message).await;
        let found = acme.await_list("direction=inbound", n + 1).await;
        assert_eq!(found[0]["text"], text.as_str(), "{split}");
    }
    let message = json!({ "to": NUMBER, "text": text, "missing": [2] });
    carrier.phone_sends_so(PHONE, &message).await;
    let found = acme.await_list("direction=inbound", 5).await;
    let story = acme.story_of(found[0]["id"].as_str().unwrap()).await;
    assert!(story[0].contains("of 4 parts"), "{story:?}");
    assert!(found[0]["text"].as_str().unwrap().len() < text.len());
}
