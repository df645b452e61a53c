//! `http`: a request and its answer.

use super::state::mismatch;
use super::wit;
use crate::call::Call;
use crate::http::{HttpAnswer, HttpFailure, HttpRequest, HttpResult, checked, host_of};
use crate::outcome::Level;
use crate::question::{Question, Reply};
use std::time::Duration;
use wit::http::{self, Failure, RequestOption};

impl http::Host for Call {
    async fn fetch(&mut self, request: http::Request) -> wasmtime::Result<Result<http::Response, Failure>> {
        let mut timeout = Duration::MAX;
        for option in request.options {
            match option {
                RequestOption::Timeout(ms) => timeout = Duration::from_millis(ms),
                RequestOption::Other(other) => {
                    let name = &other.name[..other.name.floor_char_boundary(40)];
                    return Ok(Err(Failure::Denied(format!("this host has no request option `{name}`"))));
                }
            }
        }
        let headers = request.headers.into_iter().map(|h| (h.name, h.value.into_bytes())).collect();
        let request = HttpRequest { method: request.method, url: request.url, headers, body: request.body, timeout };
        Ok(self.request(request).await?.map(Into::into).map_err(Into::into))
    }
}

impl Call {
    /// Has a request answered, within the event's limits. What goes wrong is in the log, too.
    pub(crate) async fn request(&mut self, request: HttpRequest) -> wasmtime::Result<HttpResult> {
        self.enter();
        let called = format!("{} {}", short(&request.method), short(&host_of(&request.url)));
        let result = self.send(request).await?;
        if let Err(failure) = &result {
            self.log.line(Level::Warn, &format!("HTTP {called}: {failure}"));
        }
        Ok(result)
    }

    async fn send(&mut self, request: HttpRequest) -> wasmtime::Result<HttpResult> {
        let limits = self.limits;
        let ordinal = self.http_calls;
        if ordinal >= limits.http_calls {
            let most = limits.http_calls;
            return Ok(Err(HttpFailure::Denied(format!("{most} HTTP requests are the most of an event"))));
        }
        self.http_calls += 1;
        let request = match checked(request, &limits, self.event_id(), ordinal) {
            Ok(request) => request,
            Err(failure) => return Ok(Err(failure)),
        };
        let Reply::Http(result) = self.desk.ask(Question::Http(request)).await else { return Err(mismatch()) };
        if result.as_ref().is_ok_and(|answer| answer.bytes() > limits.http_bytes) {
            return Ok(Err(HttpFailure::TooLarge { most: limits.http_bytes as u64 }));
        }
        Ok(result)
    }
}

fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(100)]
}

impl From<HttpAnswer> for http::Response {
    fn from(answer: HttpAnswer) -> Self {
        let headers = answer.headers.into_iter().map(|(name, value)| http::Header {
            name: name.to_ascii_lowercase(),
            value: String::from_utf8_lossy(&value).into_owned(),
        });
        Self { status: answer.status, headers: headers.collect(), body: answer.body }
    }
}

impl From<HttpFailure> for Failure {
    fn from(failure: HttpFailure) -> Self {
        let text = failure.to_string();
        match failure {
            HttpFailure::Denied(_) => Self::Denied(text),
            HttpFailure::Dns => Self::Dns(text),
            HttpFailure::Refused(_) => Self::Refused(text),
            HttpFailure::Timeout(_) => Self::Timeout(text),
            HttpFailure::TooLarge { .. } => Self::TooLarge(text),
            HttpFailure::Tls(_) | HttpFailure::Protocol(_) => Self::Other(text),
        }
    }
}
