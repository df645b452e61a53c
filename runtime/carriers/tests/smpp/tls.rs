use std::io::Write;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use rustls::pki_types::PrivateKeyDer;
use signalbox_carriers::smpp::{Config, TlsConfig};
use signalbox_carriers::{Carrier, Outcome};

use crate::rig::*;

#[tokio::test]
async fn the_carriers_certificate_is_checked_against_the_file() {
    let made = rcgen::generate_simple_self_signed(vec!["smsc.test".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let smsc = Smsc::listen_as(|config| config.tls = Some(Arc::new(tls))).await;
    let mut ca = tempfile::NamedTempFile::new().unwrap();
    let body = BASE64_STANDARD.encode(made.cert.der());
    write!(ca, "-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n").unwrap();
    let named = |name: &str| {
        let tls = TlsConfig { ca_file: Some(ca.path().to_owned()), server_name: Some(name.to_owned()) };
        Config { tls: Some(tls), ..config(smsc.address()) }
    };

    let rig = Rig::start(named("other.test"));
    let incoming = soon(smsc.server.accept()).await.unwrap();
    assert!(soon(incoming.handshake(|_| async { Ok(()) })).await.is_err());
    // It tries again, so the first failure has been noted.
    drop(soon(smsc.server.accept()).await.unwrap());
    let error = rig.carrier.health().last_error.unwrap();
    assert!(error.contains("TLS handshake"), "{error}");
    soon(rig.carrier.close(std::time::Duration::ZERO)).await;

    let rig = Rig::start(named("smsc.test"));
    // What the first connector had left in the queue doesn't shake hands.
    let mut served = loop {
        let incoming = soon(smsc.server.accept()).await.unwrap();
        if let Ok(served) = soon(incoming.handshake(|_| async { Ok(()) })).await {
            break served;
        }
    };
    let outcome = rig.submit("x").await;
    submitted(&mut served).await.1.accept("a".into()).unwrap();
    assert_eq!(soon(outcome).await.unwrap(), Outcome::Taken { ids: vec!["a".into()] });
}
