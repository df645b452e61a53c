//! From a host's name to a connection: resolve, check every address, connect to a checked one. The name isn't resolved
//! again in between, so that it can't point elsewhere by then.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::failure::Failure;
use crate::guard::Reach;
use crate::resolve::Resolve;
use crate::target::Origin;

/// Bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A certificate authority that can't be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("a certificate authority can't be used: {0}")]
pub struct BadRoots(String);

/// Makes connections.
pub struct Connector {
    reach: Reach,
    resolver: Arc<dyn Resolve>,
    timeout: Duration,
    extra_roots: Vec<CertificateDer<'static>>,
    /// Made for the first endpoint with TLS: the machine's authorities take a while to read.
    tls: OnceLock<TlsConnector>,
}

impl Connector {
    /// `timeout` holds for a whole connection, name and TLS included; `extra_roots` are authorities besides the machine's
    /// own.
    pub fn new(
        reach: Reach,
        resolver: Arc<dyn Resolve>,
        timeout: Duration,
        extra_roots: Vec<CertificateDer<'static>>,
    ) -> Result<Self, BadRoots> {
        // Refused at the start rather than at the first call.
        let mut roots = RootCertStore::empty();
        for root in &extra_roots {
            roots.add(root.clone()).map_err(|error| BadRoots(error.to_string()))?;
        }
        Ok(Self { reach, resolver, timeout, extra_roots, tls: OnceLock::new() })
    }

    /// Where it may go.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// A connection, with TLS if the origin is secure.
    pub async fn connect(&self, origin: &Origin) -> Result<Box<dyn Stream>, Failure> {
        let connecting = async {
            let stream = self.tcp(origin).await?;
            if origin.secure { self.tls(origin, stream).await } else { Ok(Box::new(stream) as Box<dyn Stream>) }
        };
        tokio::time::timeout(self.timeout, connecting).await.unwrap_or(Err(Failure::ConnectTimeout(self.timeout)))
    }

    async fn tcp(&self, origin: &Origin) -> Result<TcpStream, Failure> {
        let mut last = Failure::Resolve;
        for address in self.checked(origin).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A request is one write; waiting for more would only delay it.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => last = Failure::Connect(error.kind().to_string()),
            }
        }
        Err(last)
    }

    /// Every address, or none if one of them must not be called: a name with both kinds isn't an honest one.
    async fn checked(&self, origin: &Origin) -> Result<Vec<SocketAddr>, Failure> {
        let resolved = self.resolver.resolve(&origin.host, origin.port).await;
        let addresses = resolved.map_err(|_| Failure::Resolve)?;
        if addresses.iter().any(|address| !self.reach.allows(address.ip())) {
            return Err(Failure::Forbidden);
        }
        Ok(addresses)
    }

    async fn tls(&self, origin: &Origin, stream: TcpStream) -> Result<Box<dyn Stream>, Failure> {
        let name = ServerName::try_from(origin.host.clone()).map_err(|error| Failure::Tls(error.to_string()))?;
        let connector = self.tls.get_or_init(|| tls_connector(&self.extra_roots));
        let session = connector.connect(name, stream).await.map_err(|error| Failure::Tls(error.to_string()))?;
        Ok(Box::new(session))
    }
}

fn tls_connector(extra_roots: &[CertificateDer<'static>]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "some of the machine's certificate authorities can't be read");
    }
    roots.add_parsable_certificates(native.certs);
    roots.add_parsable_certificates(extra_roots.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}
