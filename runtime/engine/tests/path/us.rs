//! A tenant in the United States that has done what the `us` pack asks of it: what goes, what waits and what is refused.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use signalbox_carriers::Outcome;
use signalbox_engine::{Contact, ProgramSettings, Refused, Request};
use signalbox_model::{Category, Cause, Decision, Status, Timestamp};
use signalbox_policy::{Origin, Policies, Whose};
use signalbox_registry::{Covers, ListKind, NewList};

use crate::house::{House, OURS};

/// Noon in New York.
const NOON: &str = "2026-06-01T16:00:00Z";
const FLORIDA: &str = "+13055550123";
const NEW_YORK: &str = "+12125550123";

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// The floor and the `us` pack, but for the registration of senders: that is another story.
fn pack() -> Policies {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("us-without-registration");
    std::fs::create_dir_all(folder.join("us")).unwrap();
    for file in ["consent.toml", "content.toml", "place.toml", "sector.toml"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/us").join(file);
        std::fs::copy(from, folder.join("us").join(file)).unwrap();
    }
    Policies::open(&Origin { folder: Some(folder), packs: vec!["us".to_owned()] }).unwrap()
}

async fn consents(house: &House, people: &[&str]) {
    let lines = people.iter().map(|person| format!("{person},{OURS},express_written,2026-05-01T10:00:00Z,web form\n"));
    let file = format!("number,sender,consent,at,method\n{}", lines.collect::<String>());
    house.handle.import_consents(&house.caller.tenant, house.caller.key, "form", file.as_bytes()).await.unwrap();
}

async fn list(house: &House, kind: ListKind, fetched_at: Timestamp, file: &str) {
    let (name, source) = (kind.as_str().to_owned(), "a test".to_owned());
    let new = NewList { name, kind, for_all: false, source, fetched_at, expires_at: None, covers: Covers::All };
    let file = Bytes::copy_from_slice(file.as_bytes());
    house.handle.import_suppression(&house.caller.tenant, house.caller.key, new, file).await.unwrap();
}

fn offer(to: &str, text: &str) -> Request {
    Request { to: to.to_owned(), category: Category::Marketing, ..House::request(text) }
}

async fn decision(house: &House, request: &Request) -> Decision {
    match house.handle.accept(&house.caller, request, None).await {
        Err(Refused::Policy(rejected)) => rejected.decision,
        Err(other) => panic!("{other}"),
        Ok(accepted) => {
            let record = loop {
                let record = house.record(accepted.id).await;
                if record.entries.len() > 1 {
                    break record;
                }
                tokio::task::yield_now().await;
            };
            match &record.entries[1].cause {
                Cause::Held { decision: Some(decision), .. } | Cause::Queued { decision, .. } => decision.clone(),
                cause => panic!("{cause:?}"),
            }
        }
    }
}

fn fired(decision: &Decision) -> Vec<&str> {
    decision.reasons.iter().map(|reason| reason.rule.as_str()).collect()
}

#[tokio::test]
async fn advertising_goes_once_consent_is_written_lists_are_fresh_and_the_window_is_open() {
    let house = House::under(pack(), at(NOON)).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let sale = offer(FLORIDA, "Everything is 20% off today.");
    assert!(fired(&decision(&house, &sale).await).contains(&"consent.not-written"));
    consents(&house, &[FLORIDA, NEW_YORK, "+12125550199"]).await;
    let held = decision(&house, &sale).await;
    assert_eq!(held.verdict.as_str(), "hold");
    let stale = held.reasons.iter().find(|reason| reason.rule == "consent.lists-stale").expect("a list is missing");
    assert!(stale.fix.contains("signalbox suppression import"), "{}", stale.fix);
    list(&house, ListKind::Dnc, at("2026-05-20T00:00:00Z"), "305,5550123\n212,5550199\n").await;
    list(&house, ListKind::Reassigned, at("2026-05-20T00:00:00Z"), "number,date,answer\n2125550199,2026-05-10,yes\n")
        .await;
    let id = house.send(&sale).await;
    let record = house.until(id, Status::Sent).await;
    let Cause::Queued { decision: passed, .. } = &record.entries[1].cause else { panic!("{:#?}", record.entries) };
    let told = signalbox_policy::explain(&pack(), passed, Whose::default()).to_text();
    println!("{told}");
    assert_eq!(passed.verdict.as_str(), "rewrite", "the first message says who it is from and how to opt out");
    for word in ["on_dnc", "lists_stale", "consent", "window_open", "first_message", "sent_subject_24h"] {
        assert!(told.contains(word), "{word} isn't in\n{told}");
    }
    let text = &house.carrier.seen()[0].text;
    assert_eq!(text, "Acme: Everything is 20% off today. Reply STOP to opt out.");
    // The number went to somebody else after the consent.
    let reassigned = decision(&house, &offer("+12125550199", "Sale!")).await;
    assert_eq!((reassigned.verdict.as_str(), fired(&reassigned)[0]), ("deny", "consent.reassigned"));
}

