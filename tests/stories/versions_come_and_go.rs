//! Versions of a handler: one answers, one answers a share, one watches; and the one that fails is taken back.

use serde_json::{Value, json};
use signalbox_tests::{Carrier, House, HouseConfig, NUMBER, Tenant, place, until};

/// What the help-desk answers to `thanks`, and what `misbehaving` answers to anything harmless.
const DESK: &str = "You're welcome.";
const OTHER: &str = "before";

/// The help-desk lives, and the other one is uploaded beside it. Answers the digests of both.
async fn two_versions(acme: &Tenant) -> (String, String) {
    let desk = acme.upload_version("desk", "", &place::guest("echo-support"), None).await.expect(201);
    assert_eq!(desk["aliases"], json!(["live"]), "the first one answers: {desk}");
    let other = acme.upload_version("desk", "", &place::guest("misbehaving"), None).await.expect(200);
    assert_eq!(other["aliases"], json!([]), "another one doesn't: {other}");
    acme.bind("desk").await;
    let digest = |version: &Value| version["digest"].as_str().unwrap().to_owned();
    (digest(&desk), digest(&other))
}

fn phone(n: usize) -> String {
    format!("+141555503{n:02}")
}

async fn explained(acme: &Tenant, phone: &str) -> Value {
    let query = format!("from=%2B{}&to=%2B{}", &phone[1..], &NUMBER[1..]);
    acme.api.get(&format!("/v1/bindings/explain?{query}")).await.expect(200)
}

/// A phone whose conversation is the canary's, or isn't.
async fn phone_of(acme: &Tenant, alias: &str) -> String {
    for n in 0..100 {
        if explained(acme, &phone(n)).await["alias"] == alias {
            return phone(n);
        }
    }
    panic!("of a hundred conversations none is {alias}");
}

#[tokio::test]
async fn a_conversation_stays_with_the_canary_or_without_it() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    let (_, other) = two_versions(&acme).await;
    acme.alias("desk", "canary", &json!({ "version": &other[..12], "percent": 40 })).await;
    let (tried, spared) = (phone_of(&acme, "canary").await, phone_of(&acme, "live").await);
    for n in 1..=3 {
        carrier.phone_sends(&tried, NUMBER, "thanks").await;
        carrier.phone_sends(&spared, NUMBER, "thanks").await;
        assert_eq!(carrier.await_texts_at(&tried, n).await[n - 1], OTHER);
        assert_eq!(carrier.await_texts_at(&spared, n).await[n - 1], DESK);
    }
    let house = house.restart().await;
    carrier.wait(&[("binds", 2), ("bound", 1)]).await;
    let acme = house.acme();
    assert_eq!(explained(&acme, &tried).await["alias"], "canary", "over a restart as well");

    // A larger share takes in who had it before; none gives everybody back.
    acme.alias("desk", "canary", &json!({ "version": other, "percent": 100 })).await;
    carrier.phone_sends(&spared, NUMBER, "thanks").await;
    assert_eq!(carrier.await_texts_at(&spared, 4).await[3], OTHER);
    acme.api.ask(http::Method::DELETE, "/v1/handlers/desk/aliases/canary", "").await.expect(200);
    carrier.phone_sends(&tried, NUMBER, "thanks").await;
    assert_eq!(carrier.await_texts_at(&tried, 4).await[3], DESK);
    let why = explained(&acme, &tried).await["candidates"][0]["why"].as_str().unwrap().to_owned();
    assert!(why.contains("the live version"), "{why}");
}

