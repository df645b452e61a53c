use signalbox_smpp::pdu::*;
use signalbox_smpp::{Closed, SubmitOutcome, Written};
use tokio::io::AsyncWriteExt;

use crate::peer::*;

#[tokio::test]
async fn closing_inside_a_pdu_leaves_what_was_sent_in_doubt() {
    let (bind, _inbound, mut peer) = bound().await;
    let outcome = bind.permit().await.unwrap().submit(&message("x")).unwrap();
    peer.expect(CommandId::SUBMIT_SM).await;
    peer.stream.write_all(&[0, 0, 0, 17, 0x80, 0, 0]).await.unwrap();
    drop(peer);
    assert_eq!(outcome.await, SubmitOutcome::Disconnected { written: Written::MayHave });
    assert_eq!(bind.closed().await, Closed::PeerClosed { mid_pdu: true });
}

#[tokio::test]
async fn garbage_ends_the_session_and_names_the_length() {
    let (bind, _inbound, mut peer) = bound().await;
    peer.stream.write_all(b"HTTP/1.1 400 Bad Request\r\n").await.unwrap();
    let nack = peer.expect(CommandId::GENERIC_NACK).await;
    assert_eq!(nack.command_status, CommandStatus::ESME_RINVCMDLEN);
    let length = u32::from_be_bytes(*b"HTTP");
    assert_eq!(bind.closed().await, Closed::BadFrame { length });
    assert!(peer.read().await.is_none());
}

#[tokio::test]
async fn an_unknown_command_gets_a_generic_nack_and_the_session_goes_on() {
    let (bind, _inbound, mut peer) = bound().await;
    peer.send(Command::new(77, Pdu::Unknown(CommandId(0x0001_0203)))).await;
    let nack = peer.expect(CommandId::GENERIC_NACK).await;
    assert_eq!((nack.sequence_number, nack.command_status), (77, CommandStatus::ESME_RINVCMDID));
    let outcome = bind.permit().await.unwrap().submit(&message("still here")).unwrap();
    let request = peer.expect(CommandId::SUBMIT_SM).await;
    peer.answer(&request, "m").await;
    assert!(matches!(outcome.await, SubmitOutcome::Response(_)));
}

#[tokio::test]
async fn a_peer_that_stays_silent_is_found_dead() {
    let (bind, _inbound, mut peer) = bound_with(|config| {
        config.session = quick();
        config.session.enquire_link = Some(config.session.response_timeout);
    })
    .await;
    peer.expect(CommandId::ENQUIRE_LINK).await;
    assert_eq!(bind.closed().await, Closed::EnquireLinkUnanswered);
}

#[tokio::test]
async fn a_pdu_that_comes_octet_by_octet_is_a_pdu() {
    let (_bind, mut inbound, mut peer) = bound().await;
    let mut wire = bytes::BytesMut::new();
    Command::new(5, DeliverSm { short_message: "slow".into(), ..DeliverSm::default() })
        .encode(Dialect::V3_4, &mut wire)
        .unwrap();
    for octet in &wire {
        peer.stream.write_all(&[*octet]).await.unwrap();
        peer.stream.flush().await.unwrap();
    }
    let got = inbound.recv().await.unwrap();
    assert!(matches!(&got.request, Pdu::DeliverSm(sm) if sm.short_message == "slow"));
    got.responder.answer(CommandStatus::ESME_ROK).unwrap();
    assert_eq!(peer.expect(CommandId::DELIVER_SM_RESP).await.sequence_number, 5);
}
