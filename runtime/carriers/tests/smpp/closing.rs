use std::time::Duration;

use futures_util::FutureExt;
use signalbox_carriers::{Carrier, Outcome};
use signalbox_smpp::Closed;

use crate::rig::*;

#[tokio::test]
async fn closing_waits_for_what_is_in_flight_and_unbinds() {
    let (_smsc, mut served, rig) = Smsc::bound(|_| ()).await;
    let outcome = rig.submit("x").await;
    let (_, responder) = submitted(&mut served).await;
    let mut close = rig.carrier.close(Duration::from_secs(5));
    assert!((&mut close).now_or_never().is_none());
    assert!(rig.carrier.try_slot(1).is_none());
    responder.accept("a".into()).unwrap();
    soon(close).await;
    assert_eq!(soon(outcome).await.unwrap(), Outcome::Taken { ids: vec!["a".into()] });
    assert_eq!(soon(served.bind.closed()).await, Closed::PeerUnbound);
    assert!(!rig.carrier.is_up());
    assert_eq!(rig.carrier.health().binds_up, 0);
    // Once more is nothing.
    soon(rig.carrier.close(Duration::from_secs(5))).await;
}

#[tokio::test]
async fn closing_ends_at_its_bound_though_the_carrier_never_answers() {
    let (_smsc, mut served, rig) = Smsc::bound(|_| ()).await;
    let outcome = rig.submit("x").await;
    let unanswered = submitted(&mut served).await;
    soon(rig.carrier.close(Duration::from_millis(30))).await;
    assert!(matches!(soon(outcome).await.unwrap(), Outcome::Unknown { .. }));
    drop(unanswered);
}

#[tokio::test]
async fn closing_a_carrier_that_was_never_reached_is_quick() {
    let smsc = Smsc::listen().await;
    let address = smsc.address();
    drop(smsc);
    let rig = Rig::start(config(address));
    assert!(!rig.carrier.is_up() && rig.carrier.try_slot(1).is_none());
    soon(rig.carrier.close(Duration::from_secs(5))).await;
}

#[tokio::test]
async fn a_dropped_connector_unbinds_and_leaves_nobody_waiting() {
    let (_smsc, mut served, rig) = Smsc::bound(|_| ()).await;
    let outcome = rig.slot(1).await.submit(submission("x"));
    let (_, responder) = submitted(&mut served).await;
    drop(rig);
    assert!(matches!(soon(outcome).await, Outcome::Unknown { .. }));
    responder.accept("a".into()).unwrap();
    assert_eq!(soon(served.bind.closed()).await, Closed::PeerUnbound);
}
