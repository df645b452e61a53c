use std::collections::BTreeMap;

use signalbox_carriers::{Outcome, Verdict};
use signalbox_engine::{ConsentChange, ConsentSaid, Refused, Request};
use signalbox_model::directory::StopReach;
use signalbox_model::{Category, Cause, Direction, ErrorClass, Status};
use signalbox_registry::{Level, Program, Reach};

use crate::house::{House, OTHER, OURS, THEIRS};

fn from(sender: &str, category: Category, text: &str) -> Request {
    Request { from: sender.to_owned(), category, ..House::request(text) }
}

async fn is_refused(house: &House, request: &Request) -> bool {
    match house.handle.accept(&house.caller, request, None).await {
        Ok(_) => false,
        Err(Refused::Policy(rejected)) => {
            assert_eq!(rejected.decision.reasons[0].rule, "consent.opted-out");
            true
        }
        Err(other) => panic!("refused for another reason: {other}"),
    }
}

#[tokio::test]
async fn a_stop_stops_ten_thousand_queued_messages_and_the_record_says_so() {
    const QUEUED: usize = 10_000;
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.carrier.close(true);
    for chunk in (0..QUEUED).collect::<Vec<_>>().chunks(1_000) {
        let requests: Vec<_> = chunk.iter().map(|n| House::request(&format!("offer {n}"))).collect();
        let accepted = house.handle.accept_batch(&house.caller, &requests, None).await.unwrap();
        assert!(accepted.iter().all(Result::is_ok));
    }
    // Some go, and then the word comes while the others are on their way.
    house.carrier.close(false);
    while house.carrier.seen().len() < 100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.text("STOP").await, Verdict::Durable);
    let gone: Vec<_> = house.carrier.seen().into_iter().filter(|seen| seen.text.starts_with("offer")).collect();
    house.until_waiting(0).await;
    let seen = house.carrier.seen();
    let offers = seen.iter().filter(|seen| seen.text.starts_with("offer")).count();
    assert_eq!(offers, gone.len(), "something left after the STOP was taken");
    assert!(offers < QUEUED && seen.iter().filter(|seen| seen.text.contains("opted out")).count() == 1);
    let mut statuses: BTreeMap<&str, usize> = BTreeMap::new();
    for (message, status) in house.all_messages().await {
        if message.direction == Direction::Outbound && message.body.text.starts_with("offer") {
            *statuses.entry(status.as_str()).or_default() += 1;
            // A look at each would take a minute in the in-memory store.
            if status == Status::Rejected && statuses["rejected"] % 100 == 1 {
                let record = house.record(message.id).await;
                assert_eq!(record.head.class, Some(ErrorClass::ConsentOptedOut));
                let Some(Cause::Rejected { decision: Some(decision), .. }) = record.entries.last().map(|e| &e.cause)
                else {
                    panic!("{:#?}", record.entries)
                };
                assert_eq!(decision.reasons[0].rule, "consent.opted-out");
            }
        }
    }
    println!("{offers} had left; {statuses:?}");
    assert_eq!((statuses["sent"], statuses["rejected"]), (offers, QUEUED - offers));
}

#[tokio::test]
async fn what_people_say_in_words_of_their_own_is_a_stop() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.text("Wrong number. Please don't text me again").await;
    assert!(is_refused(&house, &House::request("hello?")).await);
    let messages = house.messages().await;
    let inbound = messages.iter().find(|(message, _)| message.direction == Direction::Inbound).unwrap();
    let record = house.record(inbound.0.id).await;
    let Cause::Received { keyword, .. } = &record.entries[0].cause else { panic!() };
    assert_eq!(keyword.as_deref(), Some("dont text me"));
    let house = House::new().await;
    house.text("please don't stop").await;
    assert!(!is_refused(&house, &House::request("hello?")).await);
}

#[tokio::test]
async fn a_stop_reaches_as_far_as_its_tenant_says() {
    let (otp, marketing) = (Category::Otp, Category::Marketing);
    for (reach, refused) in [
        (StopReach::Sender, [(OURS, marketing, true), (OURS, otp, true), (OTHER, marketing, false)]),
        (StopReach::Category, [(OURS, marketing, true), (OTHER, marketing, true), (OURS, otp, false)]),
        (StopReach::All, [(OURS, marketing, true), (OTHER, marketing, true), (OTHER, otp, true)]),
    ] {
        let house = House::with_reach(reach).await;
        house.carrier.always(Outcome::Taken { ids: vec![] });
        let id = house.send(&from(OURS, marketing, "an offer")).await;
        house.until(id, Status::Sent).await;
        house.text("STOP").await;
        for (sender, category, refused) in refused {
            let request = from(sender, category, "more");
            assert_eq!(is_refused(&house, &request).await, refused, "{reach:?} {sender} {category:?}");
        }
        house.text("START").await;
        assert!(!is_refused(&house, &from(OURS, marketing, "welcome back")).await);
    }
}

#[tokio::test]
async fn a_tenants_word_is_on_the_ledger_and_a_later_stop_wins() {
    let house = House::new().await;
    let (tenant, key) = (&house.caller.tenant, house.caller.key);
    let program = Program::Sender(OURS.parse().unwrap());
    let change = |said| ConsentChange { program: program.clone(), person: THEIRS.parse().unwrap(), said, at: None };
    let granted = ConsentSaid::Granted { level: Level::ExpressWritten, method: "web".into(), proof: None };
    house.handle.put_consent(tenant, key, change(granted)).await.unwrap();
    house.clock.advance(std::time::Duration::from_secs(1));
    house.text("STOP").await;
    assert!(is_refused(&house, &House::request("hello?")).await);
    let lines = house.handle.consent_lines(tenant, &program, &THEIRS.parse().unwrap(), 10).await.unwrap();
    assert_eq!(lines.len(), 2);
    let entries = house.handle.consents_of(tenant, &THEIRS.parse().unwrap(), &[]).await.unwrap();
    assert_eq!((entries.len(), entries[0].standing.level(Category::Otp)), (1, Level::None));
    let house = house.crash().await;
    house.clock.advance(std::time::Duration::from_secs(1));
    let revoked = ConsentSaid::Revoked { reach: Reach::All };
    house.handle.put_consent(&house.caller.tenant, key, change(revoked)).await.unwrap();
    assert!(is_refused(&house, &from(OTHER, Category::Otp, "a code")).await);
}
