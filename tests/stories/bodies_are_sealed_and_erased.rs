//! What people say is in no file of the store as they said it, and who asks to be forgotten is, except for what they forbade.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use signalbox_tests::place::binary;
use signalbox_tests::{Carrier, House, HouseConfig, KEY_OF_ACME, NUMBER, Process, Tenant};
use tokio::process::Command;

const PHONE: &str = "+14155550199";
const OTHER_PHONE: &str = "+14155550198";
/// Letters that stand nowhere else.
const WORD: &str = "Quetzalcoatlus";

fn sealed(carrier: &Carrier) -> HouseConfig {
    let config = HouseConfig::new(carrier);
    let key = config.folder().join("master.key");
    std::fs::write(&key, "5a".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    config.section("encryption", &format!("key = \"file:{}\"", key.display()))
}

/// Files in a folder, and all below, that have `what` in them.
fn files_with(folder: &Path, what: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, what));
        } else if std::fs::read(&path).unwrap().windows(what.len()).any(|window| window == what.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// Both write, a handler remembers, its runs are recorded; answers the message that the tenant sent.
async fn talk(carrier: &Carrier, acme: &Tenant) -> String {
    acme.give_number_to("echo-support").await;
    let contact = json!({ "attributes": { "animal": WORD } });
    acme.api.put(&format!("/v1/contacts/{}", PHONE.replace('+', "%2B")), &contact).await.expect(201);
    let id = acme.send(PHONE, &format!("Your {WORD} is ready")).await;
    acme.await_status(&id, "delivered").await;
    carrier.phone_sends(PHONE, NUMBER, &format!("my name is {WORD}")).await;
    let texts = carrier.await_texts_at(PHONE, 2).await;
    assert!(texts[1].contains(WORD), "what was sealed is used as it was said: {texts:?}");
    carrier.phone_sends(PHONE, NUMBER, "AGENT, about my order").await;
    carrier.await_texts_at(PHONE, 3).await;
    id
}

#[tokio::test]
async fn no_file_of_the_store_has_what_was_said_where_there_is_a_key() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, sealed(&carrier)).await;
    let id = talk(&carrier, &house.acme()).await;
    let config = house.drain().await;
    assert_eq!(files_with(&config.store(), WORD), [""; 0]);

    let house = House::start(config).await;
    let message = house.acme().message(&id).await;
    assert_eq!(message["text"], json!(format!("Your {WORD} is ready")));
}

#[tokio::test]
async fn without_a_key_it_is_found_there() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, HouseConfig::new(&carrier)).await;
    talk(&carrier, &house.acme()).await;
    let config = house.drain().await;
    assert_ne!(files_with(&config.store(), WORD), [""; 0]);
}

#[tokio::test]
async fn who_is_erased_is_forgotten_except_for_their_stop() {
    let carrier = Carrier::start().await;
    let house = House::bound_to(&carrier, sealed(&carrier)).await;
    let acme = house.acme();
    let id = talk(&carrier, &acme).await;
    let other = acme.send(OTHER_PHONE, "yours is later").await;
    acme.await_status(&other, "delivered").await;
    carrier.phone_sends(PHONE, NUMBER, "STOP").await;
    carrier.await_texts_at(PHONE, 4).await;

    let whom = json!({ "number": PHONE });
    let hold = acme.api.post("/v1/holds", &json!({ "on": "contact", "number": PHONE, "why": "Doe" })).await.expect(201);
    acme.api.post("/v1/erasures", &whom).await.expect_problem(409, "hold.covers");
    let release = format!("/v1/holds/{}/release", hold["id"].as_str().unwrap());
    acme.api.post(&release, &json!({ "why": "settled" })).await.expect(200);
    let mut command = Command::new(binary("signalbox"));
    command.args(["erase", PHONE, "--json", "--url", house.url(), "--key", KEY_OF_ACME]);
    let ended = Process::run("erasing", command).await;
    assert!(ended.status.success(), "{}", ended.stderr);
    let erased: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(erased["number_hidden"], json!(true));
    // Three and a STOP, what answered them, what was sent; and what the handler may have said to the STOP.
    assert!(erased["messages"].as_u64().unwrap() >= 7 && erased["others"].as_u64().unwrap() > 0, "{erased}");

    let config = house.drain().await;
    let house = House::start(config).await;
    carrier.wait(&[("bound", 1)]).await;
    let acme = house.acme();
    let message = acme.message(&id).await;
    assert_eq!((&message["body_erased"], &message["status"]), (&json!(true), &json!("delivered")), "{message}");
    assert!(!message.to_string().contains(WORD));
    assert_eq!(acme.message(&other).await["text"], json!("yours is later"));
    let refused = acme.try_send(PHONE, "One more offer").await.expect_problem(422, "policy.refused");
    assert_eq!(refused["decision"]["reasons"][0]["rule"], json!("consent.opted-out"));
    let contact = acme.api.get(&format!("/v1/contacts/{}", PHONE.replace('+', "%2B"))).await;
    assert!(!contact.text().contains(WORD), "{}", contact.text());
    carrier.phone_sends(PHONE, NUMBER, "start").await;
    carrier.await_texts_at(PHONE, 5).await;
    let again = acme.send(PHONE, "Welcome back").await;
    acme.await_status(&again, "delivered").await;
}
