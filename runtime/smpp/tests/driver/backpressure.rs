use std::time::Duration;

use signalbox_smpp::pdu::*;

use crate::peer::*;

fn delivery(n: u32) -> Command {
    Command::new(n, DeliverSm { short_message: n.to_string().into(), ..DeliverSm::default() })
}

#[tokio::test]
async fn a_slow_handler_loses_nothing_and_is_not_taken_for_a_dead_peer() {
    let (_bind, mut inbound, mut peer) = bound_with(|config| {
        config.inbound_capacity = 1;
        config.session.enquire_link = Some(Duration::from_millis(40));
    })
    .await;
    for n in 1..=20 {
        peer.send(delivery(n)).await;
    }
    while inbound.is_empty() {
        tokio::task::yield_now().await;
    }
    // Far longer than it takes to find a silent peer dead, and no time at all: but it is we who don't listen.
    tokio::time::pause();
    tokio::time::sleep(Duration::from_millis(300)).await;
    tokio::time::resume();
    for n in 1..=20 {
        let got = inbound.recv().await.unwrap();
        assert!(matches!(&got.request, Pdu::DeliverSm(sm) if sm.short_message == n.to_string()));
        got.responder.answer(CommandStatus::ESME_ROK).unwrap();
    }
    let mut answered = 0;
    while answered < 20 {
        let command = peer.read().await.unwrap();
        answered += u32::from(command.pdu.command_id() == CommandId::DELIVER_SM_RESP);
    }
}

#[tokio::test]
async fn answers_may_come_out_of_order() {
    let (_bind, mut inbound, mut peer) = bound().await;
    for n in 1..=3 {
        peer.send(delivery(n)).await;
    }
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(inbound.recv().await.unwrap());
    }
    for inbound in waiting.into_iter().rev() {
        inbound.responder.answer(CommandStatus::ESME_ROK).unwrap();
    }
    for n in [3, 2, 1] {
        assert_eq!(peer.expect(CommandId::DELIVER_SM_RESP).await.sequence_number, n);
    }
}

#[tokio::test]
async fn a_request_that_nobody_answers_is_to_be_tried_again() {
    let (_bind, mut inbound, mut peer) = bound().await;
    peer.send(delivery(1)).await;
    drop(inbound.recv().await.unwrap());
    assert_eq!(peer.expect(CommandId::DELIVER_SM_RESP).await.command_status, CommandStatus::ESME_RX_T_APPN);
    drop(inbound);
    peer.send(delivery(2)).await;
    assert_eq!(peer.expect(CommandId::DELIVER_SM_RESP).await.command_status, CommandStatus::ESME_RX_T_APPN);
}

#[tokio::test]
async fn unbinding_does_not_wait_for_a_handler_that_is_stuck() {
    let (bind, inbound, mut peer) = bound_with(|config| {
        config.inbound_capacity = 1;
        config.session.response_timeout = Duration::from_millis(200);
    })
    .await;
    for n in 1..=3 {
        peer.send(delivery(n)).await;
    }
    // Two of the three never reach the handler; the third is in its channel, unanswered.
    let smsc = async { while peer.expect_any().await != CommandId::UNBIND {} };
    let (_, ()) = tokio::join!(bind.unbind(), smsc);
    drop(inbound);
}
