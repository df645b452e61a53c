//! Outbound HTTP as a guest sees it: one whole request, one whole answer, both bounded. Who may be called, and the call
//! itself, are for the [`Surroundings`](crate::Surroundings).

use crate::limits::Limits;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::time::Duration;

/// Longer ones are refused by most servers.
const MAX_URL_BYTES: usize = 8 << 10;
/// More than any API wants; each costs a row here and there.
const MAX_HEADERS: usize = 100;
/// The header that says which attempts are one and the same request.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// What follows from the request, or belongs to the connection: the host's own.
const NOT_THE_GUESTS: [&str; 10] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "proxy-connection",
    "proxy-authorization",
];

/// A request that a guest wants sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// The method, such as `POST`.
    pub method: String,
    /// `https://…` or `http://…`.
    pub url: String,
    /// Headers, their names in lower case; an `idempotency-key` is among them.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long it may take in all.
    pub timeout: Duration,
}

/// What was answered.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, whole.
    pub body: Vec<u8>,
}

/// Why there is no answer. The guest sees it, and its log has it; the texts name no address, secret or path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum HttpFailure {
    /// It isn't allowed, or isn't a request.
    #[error("{0}")]
    Denied(String),
    /// The host's name can't be resolved.
    #[error("the host's name can't be resolved")]
    Dns,
    /// No connection, or one that broke off.
    #[error("no connection: {0}")]
    Refused(String),
    /// No TLS session.
    #[error("no TLS session: {0}")]
    Tls(String),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// More than a guest may take.
    #[error("the answer is larger than {most} bytes")]
    TooLarge {
        /// The limit.
        most: u64,
    },
    /// Not an HTTP answer.
    #[error("no HTTP answer: {0}")]
    Protocol(String),
}

/// An answer, or why there is none.
pub type HttpResult = Result<HttpAnswer, HttpFailure>;

impl fmt::Debug for HttpRequest {
    /// Without path, headers and body, which may hold what nobody should read in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpRequest({} {}, {} bytes)", self.method, host_of(&self.url), self.body.len())
    }
}

impl fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpAnswer({}, {} bytes)", self.status, self.body.len())
    }
}

impl HttpAnswer {
    /// Header and body bytes.
    pub fn bytes(&self) -> usize {
        size(&self.headers) + self.body.len()
    }
}

/// Scheme, host and port: what of a URL may be said in a log. A user and password before the host may not.
pub(crate) fn host_of(url: &str) -> String {
    let (scheme, rest) = url.find("://").map_or(("", url), |at| url.split_at(at + 3));
    let authority = rest.find(['/', '?', '#', '\\']).map_or(rest, |end| &rest[..end]);
    let host = authority.rfind('@').map_or(authority, |at| &authority[at + 1..]);
    format!("{scheme}{host}")
}

/// What a guest gave, checked and completed.
pub(crate) fn checked(
    mut request: HttpRequest,
    limits: &Limits,
    event_id: &str,
    ordinal: u32,
) -> Result<HttpRequest, HttpFailure> {
    let denied = |why: String| Err(HttpFailure::Denied(why));
    if !is_token(&request.method) || request.method.len() > 32 {
        return denied("the method is no HTTP method: give such as GET or POST".into());
    }
    if matches!(request.method.as_str(), "CONNECT" | "TRACE") {
        return denied(format!("{} is not for handlers", request.method));
    }
    let is_url = request.url.starts_with("https://") || request.url.starts_with("http://");
    if !is_url || !request.url.bytes().all(|b| b.is_ascii_graphic()) || request.url.len() > MAX_URL_BYTES {
        return denied(format!(
            "the URL is none: give it whole, such as https://api.example.com/v1, percent-encoded, at most \
             {MAX_URL_BYTES} bytes"
        ));
    }
    if request.headers.len() > MAX_HEADERS {
        return denied(format!("the request has {} headers, {MAX_HEADERS} are the most", request.headers.len()));
    }
    for (name, value) in &mut request.headers {
        name.make_ascii_lowercase();
        if !is_token(name) || value.iter().any(|b| (*b < b' ' && *b != b'\t') || *b == 0x7f) {
            return denied("a header's name or value has characters that aren't allowed there".into());
        }
    }
    request.headers.retain(|(name, _)| !NOT_THE_GUESTS.contains(&name.as_str()));
    if request.headers.iter().all(|(name, _)| name != IDEMPOTENCY_KEY) {
        request.headers.push((IDEMPOTENCY_KEY.into(), key(event_id, ordinal).into_bytes()));
    }
    let bytes = size(&request.headers) + request.body.len();
    if bytes > limits.http_bytes {
        return denied(format!("the request has {bytes} bytes, {} are the most", limits.http_bytes));
    }
    request.timeout = request.timeout.min(limits.http_time);
    Ok(request)
}

