//! What a well-behaved tenant feels of a neighbour whose handler misbehaves.

use super::Options;
use super::figure::{Figure, Table, median, quantile};
use super::latency::{self, Pace};
use super::rig::{Programs, Rig};
use crate::house::{Api, NEIGHBOURS_NUMBER, NUMBER};
use crate::http::Client;
use crate::{progress, workspace};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// What the neighbour's handler does: the figure's kind, the text that has it do so, and that in words.
const ATTACKS: &[(&str, &str, &str)] = &[
    ("spin", "spin", "spins"),
    ("allocate", "allocate", "allocates"),
    ("flood_log", "flood log", "floods the log"),
    ("flood_effects", "flood sends", "floods effects"),
];

const PACE: Pace = Pace { rate: 200, messages: 2_000 };
/// Texts to the neighbour a second: far more than the processors can compute when each spins to its limit.
const ATTACKS_A_SECOND: u64 = 100;
/// From so many phones: each is a conversation of its own, and so runs beside the others.
const PHONES: u64 = 200;
const ROUNDS: usize = 3;

/// Measures.
pub fn run(_: &Options, programs: &Programs, table: &Table) -> Result<()> {
    let mut rig = Rig::start_with_neighbour(programs)?;
    let guests = workspace::guests();
    rig.server.api.bind_handler_to(NUMBER, "draft-stamp", &guests.join("draft-stamp.wasm"))?;
    let url = rig.carrier.sink_url();
    rig.server.api.set_webhook("bench", &url, &["message.delivered"])?;
    let key = rig.server.neighbours_key.clone().context("the server made no key for the neighbour")?;
    let mut neighbour = Api::new(Client::new(rig.server.api_address(), Some(&key)));
    neighbour.bind_handler_to(NEIGHBOURS_NUMBER, "misbehaving", &guests.join("misbehaving.wasm"))?;
    latency::send(&mut rig, Pace { messages: 1_000, ..PACE }, "Warm-up")?;
    for (kind, text, what) in ATTACKS {
        let (mut alone, mut beside, mut attacks) = (Vec::new(), Vec::new(), 0);
        // In turns, so that whatever else the machine does falls on both.
        for round in 0..ROUNDS {
            let label = format!("a neighbour {what}, round {} of {ROUNDS}", round + 1);
            progress::step(&label, || {
                alone.push(p99(&mut rig, &format!("Alone {text} {round}"))?);
                let attack = Attack::start(&rig, text);
                beside.push(p99(&mut rig, &format!("Beside {text} {round}"))?);
                attacks += attack.stop()?;
                Ok::<_, anyhow::Error>(())
            })?;
        }
        let (alone, beside) = (median(&mut alone), median(&mut beside));
        let note = format!(
            "{text}: p99 of {} msg/s beside {attacks} such events, {beside:.1} ms, over alone, {alone:.1} ms; medians of {ROUNDS}",
            PACE.rate
        );
        table.show(&Figure::new("neighbour_p99_ratio", beside / alone, "x", "<= 2", note).of_kind(kind));
    }
    Ok(())
}

fn p99(rig: &mut Rig<'_>, mark: &str) -> Result<f64> {
    Ok(quantile(&latency::times(rig, PACE, mark)?, 0.99))
}

/// Texts that keep coming in for the neighbour.
struct Attack {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: thread::JoinHandle<Result<()>>,
}

impl Attack {
    fn start(rig: &Rig<'_>, text: &'static str) -> Self {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (mut control, stopped, count) = (rig.carrier.control.another(), stop.clone(), sent.clone());
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let phone = 15_550_300_000 + count.load(Ordering::Relaxed) % PHONES;
                let text = json!({ "to": NEIGHBOURS_NUMBER, "text": text });
                let (status, answer) = control.send("POST", &format!("/phones/+{phone}/send"), &text)?;
                ensure!(status == 200, "the phone couldn't send: {answer}");
                count.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(1_000 / ATTACKS_A_SECOND));
            }
            Ok(())
        });
        Self { stop, sent, thread }
    }

    /// How many were sent.
    fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the attack panicked"))??;
        Ok(self.sent.load(Ordering::Relaxed))
    }
}
