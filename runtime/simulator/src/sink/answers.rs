//! What a webhook is answered.

use crate::Span;
use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::HashMap;
use std::fmt;

/// Answers in a row, and what follows them. The default answers 200 to everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answers {
    /// The first answers, in order: `[500, 500, {"status": 302, "location": "…"}]`.
    pub sequence: Vec<Answer>,
    /// What a sequence is counted for.
    pub per: Per,
    /// Every answer after the sequence.
    pub otherwise: Answer,
}

/// What a sequence of answers is counted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// One sequence for all requests.
    #[default]
    Request,
    /// One for each `webhook-id` header: a webhook's own attempts.
    WebhookId,
    /// One for each path.
    Path,
}

/// One answer; written as a bare status if it has nothing else to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Wait before it.
    pub delay: Span,
    /// A redirect's target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// `Retry-After`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// A body of this many octets.
    pub body_bytes: usize,
    /// Close the connection instead of answering.
    pub hang_up: bool,
}

/// The longest body that an answer may have: enough to overrun any sender's bound, held in memory once.
const MAX_BODY_BYTES: usize = 256 << 20;
/// Webhook ids or paths whose place in the sequence is remembered; beyond it all places start anew.
const MAX_KEYS: usize = 100_000;

/// Answers and how far they were used.
#[derive(Debug, Default)]
pub(super) struct Script {
    answers: Answers,
    used: HashMap<String, usize>,
}

impl Default for Answer {
    fn default() -> Self {
        Self::of(200)
    }
}

impl Answer {
    /// A bare status.
    pub fn of(status: u16) -> Self {
        Self { status, delay: Span::ZERO, location: None, retry_after: None, body_bytes: 0, hang_up: false }
    }
}

impl Script {
    pub(super) fn new(answers: Answers) -> Self {
        Self { answers, used: HashMap::new() }
    }

    /// The next answer for a request of this path and webhook id.
    pub(super) fn next(&mut self, path: &str, webhook_id: Option<&str>) -> Answer {
        if self.answers.sequence.is_empty() {
            return self.answers.otherwise.clone();
        }
        let key = match self.answers.per {
            Per::Request => "",
            Per::Path => path,
            Per::WebhookId => webhook_id.unwrap_or(""),
        };
        if self.used.len() >= MAX_KEYS && !self.used.contains_key(key) {
            self.used.clear();
        }
        let used = self.used.entry(key.to_owned()).or_default();
        *used += 1;
        self.answers.sequence.get(*used - 1).unwrap_or(&self.answers.otherwise).clone()
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            #[serde(default = "ok")]
            status: u16,
            #[serde(default)]
            delay: Span,
            location: Option<String>,
            retry_after: Option<u32>,
            #[serde(default)]
            body_bytes: usize,
            #[serde(default)]
            hang_up: bool,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Answer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an HTTP status or an answer such as {\"status\": 503, \"delay\": \"2s\"}")
            }

            fn visit_u64<E: de::Error>(self, status: u64) -> Result<Answer, E> {
                checked(Answer::of(u16::try_from(status).unwrap_or(0)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Answer, A::Error> {
                let Written { status, delay, location, retry_after, body_bytes, hang_up } =
                    Written::deserialize(MapAccessDeserializer::new(map))?;
                checked(Answer { status, delay, location, retry_after, body_bytes, hang_up })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

fn ok() -> u16 {
    200
}

fn checked<E: de::Error>(answer: Answer) -> Result<Answer, E> {
    if !(200..1000).contains(&answer.status) {
        return Err(E::custom("a status lies between 200 and 999"));
    }
    if answer.body_bytes > MAX_BODY_BYTES {
        return Err(E::custom(format!("`body_bytes` is at most {MAX_BODY_BYTES}")));
    }
    let is_header = |text: &String| http::HeaderValue::from_str(text).is_ok();
    if !answer.location.as_ref().is_none_or(is_header) {
        return Err(E::custom("`location` holds characters that no header may have"));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_run_once_for_all_or_for_each_webhook() {
        let read = |text| Script::new(serde_json::from_str(text).unwrap());
        let mut all = read(r#"{"sequence": [500, {"status": 429, "retry_after": 3}]}"#);
        let statuses: Vec<_> = ["a", "b", "a"].map(|id| all.next("/", Some(id)).status).into();
        assert_eq!(statuses, [500, 429, 200]);
        let mut each = read(r#"{"sequence": [500], "per": "webhook-id", "otherwise": 204}"#);
        let statuses: Vec<_> = ["a", "b", "a"].map(|id| each.next("/", Some(id)).status).into();
        assert_eq!(statuses, [500, 500, 204]);
    }

    #[test]
    fn impossible_answers_are_refused() {
        for text in [r#"{"otherwise": 99}"#, r#"{"sequence": [{"body_bytes": 999999999}]}"#, r#"{"seq": []}"#] {
            assert!(serde_json::from_str::<Answers>(text).is_err(), "{text}");
        }
    }
}
