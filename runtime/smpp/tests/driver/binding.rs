use signalbox_smpp::pdu::*;
use signalbox_smpp::{Client, Closed, Error};

use crate::peer::*;

#[tokio::test]
async fn a_refused_bind_names_the_status() {
    let (listener, address) = listen().await;
    let smsc = async {
        let mut peer = Peer::accept(&listener).await;
        let ask = peer.expect(CommandId::BIND_TRANSCEIVER).await;
        let Pdu::BindTransceiver(bind) = &ask.pdu else { panic!() };
        assert_eq!((bind.system_id.as_bytes(), bind.interface_version), (&b"esme"[..], 0x34));
        let refusal = Command::new(ask.sequence_number, Pdu::BindTransceiverResp(BindResp::default()));
        peer.send(refusal.with_status(CommandStatus::ESME_RINVPASWD)).await;
        assert!(peer.read().await.is_none(), "we hang up");
    };
    let (result, ()) = tokio::join!(Client::connect(config(address)), smsc);
    assert!(matches!(result, Err(Error::BindRefused { status: CommandStatus::ESME_RINVPASWD })), "{result:?}");
}

#[tokio::test]
async fn a_silent_peer_is_given_up() {
    let (listener, address) = listen().await;
    let config = signalbox_smpp::BindConfig { session: quick(), ..config(address) };
    let (result, _peer) = tokio::join!(Client::connect(config), Peer::accept(&listener));
    assert!(matches!(result, Err(Error::Closed(Closed::BindTimeout))), "{result:?}");
}

#[tokio::test]
async fn nobody_listening_is_an_error_that_says_so() {
    let (listener, address) = listen().await;
    drop(listener);
    let error = Client::connect(config(address)).await.unwrap_err();
    assert!(error.to_string().starts_with("connecting: "), "{error}");
}

#[tokio::test]
async fn giving_up_while_binding_closes_the_connection() {
    let (listener, address) = listen().await;
    let mut connecting = Box::pin(Client::connect(config(address)));
    let mut peer = tokio::select! {
        _ = &mut connecting => panic!("nobody answered"),
        peer = async {
            let mut peer = Peer::accept(&listener).await;
            peer.expect(CommandId::BIND_TRANSCEIVER).await;
            peer
        } => peer,
    };
    drop(connecting);
    assert!(peer.read().await.is_none());
}

#[tokio::test]
async fn unbinding_is_graceful() {
    let (bind, _inbound, mut peer) = bound().await;
    let outcome = bind.permit().await.unwrap().submit(&message("last")).unwrap();
    let waiting = bind.clone();
    let smsc = async {
        let last = peer.expect(CommandId::SUBMIT_SM).await;
        assert!(bind.try_permit().is_none(), "nothing new begins");
        peer.answer(&last, "m1").await;
        let unbind = peer.expect(CommandId::UNBIND).await;
        peer.send(Command::new(unbind.sequence_number, Pdu::UnbindResp)).await;
        assert!(peer.read().await.is_none());
    };
    let (closed, ()) = tokio::join!(waiting.unbind(), smsc);
    assert_eq!(closed, Closed::Unbound);
    assert!(matches!(outcome.await, signalbox_smpp::SubmitOutcome::Response(answer) if answer.status.is_ok()));
    assert!(matches!(bind.permit().await, Err(Error::Closed(Closed::Unbound))));
}

#[tokio::test]
async fn dropping_the_last_handle_unbinds() {
    let (bind, _inbound, mut peer) = bound().await;
    let other = bind.clone();
    drop(bind);
    peer.send(Command::new(1, Pdu::EnquireLink)).await;
    peer.expect(CommandId::ENQUIRE_LINK_RESP).await;
    drop(other);
    peer.expect(CommandId::UNBIND).await;
}

#[tokio::test]
async fn a_peer_that_unbinds_gets_its_answer() {
    let (bind, _inbound, mut peer) = bound().await;
    peer.send(Command::new(1, Pdu::Unbind)).await;
    peer.expect(CommandId::UNBIND_RESP).await;
    assert_eq!(bind.closed().await, Closed::PeerUnbound);
}
