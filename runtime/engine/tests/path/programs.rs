//! A program's own words are obeyed before any handler, add to those that always hold, and take nothing from them.

use std::path::Path;
use std::time::Duration;

use signalbox_carriers::Outcome;
use signalbox_engine::{ProgramRefused, ProgramSettings, Refused};
use signalbox_model::{Direction, Status};
use signalbox_policy::Policies;

use crate::counted::{rule, rules};
use crate::house::{House, OURS, noon};

fn settings() -> ProgramSettings {
    ProgramSettings {
        title: Some("Acme Deals".to_owned()),
        help: Some("Write to deals@acme.example.".to_owned()),
        senders: vec![OURS.parse().unwrap()],
        domains: Some(vec!["acme.example".to_owned()]),
        stop: vec!["NO DEALS".to_owned()],
        start: vec!["DEALS".to_owned()],
        help_words: vec!["WHO DIS".to_owned()],
    }
}

async fn answers(house: &House) -> Vec<String> {
    house.until_waiting(0).await;
    house.carrier.seen().into_iter().map(|seen| seen.text).collect()
}

async fn is_silenced(house: &House) -> bool {
    matches!(house.handle.accept(&house.caller, &House::request("hello"), None).await, Err(Refused::Policy(_)))
}

#[tokio::test]
async fn a_programs_words_are_obeyed_and_its_help_says_who_it_is_and_how_to_stop() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.handle.put_program(&house.caller.tenant, "deals", settings()).await.unwrap();
    let house = house.crash().await;
    house.text("who dis?").await;
    house.text("No deals!").await;
    assert!(is_silenced(&house).await);
    house.clock.advance(Duration::from_secs(1));
    house.text("Deals").await;
    assert!(!is_silenced(&house).await);
    house.clock.advance(Duration::from_secs(1));
    house.text("STOP").await;
    assert!(is_silenced(&house).await, "the words that always hold, hold");
    let said = answers(&house).await;
    assert_eq!(said[0], "Acme Deals: Write to deals@acme.example. Msg & data rates may apply. Reply STOP to opt out.");
    assert!(said[1].starts_with("Acme Deals: You are opted out") && said[2].contains("opted in again"), "{said:?}");
    // Without the program its words are for the tenant again.
    assert!(house.handle.remove_program(&house.caller.tenant, "deals").await.unwrap());
    house.clock.advance(Duration::from_secs(1));
    house.text("DEALS").await;
    assert!(is_silenced(&house).await);
}

#[tokio::test]
async fn a_program_takes_nothing_from_the_words_that_always_hold() {
    let house = House::new().await;
    let tenant = &house.caller.tenant;
    for (stop, start, help) in
        [("", "STOP", ""), ("", "", "unsubscribe"), ("HELP", "", ""), ("", "NO DEALS", "no deals")]
    {
        let list = |word: &str| if word.is_empty() { vec![] } else { vec![word.to_owned()] };
        let new = ProgramSettings { stop: list(stop), start: list(start), help_words: list(help), ..settings() };
        let refused = house.handle.put_program(tenant, "deals", new).await.unwrap_err();
        assert!(matches!(refused, ProgramRefused::Invalid(wrong) if wrong[0].code == "keywords.refused"));
    }
    let stranger = ProgramSettings { senders: vec!["+15550100099".parse().unwrap()], ..settings() };
    assert!(house.handle.put_program(tenant, "deals", stranger).await.is_err());
    house.handle.put_program(tenant, "deals", settings()).await.unwrap();
    assert!(house.handle.put_program(tenant, "more", settings()).await.is_err(), "a sender has one program");
    assert_eq!(house.handle.programs(tenant).len(), 1);
}

#[tokio::test]
async fn links_are_held_against_the_domains_that_were_declared() {
    let deny = "severity = \"deny\"\non_unknown = \"pass\"";
    let house = House::under(rules("domains", &rule("declared", deny, "has_link && !links_declared")), noon()).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let goes = async |text: &str| house.handle.accept(&house.caller, &House::request(text), None).await.is_ok();
    assert!(goes("see https://elsewhere.example/x").await, "nobody declared anything");
    house.handle.put_program(&house.caller.tenant, "deals", settings()).await.unwrap();
    assert!(!goes("see https://elsewhere.example/x").await);
    assert!(goes("see https://shop.acme.example/x").await);
}

#[tokio::test]
async fn a_stop_is_confirmed_once_within_five_minutes_and_then_there_is_silence() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    for word in ["STOP", "stop", "please stop texting me"] {
        house.text(word).await;
        house.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(answers(&house).await.len(), 1);
    // A confirmation that couldn't leave within five minutes doesn't leave any more.
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.carrier.close(true);
    house.text("STOP").await;
    let is_queued =
        |all: &[(signalbox_model::Message, Status)]| all.iter().any(|(_, status)| *status == Status::Queued);
    let all = house.until_messages(is_queued).await;
    let (confirmation, _) = all.into_iter().find(|(message, _)| message.direction == Direction::Outbound).unwrap();
    assert_eq!(confirmation.expires_at.since(confirmation.accepted_at), Duration::from_secs(300));
    house.clock.advance(Duration::from_secs(300));
    house.carrier.close(false);
    house.until(confirmation.id, Status::Expired).await;
    assert_eq!(house.carrier.seen_count(), 0);
}

#[tokio::test]
async fn words_that_the_lists_take_for_something_else_are_a_programs_own_no_more() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.text("STOP").await;
    let own = ProgramSettings { start: vec!["ENOUGH WAITING".to_owned()], ..settings() };
    house.handle.put_program(&house.caller.tenant, "deals", own).await.unwrap();
    house.clock.advance(Duration::from_secs(1));
    house.text("Enough waiting!").await;
    assert!(!is_silenced(&house).await);
    // A reload brings a phrase by which people ask to be left alone.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("a-phrase-more");
    std::fs::create_dir_all(&folder).unwrap();
    let lists = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/revocation.toml");
    let more = "\n[[phrase]]\nlanguage = \"en\"\ntail = \"end\"\npatterns = [\"enough waiting\"]\n";
    std::fs::write(folder.join("revocation.toml"), std::fs::read_to_string(lists).unwrap() + more).unwrap();
    house.handle.take_policies(Policies::load(&folder).unwrap()).await;
    house.clock.advance(Duration::from_secs(1));
    house.text("Enough waiting!").await;
    assert!(is_silenced(&house).await, "nobody is opted in by words that say the opposite");
    house.clock.advance(Duration::from_secs(1));
    house.text("START").await;
    house.clock.advance(Duration::from_secs(1));
    house.text("No deals").await;
    assert!(is_silenced(&house).await, "its other words are its own still");
}
