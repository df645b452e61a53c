//! From accepted to on the wire, at a rate that leaves the machine time: the carrier's book against the API's.

use super::Options;
use super::figure::{Figure, Table, quantile};
use super::rig::{self, Load, Programs, Rig};
use crate::house::{Server, until};
use crate::time::micros;
use crate::{progress, workspace};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

const AT_RATE: Pace = Pace { rate: 1_000, messages: 20_000 };
const WARM_UP: u64 = 3_000;

/// How many messages, and how many of them a second.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub rate: u64,
    pub messages: u64,
}

#[derive(Deserialize)]
struct Line {
    time_us: u64,
    kind: String,
    #[serde(default)]
    dest: String,
    #[serde(default)]
    text: String,
}

/// Measures.
pub fn run(_: &Options, programs: &Programs, table: &Table) -> Result<()> {
    let mut rig = Rig::start(programs, true)?;
    rig.server.api.bind_handler("draft-stamp", &workspace::guests().join("draft-stamp.wasm"))?;
    let url = rig.carrier.sink_url();
    rig.server.api.set_webhook("bench", &url, &["message.delivered"])?;
    send(&mut rig, Pace { messages: WARM_UP, ..AT_RATE }, "Warm-up")?;
    let Pace { rate, messages } = AT_RATE;
    let times =
        progress::step(&format!("{messages} messages at {rate} a second"), || times(&mut rig, AT_RATE, "Latency"))?;
    let note = format!(
        "accepted (API) to submit_sm read by the carrier, {rate} msg/s, Wasm handler; max {:.1} ms",
        times.last().copied().unwrap_or(f64::NAN)
    );
    table.show(&Figure::new("path_p50_ms", quantile(&times, 0.50), "ms", "", note.clone()));
    table.show(&Figure::new("path_p99_ms", quantile(&times, 0.99), "ms", "<= 20", note));
    Ok(())
}

/// Sends messages whose text begins with `mark`, and answers how long each took from accepted to on the wire: in
/// milliseconds, sorted.
pub fn times(rig: &mut Rig<'_>, pace: Pace, mark: &str) -> Result<Vec<f64>> {
    send(rig, pace, mark)?;
    let accepted = accepted(&mut rig.server, mark)?;
    let wire = wire(&rig.folder.path().join("carrier.jsonl"))?;
    let mut times: Vec<f64> = Vec::new();
    for (key, at) in &accepted {
        let sent = wire.get(key).context("a message that the carrier has no submit of")?;
        times.push(sent.saturating_sub(*at) as f64 / 1_000.0);
    }
    ensure!(times.len() as u64 == pace.messages, "{} of {} messages were found again", times.len(), pace.messages);
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// Sends messages whose text begins with `mark`.
pub fn send(rig: &mut Rig<'_>, pace: Pace, mark: &str) -> Result<()> {
    let before = rig.carrier.hook_count()?;
    let (count, text) = (pace.messages, format!("{mark} {{n}}"));
    let load = Load { count, batch: 1, concurrency: 64, rate: Some(pace.rate), text: &text };
    let process = rig.load(&load)?;
    let at_most = Duration::from_secs(60 + count / pace.rate);
    until("all webhooks", at_most, || Ok((rig.carrier.hook_count()? >= before + count).then_some(())))?;
    rig::report(process, &load)?;
    // The carrier writes its book in pieces.
    let (status, _) = rig.carrier.control.send("POST", "/disconnect", &serde_json::json!({ "bind": u64::MAX }))?;
    ensure!(status == 200, "the carrier's control API answered {status}");
    Ok(())
}

/// When each message was accepted, by recipient and text.
fn accepted(server: &mut Server, mark: &str) -> Result<HashMap<(String, String), u64>> {
    let mut all = HashMap::new();
    let mut cursor = String::new();
    loop {
        let page = server.api.client().get(&format!("/v1/messages?limit=1000&direction=outbound{cursor}"))?;
        for message in page["messages"].as_array().context("a page without messages")? {
            let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
            if text("text").starts_with(mark) {
                let at = micros(&text("accepted_at")).context("a message without a time")?;
                all.insert((text("to").trim_start_matches('+').to_owned(), text("text")), at);
            }
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(all),
        }
    }
}

/// When each message reached the carrier.
fn wire(book: &Path) -> Result<HashMap<(String, String), u64>> {
    let mut all = HashMap::new();
    for line in workspace::read(book)?.lines() {
        let line: Line = serde_json::from_str(line).context("the carrier's book")?;
        if line.kind == "submit" {
            all.entry((line.dest.trim_start_matches('+').to_owned(), line.text)).or_insert(line.time_us);
        }
    }
    Ok(all)
}
