use std::time::Duration;

use signalbox_carriers::{Carrier, Outcome};
use signalbox_model::ErrorClass;
use signalbox_smpp::SessionConfig;
use signalbox_smpp::pdu::{CommandStatus, SubmitSmResp, Tag, Tlvs, Version};

use crate::rig::*;

const THROTTLED: CommandStatus = CommandStatus::ESME_RTHROTTLED;

#[tokio::test]
async fn a_throttled_message_is_busy_and_slows_the_bind_down() {
    let (_smsc, mut served, rig) = Smsc::bound(|config| config.max_segments_per_second = 1_000).await;
    assert_eq!(rig.carrier.health().slowed_to, None);
    let outcome = rig.submit("x").await;
    submitted(&mut served).await.1.answer(THROTTLED).unwrap();
    let raw_code = "ESME_RTHROTTLED (0x00000058)".to_owned();
    assert_eq!(soon(outcome).await.unwrap(), Outcome::Busy { raw_code, class: ErrorClass::LimitRate });
    let slowed = rig.carrier.health().slowed_to.expect("slower");
    assert!(slowed <= 500, "{slowed}");
    // Still it sends.
    let outcome = rig.submit("x").await;
    submitted(&mut served).await.1.accept("a".into()).unwrap();
    assert!(matches!(soon(outcome).await.unwrap(), Outcome::Taken { .. }));
}

#[tokio::test]
async fn a_full_queue_of_one_recipient_does_not_slow_the_bind_and_many_in_a_row_do() {
    let (_smsc, mut served, rig) = Smsc::bound(|config| config.max_segments_per_second = 1_000).await;
    let mut answer_all = async |answers: &[CommandStatus]| {
        for status in answers {
            let outcome = rig.submit("x").await;
            submitted(&mut served).await.1.answer(*status).unwrap();
            soon(outcome).await.unwrap();
        }
        rig.carrier.health().slowed_to
    };
    let full = CommandStatus::ESME_RMSGQFUL;
    for _ in 0..10 {
        assert_eq!(answer_all(&[full, full, full, CommandStatus::ESME_RINVDSTADR]).await, None);
    }
    assert!(answer_all(&[full; 10]).await.is_some(), "all queues are full, and nobody slows down");
}

#[tokio::test]
async fn a_congested_carrier_slows_the_bind_down() {
    let (_smsc, mut served, rig) = Smsc::bound(|_| ()).await;
    for (congestion, slower) in [(79, false), (80, true)] {
        let outcome = rig.submit("x").await;
        let tlvs = Tlvs::new().with(Tag::CONGESTION_STATE, &[congestion]).unwrap();
        let answer = SubmitSmResp { message_id: "a".into(), tlvs };
        submitted(&mut served).await.1.answer_with(OK, &answer).unwrap();
        assert!(matches!(soon(outcome).await.unwrap(), Outcome::Taken { .. }));
        assert_eq!(rig.carrier.health().slowed_to.is_some(), slower, "{congestion}");
    }
}

#[tokio::test]
async fn only_the_part_that_was_not_taken_goes_again() {
    let (_smsc, mut served, rig) = Smsc::bound(|_| ()).await;
    let outcome = rig.submit(&text_of(3)).await;
    for part in 1..=3 {
        let (submit, responder) = submitted(&mut served).await;
        assert_eq!(place(&submit), (part, 3));
        match part {
            2 => responder.answer(THROTTLED).unwrap(),
            _ => responder.accept(format!("id{part}").into()).unwrap(),
        }
    }
    let (submit, responder) = submitted(&mut served).await;
    assert_eq!(place(&submit), (2, 3));
    responder.accept("id2".into()).unwrap();
    let ids = ["id1", "id2", "id3"].map(str::to_owned).to_vec();
    assert_eq!(soon(outcome).await.unwrap(), Outcome::Taken { ids });
    assert!(served.inbound.try_recv().is_err());
}

#[tokio::test]
async fn parts_that_no_bind_took_go_by_the_next_one() {
    let (smsc, mut served, rig) = Smsc::bound(|config| config.window = 1).await;
    let outcome = rig.submit(&text_of(2)).await;
    submitted(&mut served).await.1.accept("id1".into()).unwrap();
    let (_, second) = submitted(&mut served).await;
    second.answer(CommandStatus::ESME_RSYSERR).unwrap();
    served.bind.unbind().await;
    let mut served = smsc.accept().await;
    let (submit, responder) = submitted(&mut served).await;
    assert_eq!(place(&submit), (2, 2));
    responder.accept("id2".into()).unwrap();
    assert_eq!(soon(outcome).await.unwrap(), Outcome::Taken { ids: vec!["id1".into(), "id2".into()] });
}

