//! A tenant's code answers, remembers, sets timers and rewrites; and whatever it does wrong stays its own trouble.

use serde_json::{Value, json};
use signalbox_tests::{Carrier, House, HouseConfig, NUMBER, NUMBER_OF_BOLT, Tenant, until};

const PHONE: &str = "+14155550199";

async fn help_desk(carrier: &Carrier, settings: &str) -> House {
    let config = HouseConfig::new(carrier).tenant_key(&format!("settings = {{ {settings} }}"));
    let house = House::bound_to(carrier, config).await;
    let uploaded = house.acme().give_number_to("echo-support").await;
    let exports = uploaded["exports"].as_array().unwrap();
    assert_eq!(exports.len(), 4, "the help-desk has all four handlers: {uploaded}");
    house
}

#[tokio::test]
async fn an_answer_reaches_the_phone_and_state_outlives_a_restart() {
    let carrier = Carrier::start().await;
    let house = help_desk(&carrier, "hours = \"Eight to eight.\"").await;
    carrier.phone_sends(PHONE, NUMBER, "What are your hours?").await;
    assert_eq!(carrier.await_texts_at(PHONE, 1).await, ["Eight to eight."]);
    carrier.phone_sends(PHONE, NUMBER, "My name is Ada").await;
    assert_eq!(carrier.await_texts_at(PHONE, 2).await[1], "Nice to meet you, Ada. How can we help?");

    let house = house.restart().await;
    carrier.wait(&[("binds", 2), ("bound", 1)]).await;
    carrier.phone_sends(PHONE, NUMBER, "Hm").await;
    let third = &carrier.await_texts_at(PHONE, 3).await[2];
    assert_eq!(third, "Ada, is this still about hours? you wrote: Hm (message 3). Try HOURS, ORDER or AGENT.");

    let inbound = house.acme().await_list("direction=inbound&status=handled", 3).await;
    let story = house.acme().story_of(inbound[0]["id"].as_str().unwrap()).await;
    assert!(story.last().unwrap().contains("handler echo-support"), "{story:?}");
    assert!(story.last().unwrap().contains("label=echo"), "{story:?}");
}

#[tokio::test]
async fn a_timer_comes_and_one_set_before_a_restart_comes_after_it() {
    let carrier = Carrier::start().await;
    let house = help_desk(&carrier, "follow-up-ms = \"300\"").await;
    carrier.phone_sends(PHONE, NUMBER, "Where is order 17?").await;
    let texts = carrier.await_texts_at(PHONE, 2).await;
    assert_eq!(texts, ["Order 17 is on its way. We'll ask again later.", "Is your order settled? Write AGENT if not."]);

    carrier.phone_sends(PHONE, NUMBER, "I want a human").await;
    carrier.await_texts_at(PHONE, 3).await;
    // A text whose carrier's answer isn't on record would be in doubt after the kill, and sent again.
    house.acme().await_list("direction=outbound&status=delivered", 3).await;
    let config = house.kill().await;
    let _house = House::start(config).await;
    let texts = carrier.await_texts_at(PHONE, 4).await;
    assert_eq!(texts[2], "A colleague will write to you here shortly.");
    assert!(texts[3..].iter().all(|text| text == "Is your question settled? Write AGENT if not."), "{texts:?}");
}

#[tokio::test]
async fn a_draft_is_rewritten_and_the_record_has_both() {
    let carrier = Carrier::start().await;
    let house = help_desk(&carrier, "").await;
    let acme = house.acme();
    let first = acme.send(PHONE, "Hello {name}, your parcel is here.").await;
    acme.await_status(&first, "delivered").await;
    carrier.phone_sends(PHONE, NUMBER, "my name is Grace").await;
    carrier.await_texts_at(PHONE, 2).await;
    let second = acme.send(PHONE, "Hello {name}, your parcel is here.").await;
    let message = acme.await_status(&second, "delivered").await;
    assert_eq!(message["original_text"], "Hello {name}, your parcel is here.");
    assert_eq!(message["text"], "Hello Grace, your parcel is here.");
    let texts = carrier.texts_at(PHONE).await;
    assert_eq!(
        (texts[0].as_str(), texts[2].as_str()),
        ("Hello there, your parcel is here.", message["text"].as_str().unwrap())
    );
}

/// What `misbehaving` is asked for, what its tenant reads, and how often the host tries it; `None` where that depends on
/// the machine: one that is slow enough stops `allocate` for its computing first.
const DEEDS: [(&str, &[&str], Option<usize>); 9] = [
    ("trap", &["gave up"], Some(2)),
    ("panic", &["panic"], Some(2)),
    ("spin", &["computed for more than 50ms"], Some(2)),
    ("allocate", &["more memory than the 64 MiB", "computed for more than 50ms"], None),
    ("recurse", &["recursion"], Some(1)),
    ("flood sends", &["10 sends"], Some(1)),
    ("large call", &["1048576 bytes"], Some(1)),
    ("reject", &["not for me"], Some(1)),
    ("exit", &["called exit"], Some(2)),
];

