use signalbox_smpp::driver::{Outcome, outbind};
use signalbox_smpp::pdu::*;
use signalbox_smpp::{BindConfig, BindKind, Client, Closed, Error, Served, Server, ServerConfig, SubmitOutcome};

use crate::peer::quick;

async fn server() -> (Server, BindConfig) {
    let server = Server::listen("127.0.0.1:0", ServerConfig::default()).await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    (server, BindConfig { address, system_id: "esme".into(), password: "pw".into(), ..BindConfig::default() })
}

async fn check(request: signalbox_smpp::driver::BindRequest) -> Result<(), CommandStatus> {
    if request.bind.password == "pw" { Ok(()) } else { Err(CommandStatus::ESME_RINVPASWD) }
}

#[tokio::test]
async fn both_ends_are_ours() {
    let (server, config) = server().await;
    let serving = async { server.accept().await.unwrap().handshake(check).await.unwrap() };
    let (bound, served) = tokio::join!(Client::connect(config), serving);
    let (esme, mut to_esme) = bound.unwrap();
    let Served { bind: smsc, inbound: mut to_smsc, request } = served;
    assert_eq!((request.kind, request.bind.system_id.as_bytes()), (BindKind::Transceiver, &b"esme"[..]));

    let outcome = esme.permit().await.unwrap().submit(&SubmitSm::default()).unwrap();
    to_smsc.recv().await.unwrap().responder.accept("id-1".into()).unwrap();
    let SubmitOutcome::Response(answer) = outcome.await else { panic!() };
    assert_eq!(answer.message_id.unwrap(), "id-1");

    let outcome = smsc.permit().await.unwrap().request(&DeliverSm::default()).unwrap();
    to_esme.recv().await.unwrap().responder.answer(CommandStatus::ESME_RX_T_APPN).unwrap();
    let Outcome::Response(answer) = outcome.await else { panic!() };
    assert_eq!(answer.command_status, CommandStatus::ESME_RX_T_APPN);

    let query = QuerySm { message_id: "id-1".into(), ..QuerySm::default() };
    let outcome = esme.permit().await.unwrap().request(&query).unwrap();
    let state = QuerySmResp { message_id: "id-1".into(), message_state: 2, ..QuerySmResp::default() };
    to_smsc.recv().await.unwrap().responder.answer_with(CommandStatus::ESME_ROK, &state).unwrap();
    assert!(matches!(outcome.await, Outcome::Response(Command { pdu: Pdu::QuerySmResp(body), .. }) if body == state));

    assert_eq!(esme.unbind().await, Closed::Unbound);
    assert_eq!(smsc.closed().await, Closed::PeerUnbound);
    assert!(to_smsc.recv().await.is_none());
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let (server, config) = server().await;
    let config = BindConfig { password: "guess".into(), ..config };
    let serving = async { server.accept().await.unwrap().handshake(check).await };
    let (bound, served) = tokio::join!(Client::connect(config), serving);
    assert!(matches!(bound, Err(Error::BindRefused { status: CommandStatus::ESME_RINVPASWD })));
    assert!(matches!(served, Err(Error::BindRefused { status: CommandStatus::ESME_RINVPASWD })));
}

#[tokio::test]
async fn a_peer_that_never_binds_is_hung_up_on() {
    let config = ServerConfig { session: quick(), ..ServerConfig::default() };
    let server = Server::listen("127.0.0.1:0", config).await.unwrap();
    let _silent = tokio::net::TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    let served = server.accept().await.unwrap().handshake(check).await;
    assert!(matches!(served, Err(Error::Closed(Closed::BindTimeout))));
}

#[tokio::test]
async fn an_answer_of_the_wrong_kind_is_refused_and_the_peer_still_answered() {
    let (server, config) = server().await;
    let serving = async { server.accept().await.unwrap().handshake(check).await.unwrap() };
    let (bound, mut served) = tokio::join!(Client::connect(config), serving);
    let (esme, _to_esme) = bound.unwrap();
    let outcome = esme.permit().await.unwrap().submit(&SubmitSm::default()).unwrap();
    let responder = served.inbound.recv().await.unwrap().responder;
    assert!(responder.answer_with(CommandStatus::ESME_ROK, &DeliverSmResp::default()).is_err());
    let SubmitOutcome::Response(answer) = outcome.await else { panic!() };
    assert_eq!(answer.status, CommandStatus::ESME_RSYSERR);
}

#[tokio::test]
async fn an_smsc_can_ask_for_a_receiver() {
    let (smsc, esme) = tokio::io::duplex(4096);
    let ask = Outbind { system_id: "smsc".into(), password: "pw".into() };
    let config = BindConfig { password: "pw".into(), ..BindConfig::default() };
    let server_config = ServerConfig::default();
    let (served, bound) = tokio::join!(
        outbind(smsc, &server_config, &ask, check),
        Client::answer_outbind(esme, &config, |ask| ask.password == "pw"),
    );
    let (_bind, mut inbound) = bound.unwrap();
    let served = served.unwrap();
    assert_eq!(served.request.kind, BindKind::Receiver);
    served.bind.alert(&AlertNotification::default()).unwrap();
    let got = inbound.recv().await.unwrap();
    assert!(matches!(got.request, Pdu::AlertNotification(_)));
    got.responder.answer(CommandStatus::ESME_ROK).unwrap();
}
