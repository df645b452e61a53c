//! A small HTTP client that keeps connections.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// A client for one server.
#[derive(Clone)]
pub struct Client {
    url: String,
    headers: Vec<(&'static str, String)>,
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Client {
    /// For `http://host:port`.
    pub fn new(url: impl Into<String>) -> Self {
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { url: url.into(), headers: Vec::new(), http }
    }

    /// Sends this header with every request.
    #[must_use]
    pub fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut client = self.clone();
        client.headers.push((name, value.into()));
        client
    }

    /// A request; the error is the connection's.
    pub async fn try_ask(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<Answer, hyper_util::client::legacy::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(body.into())).expect("stories ask what can be asked");
        let (head, body) = self.http.request(request).await?.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// A request that must be answered.
    pub async fn ask(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        let answer = self.try_ask(method.clone(), path, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path} got no answer: {error:?}"))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.with("content-type", "application/json").ask(Method::POST, path, body.to_string()).await
    }

    /// PUT of JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.with("content-type", "application/json").ask(Method::PUT, path, body.to_string()).await
    }
}

impl Answer {
    /// The body.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{} isn't JSON ({error}): {}", self.status, self.text()))
    }

    /// The body, if the status is this one.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self.json()
    }

    /// The body of a problem with this status and code.
    pub fn expect_problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], format!("urn:signalbox:problem:{code}"), "{problem}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        problem
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
