//! The receiver of webhooks.

use crate::http::Client;
use crate::wait::PATIENCE;
use serde_json::{Value, json};

/// A receiver.
#[derive(Clone)]
pub struct Sink {
    /// Where webhooks go.
    pub url: String,
    client: Client,
}

/// A webhook as it came.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Its path.
    pub path: String,
    /// Its headers, names in small letters.
    pub headers: serde_json::Map<String, Value>,
    /// Its body in Base64.
    pub raw: String,
    /// Its body.
    pub body: Value,
    /// What it was answered.
    pub answered: u64,
}

impl Sink {
    /// At this address.
    pub(crate) fn new(url: String) -> Self {
        Self { client: Client::new(url.clone()), url }
    }

    /// All that came.
    pub async fn hooks(&self) -> Vec<Hook> {
        let page = self.client.get("/hooks").await.expect(200);
        assert_eq!(page["forgotten"], 0);
        page["hooks"].as_array().expect("a list").iter().map(Hook::read).collect()
    }

    /// Waits until there are this many.
    pub async fn wait(&self, count: usize) -> Vec<Hook> {
        let path = format!("/hooks/wait?count={count}&timeout_ms={}", PATIENCE.as_millis());
        let waited = self.client.get(&path).await.expect(200);
        assert_eq!(waited["met"], true, "{count} webhooks were waited for in vain: {waited}");
        self.hooks().await
    }

    /// Waits until a webhook came that is wanted.
    pub async fn wait_for(&self, what: &str, wanted: impl Fn(&Hook) -> bool) -> Hook {
        let mut count = 0;
        loop {
            let hooks = self.wait(count).await;
            if let Some(found) = hooks.iter().find(|hook| wanted(hook)) {
                return found.clone();
            }
            assert!(hooks.len() < 100_000, "{what} doesn't come");
            count = hooks.len() + 1;
        }
    }

    /// What webhooks are answered from now on.
    pub async fn set_answers(&self, answers: &Value) {
        self.client.put("/answers", answers).await.expect(200);
    }
}

impl Hook {
    fn read(hook: &Value) -> Self {
        let raw = hook["body"].as_str().expect("a text").to_owned();
        let pairs = hook["headers"].as_array().expect("a list").iter();
        let headers = pairs.map(|pair| (pair[0].as_str().expect("a name").to_owned(), pair[1].clone())).collect();
        let body = data_encoding::BASE64.decode(raw.as_bytes()).expect("the sink writes Base64");
        Self {
            path: hook["path"].as_str().expect("a path").to_owned(),
            headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            raw,
            answered: hook["answered"].as_u64().expect("a status"),
        }
    }

    /// An order to a peer to verify it.
    pub fn to_verify(&self, secret: &str) -> Value {
        json!({ "order": "verify", "secret": secret, "headers": self.headers, "body": self.raw })
    }
}
