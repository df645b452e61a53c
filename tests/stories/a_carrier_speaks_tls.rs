//! A carrier that takes SMPP by TLS alone: its certificate is checked against the authority that the configuration names.

use base64::prelude::{BASE64_STANDARD, Engine};
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;
use signalbox_tests::{Carrier, House, HouseConfig, until};
use std::path::Path;
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const PHONE: &str = "+14155550199";

/// Speaks TLS as `smsc.test`, and hands what is said to the SMSC on `port`. Its own port; its certificate is in `ca`.
async fn tls_before(port: u16, ca: &Path) -> u16 {
    let made = rcgen::generate_simple_self_signed(vec!["smsc.test".to_owned()]).unwrap();
    let body = BASE64_STANDARD.encode(made.cert.der());
    std::fs::write(ca, format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Whoever doesn't trust the certificate goes; that is what the story looks for.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut smsc = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut smsc).await;
            });
        }
    });
    own
}

fn config(port: u16, server_name: &str) -> HouseConfig {
    let tls = format!("[carriers.tls]\nca_file = \"carrier-ca.pem\"\nserver_name = \"{server_name}\"");
    HouseConfig::with_ports([port]).carrier_key(&tls)
}

#[tokio::test]
async fn messages_go_and_come_through_tls() {
    let carrier = Carrier::start().await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("carrier-ca.pem");
    let port = tls_before(carrier.port, &ca).await;
    let config = config(port, "smsc.test");
    std::fs::copy(&ca, config.folder().join("carrier-ca.pem")).unwrap();
    let house = House::bound_to(&carrier, config).await;
    let acme = house.acme();
    let id = acme.send(PHONE, "by TLS").await;
    acme.await_status(&id, "delivered").await;
    assert_eq!(carrier.await_texts_at(PHONE, 1).await, ["by TLS"]);
    carrier.phone_sends(PHONE, acme.number, "and back").await;
    assert_eq!(acme.await_list("direction=inbound", 1).await[0]["text"], "and back");
    house.drain().await;
    carrier.wait(&[("binds", 1)]).await;
    assert_eq!(carrier.stats().await["bound"], 0, "it unbound");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_trusted() {
    let carrier = Carrier::start().await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("carrier-ca.pem");
    let port = tls_before(carrier.port, &ca).await;
    let config = config(port, "other.test");
    std::fs::copy(&ca, config.folder().join("carrier-ca.pem")).unwrap();
    let house = House::start(config).await;
    let error = until("the handshake to fail", || async {
        let status: Value = house.anonymous().get("/status").await.expect(200);
        status["carriers"]["carrier-1"]["last_error"].as_str().map(str::to_owned).ok_or("no error yet")
    })
    .await;
    assert!(error.contains("TLS handshake"), "{error}");
    assert_eq!(carrier.stats().await["bound"], 0);
}
