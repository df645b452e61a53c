//! Whom to trust when a carrier is spoken to by TLS.

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use signalbox_smpp::Tls;

use super::config::{Config, TlsConfig};
use crate::Error;

/// TLS as configured: the machine's authorities, and those of the file.
pub(super) fn prepare(config: &Config) -> Result<Option<Tls>, Error> {
    let Some(tls) = &config.tls else { return Ok(None) };
    let name = tls.server_name.as_deref().unwrap_or(&config.host);
    let made = roots(tls).and_then(|roots| Tls::new(roots, name).map_err(|error| error.to_string()));
    made.map(Some).map_err(|reason| Error::Tls { carrier: config.name.clone(), reason })
}

fn roots(tls: &TlsConfig) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let (_, unreadable) = roots.add_parsable_certificates(native.certs);
    if unreadable > 0 || !native.errors.is_empty() {
        tracing::debug!(unreadable, errors = native.errors.len(), "some of the machine's authorities can't be read");
    }
    if let Some(file) = &tls.ca_file {
        let said = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let certificates = CertificateDer::pem_file_iter(file).map_err(|error| said(&error))?;
        let before = roots.len();
        for certificate in certificates {
            let certificate = certificate.map_err(|error| said(&error))?;
            roots.add(certificate).map_err(|error| said(&error))?;
        }
        if roots.len() == before {
            return Err(said(&"holds no certificate"));
        }
    }
    match roots.is_empty() {
        true => Err("the machine has no authorities to trust; name a ca_file".to_owned()),
        false => Ok(roots),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_named_in_the_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for ca_file in [file.path().to_owned(), "/nowhere/ca.pem".into()] {
            let tls = Some(TlsConfig { ca_file: Some(ca_file.clone()), server_name: None });
            let error =
                prepare(&Config { name: "acme".into(), host: "h".into(), tls, ..Config::default() }).unwrap_err();
            assert!(error.to_string().contains(&ca_file.display().to_string()), "{error}");
        }
    }
}
