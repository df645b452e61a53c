//! The bank's case service.

use crate::signalbox::messaging::http::{self, Failure, Header, Request};
use crate::signalbox::messaging::settings;

/// What became of telling it.
pub enum Told {
    /// It took the answer.
    Yes,
    /// It knows no such open case.
    Closed,
    /// It may take it later.
    NotNow(String),
    /// It won't take it, however often it's told.
    Never(String),
}

/// Tells the bank an answer. The key is the same however often and from whichever event it is told, so the bank may count
/// on one answer a case.
pub fn tell(case: &str, answer: &str) -> Told {
    let Some(base) = settings::get("callback-url") else { return Told::Never("`callback-url` isn't set".into()) };
    let request = Request {
        method: "POST".into(),
        url: format!("{}/{case}/answer", base.trim_end_matches('/')),
        headers: vec![
            Header { name: "content-type".into(), value: "application/json".into() },
            Header { name: "idempotency-key".into(), value: format!("{case}-{answer}") },
        ],
        // Both are words of ours or were checked: nothing in them needs an escape.
        body: format!(r#"{{"case":"{case}","answer":"{answer}"}}"#).into_bytes(),
        options: Vec::new(),
    };
    match http::fetch(&request) {
        Ok(response) => match response.status {
            200..=299 => Told::Yes,
            404 | 409 | 410 => Told::Closed,
            408 | 425 | 429 | 500..=599 => Told::NotNow(format!("it answered {}", response.status)),
            status => Told::Never(format!("it answered {status}")),
        },
        Err(Failure::Denied(why)) => Told::Never(why),
        Err(
            Failure::Dns(why)
            | Failure::Refused(why)
            | Failure::Timeout(why)
            | Failure::TooLarge(why)
            | Failure::Other(why),
        ) => Told::NotNow(why),
    }
}
