//! Problems as RFC 9457 has them. What a problem says never repeats a body or a full number.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use signalbox_engine::FieldError;

use crate::code::Code;
use crate::views::DecisionView;

/// Why a request wasn't carried out.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    message_id: Option<String>,
    decision: Option<DecisionView>,
    /// For our log, not for the client.
    cause: Option<String>,
}

/// A problem as its client reads it (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemView {
    /// Names the kind of problem: `urn:signalbox:problem:` and its code.
    #[serde(rename = "type")]
    #[schema(example = "urn:signalbox:problem:request.invalid")]
    pub kind: &'static str,
    /// The kind, in the same words each time.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time, and how to mend it.
    pub detail: String,
    /// The stable code to decide by.
    pub code: &'static str,
    /// May the same request succeed if it is sent again as it is?
    pub retryable: bool,
    /// What is wrong with which field or parameter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldErrorView>,
    /// The message that the refusal is on record for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// What policy decided, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionView>,
    /// The request's id, as in the header `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = FieldError)]
pub struct FieldErrorView {
    /// The field or parameter, as the request names it.
    pub field: String,
    /// A stable code, such as `number.malformed`.
    pub code: &'static str,
    /// What is wrong and how to mend it.
    pub detail: String,
}

impl Problem {
    /// A problem of this kind.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self(Box::new(Inner { code, detail, errors: Vec::new(), message_id: None, decision: None, cause: None }))
    }

    /// Fields that can't be read or used.
    pub fn fields(code: Code, errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => only.detail.clone(),
            several => format!("{} fields can't be used; see `errors`", several.len()),
        };
        let mut problem = Self::new(code, detail);
        problem.0.errors = errors;
        problem
    }

    /// One field that can't be read or used.
    pub fn field(code: Code, field: &str, kind: &'static str, detail: impl Into<String>) -> Self {
        Self::fields(code, vec![FieldError { field: field.to_owned(), code: kind, detail: detail.into() }])
    }

    /// With what our log should say of it.
    #[must_use]
    pub fn because(mut self, cause: impl ToString) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// About a message that is on record.
    #[must_use]
    pub fn about(mut self, message_id: String, decision: Option<DecisionView>) -> Self {
        self.0.message_id = Some(message_id);
        self.0.decision = decision;
        self
    }

    /// Which kind.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What our log should say of it.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// As its client reads it.
    pub fn view(&self, instance: Option<&str>) -> ProblemView {
        let Inner { code, detail, errors, message_id, decision, .. } = &*self.0;
        let field = |error: &FieldError| FieldErrorView {
            field: error.field.clone(),
            code: error.code,
            detail: error.detail.clone(),
        };
        ProblemView {
            kind: code.uri(),
            title: code.title(),
            status: code.status().as_u16(),
            detail: detail.clone(),
            code: code.as_str(),
            retryable: code.retryable(),
            errors: errors.iter().map(field).collect(),
            message_id: message_id.clone(),
            decision: decision.clone(),
            instance: instance.map(str::to_owned),
        }
    }

    /// Writes it into the answer, which keeps what headers it has (such as `Allow`).
    pub(crate) fn render(&self, mut response: Response, instance: &str) -> Response {
        let body = serde_json::to_vec(&self.view(Some(instance))).expect("a problem is plain data");
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.remove(http::header::CONTENT_LENGTH);
        self.add_headers(headers);
        *response.body_mut() = Body::from(body);
        response
    }

    fn add_headers(&self, headers: &mut HeaderMap) {
        match self.code() {
            Code::AuthMissing => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"signalbox\""));
            }
            Code::AuthInvalid => {
                let challenge = "Bearer realm=\"signalbox\", error=\"invalid_token\"";
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            // What is left of the body isn't worth reading, so the connection can't be used again.
            Code::BodyTooLarge | Code::BodyTimeout | Code::HeadersTooMany => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            code if code.retryable() => {
                let seconds = match code {
                    Code::KeyBusy => "1",
                    // Nobody makes room within seconds.
                    Code::StoreFull => "30",
                    _ => "2",
                };
                headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
            }
            _ => {}
        }
    }
}

impl IntoResponse for Problem {
    /// Only carries the problem: the envelope around every route renders it, because it knows the request's id.
    fn into_response(self) -> Response {
        let mut response = self.code().status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
