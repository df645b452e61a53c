//! Loops of handlers end, and their tenant reads why.

use std::time::Duration;

use signalbox_model::{Cause, Direction, ErrorClass, Status};

use crate::house::{House, OTHER, OURS, THEIRS};

const MINUTE: Duration = Duration::from_secs(60);

async fn fired(house: &House, timer: &str) -> u32 {
    let state = house.conversations_state((OURS, THEIRS), &format!("timer {timer}")).await;
    state.map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn a_timer_that_sets_itself_at_once_is_ended_with_a_clear_word() {
    let house = House::configured(|_| {}).await;
    house.bind_guest("misbehaving").await;
    house.text("set a tight timer").await;
    let parked = async || house.handle.parked(&house.caller.tenant, &Default::default(), None, 10).await.unwrap();
    house.until_true("the loop is ended", async || !parked().await.events.is_empty()).await;
    let parked = parked().await;
    assert_eq!(parked.events.len(), 1);
    let error = &parked.events[0].error;
    assert!(error.contains("a timer can't be set") && error.contains("limits.max_depth"), "{error}");
    // The eighth couldn't set the ninth, and so did nothing at all.
    assert_eq!(fired(&house, "tight").await, 7);
}

#[tokio::test]
async fn a_timer_that_comes_later_may_set_itself_for_ever() {
    let house = House::configured(|_| {}).await;
    house.bind_guest("misbehaving").await;
    house.text("set a slow timer").await;
    house.handled("set a slow timer").await.unwrap();
    for n in 1..=20 {
        house.clock.advance(MINUTE);
        house.until_true("it came", async || fired(&house, "slow").await == n).await;
    }
}

#[tokio::test]
async fn two_numbers_of_the_tenant_do_not_answer_each_other_for_ever() {
    let house = House::configured(|_| {}).await;
    house.bind_guest("misbehaving").await;
    house.bind_to("misbehaving", OTHER, Default::default()).await;
    house.text_between(OTHER, OURS, "hello").await;
    // The carrier brings each what the other has sent.
    let mut brought = 0;
    let is_over = async || {
        let failed = |(message, status): &(signalbox_model::Message, Status)| {
            message.direction == Direction::Inbound && *status == Status::HandlerFailed
        };
        house.messages().await.iter().any(failed)
    };
    while !is_over().await {
        house
            .until_true("it is answered, or not", async || house.carrier.seen_count() > brought || is_over().await)
            .await;
        for seen in house.carrier.seen().into_iter().skip(brought) {
            brought += 1;
            house.clock.advance(Duration::from_secs(1));
            assert!(brought < 20, "there is no end to it");
            house.text_between(&seen.from.to_string(), &seen.to.to_string(), "and you?").await;
        }
    }
    assert_eq!(brought, 8);
    let error = house.handled("and you?").await.expect_err("the last wasn't answered");
    assert!(error.contains("8 handlers' sends and timers led to this event"), "{error}");
    // Somebody else who writes begins anew.
    house.text("hello there").await;
    house.handled("hello there").await.unwrap();
}

#[tokio::test]
async fn handlers_put_so_many_messages_into_a_conversation_in_a_minute() {
    let house = House::configured(|config| config.handler_messages_per_minute = 5).await;
    house.bind_guest("misbehaving").await;
    house.text("chatter").await;
    house.handled("chatter").await.expect("its handler did nothing wrong");
    assert!(house.is_quiet(false).await);
    let messages = house.messages().await;
    let with =
        |wanted: Status| messages.iter().filter(move |(m, s)| m.direction == Direction::Outbound && *s == wanted);
    assert_eq!((with(Status::Sent).count(), with(Status::Rejected).count()), (5, 5));
    let (refused, _) = with(Status::Rejected).next().unwrap();
    let record = house.record(refused.id).await;
    assert_eq!(record.head.class, Some(ErrorClass::LimitRate));
    let Some(Cause::Rejected { why, .. }) = record.entries.last().map(|entry| &entry.cause) else { panic!() };
    assert!(why.contains("limits.handler_messages_per_minute"), "{why}");
    // Another conversation, and the next minute, have room.
    house.text_from("+15550199002", "hello").await;
    house.clock.advance(MINUTE);
    house.text("hello again").await;
    let sent = |all: &[(signalbox_model::Message, Status)]| {
        all.iter().filter(|(m, s)| m.direction == Direction::Outbound && *s == Status::Sent).count() == 7
    };
    house.until_messages(sent).await;
}
