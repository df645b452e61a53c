//! A draft is shown to its handler once, whatever holds it afterwards and however often it is looked at again; what the
//! handler asked for is done once.

use std::time::Duration;

use signalbox_carriers::Outcome;
use signalbox_engine::NewBinding;
use signalbox_model::handler::{EventKind, OnFailure, Scope};
use signalbox_model::timeline::NoteValue;
use signalbox_model::{Cause, Direction, ErrorClass, Message, MessageId, Status};
use signalbox_policy::Policies;
use signalbox_records::Record;

use crate::house::{House, NEW_YORK, OTHER, OURS, Scripted, THEIRS, noon};
use crate::registered::{PERSON, held_by, request, set_up, tell};

const SECOND: Duration = Duration::from_secs(1);

/// How often a run that is on the record left the label `stamped`.
fn stamps_on(record: &Record) -> usize {
    let marks = record.entries.iter().filter_map(|entry| match &entry.cause {
        Cause::Held { handler, .. } | Cause::Queued { handler, .. } => handler.as_ref(),
        _ => None,
    });
    let stamped = |note: &&signalbox_model::timeline::Note| note.value == NoteValue::Label("stamped".into());
    marks.flat_map(|mark| &mark.notes).filter(stamped).count()
}

/// A message that `misbehaving` was asked to stamp went out with one stamp, one copy, one note, and one count.
async fn was_stamped_once(house: &House, id: MessageId, between: (&str, &str)) {
    let record = house.until(id, Status::Sent).await;
    let text = &record.message.body.text;
    assert_eq!(text.matches("[stamp]").count(), 1, "{text}");
    assert!(record.message.original.as_ref().is_some_and(|original| !original.text.contains("[stamp]")));
    assert_eq!(stamps_on(&record), 1, "{:#?}", record.entries);
    assert_eq!(house.conversations_state(between, "stamps").await.as_deref(), Some("1"));
    let copies = house.until_messages(|all| all.iter().any(|(m, _)| m.body.text == "a copy")).await;
    assert_eq!(copies.iter().filter(|(message, _)| message.body.text == "a copy").count(), 1);
}

async fn until_held_by(house: &House, id: MessageId, rules: &[&str]) {
    house.until_true("it is held by those rules", async || held_by(house, id).await == rules).await;
}

#[tokio::test]
async fn a_draft_that_is_held_and_released_twice_is_shown_once() {
    let house = House::in_the_us().await;
    set_up(&house, &[]).await;
    house.upload_guest("misbehaving").await;
    house.bind_to("misbehaving", NEW_YORK, OnFailure::default()).await;
    let id = house.send(&request("please stamp this")).await;
    until_held_by(&house, id, &["registration.campaign-pending", "registration.carrier-pending"]).await;
    tell(&house, "CAMPAIGN_DCA_COMPLETE", "").await;
    until_held_by(&house, id, &["registration.carrier-pending"]).await;
    // What was done is on record: a restart doesn't show it again either.
    let waiting = house.handle.readiness().waiting;
    let house = house.crash_in_the_us().await;
    let is_back = async || house.handle.readiness().waiting == waiting && house.handle.steps_running() == 0;
    house.until_true("it is held again", is_back).await;
    tell(&house, "MNO_CAMPAIGN_OPERATION_APPROVED", "").await;
    was_stamped_once(&house, id, (NEW_YORK, PERSON)).await;
}