#[tokio::test]
async fn what_the_pack_counts_ages_and_closes_holds_and_then_goes() {
    let house = House::under(pack(), at(NOON)).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    consents(&house, &[FLORIDA, NEW_YORK]).await;
    list(&house, ListKind::Dnc, at("2026-05-20T00:00:00Z"), "201,5550000\n").await;
    list(&house, ListKind::Reassigned, at("2026-05-20T00:00:00Z"), "number,date,answer\n2015550000,2026-05-10,no\n")
        .await;
    // Florida takes three of one subject a day.
    for n in ["shoes", "hats", "gloves"] {
        let id = house.send(&offer(FLORIDA, &format!("{n} are cheap"))).await;
        house.until(id, Status::Sent).await;
    }
    let fourth = house.send(&offer(FLORIDA, "scarves are cheap")).await;
    let record = house.until(fourth, Status::Held).await;
    assert!(record.head.held_until.unwrap() > at("2026-06-02T15:00:00Z"), "{:?}", record.head.held_until);
    for n in ["shoes", "hats", "gloves", "scarves"] {
        let id = house.send(&offer(NEW_YORK, &format!("{n} are cheap"))).await;
        house.until(id, Status::Sent).await;
    }
    house.clock.advance(Duration::from_secs(25 * 3_600));
    house.until(fourth, Status::Sent).await;
    // Ten at night; and the list of May is too old in July.
    house.clock.advance(Duration::from_secs(9 * 3_600));
    assert!(fired(&decision(&house, &offer(NEW_YORK, "Sale!")).await).contains(&"place.quiet-hours"));
    house.clock.advance(Duration::from_secs(30 * 86_400 - 10 * 3_600));
    let stale = decision(&house, &offer(NEW_YORK, "Sale!")).await;
    assert!(fired(&stale).contains(&"consent.lists-stale"), "{:?}", fired(&stale));
}

#[tokio::test]
async fn what_a_tenant_has_on_record_of_a_person_and_declared_of_its_links_counts() {
    let house = House::under(pack(), at(NOON)).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let tenant = house.caller.tenant.clone();
    let domains = Some(vec!["acme.example".to_owned()]);
    let settings = ProgramSettings { domains, senders: vec![OURS.parse().unwrap()], ..Default::default() };
    house.handle.put_program(&tenant, "deals", settings).await.unwrap();
    let attributes = [("of_age", "true"), ("plain_messages", "TRUE"), ("zip", "10001")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let contact = Contact { time_zone: None, attributes };
    house.handle.put_contact(&tenant, &NEW_YORK.parse().unwrap(), &contact).await.unwrap();
    consents(&house, &[NEW_YORK]).await;
    let policies = pack();
    let facts = |decision: &Decision, name: &str| {
        let told = signalbox_policy::explain(&policies, decision, Whose::default());
        told.facts.into_iter().find(|read| read.fact == name).map(|read| read.value)
    };
    let decided = decision(&house, &offer(NEW_YORK, "Wine tasting: https://acme.example/wine")).await;
    for known in ["recipient_of_age", "links_declared", "has_link"] {
        assert_eq!(facts(&decided, known).as_deref(), Some("true"), "{known}: {decided:?}");
    }
}

#[tokio::test]
async fn what_is_called_conversational_answers_somebody_or_needs_consent() {
    let house = House::under(pack(), at(NOON)).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    let chat =
        |text: &str| Request { to: NEW_YORK.to_owned(), category: Category::Conversational, ..House::request(text) };
    let unasked = decision(&house, &chat("Still looking for a car?")).await;
    assert_eq!((unasked.verdict.as_str(), fired(&unasked)[0]), ("deny", "consent.unasked"));
    house.text_from(NEW_YORK, "hi, is the blue one still there?").await;
    for n in 0..20 {
        let id = house.send(&chat(&format!("Yes, and here is picture {n}"))).await;
        house.until(id, Status::Sent).await;
    }
    // A day later it is no answer any more; and what others wrote was never one to them.
    house.clock.advance(Duration::from_secs(24 * 3_600));
    let id = house.send(&chat("Anything else?")).await;
    house.until(id, Status::Sent).await;
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(fired(&decision(&house, &chat("Anything else?")).await)[0], "consent.unasked");
    house.text_from(FLORIDA, "hello").await;
    assert_eq!(fired(&decision(&house, &chat("Anything else?")).await)[0], "consent.unasked");
    // Who agreed is written to first; by day.
    consents(&house, &[NEW_YORK]).await;
    let id = house.send(&chat("We have a red one now")).await;
    house.until(id, Status::Sent).await;
    house.clock.advance(Duration::from_secs(10 * 3_600));
    let night = decision(&house, &chat("And a green one")).await;
    assert_eq!((night.verdict.as_str(), fired(&night)[0]), ("hold", "place.quiet-hours-unasked"));
    house.text_from(NEW_YORK, "can't sleep, tell me about it").await;
    let id = house.send(&chat("It is green")).await;
    house.until(id, Status::Sent).await;
}
