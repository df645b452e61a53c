//! Phones that write to the number with a handler, for as long as the story goes on.

use crate::house::{Carrier, SECOND_NUMBER};
use crate::http::Client;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Phones that are writing.
pub struct Phones {
    stop: Arc<AtomicBool>,
    writing: JoinHandle<Result<Vec<Text>>>,
}

/// What a phone wrote. No two texts are the same.
#[derive(Clone, Debug)]
pub struct Text {
    /// The carrier's number of it.
    pub mo: u64,
    /// Who wrote it, in digits.
    pub phone: String,
    /// Its words.
    pub text: String,
}

/// So few that a conversation has several texts in flight when the house dies.
const PHONES: u64 = 12;

impl Phones {
    /// They begin.
    pub fn start(carrier: &Carrier, per_second: u32) -> Self {
        let (stop, control) = (Arc::new(AtomicBool::new(false)), carrier.control.another());
        let stopped = stop.clone();
        let every = Duration::from_secs(1) / per_second.max(1);
        Self { stop, writing: std::thread::spawn(move || write(control, every, &stopped)) }
    }

    /// They end; what they wrote.
    pub fn stop(self) -> Result<Vec<Text>> {
        self.stop.store(true, Ordering::Relaxed);
        self.writing.join().expect("writing doesn't panic")
    }
}

fn write(mut control: Client, every: Duration, stopped: &AtomicBool) -> Result<Vec<Text>> {
    let (mut written, mut next) = (Vec::new(), Instant::now());
    for n in 0_u64.. {
        if stopped.load(Ordering::Relaxed) {
            break;
        }
        let (phone, text) = (format!("{}", 15_553_000_000 + n % PHONES), format!("Ping {n}"));
        let order = json!({ "to": SECOND_NUMBER, "text": text });
        let (status, answer) = control.send("POST", &format!("/phones/{phone}/send"), &order)?;
        ensure!(status == 200, "the phone couldn't send: {answer}");
        let mo = answer["mo"].as_u64().context("a text without its number")?;
        written.push(Text { mo, phone, text });
        next += every;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(written)
}
