use std::time::Duration;

use signalbox_carriers::{Brought, Outcome, Verdict};
use signalbox_engine::Refused;
use signalbox_model::{Cause, Direction, Status};

use crate::house::{House, part};

#[tokio::test]
async fn a_message_without_a_handler_is_on_record_as_unhandled() {
    let house = House::new().await;
    assert_eq!(house.text("hello").await, Verdict::Durable);
    let messages = house.messages().await;
    assert_eq!((messages[0].0.body.text.as_str(), messages[0].1), ("hello", Status::Unhandled));
}

#[tokio::test]
async fn a_message_for_nobodys_number_is_refused() {
    let house = House::new().await;
    let mut stray = part("hello", None);
    stray.to = "+15550100999".parse().unwrap();
    assert_eq!(house.bring(Brought::Part(stray)).await, Verdict::Refused);
    assert!(house.messages().await.is_empty());
}

#[tokio::test]
async fn parts_in_any_order_make_one_message_also_over_a_crash() {
    let house = House::new().await;
    house.bring(Brought::Part(part("c", Some((3, 3))))).await;
    house.bring(Brought::Part(part("a", Some((1, 3))))).await;
    house.bring(Brought::Part(part("a", Some((1, 3))))).await;
    assert!(house.messages().await.is_empty());
    let house = house.crash().await;
    house.bring(Brought::Part(part("b", Some((2, 3))))).await;
    assert_eq!(house.messages().await[0].0.body.text, "abc");
}

#[tokio::test]
async fn when_the_wait_for_parts_runs_out_what_there_is_goes_on_and_says_so() {
    let house = House::new().await;
    house.bring(Brought::Part(part("first ", Some((1, 2))))).await;
    house.clock.advance(Duration::from_secs(61));
    let messages = house.until_messages(|all| !all.is_empty()).await;
    assert_eq!(messages[0].0.body.text, "first […]");
    let record = house.record(messages[0].0.id).await;
    assert!(matches!(record.entries[0].cause, Cause::Received { parts: 1, of: 2, .. }));
}

#[tokio::test]
async fn stop_is_confirmed_once_and_then_nothing_leaves_until_start() {
    let house = House::new().await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.text("Stop!").await;
    house.text("STOP").await;
    let sent = |all: &[(signalbox_model::Message, Status)]| {
        all.iter().filter(|(m, s)| m.direction == Direction::Outbound && *s == Status::Sent).count()
    };
    house.until_messages(|all| sent(all) == 1).await;
    let refused = house.handle.accept(&house.caller, &House::request("hello?"), None).await;
    let Err(Refused::Policy(rejected)) = refused else { panic!("it was accepted") };
    assert_eq!(rejected.decision.reasons[0].rule, "consent.opted-out");
    assert_eq!(house.record(rejected.id).await.head.status, Status::Rejected);
    house.text("START").await;
    house.send(&House::request("welcome back")).await;
    house.until_messages(|all| sent(all) == 3).await;
    let texts: Vec<_> = house.carrier.seen().into_iter().map(|s| s.text).collect();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts[0].contains("Acme"), "{texts:?}");
}

#[tokio::test]
async fn a_stop_reaches_what_is_queued_but_not_yet_on_the_wire() {
    let house = House::new().await;
    let at = (crate::house::noon() + Duration::from_secs(60)).to_rfc3339();
    let request = signalbox_engine::Request { send_at: Some(at), ..House::request("later") };
    let id = house.send(&request).await;
    house.until(id, Status::Held).await;
    house.carrier.always(Outcome::Taken { ids: vec![] });
    house.text("STOP").await;
    house.clock.advance(Duration::from_secs(61));
    house.until(id, Status::Rejected).await;
    assert!(house.carrier.seen().iter().all(|s| s.text != "later"));
}

#[tokio::test]
async fn what_is_recorded_of_a_person_is_kept_over_a_crash() {
    let house = House::new().await;
    let (acme, theirs) = (house.caller.tenant.clone(), crate::house::THEIRS.parse().unwrap());
    assert_eq!(house.handle.contact(&acme, &theirs).await.unwrap(), None);
    let time_zone = Some("America/Chicago".to_owned());
    let contact = signalbox_engine::Contact { time_zone, attributes: [("name".to_owned(), "Ada".to_owned())].into() };
    house.handle.put_contact(&acme, &theirs, &contact).await.unwrap();
    let house = house.crash().await;
    assert_eq!(house.handle.contact(&acme, &theirs).await.unwrap(), Some(contact));
    assert_eq!(house.handle.contact(&"other".parse().unwrap(), &theirs).await.unwrap(), None);
}
