//! One request, one connection, one whole answer.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;

use crate::connect::Connector;
use crate::failure::Failure;
use crate::target::Target;

/// How large an answer's head may be.
const HEAD_BYTES: usize = 64 * 1_024;

/// What is sent.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: http::Method,
    /// Where to.
    pub target: Target,
    /// Headers but `host` and `content-length`, which follow from the rest.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
    /// For all of it: name, connection, answer.
    pub timeout: Duration,
    /// The most bytes of an answer, head and body.
    pub most_bytes: usize,
}

/// What was answered. A redirect is an answer like any other.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: http::StatusCode,
    /// Headers.
    pub headers: http::HeaderMap,
    /// The body, whole.
    pub body: Bytes,
}

/// Sends requests, each over a connection of its own: what one tenant's server does to a connection reaches nobody else.
pub struct Client {
    connector: Connector,
}

impl Client {
    /// Over this connector.
    pub fn new(connector: Connector) -> Self {
        Self { connector }
    }

    /// What may be called.
    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let timeout = request.timeout;
        tokio::time::timeout(timeout, self.exchange(request)).await.unwrap_or(Err(Failure::Timeout(timeout)))
    }

    async fn exchange(&self, request: Request) -> Result<Answer, Failure> {
        let stream = self.connector.connect(&request.target.origin).await?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(&error))?;
        let most = request.most_bytes;
        let mut talk = pin!(talk(sender, wire(request)?, most));
        let mut connection = pin!(connection);
        tokio::select! {
            biased;
            answer = &mut talk => answer,
            // What the connection read before its end may be all that was asked for.
            _ = &mut connection => talk.await,
        }
    }
}

async fn talk(
    mut sender: SendRequest<Full<Bytes>>,
    request: http::Request<Full<Bytes>>,
    most: usize,
) -> Result<Answer, Failure> {
    let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
    let (head, mut body) = response.into_parts();
    let mut size: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| failed(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        size += data.len();
        if size > most {
            return Err(Failure::TooLarge(most));
        }
        read.extend_from_slice(data);
    }
    if size > most {
        return Err(Failure::TooLarge(most));
    }
    Ok(Answer { status: head.status, headers: head.headers, body: read.into() })
}

fn wire(request: Request) -> Result<http::Request<Full<Bytes>>, Failure> {
    let Request { method, target, headers, body, .. } = request;
    let mut wire = http::Request::builder()
        .method(method)
        .uri(target.path.as_str())
        .header(header::HOST, &target.authority)
        .header(header::CONNECTION, "close")
        .body(Full::new(body))
        .map_err(|error| Failure::Http(error.to_string()))?;
    for (name, value) in headers {
        wire.headers_mut().append(name, value);
    }
    Ok(wire)
}

/// In words, with the cause below, and without anything that was sent or received.
fn failed(error: &hyper::Error) -> Failure {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    Failure::Http(match cause {
        Some(io) => format!("{error}: {}", io.kind()),
        None => error.to_string(),
    })
}
