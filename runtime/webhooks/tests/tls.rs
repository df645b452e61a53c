//! HTTPS: the receiver's certificate is checked against its name and a known authority.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

mod house;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use house::{House, Received, open, reply, serve};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use signalbox_webhooks::resolve::Resolve;
use signalbox_webhooks::{Config, Delivery};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

const AUTHORITY: &[u8] = include_bytes!("fixtures/ca.der");
const CERTIFICATE: &[u8] = include_bytes!("fixtures/receiver.der");
const KEY: &[u8] = include_bytes!("fixtures/receiver.key.der");

/// A receiver with TLS as `hooks.example.com`.
async fn receiver() -> (SocketAddr, mpsc::UnboundedReceiver<Received>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(CERTIFICATE)], PrivatePkcs8KeyDer::from(KEY).into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(session) = acceptor.accept(stream).await {
                tokio::spawn(serve(TokioIo::new(session), seen.clone(), Arc::new(|_| reply(204))));
            }
        }
    });
    (address, received)
}

/// Every name is this address.
struct Everywhere(SocketAddr);

impl Resolve for Everywhere {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async { Ok(vec![self.0]) })
    }
}

async fn attempt(host: &str, roots: &[&'static [u8]]) -> (Delivery, bool) {
    let (address, mut received) = receiver().await;
    let mut house = House::new().await;
    house.directory.set("main", format!("https://{host}/hook"));
    house.start(Config {
        resolver: Arc::new(Everywhere(address)),
        extra_roots: roots.iter().map(|root| CertificateDer::from(*root)).collect(),
        ..open()
    });
    let item = house.tell_webhook("main", "+14155550101", "hello").await;
    house.until("main", |stats| stats.failed + stats.delivered > 0).await;
    house.drain().await;
    (house.deliveries(&item).await.remove(0), received.try_recv().is_ok())
}

#[tokio::test]
async fn a_receiver_with_a_known_authority_is_told() {
    let (delivery, came) = attempt("hooks.example.com", &[AUTHORITY]).await;
    assert_eq!((delivery.status, came), (Some(204), true), "{delivery:?}");
}

#[tokio::test]
async fn an_unknown_authority_or_another_name_is_not() {
    for (host, roots) in [("hooks.example.com", &[][..]), ("other.example.com", &[AUTHORITY][..])] {
        let (delivery, came) = attempt(host, roots).await;
        assert!(delivery.error.unwrap().starts_with("no TLS session"), "{host}");
        assert!(!came);
    }
}