#[tokio::test]
async fn a_message_that_is_held_in_its_carriers_queue_is_not_shown_again() {
    let house = House::in_the_us().await;
    set_up(&house, &[("status", "active"), ("dca_complete", "true"), ("carrier_status", "approved")]).await;
    house.upload_guest("misbehaving").await;
    house.bind_to("misbehaving", NEW_YORK, OnFailure::default()).await;
    house.carrier.close(true);
    let id = house.send(&request("please stamp this")).await;
    house.until(id, Status::Queued).await;
    house.clock.advance(SECOND);
    tell(&house, "MNO_CAMPAIGN_OPERATION_SUSPENDED", r#","mnoName":"T-Mobile""#).await;
    house.clock.advance(SECOND);
    tell(&house, "MNO_CAMPAIGN_OPERATION_UNSUSPENDED", r#","mnoName":"T-Mobile""#).await;
    house.carrier.close(false);
    until_held_by(&house, id, &["registration.carrier-pending"]).await;
    house.clock.advance(SECOND);
    tell(&house, "MNO_CAMPAIGN_OPERATION_APPROVED", r#","mnoName":"T-Mobile""#).await;
    was_stamped_once(&house, id, (NEW_YORK, PERSON)).await;
}

async fn with_a_backup() -> (House, std::sync::Arc<Scripted>) {
    let (first, backup) = (Scripted::new(), Scripted::named("backup"));
    for carrier in [&first, &backup] {
        carrier.always(Outcome::Taken { ids: vec![] });
    }
    let house = House::set(&[], Policies::built_in(), vec![first, backup.clone()]).await;
    house.bind_guest("misbehaving").await;
    (house, backup)
}

#[tokio::test]
async fn a_handler_that_has_a_message_wait_is_asked_again_at_that_time_by_another_event() {
    let (house, backup) = with_a_backup().await;
    let id = house.send(&House::request("please wait")).await;
    let record = house.until(id, Status::Held).await;
    assert_eq!(record.head.held_until, Some(noon() + 3_600 * SECOND));
    house.clock.advance(3_600 * SECOND);
    let record = house.until(id, Status::Sent).await;
    assert_eq!(record.head.carrier.as_deref(), Some("backup"));
    assert_eq!(backup.seen_count(), 1);
    // Each time what it asks for lands once, and what it sends is a message of its own.
    assert_eq!(house.conversations_state((OURS, THEIRS), "waits").await.as_deref(), Some("2"));
    let copies = |all: &[(Message, Status)]| all.iter().filter(|(m, _)| m.body.text == "a copy").count();
    house.until_messages(|all| copies(all) == 2).await;
}

#[tokio::test]
async fn a_handler_that_failed_is_shown_the_draft_again_after_its_hold() {
    let house = House::configured(|_| {}).await;
    house.upload_guest("misbehaving").await;
    house.bind_to("misbehaving", OURS, OnFailure::Hold).await;
    let id = house.send(&House::request("please come later")).await;
    let until = house.until(id, Status::Held).await.head.held_until.unwrap();
    assert_eq!(house.conversations_state((OURS, THEIRS), "stamps").await, None);
    house.clock.advance(until.since(house.handle.now()));
    was_stamped_once(&house, id, (OURS, THEIRS)).await;
}

#[tokio::test]
async fn another_sender_is_refused_and_a_drop_with_a_send_from_there_works() {
    let house = House::configured(|_| {}).await;
    house.bind_guest("misbehaving").await;
    let forged = house.send(&House::request("please forge this")).await;
    let record = house.until(forged, Status::Rejected).await;
    let Some(Cause::Rejected { why, .. }) = record.entries.last().map(|entry| &entry.cause) else { panic!() };
    assert!(why.contains("drop this one and send another from there"), "{why}");
    let moved = house.send(&House::request("please move this")).await;
    house.until(moved, Status::Rejected).await;
    let is_moved = |m: &signalbox_model::Message| m.from.to_string() == OTHER && m.to.to_string() == THEIRS;
    let sent = |all: &[(signalbox_model::Message, Status)]| all.iter().any(|(m, s)| is_moved(m) && *s == Status::Sent);
    house.until_messages(sent).await;
    assert_eq!(house.carrier.seen().iter().map(|seen| seen.text.as_str()).collect::<Vec<_>>(), ["moved"]);
}

#[tokio::test]
async fn drafts_wait_while_their_handler_rests_and_lose_none_of_their_attempts() {
    let rest = 20 * SECOND;
    let house = House::configured(|config| (config.breaker_failures, config.breaker_wait) = (2, rest)).await;
    house.upload_guest("misbehaving").await;
    // Receipts would wait for the handler, too, and hide what is looked for.
    let (scope, kinds) = (Scope::Number(OURS.parse().unwrap()), vec![EventKind::Draft]);
    let (name, handler, on_failure) = (OURS.to_owned(), "misbehaving".to_owned(), OnFailure::default());
    let binding = NewBinding { name, scope, kinds, handler, on_failure };
    house.handle.put_binding(&house.caller.tenant, binding).await.unwrap();
    for phone in ["+15550199011", "+15550199012"] {
        let broken = signalbox_engine::Request { to: phone.into(), ..House::request("please break") };
        let id = house.send(&broken).await;
        let failed =
            async || house.record(id).await.entries.iter().any(|e| matches!(e.cause, Cause::HandlerFailed { .. }));
        house.until_true("it failed", failed).await;
        house.handle.cancel(&house.caller, id).await.unwrap();
    }
    // Two failures in a row: it rests from now on. What was taken back leaves when its turn comes.
    house.clock.advance(2 * SECOND);
    assert!(house.is_quiet(false).await);
    let id = house.send(&House::request("please pass")).await;
    house.until_true("it waits for the rest to end", async || house.handle.next_due() == Some(noon() + rest)).await;
    let record = house.record(id).await;
    assert_eq!((record.head.status, record.entries.len()), (Status::Accepted, 1), "{:#?}", record.entries);
    house.clock.advance(rest);
    let record = house.until(id, Status::Sent).await;
    assert!(!record.entries.iter().any(|entry| matches!(entry.cause, Cause::HandlerFailed { .. })));
}

#[tokio::test]
async fn a_message_whose_handler_rests_goes_on_without_it_where_the_binding_says_so() {
    let house = House::configured(|config| config.breaker_failures = 1).await;
    house.upload_guest("misbehaving").await;
    house.bind_to("misbehaving", OURS, OnFailure::Open).await;
    for text in ["please break", "please pass"] {
        let id = house.send(&House::request(text)).await;
        let record = house.until(id, Status::Sent).await;
        assert!(record.entries.iter().any(|entry| matches!(entry.cause, Cause::HandlerFailed { .. })), "{text}");
    }
}

#[tokio::test]
async fn what_a_draft_handler_writes_is_checked_as_the_apis_input_is() {
    let house = House::configured(|_| {}).await;
    house.bind_guest("misbehaving").await;
    let id = house.send(&House::request("please nul this")).await;
    let record = house.until(id, Status::Rejected).await;
    assert_eq!(record.head.class, Some(ErrorClass::ContentBlockedPlatform));
    let Some(Cause::Rejected { why, .. }) = record.entries.last().map(|entry| &entry.cause) else { panic!() };
    assert!(why.contains("NUL"), "{why}");
    assert_eq!(record.message.direction, Direction::Outbound);
}
