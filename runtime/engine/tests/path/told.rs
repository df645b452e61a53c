//! What handlers are told: all that the contract promises.

use std::time::Duration;

use signalbox_carriers::{Brought, Outcome};
use signalbox_engine::Request;
use signalbox_model::{Category, Cause, Direction, MessageId, ReceiptState, Status};

use crate::house::{House, OURS, THEIRS, part};

const MINUTE: Duration = Duration::from_secs(60);

/// What the handler has sent last.
async fn said(house: &House, with: &str) -> String {
    let is_it = |m: &signalbox_model::Message| m.direction == Direction::Outbound && m.body.text.contains(with);
    let messages = house.until_messages(|all| all.iter().any(|(m, _)| is_it(m))).await;
    messages.into_iter().rfind(|(m, _)| is_it(m)).unwrap().0.body.text
}

/// Why a draft was dropped: the handler says there what it was shown.
async fn dropped(house: &House, id: MessageId) -> String {
    let record = house.until(id, Status::Rejected).await;
    match record.entries.last().map(|entry| &entry.cause) {
        Some(Cause::Rejected { why, .. }) => why.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_comes_with_its_carrier_encoding_and_parts() {
    let house = House::configured(|_| {}).await;
    house.bind_guest("misbehaving").await;
    let sent = Request { campaign: Some("spring".into()), ..House::request("Hello") };
    let id = house.send(&sent).await;
    house.until(id, Status::Sent).await;
    house.clock.advance(MINUTE);
    house.text("show the message").await;
    let shown = said(&house, "past:").await;
    assert!(shown.starts_with("[] carrier=scripted encoding="), "{shown}");
    assert!(shown.contains(" parts=1;") && !shown.contains("incomplete"), "{shown}");
    assert!(shown.ends_with("past: origin=api category=transactional campaign=spring"), "{shown}");
    // One of two parts, after the wait for the other.
    house.bring(Brought::Part(part("show the message", Some((1, 2))))).await;
    house.clock.advance(MINUTE);
    let shown = said(&house, "incomplete").await;
    assert!(shown.contains(" parts=2 incomplete=true;"), "{shown}");
}

#[tokio::test]
async fn a_draft_comes_with_its_media_and_says_when_a_timer_made_it() {
    let house = House::configured(|_| {}).await;
    house.bind_guest("misbehaving").await;
    let url = "https://example.com/a.png";
    let id = house.send(&Request { media_urls: vec![url.into()], ..House::request("please show this") }).await;
    let shown = dropped(&house, id).await;
    assert!(shown.starts_with(&format!("api [{url}]")), "{shown}");
    house.text("show a timer's draft").await;
    house.handled("show a timer's draft").await.unwrap();
    house.clock.advance(MINUTE);
    let is_it = |m: &signalbox_model::Message| m.body.text == "please show this" && m.body.media_urls.is_empty();
    let messages = house.until_messages(|all| all.iter().any(|(m, _)| is_it(m))).await;
    let made = messages.iter().find(|(m, _)| is_it(m)).unwrap().0.id;
    let shown = dropped(&house, made).await;
    assert!(shown.starts_with("timer [] routes=scripted"), "{shown}");
}

async fn until_told(house: &House, told: &str) {
    let receipts = async || house.conversations_state((OURS, THEIRS), "receipts").await.unwrap_or_default();
    let told = format!("{told}\n");
    house.until_true(&told, async || receipts().await == told).await;
}

async fn watching(config: impl FnOnce(&mut signalbox_engine::Config)) -> House {
    let house = House::configured(config).await;
    house.bind_guest("misbehaving").await;
    house.text("watch receipts").await;
    house.handled("watch receipts").await.unwrap();
    assert!(house.is_quiet(false).await);
    house
}

#[tokio::test]
async fn a_receipt_comes_with_its_carrier_and_once() {
    let house = watching(|_| {}).await;
    let id = house.send(&House::request("Hello")).await;
    house.until(id, Status::Sent).await;
    // The first was the handler's own answer.
    house.receipt("id-2-0", ReceiptState::Delivered).await;
    house.receipt("id-2-0", ReceiptState::Expired).await;
    assert!(house.is_quiet(false).await);
    until_told(&house, "delivered fine carrier=scripted parts=1").await;
}

#[tokio::test]
async fn a_message_in_doubt_is_told_of_also_when_it_is_sent_again() {
    let house = watching(|config| config.max_resends = 1).await;
    house.carrier.always(Outcome::Unknown { why: "no answer".into() });
    let id = house.send(&Request { category: Category::Otp, ..House::request("Your code is 1234") }).await;
    let record = house.until(id, Status::InDoubt).await;
    // Sent again once, and then held.
    assert!(record.entries.iter().any(|entry| matches!(entry.cause, Cause::Resolved { .. })), "{:#?}", record.entries);
    assert!(house.is_quiet(false).await);
    let doubt = "in-doubt in_doubt carrier=scripted parts=1";
    until_told(&house, &format!("{doubt}\n{doubt}")).await;
}

#[tokio::test]
async fn a_handlers_own_send_that_is_refused_is_told_of() {
    // Room for the answer to `watch receipts` and for no other.
    let house = watching(|config| config.handler_messages_per_minute = 1).await;
    house.text("hello").await;
    house.handled("hello").await.unwrap();
    assert!(house.is_quiet(false).await);
    until_told(&house, "rejected limit.rate parts=1").await;
}

#[tokio::test]
async fn a_contacts_time_zone_is_that_of_their_number_where_it_has_one() {
    let house = House::configured(|config| config.max_attempts = 1).await;
    house.bind_guest("misbehaving").await;
    house.text_from("+12125550123", "local time").await;
    let shown = said(&house, "America/New_York").await;
    assert!(shown.contains("2026-6-1 8:00"), "{shown}");
    // Florida's Panhandle is in two zones: there it takes the tenant's word.
    house.text_from("+18505550123", "local time").await;
    let failed = |all: &[(signalbox_model::Message, Status)]| all.iter().any(|(_, s)| *s == Status::HandlerFailed);
    house.until_messages(failed).await;
}
