//! Which request is next, when it is due, and its bytes.

use super::Args;
use crate::hex::hex;
use crate::time::Stamps;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Shared by all connections.
pub(super) struct Plan {
    next: AtomicU64,
    count: u64,
    started: Instant,
    until: Option<Instant>,
    /// Between two requests, at a fixed rate.
    interval: Option<Duration>,
    batch: u64,
    first_destination: u64,
    destinations: u64,
    prefix: String,
    text: String,
    suffix: String,
    end: String,
    head: String,
    idempotency: Option<String>,
    pub(super) stamps: Stamps,
}

/// One request: the numbers of its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) messages: Range<u64>,
    /// When the plan wants it sent; now, without a fixed rate.
    pub(super) due: Option<Instant>,
}

impl Plan {
    pub(super) fn new(args: &Args, started: Instant) -> Self {
        let quoted = |text: &str| serde_json::to_string(text).expect("strings are JSON");
        let category =
            args.category.as_ref().map_or_else(String::new, |name| format!(",\"category\":{}", quoted(name)));
        let text = quoted(&args.text);
        let path = if args.batch > 1 { "/v1/messages/batch" } else { "/v1/messages" };
        let authority = args.authority().expect("checked with the other arguments");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: ",
            args.key
        );
        Self {
            next: AtomicU64::new(0),
            count: args.count.unwrap_or(u64::MAX),
            started,
            until: args.seconds.map(|seconds| started + Duration::from_secs_f64(seconds)),
            interval: args.rate.map(|rate| Duration::from_secs_f64(args.batch as f64 / rate)),
            batch: args.batch,
            first_destination: args.first_destination().expect("checked with the other arguments"),
            destinations: args.destinations,
            prefix: format!("{{\"from\":{},\"to\":\"+", quoted(&args.from)),
            text: args.text.clone(),
            suffix: format!("\",\"text\":{}", &text[..text.len() - 1]),
            end: format!("\"{category}}}"),
            head,
            idempotency: args.idempotency.clone(),
            stamps: Stamps::start(),
        }
    }

    /// The next request, or `None` at the end.
    pub(super) fn next(&self) -> Option<Request> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let first = turn.checked_mul(self.batch).filter(|first| *first < self.count)?;
        let messages = first..first.saturating_add(self.batch).min(self.count);
        let due = self.interval.map(|interval| self.started + interval.mul_f64(turn as f64));
        let at = due.unwrap_or_else(Instant::now);
        if self.until.is_some_and(|until| at >= until) {
            return None;
        }
        Some(Request { messages, due })
    }

    /// The request's bytes.
    pub(super) fn write(&self, messages: &Range<u64>, bytes: &mut Vec<u8>) {
        let mut body = String::with_capacity(160 * usize::try_from(messages.end - messages.start).unwrap_or(1));
        let is_batch = self.batch > 1;
        if is_batch {
            body.push_str("{\"messages\":[");
        }
        for n in messages.clone() {
            if n > messages.start {
                body.push(',');
            }
            body.push_str(&self.prefix);
            put(&mut body, self.destination(n));
            body.push_str(&self.suffix);
            body.push(' ');
            put(&mut body, n);
            body.push_str(&self.end);
        }
        if is_batch {
            body.push_str("]}");
        }
        let mut head = String::with_capacity(self.head.len() + 80);
        head.push_str(&self.head);
        put(&mut head, body.len() as u64);
        if let Some(prefix) = &self.idempotency {
            head.extend(["\r\nidempotency-key: ", prefix, "-"]);
            put(&mut head, messages.start);
        }
        head.push_str("\r\n\r\n");
        bytes.clear();
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(body.as_bytes());
    }

    /// Message n's destination, without its `+`.
    pub(super) fn destination(&self, n: u64) -> u64 {
        self.first_destination + n % self.destinations
    }

    /// SHA-256 of message n's text, as the carrier's ledger has it.
    pub(super) fn text_sha256(&self, n: u64) -> String {
        hex(&Sha256::digest(format!("{} {n}", self.text)))
    }
}

fn put(text: &mut String, number: u64) {
    write!(text, "{number}").expect("a String takes what is written");
}
