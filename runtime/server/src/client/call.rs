//! Requests of the API.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::Value;

use super::http::Origin;
use super::problem::{Error, Problem};
use crate::args::Server;

/// A running Signalbox, and as whom it is asked.
pub struct Api {
    origin: Origin,
    bearer: HeaderValue,
}

/// What goes with a request.
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Value),
    /// JSON, once for all requests with this key.
    Once(Value, String),
    /// A WebAssembly component.
    Component(Vec<u8>),
    /// A component and perhaps its manifest, as a form.
    Version(Vec<u8>, Option<Vec<u8>>),
    /// A CSV file.
    Csv(Vec<u8>),
    /// A TOML file.
    Toml(Vec<u8>),
}

/// What stands between the parts of a form: 128 bits that no component has by chance.
const BOUNDARY: &str = "signalbox-8d0f4c62b7a94e1fb35a6c9e2d17f048";

/// A form with a component and perhaps a manifest.
fn form(component: &[u8], manifest: Option<&[u8]>) -> Bytes {
    let mut form = Vec::with_capacity(component.len() + 1_024);
    for (name, part) in [("manifest", manifest), ("component", Some(component))] {
        let Some(part) = part else { continue };
        let head =
            format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\r\n");
        form.extend_from_slice(head.as_bytes());
        form.extend_from_slice(part);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    form.into()
}

impl Api {
    /// As the command line says.
    pub fn new(server: &Server) -> Result<Self, Error> {
        let key = server.key.as_deref().filter(|key| !key.is_empty()).ok_or(Error::NoKey)?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| Error::Key)?;
        bearer.set_sensitive(true);
        Ok(Self { origin: Origin::parse(&server.url)?, bearer })
    }

    /// Asks for what is at `path`.
    pub async fn get(&self, path: &str) -> Result<Value, Error> {
        self.call(Method::GET, path, Body::Empty).await
    }

    /// Asks for what is at `path`, whatever it is.
    pub async fn bytes(&self, path: &str) -> Result<Bytes, Error> {
        let (status, answer) = self.origin.ask(self.request(Method::GET, path, Body::Empty)?).await?;
        if status.is_success() {
            return Ok(answer);
        }
        let strange = || Error::Strange { url: self.origin.url().to_owned(), status: status.as_u16() };
        Err(Problem::read(&answer).map_or_else(strange, Error::Refused))
    }

    /// Follows a stream of server-sent events until the other side ends it; each has JSON.
    pub async fn follow(&self, path: &str, mut each: impl FnMut(Value)) -> Result<(), Error> {
        let mut events = Events::default();
        let take = |piece: &[u8]| events.take(piece).into_iter().for_each(&mut each);
        match self.origin.follow(self.request(Method::GET, path, Body::Empty)?, take).await? {
            None => Ok(()),
            Some((status, answer)) => {
                let strange = || Error::Strange { url: self.origin.url().to_owned(), status: status.as_u16() };
                Err(Problem::read(&answer).map_or_else(strange, Error::Refused))
            }
        }
    }

    /// Asks, and reads the answer.
    pub async fn call(&self, method: Method, path: &str, body: Body) -> Result<Value, Error> {
        let (status, answer) = self.origin.ask(self.request(method, path, body)?).await?;
        let strange = || Error::Strange { url: self.origin.url().to_owned(), status: status.as_u16() };
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        if status.is_success() {
            return serde_json::from_slice(&answer).map_err(|_| strange());
        }
        Err(Problem::read(&answer).map_or_else(strange, Error::Refused))
    }

    fn request(&self, method: Method, path: &str, body: Body) -> Result<Request<Full<Bytes>>, Error> {
        let request = Request::builder().method(method).uri(self.origin.path(path));
        let request = request.header(AUTHORIZATION, &self.bearer);
        let json = |value: Value| Bytes::from(value.to_string());
        let (request, body) = match body {
            Body::Empty => (request, Bytes::new()),
            Body::Json(value) => (request.header(CONTENT_TYPE, "application/json"), json(value)),
            Body::Once(value, key) => {
                let key = HeaderValue::try_from(key).map_err(|_| Error::IdempotencyKey)?;
                (request.header(CONTENT_TYPE, "application/json").header("idempotency-key", key), json(value))
            }
            Body::Toml(bytes) => (request.header(CONTENT_TYPE, "application/toml"), bytes.into()),
            Body::Csv(bytes) => (request.header(CONTENT_TYPE, "text/csv"), bytes.into()),
            Body::Component(bytes) => (request.header(CONTENT_TYPE, "application/wasm"), bytes.into()),
            Body::Version(component, manifest) => {
                let kind = format!("multipart/form-data; boundary={BOUNDARY}");
                (request.header(CONTENT_TYPE, kind), form(&component, manifest.as_deref()))
            }
        };
        request.body(Full::new(body)).map_err(|_| Error::Url(self.origin.url().to_owned()))
    }
}

/// Server-sent events, put together from the pieces in which they come.
#[derive(Default)]
struct Events(Vec<u8>);

impl Events {
    /// The data of each event that this piece completes.
    fn take(&mut self, piece: &[u8]) -> Vec<Value> {
        self.0.extend_from_slice(piece);
        let mut whole = Vec::new();
        while let Some(end) = self.0.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = self.0.drain(..end + 2).collect();
            let lines = event.split(|byte| *byte == b'\n');
            // One line each: JSON has none of its own. Comments are signs of life.
            let data = lines.filter_map(|line| line.strip_prefix(b"data: "));
            whole.extend(data.filter_map(|data| serde_json::from_slice(data).ok()));
        }
        whole
    }
}

/// The query part for the parameters that are given; empty for none.
pub fn query(parameters: &[(&str, Option<String>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| Some(format!("{name}={}", segment(value.as_ref()?))));
    let given: Vec<_> = given.collect();
    if given.is_empty() { String::new() } else { format!("?{}", given.join("&")) }
}

/// A text as a part of a path or query.
pub fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_put_together_from_pieces() {
        let mut events = Events::default();
        let stream = b"id: 0\nevent: line\ndata: {\"n\":0}\n\n: nothing new\n\nid: 1\nevent: line\ndata: {\"n\":1}\n\n";
        for size in [1, 7, 1_000] {
            let whole: Vec<_> = stream.chunks(size).flat_map(|piece| events.take(piece)).collect();
            assert_eq!(whole, [serde_json::json!({ "n": 0 }), serde_json::json!({ "n": 1 })], "in pieces of {size}");
        }
    }

    #[test]
    fn numbers_and_texts_survive_the_way_into_a_url() {
        assert_eq!(segment("+14155550123"), "%2B14155550123");
        assert_eq!(segment("a/b ü"), "a%2Fb%20%C3%BC");
        assert_eq!(
            query(&[("to", Some("+1".into())), ("from", None), ("limit", Some("5".into()))]),
            "?to=%2B1&limit=5"
        );
        assert_eq!(query(&[("to", None)]), "");
    }
}
