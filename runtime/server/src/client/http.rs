//! One request on one connection, plain or with TLS.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Error;

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);
/// Until the answer is there: uploads are compiled meanwhile.
const ANSWER: Duration = Duration::from_secs(180);
/// Of a stream: three times what lies between its signs of life.
const SILENCE: Duration = Duration::from_secs(45);

/// Where a Signalbox is.
#[derive(Debug, Clone)]
pub struct Origin {
    url: String,
    secure: bool,
    host: String,
    port: u16,
    /// What stands before every path, without a slash at its end.
    prefix: String,
}

impl Origin {
    /// Reads a URL.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let wrong = || Error::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let host = uri.host().ok_or_else(wrong)?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { url: url.trim_end_matches('/').to_owned(), secure, host, port, prefix })
    }

    /// As it was written.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The path of a request.
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// Asks, and reads the whole answer.
    pub async fn ask(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Error> {
        let (stream, request) = self.connect(request).await?;
        let exchange = async {
            let response = send(stream, request).await?;
            let status = response.status();
            Ok::<_, hyper::Error>((status, response.into_body().collect().await?.to_bytes()))
        };
        within(ANSWER, exchange).await.map_err(|reason| self.unreachable(reason))
    }

    /// Asks for what has no end, and hands over its pieces as they come. Done when the other side ends it; an error if it
    /// is silent for longer than its signs of life allow.
    pub async fn follow(
        &self,
        request: Request<Full<Bytes>>,
        mut each: impl FnMut(&[u8]),
    ) -> Result<Option<(StatusCode, Bytes)>, Error> {
        let (stream, request) = self.connect(request).await?;
        let unreachable = |reason| self.unreachable(reason);
        let response = within(ANSWER, send(stream, request)).await.map_err(unreachable)?;
        let status = response.status();
        let mut body = response.into_body();
        if !status.is_success() {
            let body = within(ANSWER, body.collect()).await.map_err(unreachable)?.to_bytes();
            return Ok(Some((status, body)));
        }
        // A connection that breaks off is an end like any other: whoever follows asks again.
        while let Ok(Some(Ok(frame))) = tokio::time::timeout(SILENCE, body.frame()).await {
            if let Some(piece) = frame.data_ref() {
                each(piece);
            }
        }
        Ok(None)
    }

    async fn connect(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(Box<dyn Duplex>, Request<Full<Bytes>>), Error> {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let host = HeaderValue::try_from(format!("{host}:{}", self.port)).map_err(|_| Error::Url(self.url.clone()))?;
        request.headers_mut().insert(HOST, host);
        let stream = within(CONNECT, TcpStream::connect((self.host.as_str(), self.port)));
        let stream = stream.await.map_err(|reason| self.unreachable(reason))?;
        if !self.secure {
            return Ok((Box::new(stream), request));
        }
        let name = ServerName::try_from(self.host.clone()).map_err(|_| Error::Url(self.url.clone()))?;
        let stream = within(CONNECT, tls().connect(name, stream)).await.map_err(|reason| self.unreachable(reason))?;
        Ok((Box::new(stream), request))
    }

    fn unreachable(&self, reason: String) -> Error {
        Error::Unreachable { url: self.url.clone(), reason }
    }
}

/// A connection, plain or with TLS.
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

/// The connection ends when nobody holds the answer's body any more.
async fn send(stream: Box<dyn Duplex>, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, hyper::Error> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    sender.send_request(request).await
}

async fn within<T, E: std::fmt::Display>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
    }
}

fn tls() -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let parts = |url| Origin::parse(url).map(|o| (o.secure, o.host, o.port, o.prefix)).ok();
        assert_eq!(parts("http://127.0.0.1:8480"), Some((false, "127.0.0.1".into(), 8480, String::new())));
        assert_eq!(parts("https://sms.example/box/"), Some((true, "sms.example".into(), 443, "/box".into())));
        assert_eq!(parts("http://[::1]:1"), Some((false, "::1".into(), 1, String::new())));
        for wrong in ["", "127.0.0.1:8480", "ftp://a", "http://"] {
            assert!(Origin::parse(wrong).is_err(), "{wrong}");
        }
    }
}
