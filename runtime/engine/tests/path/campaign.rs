//! A campaign's handler gets what comes to the numbers that are registered for it.

use std::time::Duration;

use signalbox_model::handler::Scope;

use crate::house::{House, NEW_YORK};
use crate::registered::{PERSON, set_up};

#[tokio::test]
async fn a_campaigns_handler_gets_inbound_messages_and_timers_of_its_numbers() {
    let house = House::in_the_us().await;
    set_up(&house, &[("status", "active"), ("dca_complete", "true"), ("carrier_status", "approved")]).await;
    house.upload_guest("misbehaving").await;
    house.bind_scope("misbehaving", "for-alerts", Scope::Campaign("alerts".into()), Default::default()).await;
    house.text_between(PERSON, NEW_YORK, "set a slow timer").await;
    house.handled("set a slow timer").await.expect("the campaign's handler has it");
    house.clock.advance(Duration::from_secs(60));
    let fired = async || house.conversations_state((NEW_YORK, PERSON), "timer slow").await.as_deref() == Some("1");
    house.until_true("the timer came", fired).await;
    // A number that isn't registered is in no campaign.
    house.text("hello").await;
    house.handled("hello").await.expect_err("nobody has it");
}
