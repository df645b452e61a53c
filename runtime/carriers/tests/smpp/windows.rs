use std::time::Duration;

use futures_util::FutureExt;
use signalbox_carriers::smpp::BindMode;
use signalbox_carriers::{Carrier, Outcome};
use signalbox_smpp::BindKind;

use crate::rig::*;

#[tokio::test]
async fn a_message_longer_than_the_window_goes_through_it_in_turn() {
    let (_smsc, mut served, mut rig) = Smsc::bound(|config| config.window = 4).await;
    let outcome = rig.submit(&text_of(10)).await;
    let mut waiting = Vec::new();
    for part in 1..=10 {
        let (submit, responder) = submitted(&mut served).await;
        assert_eq!(place(&submit), (part, 10));
        waiting.push(responder);
        if waiting.len() == 4 {
            round_trip(&served, &mut rig).await;
            assert!(served.inbound.try_recv().is_err(), "a fifth request is on the wire");
            assert_eq!(rig.carrier.health().in_flight, 4);
            waiting.remove(0).accept(format!("id{}", part - 3).into()).unwrap();
        }
    }
    for (number, responder) in (8..).zip(waiting) {
        responder.accept(format!("id{number}").into()).unwrap();
    }
    let ids = (1..=10).map(|number| format!("id{number}")).collect();
    assert_eq!(soon(outcome).await.unwrap(), Outcome::Taken { ids });
    assert_eq!(rig.carrier.health().in_flight, 0);
}

#[tokio::test]
async fn a_full_window_gives_no_slot_and_rings_when_a_place_is_free() {
    let (_smsc, mut served, rig) = Smsc::bound(|config| config.window = 2).await;
    let first = rig.submit("one").await;
    let second = rig.slot(1).await;
    assert!(rig.carrier.try_slot(1).is_none());
    let mut ready = rig.carrier.ready(1);
    assert!((&mut ready).now_or_never().is_none());
    drop(second);
    soon(ready).await;
    let second = rig.slot(1).await;
    let mut ready = rig.carrier.ready(1);
    assert!((&mut ready).now_or_never().is_none());
    submitted(&mut served).await.1.accept("a".into()).unwrap();
    soon(ready).await;
    let third = rig.carrier.try_slot(1).expect("the answer freed a place");
    assert!(rig.carrier.try_slot(1).is_none(), "and only one");
    drop((second, third));
    assert!(rig.carrier.try_slot(2).is_some());
    assert_eq!(soon(first).await.unwrap(), Outcome::Taken { ids: vec!["a".into()] });
}

#[tokio::test]
async fn places_become_free_though_nobody_looks_at_the_outcome() {
    let (_smsc, mut served, rig) = Smsc::bound(|config| config.window = 1).await;
    let forgotten = rig.slot(1).await.submit(submission("one"));
    submitted(&mut served).await.1.accept("a".into()).unwrap();
    let _slot = rig.slot(1).await;
    assert_eq!(soon(forgotten).await, Outcome::Taken { ids: vec!["a".into()] });
    let dropped = rig.carrier.try_slot(1);
    assert!(dropped.is_none());
}

#[tokio::test]
async fn what_is_submitted_goes_in_the_order_of_the_calls() {
    let (_smsc, mut served, rig) = Smsc::bound(|_| ()).await;
    let slots = [rig.slot(2).await, rig.slot(1).await, rig.slot(1).await];
    let texts = [text_of(2), "b".to_owned(), "c".to_owned()];
    // None of these futures is ever looked at before the SMSC has all.
    let futures: Vec<_> = slots.into_iter().zip(&texts).map(|(slot, text)| slot.submit(submission(text))).collect();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (submit, responder) = submitted(&mut served).await;
        seen.push(submit.short_message.last().copied().unwrap());
        responder.accept("id".into()).unwrap();
    }
    assert_eq!(seen, b"xxbc");
    for future in futures {
        assert!(matches!(soon(future).await, Outcome::Taken { .. }));
    }
}

#[tokio::test]
async fn the_pace_holds_and_says_when_to_come_again() {
    let (_smsc, mut served, rig) = Smsc::bound(|config| config.max_segments_per_second = 20).await;
    let start = std::time::Instant::now();
    // Two at once are its burst; a place that isn't used gives back what it took.
    for _ in 0..20 {
        drop(rig.slot(2).await);
    }
    assert!(start.elapsed() < Duration::from_millis(500));
    for _ in 0..6 {
        let outcome = rig.submit("x").await;
        submitted(&mut served).await.1.accept("a".into()).unwrap();
        soon(outcome).await.unwrap();
    }
    assert!(start.elapsed() >= Duration::from_millis(190), "{:?}", start.elapsed());
}

#[tokio::test]
async fn pairs_send_by_the_transmitter_and_use_every_bind() {
    let smsc = Smsc::listen().await;
    let rig = Rig::start(signalbox_carriers::smpp::Config {
        mode: BindMode::Pair,
        binds: 2,
        window: 1,
        ..config(smsc.address())
    });
    let mut binds = Vec::new();
    for _ in 0..4 {
        binds.push(smsc.accept().await);
    }
    let (mut senders, receivers): (Vec<_>, Vec<_>) =
        binds.into_iter().partition(|served| served.request.kind == BindKind::Transmitter);
    assert!(senders.len() == 2 && receivers.iter().all(|served| served.request.kind == BindKind::Receiver));
    let outcomes = [rig.submit("x").await, rig.submit("x").await];
    assert!(rig.carrier.try_slot(1).is_none(), "receivers have no places");
    for sender in &mut senders {
        submitted(sender).await.1.accept("a".into()).unwrap();
    }
    for outcome in outcomes {
        assert_eq!(soon(outcome).await.unwrap(), Outcome::Taken { ids: vec!["a".into()] });
    }
    let health = rig.carrier.health();
    assert_eq!((health.binds, health.last_error), (4, None));
}
