//! The simulated carrier, as a process that is told what to do over HTTP.

use crate::http::Client;
use crate::place;
use crate::process::Process;
use crate::sink::Sink;
use crate::wait::PATIENCE;
use serde_json::{Value, json};
use std::path::Path;
use tokio::process::Command;

/// A carrier.
pub struct Carrier {
    process: Process,
    control: Client,
    /// Where its SMSC listens.
    pub port: u16,
    /// The receiver of webhooks that comes with it.
    pub sink: Sink,
}

impl Carrier {
    /// One that behaves well.
    pub async fn start() -> Self {
        Self::behaving("").await
    }

    /// One that behaves as this scenario says (TOML).
    pub async fn behaving(scenario: &str) -> Self {
        let carrier = Self::on_port(0, None).await;
        carrier.set_scenario(scenario).await;
        carrier
    }

    /// One that listens for SMPP on this port (0 takes a free one), and appends its ledger to this file.
    pub async fn on_port(port: u16, ledger: Option<&Path>) -> Self {
        let mut command = Command::new(place::binary("signalbox-simulator"));
        command.args(["--json", "--seed", "7", "--control", "127.0.0.1:0", "--sink", "127.0.0.1:0"]);
        command.arg("--listen").arg(format!("127.0.0.1:{port}"));
        if let Some(ledger) = ledger {
            command.arg("--ledger").arg(ledger);
        }
        let mut process = Process::start("the simulated carrier", command);
        let ready: Value = serde_json::from_str(&process.line().await).expect("the carrier says where it listens");
        let address = |name: &str| ready[name].as_str().expect("an address").to_owned();
        let port = address("listen").rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let control = Client::new(format!("http://{}", address("control")));
        Self { process, control, port, sink: Sink::new(format!("http://{}", address("sink"))) }
    }

    /// Behaves otherwise from now on (TOML).
    pub async fn set_scenario(&self, scenario: &str) {
        self.control.ask(http::Method::PUT, "/scenario", scenario.to_owned()).await.expect(200);
    }

    /// Counts so far.
    pub async fn stats(&self) -> Value {
        self.control.get("/stats").await.expect(200)
    }

    /// Waits until all these counts are reached, and gives all counts.
    pub async fn wait(&self, counts: &[(&str, u64)]) -> Value {
        let wanted: String = counts.iter().map(|(name, count)| format!("{name}={count}&")).collect();
        let path = format!("/wait?{wanted}timeout_ms={}", PATIENCE.as_millis());
        let waited = self.control.get(&path).await.expect(200);
        assert_eq!(waited["met"], true, "the carrier waited in vain for {counts:?}: {}", waited["stats"]);
        waited["stats"].clone()
    }

    /// The phone `from` sends a text to `to`; answers what the carrier makes of it.
    pub async fn phone_sends(&self, from: &str, to: &str, text: &str) -> Value {
        self.phone_sends_so(from, &json!({ "to": to, "text": text })).await
    }

    /// The phone `from` sends, with more to say about how.
    pub async fn phone_sends_so(&self, from: &str, message: &Value) -> Value {
        self.control.post(&format!("/phones/{from}/send"), message).await.expect(200)
    }

    /// What reached a phone, in order.
    pub async fn texts_at(&self, number: &str) -> Vec<String> {
        let inbox = self.inbox(number).await;
        let messages = inbox["messages"].as_array().expect("a list").iter();
        messages.map(|message| message["text"].as_str().expect("a text").to_owned()).collect()
    }

    /// Waits until a phone has this many messages, and gives their texts.
    pub async fn await_texts_at(&self, number: &str, count: usize) -> Vec<String> {
        crate::wait::until(format_args!("{count} messages at a phone"), || async {
            let texts = self.texts_at(number).await;
            if texts.len() >= count { Ok(texts) } else { Err(format!("there are {texts:?}")) }
        })
        .await
    }

    /// What reached a phone, with its parts.
    pub async fn inbox(&self, number: &str) -> Value {
        self.control.get(&format!("/phones/{number}/messages")).await.expect(200)
    }

    /// Every line of the ledger of this kind.
    pub async fn ledger(&self, kind: &str) -> Vec<Value> {
        let page = self.control.get("/ledger").await.expect(200);
        let lines = page["lines"].as_array().expect("a list").iter();
        lines.filter(|line| line["kind"] == kind).cloned().collect()
    }

    /// Breaks every connection: `close`, `reset`, `mid-pdu` or `unbind`.
    pub async fn disconnect(&self, how: &str) -> u64 {
        let answer = self.control.post("/disconnect", &json!({ "how": how })).await.expect(200);
        answer["sessions"].as_u64().expect("a count")
    }

    /// Sends garbage of this kind to every session.
    pub async fn send_garbage(&self, garbage: &str) -> u64 {
        let answer = self.control.post("/garbage", &json!({ "garbage": garbage })).await.expect(200);
        answer["sessions"].as_u64().expect("a count")
    }

    /// The carrier goes down.
    pub async fn kill(self) {
        self.process.kill().await;
    }
}
