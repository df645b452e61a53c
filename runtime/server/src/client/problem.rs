//! Why a request didn't succeed, in words.

use std::fmt;

use serde_json::Value;

use crate::exit;

/// Why a request didn't succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL isn't one that can be asked.
    #[error("`{0}` is no URL of a Signalbox; write such as http://127.0.0.1:8480")]
    Url(String),
    /// There is no key.
    #[error("an API key is missing: set SIGNALBOX_KEY, or give --key")]
    NoKey,
    /// The key has characters that no key has.
    #[error("the API key isn't one; it begins with sb_")]
    Key,
    /// A header's value has characters that none may have.
    #[error("the idempotency key has characters that a header can't carry")]
    IdempotencyKey,
    /// A file can't be read.
    #[error("{file}: {source}")]
    File {
        /// Which.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Nobody answered there.
    #[error("no Signalbox answers at {url}: {reason}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
    /// What answered isn't a Signalbox, or something between is in trouble.
    #[error("{url} answered {status}, which isn't an answer of Signalbox's")]
    Strange {
        /// Where.
        url: String,
        /// The status.
        status: u16,
    },
    /// A candidate may be for any of several handlers.
    #[error("say with --handler which handler the candidate is for{}", if .0.is_empty() { String::new() } else { format!(": {}", .0) })]
    WhichHandler(String),
    /// A manifest that would say it can't be read.
    #[error("{0}")]
    Manifest(String),
    /// The audit log isn't in order, or isn't there.
    #[error("audit: {0}")]
    Audit(String),
    /// Signalbox said no.
    #[error(transparent)]
    Refused(#[from] Problem),
}

impl Error {
    /// The process's exit code for it.
    pub fn code(&self) -> u8 {
        match self {
            Self::Url(_)
            | Self::NoKey
            | Self::Key
            | Self::IdempotencyKey
            | Self::WhichHandler(_)
            | Self::Manifest(_) => exit::WRONG,
            Self::File { .. } | Self::Unreachable { .. } | Self::Strange { .. } | Self::Audit(_) => exit::FAILED,
            Self::Refused(_) => exit::REFUSED,
        }
    }
}

/// The API's problem (RFC 9457).
#[derive(Debug, Clone)]
pub struct Problem(Value);

impl Problem {
    /// A problem, if that is what the answer is.
    pub fn read(answer: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(answer).ok()?;
        (value["code"].is_string() && value["title"].is_string()).then_some(Self(value))
    }

    /// As the API wrote it.
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let problem = &self.0;
        write!(f, "{}: {}", text(&problem["title"]), text(&problem["detail"]))?;
        for error in problem["errors"].as_array().into_iter().flatten() {
            // A single error's detail is the problem's.
            if error["detail"] != problem["detail"] {
                write!(f, "\n  {}: {}", text(&error["field"]), text(&error["detail"]))?;
            }
        }
        for reason in problem["decision"]["reasons"].as_array().into_iter().flatten() {
            write!(f, "\n  {}", text(&reason["rule"]))?;
            if reason["explain"] != problem["detail"] {
                write!(f, ": {}", text(&reason["explain"]))?;
            }
            write!(f, "\n    to mend it: {}", text(&reason["fix"]))?;
        }
        if let Some(id) = problem["message_id"].as_str() {
            write!(f, "\n  on record as {id}")?;
        }
        if problem["retryable"] == true {
            write!(f, "\n  the same request may succeed in a moment")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_is_told_in_words() {
        let answer = json!({
            "code": "policy.refused", "title": "Policy refuses the message", "detail": "1 rule denies it",
            "retryable": false, "message_id": "msg_1",
            "decision": {"reasons": [{"rule": "consent.opted-out", "explain": "They said STOP.", "fix": "Wait for START."}]},
            "errors": [{"field": "to", "code": "x", "detail": "is not a number"}],
        });
        let problem = Problem::read(&serde_json::to_vec(&answer).unwrap()).unwrap();
        let told = "Policy refuses the message: 1 rule denies it\n  to: is not a number\n  consent.opted-out: They \
                    said STOP.\n    to mend it: Wait for START.\n  on record as msg_1";
        assert_eq!(problem.to_string(), told);
        assert!(Problem::read(b"<html>").is_none());
        assert!(Problem::read(b"{\"error\": 1}").is_none());
    }
}
