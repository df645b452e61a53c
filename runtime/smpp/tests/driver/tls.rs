use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use signalbox_smpp::pdu::*;
use signalbox_smpp::{BindConfig, Client, Error, Server, ServerConfig, SubmitOutcome, Tls};

/// A server with a certificate of its own making, and the roots that trust it.
async fn server() -> (Server, RootCertStore) {
    let made = rcgen::generate_simple_self_signed(vec!["smsc.test".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = ServerConfig { tls: Some(Arc::new(tls)), ..ServerConfig::default() };
    (Server::listen("127.0.0.1:0", config).await.unwrap(), roots)
}

fn client(server: &Server, tls: Option<Tls>) -> BindConfig {
    BindConfig { address: server.local_addr().unwrap().to_string(), tls, ..BindConfig::default() }
}

#[tokio::test]
async fn messages_go_through_tls() {
    let (server, roots) = server().await;
    let config = client(&server, Some(Tls::new(roots, "smsc.test").unwrap()));
    let serving = async { server.accept().await.unwrap().handshake(|_| async { Ok(()) }).await.unwrap() };
    let (bound, mut served) = tokio::join!(Client::connect(config), serving);
    let (bind, _inbound) = bound.unwrap();
    for n in 0..100 {
        let outcome = bind.permit().await.unwrap().submit(&SubmitSm::default()).unwrap();
        served.inbound.recv().await.unwrap().responder.accept(n.to_string().into()).unwrap();
        let SubmitOutcome::Response(answer) = outcome.await else { panic!() };
        assert_eq!(answer.message_id.unwrap(), n.to_string().as_str());
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_or_of_an_unknown_maker_is_refused() {
    let (server, roots) = server().await;
    for tls in [Tls::new(roots, "other.test").unwrap(), Tls::new(RootCertStore::empty(), "smsc.test").unwrap()] {
        let serving = async { server.accept().await.unwrap().handshake(|_| async { Ok(()) }).await };
        let (bound, served) = tokio::join!(Client::connect(client(&server, Some(tls))), serving);
        assert!(matches!(bound, Err(Error::Io { doing: "TLS handshake", .. })));
        assert!(served.is_err());
    }
}