#[tokio::test]
async fn a_version_that_fails_is_taken_back_and_the_history_says_why() {
    let carrier = Carrier::start().await;
    let limits = "rollback_least = 4\nmax_attempts = 1";
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier).section("limits", limits)).await;
    let acme = house.acme();
    let (desk, other) = two_versions(&acme).await;
    // What it is held against: as many events as are needed to say anything.
    for n in 0..4 {
        carrier.phone_sends(&phone(20 + n), NUMBER, "thanks").await;
    }
    acme.await_list("direction=inbound&status=handled", 4).await;
    acme.alias("desk", "live", &json!({ "version": other })).await;
    for n in 0..4 {
        carrier.phone_sends(&phone(n), NUMBER, "trap").await;
    }
    let handler = until("the version to be taken back", || async {
        let handler = acme.handler("desk").await;
        if handler["digest"] == json!(desk) { Ok(handler) } else { Err("it still answers") }
    })
    .await;
    let changes = handler["changes"].as_array().unwrap();
    let last = changes.last().unwrap();
    assert_eq!((&last["what"], &last["version"]), (&json!("rolled_back"), &json!(other[..12])), "{changes:#?}");
    // Receipts of what the one before answered are among the events, and go well.
    let why = last["why"].as_str().unwrap();
    assert!(why.contains("events failed within 300 s") && why.ends_with("before it was 0%"), "{last}");
    assert!(house.log().contains("taken back"), "the operator is told, too");
    carrier.phone_sends(&phone(9), NUMBER, "thanks").await;
    assert_eq!(carrier.await_texts_at(&phone(9), 1).await, [DESK]);
}

#[tokio::test]
async fn a_version_that_has_nothing_to_be_held_against_since_the_start_goes_on_answering() {
    let carrier = Carrier::start().await;
    let limits = "rollback_least = 4\nmax_attempts = 1";
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier).section("limits", limits)).await;
    let acme = house.acme();
    let (_, other) = two_versions(&acme).await;
    acme.alias("desk", "live", &json!({ "version": other })).await;
    let house = house.restart().await;
    carrier.wait(&[("binds", 2), ("bound", 1)]).await;
    let acme = house.acme();
    for n in 0..6 {
        carrier.phone_sends(&phone(n), NUMBER, "trap").await;
    }
    acme.await_list("direction=inbound&status=handler_failed", 6).await;
    carrier.phone_sends(&phone(9), NUMBER, "thanks").await;
    assert_eq!(carrier.await_texts_at(&phone(9), 1).await, [OTHER], "nobody knows that the one before did better");
    assert_eq!(acme.handler("desk").await["digest"], json!(other));
}

#[tokio::test]
async fn a_canary_that_fails_is_taken_back_and_the_live_one_goes_on() {
    let carrier = Carrier::start().await;
    let limits = "rollback_least = 3\nmax_attempts = 1";
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier).section("limits", limits)).await;
    let acme = house.acme();
    let (_, other) = two_versions(&acme).await;
    acme.alias("desk", "canary", &json!({ "version": other, "percent": 50 })).await;
    let (tried, spared) = (phone_of(&acme, "canary").await, phone_of(&acme, "live").await);
    for n in 1..=3 {
        carrier.phone_sends(&spared, NUMBER, "thanks").await;
        carrier.await_texts_at(&spared, n).await;
    }
    for _ in 0..3 {
        carrier.phone_sends(&tried, NUMBER, "trap").await;
    }
    until("the canary to be taken back", || async {
        let handler = acme.handler("desk").await;
        if handler["canary"].is_null() { Ok(()) } else { Err(format!("{handler}")) }
    })
    .await;
    carrier.phone_sends(&tried, NUMBER, "thanks").await;
    assert_eq!(carrier.await_texts_at(&tried, 1).await, [DESK]);
}

