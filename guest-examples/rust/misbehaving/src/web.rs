//! Outbound HTTP, in one call.

use crate::deeds::Done;
use crate::signalbox::messaging::http::{self, Failure, Header, Request, RequestOption};
use crate::signalbox::messaging::outbox;
use crate::signalbox::messaging::types::Attribute;

fn post(url: &str, body: Vec<u8>) -> Request {
    let headers = vec![Header { name: "Content-Type".into(), value: "application/json".into() }];
    Request { method: "POST".into(), url: url.into(), headers, body, options: vec![RequestOption::Timeout(1_500)] }
}

/// What came of it, in words.
fn told(request: &Request) -> String {
    match http::fetch(request) {
        Ok(answer) => {
            let headers: Vec<_> = answer.headers.iter().map(|h| format!("{}={}", h.name, h.value)).collect();
            format!("{} {} {}", answer.status, headers.join(","), String::from_utf8_lossy(&answer.body))
        }
        Err(Failure::Denied(why)) => format!("denied: {why}"),
        Err(Failure::Dns(why)) => format!("dns: {why}"),
        Err(Failure::Refused(why)) => format!("refused: {why}"),
        Err(Failure::Timeout(why)) => format!("timeout: {why}"),
        Err(Failure::TooLarge(why)) => format!("too large: {why}"),
        Err(Failure::Other(why)) => format!("other: {why}"),
    }
}

pub fn fetch() -> Done {
    outbox::reply(&told(&post("https://api.example.com/v1/links?x=1", b"{}".to_vec())))?;
    Ok(())
}

pub fn flood() -> Done {
    let mut last = String::new();
    for n in 0..20 {
        last = told(&post("https://api.example.com/v1/links", n.to_string().into_bytes()));
    }
    outbox::reply(&last)?;
    Ok(())
}

/// Each of these is refused before anybody is asked.
pub fn bad() -> Done {
    let good = || post("https://api.example.com/", Vec::new());
    let other = Attribute { name: "retries".into(), value: "3".into() };
    let refusals = [
        post("api.example.com", Vec::new()),
        Request { method: "CONNECT".into(), ..good() },
        Request { headers: vec![Header { name: "a".into(), value: "b\r\nc: d".into() }], ..good() },
        Request { options: vec![RequestOption::Other(other)], ..good() },
        post("https://api.example.com/", vec![0; 300 << 10]),
    ];
    let denied = refusals.iter().filter(|request| told(request).starts_with("denied")).count();
    outbox::reply(&format!("{denied} of {}", refusals.len()))?;
    Ok(())
}
