use bytes::Bytes;
use signalbox_smpp::pdu::*;
use signalbox_smpp::{Error, SubmitOutcome};
use tokio::sync::mpsc;

use crate::peer::*;

#[tokio::test]
async fn answers_find_their_messages_in_any_order() {
    let (bind, _inbound, mut peer) = bound().await;
    let mut outcomes = Vec::new();
    for text in ["one", "two", "three"] {
        outcomes.push(bind.permit().await.unwrap().submit(&message(text)).unwrap());
    }
    let mut requests = Vec::new();
    for _ in 0..3 {
        requests.push(peer.expect(CommandId::SUBMIT_SM).await);
    }
    for request in requests.iter().rev() {
        let Pdu::SubmitSm(sm) = &request.pdu else { panic!() };
        peer.answer(request, std::str::from_utf8(&sm.short_message).unwrap()).await;
    }
    for (outcome, text) in outcomes.into_iter().zip(["one", "two", "three"]) {
        let SubmitOutcome::Response(answer) = outcome.await else { panic!() };
        assert_eq!(answer.message_id.unwrap(), text);
    }
}

#[tokio::test]
async fn a_full_window_makes_the_next_message_wait() {
    let (bind, _inbound, mut peer) = bound_with(|config| config.session.window = 2).await;
    let first = bind.permit().await.unwrap().submit(&message("1")).unwrap();
    let unused = bind.permit().await.unwrap();
    assert!(bind.try_permit().is_none());
    drop(unused);
    let _second = bind.try_permit().expect("an unused slot is free again").submit(&message("2")).unwrap();
    let waiting = tokio::spawn({
        let bind = bind.clone();
        async move { bind.permit().await.map(drop) }
    });
    let request = peer.expect(CommandId::SUBMIT_SM).await;
    peer.expect(CommandId::SUBMIT_SM).await;
    assert!(!waiting.is_finished());
    assert_eq!((bind.in_flight(), bind.free_slots()), (2, 0));
    peer.answer(&request, "m").await;
    first.await;
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_throttle_is_an_answer_without_an_id() {
    let (bind, _inbound, mut peer) = bound().await;
    let outcome = bind.permit().await.unwrap().submit(&message("x")).unwrap();
    let request = peer.expect(CommandId::SUBMIT_SM).await;
    let refusal = Command::new(request.sequence_number, SubmitSmResp::default());
    peer.send(refusal.with_status(CommandStatus::ESME_RTHROTTLED)).await;
    let SubmitOutcome::Response(answer) = outcome.await else { panic!() };
    assert!(answer.status.is_throttle() && answer.message_id.is_none());
}

#[tokio::test]
async fn no_answer_in_time_is_a_timeout_and_frees_the_slot() {
    let (bind, _inbound, mut peer) = bound_with(|config| {
        config.session = quick();
        config.session.window = 1;
    })
    .await;
    let outcome = bind.permit().await.unwrap().submit(&message("x")).unwrap();
    let request = peer.expect(CommandId::SUBMIT_SM).await;
    assert_eq!(outcome.await, SubmitOutcome::Timeout);
    let next = bind.permit().await.unwrap().submit(&message("y")).unwrap();
    peer.answer(&request, "late").await;
    let request = peer.expect(CommandId::SUBMIT_SM).await;
    peer.answer(&request, "in-time").await;
    let SubmitOutcome::Response(answer) = next.await else { panic!() };
    assert_eq!(answer.message_id.unwrap(), "in-time");
}

#[tokio::test]
async fn tagged_messages_share_one_channel() {
    let (bind, _inbound, mut peer) = bound().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    for tag in 0..10 {
        bind.permit().await.unwrap().submit_tagged(&message("x"), tag, &tell).unwrap();
    }
    for tag in 0..10 {
        let request = peer.expect(CommandId::SUBMIT_SM).await;
        peer.answer(&request, &tag.to_string()).await;
    }
    for tag in 0..10_u64 {
        let (got, SubmitOutcome::Response(answer)) = told.recv().await.unwrap() else { panic!() };
        assert_eq!((got, answer.message_id.unwrap()), (tag, COctetString::from(tag.to_string())));
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_is_an_error_and_costs_no_slot() {
    let (bind, _inbound, mut peer) = bound_with(|config| config.session.window = 1).await;
    let too_long = SubmitSm { short_message: Bytes::from(vec![0; 255]), ..SubmitSm::default() };
    let error = bind.permit().await.unwrap().submit(&too_long).unwrap_err();
    assert!(matches!(error, Error::Encode { field: "short_message", .. }));
    let error = bind.permit().await.unwrap().request(&DeliverSm::default()).unwrap_err();
    assert!(matches!(error, Error::Illegal { .. }));
    let _outcome = bind.permit().await.unwrap().submit(&message("fits")).unwrap();
    peer.expect(CommandId::SUBMIT_SM).await;
}

#[tokio::test]
async fn many_senders_share_a_bind() {
    let (bind, _inbound, mut peer) = bound().await;
    let senders: Vec<_> = (0..50)
        .map(|sender| {
            let bind = bind.clone();
            tokio::spawn(async move {
                for n in 0..20 {
                    let text = format!("{sender}-{n}");
                    let outcome = bind.permit().await.unwrap().submit(&message(&text)).unwrap().await;
                    let SubmitOutcome::Response(answer) = outcome else { panic!() };
                    assert_eq!(answer.message_id.unwrap(), text.as_str());
                }
            })
        })
        .collect();
    for _ in 0..1000 {
        let request = peer.expect(CommandId::SUBMIT_SM).await;
        let Pdu::SubmitSm(sm) = &request.pdu else { panic!() };
        let text = String::from_utf8(sm.short_message.to_vec()).unwrap();
        peer.answer(&request, &text).await;
    }
    for sender in senders {
        sender.await.unwrap();
    }
    assert_eq!((bind.in_flight(), bind.free_slots()), (0, 10));
}