#[tokio::test]
async fn a_handler_that_goes_wrong_is_parked_with_a_clear_word_and_harms_nobody_else() {
    let carrier = Carrier::start().await;
    let config = HouseConfig::new(&carrier).section("limits", "max_attempts = 2");
    let house = House::bound_to(&carrier, config).await;
    let (acme, bolt) = (house.acme(), house.bolt());
    acme.give_number_to("misbehaving").await;
    for (n, (deed, _, _)) in DEEDS.iter().enumerate() {
        carrier.phone_sends(&phone(n), NUMBER, deed).await;
    }
    // Others' messages pass while it goes on.
    let theirs = bolt.send(PHONE, "From a quiet tenant").await;
    bolt.await_status(&theirs, "delivered").await;
    for (n, (deed, words, attempts)) in DEEDS.iter().enumerate() {
        it_is_parked(&acme, &phone(n), deed, words, *attempts).await;
        assert!(carrier.texts_at(&phone(n)).await.is_empty(), "{deed} has no effect, what it asked before included");
    }
    the_logs_say_why(&acme).await;
    carrier.phone_sends(PHONE, NUMBER, "be good").await;
    assert_eq!(carrier.await_texts_at(PHONE, 2).await[1], "before");
    assert_eq!(house.anonymous().get("/healthz").await.status, 200);
    carrier.phone_sends(PHONE, NUMBER_OF_BOLT, "Still there?").await;
    bolt.await_list("direction=inbound", 1).await;
    house.drain().await;
}

fn phone(n: usize) -> String {
    format!("+1415555030{n}")
}

async fn it_is_parked(acme: &Tenant, phone: &str, deed: &str, words: &[&str], attempts: Option<usize>) {
    let number = phone.trim_start_matches('+');
    let found = acme.await_list(&format!("direction=inbound&from=%2B{number}"), 1).await;
    let id = found[0]["id"].as_str().unwrap();
    acme.await_status(id, "handler_failed").await;
    let timeline = acme.timeline(id).await;
    let entries = timeline["entries"].as_array().unwrap();
    let failures: Vec<_> = entries.iter().filter(|entry| entry["cause"]["kind"] == "handler_failed").collect();
    assert!(attempts.is_none_or(|attempts| attempts == failures.len()), "{deed}: {entries:?}");
    let error = failures.last().unwrap()["cause"]["error"].as_str().unwrap();
    assert!(words.iter().any(|words| error.contains(words)), "{deed}: {error}");
    assert_eq!(failures.last().unwrap()["cause"]["parked"], true);
}

async fn the_logs_say_why(acme: &Tenant) {
    let logs = acme.api.get("/v1/handlers/misbehaving/logs").await.expect(200);
    let lines: Vec<&str> =
        logs["lines"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap()).collect();
    for (deed, words, _) in DEEDS {
        let is_told = |line: &&str| words.iter().any(|words| line.contains(words));
        assert!(lines.iter().any(is_told), "{deed} is not in {lines:#?}");
    }
}

#[tokio::test]
async fn a_draft_whose_handler_goes_wrong_never_leaves() {
    let carrier = Carrier::start().await;
    let house = House::start(HouseConfig::new(&carrier).section("limits", "max_attempts = 1")).await;
    let acme = house.acme();
    acme.give_number_to("misbehaving").await;
    for (text, why) in [
        ("spin", "computed for more than 10ms"),
        ("drop", "on request"),
        ("unknown decision", "postpone"),
        ("unknown change", "font"),
        ("change all", "another sender"),
    ] {
        let id = acme.send(PHONE, text).await;
        let message = acme.await_status(&id, "rejected").await;
        assert_eq!(message["error"], "content.blocked_platform");
        let story = acme.story_of(&id).await;
        assert!(story.last().unwrap().contains(why), "{text}: {story:?}");
    }
    let fine = acme.send(PHONE, "a good text").await;
    acme.await_status(&fine, "delivered").await;
    assert_eq!(carrier.texts_at(PHONE).await, ["a good text"]);
}

#[tokio::test]
async fn a_new_version_takes_over_with_the_next_event() {
    let carrier = Carrier::start().await;
    let house = help_desk(&carrier, "").await;
    let acme = house.acme();
    carrier.phone_sends(PHONE, NUMBER, "thanks").await;
    assert_eq!(carrier.await_texts_at(PHONE, 1).await, ["You're welcome."]);
    let replaced = acme.upload("echo-support", signalbox_tests::place::guest("misbehaving")).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text());
    carrier.phone_sends(PHONE, NUMBER, "thanks").await;
    assert_eq!(carrier.await_texts_at(PHONE, 2).await[1], "before");
    let refused = acme.upload("echo-support", "not a component").await;
    refused.expect_problem(422, "component.refused");
    carrier.phone_sends(PHONE, NUMBER, "still there?").await;
    assert_eq!(carrier.await_texts_at(PHONE, 3).await[2], "before", "the last good version stays");
    let handlers = acme.api.get("/v1/handlers").await.expect(200);
    assert_eq!(handlers["handlers"].as_array().unwrap().len(), 1);
    let bound = until("the binding to stay", || async {
        let bindings = acme.api.get("/v1/bindings").await.expect(200);
        let found: Option<Value> = bindings["bindings"].as_array().and_then(|all| all.first().cloned());
        found.ok_or("there is none")
    })
    .await;
    assert_eq!((&bound["number"], &bound["handler"]), (&json!(NUMBER), &json!("echo-support")));
}
