//! TLS by rustls, with the crypto named here, so that no process-wide default is needed.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};

use crate::Error;

/// How a client checks its peer.
#[derive(Clone, Debug)]
pub struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) server_name: ServerName<'static>,
}

impl Tls {
    /// Trusts `roots`, and a peer whose certificate is for `server_name`. Native roots are the caller's to load.
    ///
    /// # Errors
    /// [`Error::Tls`] if the name is none.
    pub fn new(roots: RootCertStore, server_name: &str) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self::with_config(Arc::new(config), server_name)
    }

    /// With rustls settings of the caller's making (client certificates, …).
    ///
    /// # Errors
    /// [`Error::Tls`] if the name is none.
    pub fn with_config(config: Arc<ClientConfig>, server_name: &str) -> Result<Self, Error> {
        let server_name = ServerName::try_from(server_name.to_owned())
            .map_err(|_| rustls::Error::General("the server name is neither a DNS name nor an address".into()))?;
        Ok(Self { config, server_name })
    }
}