/// The same for each attempt at an event, another for each of its requests.
fn key(event_id: &str, ordinal: u32) -> String {
    let mut hash = Sha256::new_with_prefix(b"signalbox http\0");
    hash.update(event_id.as_bytes());
    hash.update([0]);
    hash.update(ordinal.to_be_bytes());
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn size(headers: &[(String, Vec<u8>)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len()).sum()
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str) -> HttpRequest {
        HttpRequest {
            method: "POST".into(),
            url: url.into(),
            headers: Vec::new(),
            body: b"{}".to_vec(),
            timeout: Duration::MAX,
        }
    }

    fn check(request: HttpRequest) -> Result<HttpRequest, HttpFailure> {
        checked(request, &Limits::default(), "evt_1", 0)
    }

    fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a [u8] {
        &request.headers.iter().find(|(given, _)| given == name).expect("the header is there").1
    }

    #[test]
    fn the_key_is_the_same_at_every_attempt_and_another_for_every_request() {
        let made = |event: &str, ordinal| {
            header(&checked(request("https://a.b/"), &Limits::default(), event, ordinal).unwrap(), IDEMPOTENCY_KEY)
                .to_vec()
        };
        assert_eq!(made("evt_1", 0), made("evt_1", 0));
        assert_ne!(made("evt_1", 0), made("evt_1", 1));
        assert_ne!(made("evt_1", 0), made("evt_2", 0));
    }

    #[test]
    fn a_guests_own_key_stays_and_the_connections_headers_go() {
        let mut given = request("https://a.b/");
        for (name, value) in [("Idempotency-Key", "order-7"), ("Host", "evil"), ("Transfer-Encoding", "chunked")] {
            given.headers.push((name.into(), value.into()));
        }
        let checked = check(given).unwrap();
        assert_eq!(checked.headers, [("idempotency-key".to_owned(), b"order-7".to_vec())]);
        assert_eq!(checked.timeout, Limits::default().http_time);
    }

    #[test]
    fn what_is_no_request_is_denied() {
        for url in ["", "a.b/", "ftp://a.b/", "https://a.b/ x", "https://a.b/\r\nx: y", "https://ä.b/"] {
            assert!(matches!(check(request(url)), Err(HttpFailure::Denied(_))), "{url}");
        }
        for method in ["", "GE T", "CONNECT", "TRACE"] {
            let given = HttpRequest { method: method.into(), ..request("https://a.b/") };
            assert!(matches!(check(given), Err(HttpFailure::Denied(_))), "{method}");
        }
        for (name, value) in [("a b", "c"), ("", "c"), ("a", "b\r\nc: d"), ("a", "b\0")] {
            let given = HttpRequest { headers: vec![(name.into(), value.into())], ..request("https://a.b/") };
            assert!(matches!(check(given), Err(HttpFailure::Denied(_))), "{name}: {value}");
        }
        let large = HttpRequest { body: vec![0; 256 << 10], ..request("https://a.b/") };
        assert!(check(large).unwrap_err().to_string().contains("262144 are the most"));
    }

    #[test]
    fn logs_name_the_host_alone() {
        for url in
            ["https://a.b:1/secret?x", "https://me:secret@a.b:1/", "https://me@secret@a.b:1?x", "https://secret@a.b:1"]
        {
            assert_eq!(host_of(url), "https://a.b:1", "{url}");
        }
        assert_eq!(format!("{:?}", request("https://a.b/secret")), "HttpRequest(POST https://a.b, 2 bytes)");
    }
}
