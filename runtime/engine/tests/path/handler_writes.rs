//! What a handler writes is checked as the API's input is, and what it asks for has bounds.

use std::time::Duration;

use signalbox_model::Cause;

use crate::house::{House, noon};

#[tokio::test]
async fn a_handlers_sends_are_checked_as_the_apis_input_is() {
    let house = House::configured(|config| config.max_attempts = 1).await;
    house.bind_guest("misbehaving").await;
    for (text, said) in [
        ("send a file of the host's", "https"),
        ("send a nul", "NUL"),
        ("send many tags", "`tags` are at most 10, each of 1 to 64 bytes"),
    ] {
        house.text(text).await;
        let error = house.handled(text).await.expect_err(text);
        assert!(error.contains(said), "{text}: {error}");
    }
    // None of it left anything, what was asked for before it included.
    assert!(house.carrier.seen().is_empty());
}

#[tokio::test]
async fn a_handler_cannot_have_its_conversation_wait_for_ever() {
    let longest = Duration::from_secs(10);
    let house = House::configured(|config| config.retry_wait_most = longest).await;
    house.bind_guest("misbehaving").await;
    house.text("retry in ages").await;
    let failures = async || {
        let (message, _) = house.messages().await.remove(0);
        let entries = house.record(message.id).await.entries;
        entries.iter().filter(|entry| matches!(entry.cause, Cause::HandlerFailed { .. })).count()
    };
    house.until_true("the first attempt failed", async || failures().await == 1).await;
    house.until_true("the next attempt is due", async || house.handle.next_due() == Some(noon() + longest)).await;
    house.clock.advance(longest);
    house.until_true("the second attempt failed", async || failures().await == 2).await;
}
