//! Handlers that take back what isn't there: not yet, not any more, or never.

use std::time::Duration;

use signalbox_model::{Cause, Status};

use crate::house::House;

const ELSEWHERE: &str = "+15550199777";

#[tokio::test]
async fn a_message_to_another_conversation_can_be_taken_back_before_it_has_arrived_there() {
    let house = House::configured(|_| {}).await;
    house.bind_guest("misbehaving").await;
    // Its conversation is busy: what is sent there stands in line behind an event that is tried again and again.
    house.text_from(ELSEWHERE, "retry").await;
    let waits = noon_and(Duration::from_millis(1_500));
    house.until_true("it waits", async || house.handle.next_due() == Some(waits)).await;
    for text in ["send elsewhere", "cancel it"] {
        house.text(text).await;
        house.handled(text).await.expect(text);
    }
    for failed in 2..=5 {
        house.clock.advance(Duration::from_millis(1_500));
        house.until_true("it failed again", async || failures(&house, "retry").await == failed).await;
    }
    assert!(house.is_quiet(false).await);
    let messages = house.messages().await;
    let sent: Vec<_> = messages.iter().filter(|(message, _)| message.body.text == "elsewhere").collect();
    assert_eq!(sent.iter().map(|(_, status)| *status).collect::<Vec<_>>(), [Status::Canceled]);
}

/// How often a text's handler failed.
async fn failures(house: &House, text: &str) -> usize {
    let messages = house.messages().await;
    let (message, _) = messages.iter().find(|(message, _)| message.body.text == text).expect("it came in");
    let entries = house.record(message.id).await.entries;
    entries.iter().filter(|entry| matches!(entry.cause, Cause::HandlerFailed { .. })).count()
}

fn noon_and(more: Duration) -> signalbox_model::Timestamp {
    crate::house::noon() + more
}

#[tokio::test]
async fn taking_back_what_is_not_there_does_nothing() {
    let house = House::configured(|_| {}).await;
    house.bind_guest("misbehaving").await;
    house.text("cancel nothing").await;
    house.handled("cancel nothing").await.expect("it is no error");
    assert!(house.is_quiet(false).await);
}