#[tokio::test]
async fn a_shadow_is_compared_and_has_no_effect() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    let (_, other) = two_versions(&acme).await;
    acme.alias("desk", "shadow", &json!({ "version": other })).await;
    carrier.phone_sends(&phone(1), NUMBER, "thanks").await;
    assert_eq!(carrier.await_texts_at(&phone(1), 1).await, [DESK]);
    let compared = compared(&acme, |all| all["different"].as_u64() >= Some(1)).await;
    let difference = compared["differences"].as_array().unwrap().iter().find(|one| one["kind"] == "message").unwrap();
    let lines = |side: &str| difference[side].to_string();
    assert!(lines("live").contains("sends “You're welcome.”"), "{difference}");
    assert!(lines("shadow").contains("sends “before”") && !lines("shadow").contains("welcome"), "{difference}");
    assert!(!lines("live").contains(&phone(1)), "numbers are redacted: {difference}");

    // The same code under another digest does the same.
    let same =
        acme.upload_version("desk", "?alias=shadow", &with_another_digest("echo-support"), None).await.expect(200);
    assert_eq!(same["aliases"], json!(["shadow"]));
    // What it writes and reads back counts, too: the second one reads what the first one left.
    carrier.phone_sends(&phone(1), NUMBER, "Where is order 17?").await;
    carrier.phone_sends(&phone(1), NUMBER, "Hm").await;
    let texts = carrier.await_texts_at(&phone(1), 3).await;
    assert!(texts[2].contains("(message 3)"), "{texts:?}");
    let compared = self::compared(&acme, |all| all["compared"].as_u64() >= Some(2)).await;
    assert_eq!(compared["different"], 0, "{compared:#}");
    assert_eq!(carrier.texts_at(&phone(1)).await.len(), 3, "a shadow sends nothing");
}

async fn compared(acme: &Tenant, wanted: impl Fn(&Value) -> bool) -> Value {
    until("the shadow to be compared", || async {
        let all = acme.api.get("/v1/handlers/desk/shadow").await.expect(200);
        if wanted(&all) { Ok(all) } else { Err(format!("{all}")) }
    })
    .await
}

/// A guest with a custom section more: the same code, another component.
fn with_another_digest(guest: &str) -> Vec<u8> {
    let mut component = place::guest(guest);
    component.extend([0, 6, 4]);
    component.extend(b"mark!");
    component
}

#[tokio::test]
async fn what_a_version_asks_for_and_lacks_is_said_until_it_has_it() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    let acme = house.acme();
    let manifest = "name = \"desk\"\ndescription = \"Helps.\"\nhosts = [\"api.example.com\"]\n\
                    [[secrets]]\nname = \"token\"\n[settings.hours]\ntype = \"text\"\nrequired = true\n";
    let guest = place::guest("echo-support");
    let version = acme.upload_version("desk", "", &guest, Some(manifest)).await.expect(201);
    let warnings = version["warnings"].as_array().unwrap();
    for word in ["api.example.com", "secret `token`", "setting `hours`"] {
        assert!(warnings.iter().any(|one| one.as_str().unwrap().contains(word)), "{word}: {warnings:?}");
    }
    let refused = acme.api.put("/v1/handlers/desk/settings", &json!({ "settings": { "huors": "9 to 5" } })).await;
    let problem = refused.expect_problem(422, "request.invalid");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("did you mean `hours`?"), "{problem}");
    acme.api.put("/v1/handlers/desk/settings", &json!({ "settings": { "hours": "Nine to five." } })).await.expect(200);
    let set = acme.api.put("/v1/handlers/desk/secrets/token", &json!({ "value": "sk-very-secret" })).await;
    assert_eq!(set.status, 204, "{}", set.text());
    let house = house.restart().await;
    carrier.wait(&[("binds", 2), ("bound", 1)]).await;
    let acme = house.acme();
    let handler = acme.handler("desk").await;
    assert_eq!(handler["warnings"].as_array().unwrap().len(), 1, "only the host is left: {handler}");
    assert_eq!((&handler["secrets"], &handler["settings"]["hours"]), (&json!(["token"]), &json!("Nine to five.")));
    assert!(!handler.to_string().contains("sk-very-secret"));
    acme.bind("desk").await;
    carrier.phone_sends(&phone(1), NUMBER, "What are your hours?").await;
    assert_eq!(carrier.await_texts_at(&phone(1), 1).await, ["Nine to five."]);
    let broken = acme.upload_version("desk", "", &guest, Some("nmae = \"desk\"")).await;
    let problem = broken.expect_problem(422, "manifest.refused");
    assert!(problem.to_string().contains("did you mean `name`?"), "{problem}");
}