#[tokio::test]
async fn a_refusal_names_its_part_and_class() {
    let (_smsc, mut served, rig) = Smsc::bound(|_| ()).await;
    let outcome = rig.submit(&text_of(2)).await;
    submitted(&mut served).await.1.accept("id1".into()).unwrap();
    submitted(&mut served).await.1.answer(CommandStatus::ESME_RINVDSTADR).unwrap();
    let refused = Outcome::Refused {
        raw_code: "ESME_RINVDSTADR (0x0000000b)".into(),
        class: ErrorClass::DestInvalid,
        part: Some(1),
    };
    assert_eq!(soon(outcome).await.unwrap(), refused);
}

#[tokio::test]
async fn no_answer_in_time_is_unknown() {
    let (_smsc, mut served, rig) = Smsc::bound(|config| config.response_timeout = Duration::from_millis(60)).await;
    let outcome = rig.submit("x").await;
    let (_, responder) = submitted(&mut served).await;
    assert!(matches!(soon(outcome).await.unwrap(), Outcome::Unknown { .. }));
    assert_eq!(rig.carrier.health().in_flight, 0);
    drop(responder);
}

#[tokio::test]
async fn a_connection_lost_after_writing_is_unknown_and_one_lost_before_is_unsent() {
    let (smsc, mut served, rig) = Smsc::bound(|_| ()).await;
    let (written, unwritten) = (rig.submit("x").await, rig.slot(1).await);
    let _unanswered = submitted(&mut served).await;
    drop(smsc);
    served.bind.abort();
    assert!(matches!(soon(written).await.unwrap(), Outcome::Unknown { .. }));
    served.bind.closed().await;
    assert_eq!(soon(unwritten.submit(submission("y"))).await, Outcome::Unsent);
}

#[tokio::test]
async fn it_binds_again_and_says_what_went_wrong() {
    let (smsc, served, rig) = Smsc::bound(|_| ()).await;
    drop(rig.slot(1).await);
    assert!(rig.carrier.is_up());
    for _ in 0..3 {
        served.bind.abort();
        drop(smsc.accept().await);
    }
    let mut served = smsc.accept().await;
    let outcome = rig.submit("x").await;
    submitted(&mut served).await.1.accept("a".into()).unwrap();
    assert!(matches!(soon(outcome).await.unwrap(), Outcome::Taken { .. }));
    let health = rig.carrier.health();
    assert_eq!((health.binds_up, health.binds), (1, 1));
    assert!(health.last_error.unwrap().starts_with("bind 1: "));
}

#[tokio::test]
async fn a_refused_bind_is_told_without_the_password() {
    let smsc = Smsc::listen().await;
    let rig = Rig::start(config(smsc.address()));
    let incoming = soon(smsc.server.accept()).await.unwrap();
    let refused = soon(incoming.handshake(|_| async { Err(CommandStatus::ESME_RINVPASWD) })).await;
    assert!(refused.is_err());
    // It tries again, so the first refusal has been noted.
    let _served = smsc.accept().await;
    let error = rig.carrier.health().last_error.unwrap();
    assert!(error.contains("ESME_RINVPASWD") && !error.contains("hush"), "{error}");
}

#[tokio::test]
async fn a_peer_of_3_3_gets_no_parameters() {
    let v3_3 = SessionConfig { version: Version::V3_3, ..SessionConfig::default() };
    let smsc = Smsc::listen_as(|config| config.session = v3_3).await;
    for concatenation in [signalbox_carriers::smpp::LongText::Sar, signalbox_carriers::smpp::LongText::MessagePayload] {
        let rig = Rig::start(signalbox_carriers::smpp::Config { concatenation, ..config(smsc.address()) });
        let mut served = smsc.accept().await;
        let outcome = rig.submit(&text_of(2)).await;
        for part in 1..=2 {
            let (submit, responder) = submitted(&mut served).await;
            assert_eq!(place(&submit), (part, 2));
            assert!(submit.tlvs.is_empty());
            responder.accept("1".into()).unwrap();
        }
        assert!(matches!(soon(outcome).await.unwrap(), Outcome::Taken { .. }));
    }
}
