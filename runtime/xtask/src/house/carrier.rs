//! The simulated carrier, its phones and its webhook sink.

use super::{Process, until};
use crate::http::Client;
use crate::time;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A running carrier.
#[derive(Debug)]
pub struct Carrier {
    /// Where it speaks SMPP.
    pub smpp: SocketAddr,
    /// Its control API.
    pub control: Client,
    /// The webhook sink.
    pub sink: Client,
    /// Its process.
    pub process: Process,
}

/// How it is started.
#[derive(Debug, Default)]
pub struct CarrierPlan {
    /// Its behaviour, TOML; it behaves well if empty.
    pub scenario: String,
    /// Its chance; drawn if left out.
    pub seed: Option<u64>,
    /// Its book, as a file.
    pub ledger: Option<PathBuf>,
    /// Neither book nor webhooks in memory, so that it costs least.
    pub counts_only: bool,
}

/// A webhook as the sink got it.
#[derive(Debug)]
pub struct Hook {
    /// Its type.
    pub event: String,
    /// The message's id.
    pub message: String,
    /// When the event was made, in microseconds since 1970.
    pub made_us: Option<u64>,
}

impl Carrier {
    /// Starts the carrier in `folder` with `command`, which is the program and perhaps a subcommand.
    pub fn start(mut command: Command, plan: &CarrierPlan, folder: &Path) -> Result<Self> {
        let local = "127.0.0.1:0";
        command.args(["--json", "--listen", local, "--control", local, "--sink", local]);
        if !plan.scenario.is_empty() {
            let file = folder.join("scenario.toml");
            std::fs::write(&file, &plan.scenario)?;
            command.arg("--scenario").arg(file);
        }
        if let Some(seed) = plan.seed {
            command.args(["--seed", &seed.to_string()]);
        }
        if let Some(ledger) = &plan.ledger {
            command.arg("--ledger").arg(ledger);
        }
        if plan.counts_only {
            command.args(["--no-ledger", "--sink-count-only"]);
        }
        let (process, line) = Process::start_and_hear("carrier", &mut command, folder, Duration::from_secs(20))?;
        let said: Value = serde_json::from_str(&line).context("the carrier's first line")?;
        let address = |name: &str| -> Result<SocketAddr> {
            let text = said[name].as_str().with_context(|| format!("the carrier didn't say where its {name} is"))?;
            Ok(text.parse()?)
        };
        let (control, sink) = (Client::new(address("control")?, None), Client::new(address("sink")?, None));
        Ok(Self { smpp: address("listen")?, control, sink, process })
    }

    /// The webhook URL that the sink takes.
    pub fn sink_url(&self) -> String {
        format!("http://{}/hooks/demo", self.sink.address())
    }

    /// Waits until these counts are reached, such as `bound=1`.
    pub fn wait(&mut self, counts: &str, at_most: Duration) -> Result<()> {
        let waited = self.control.get(&format!("/wait?{counts}&timeout_ms={}", at_most.as_millis()))?;
        ensure!(waited["met"] == true, "the carrier waited in vain for {counts}; it counts {}", waited["stats"]);
        Ok(())
    }

    /// One of its counts.
    pub fn count(&mut self, name: &str) -> Result<u64> {
        let stats = self.control.get("/stats")?;
        stats[name].as_u64().with_context(|| format!("the carrier doesn't count {name}"))
    }

    /// A phone sends a text.
    pub fn phone_sends(&mut self, phone: &str, to: &str, text: &str) -> Result<()> {
        let (status, answer) =
            self.control.send("POST", &format!("/phones/{phone}/send"), &json!({ "to": to, "text": text }))?;
        ensure!(status == 200, "the phone couldn't send: {answer}");
        Ok(())
    }

    /// The texts that reached a phone, oldest first, once there are so many.
    pub fn phone_has(&mut self, phone: &str, count: usize, at_most: Duration) -> Result<Vec<String>> {
        until(&format!("message {count} at the phone"), at_most, || {
            let inbox = self.control.get(&format!("/phones/{phone}/messages"))?;
            let messages = inbox["messages"].as_array().context("an inbox without messages")?;
            let texts = || messages.iter().map(|message| message["text"].as_str().unwrap_or_default().to_owned());
            Ok((messages.len() >= count).then(|| texts().collect()))
        })
    }

    /// How many webhooks came.
    pub fn hook_count(&mut self) -> Result<u64> {
        self.sink.get("/hooks?limit=0")?["count"].as_u64().context("the sink doesn't count")
    }

    /// The webhooks that came behind the one of this number, and the number to go on with.
    pub fn hooks(&mut self, after: u64) -> Result<(Vec<Hook>, u64)> {
        let page = self.sink.get(&format!("/hooks?after={after}"))?;
        if page["forgotten"].as_u64() != Some(0) {
            bail!("the sink forgot webhooks before they were read");
        }
        let hooks = page["hooks"].as_array().context("a page without hooks")?;
        let next = page["next"].as_u64().context("a page without next")?;
        Ok((hooks.iter().map(hook).collect::<Result<_>>()?, next))
    }
}

fn hook(hook: &Value) -> Result<Hook> {
    use base64::Engine;
    let body = hook["body"].as_str().context("a webhook without a body")?;
    let body = base64::engine::general_purpose::STANDARD.decode(body)?;
    let body: Value = serde_json::from_slice(&body).context("a webhook that isn't JSON")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let made_us = body["timestamp"].as_str().and_then(time::micros);
    Ok(Hook { event: text(&body["type"]), message: text(&body["data"]["id"]), made_us })
}
