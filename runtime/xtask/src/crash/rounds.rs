//! The load, the kills, the restarts.

use super::Options;
use super::books::Told;
use super::phones::{Phones, Text};
use crate::house::{Carrier, CarrierPlan, NUMBER, Process, SECOND_NUMBER, Server, ServerPlan};
use crate::progress;
use crate::random::Random;
use crate::workspace::{Binaries, guests};
use anyhow::Result;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How it stands after the last restart, the load having ended.
pub struct Ended {
    pub carrier: Carrier,
    pub server: Server,
    pub killed_while_starting: u32,
    pub longest_start: Duration,
    /// What phones wrote.
    pub written: Vec<Text>,
    /// What the webhook receiver was told so far.
    pub told: Told,
}

/// The carrier's book.
pub const CARRIER_BOOK: &str = "carrier.jsonl";
/// The senders' books: what is resent when in doubt, and what is held.
pub const SENDERS: [(&str, &str, &str); 2] =
    [("transactional", "+15551000000", "sender-1.jsonl"), ("marketing", "+15552000000", "sender-2.jsonl")];

/// Slow enough that kills find messages between submit, answer and receipt.
const SCENARIO: &str = r#"
[response]
delay = "1ms..20ms"
[receipts]
delay = "5ms..80ms"
"#;
/// Terminal statuses, for the webhook: the others would only fill the receiver's memory.
const EVENTS: [&str; 6] = [
    "message.delivered",
    "message.undelivered",
    "message.expired",
    "message.rejected",
    "message.failed",
    "message.canceled",
];
/// Phones write a text for so many messages that are sent: each of theirs makes a handler run and an answer go.
const TEXTS_ARE_ONE_IN: u32 = 10;
/// A request is asked again for so long, seconds: longer than any restart.
const RETRY_FOR: &str = "120";
/// The load's own end, seconds; it is interrupted long before.
const FOR_EVER: &str = "100000";

pub fn play(options: &Options, seed: u64, binaries: &Binaries, folder: &Path) -> Result<Ended> {
    let mut random = Random::new(seed);
    let ledger = Some(folder.join(CARRIER_BOOK));
    let plan = CarrierPlan { scenario: SCENARIO.to_owned(), seed: Some(seed), ledger, counts_only: false };
    let mut carrier = Carrier::start(Command::new(&binaries.simulator), &plan, folder)?;
    let mut plan = ServerPlan::new(&binaries.signalbox, folder, carrier.smpp)?;
    let mut server = plan.start()?;
    server.api.set_webhook("crash", &carrier.sink_url(), &EVENTS)?;
    server.api.bind_handler_to(SECOND_NUMBER, "echo-support", &guests().join("echo-support.wasm"))?;
    server.api.wait_bound(Duration::from_secs(20))?;
    let phones = Phones::start(&carrier, options.rate.div_ceil(TEXTS_ARE_ONE_IN));
    let loads = start_loads(options, binaries, &server, folder)?;
    let (mut killed_while_starting, mut longest_start) = (0, server.ready_after);
    let mut told = Told::default();
    for round in 1..=options.rounds {
        let run_for = Duration::from_millis(random.between(100, 1_500));
        std::thread::sleep(run_for);
        server.process.check()?;
        server.process.kill()?;
        if random.between(0, 4) == 0 {
            plan.start_and_kill(Duration::from_millis(random.between(1, 200)))?;
            killed_while_starting += 1;
        }
        server = plan.start()?;
        longest_start = longest_start.max(server.ready_after);
        told.read(|after| carrier.hooks(after))?;
        let (ran, ready) = (run_for.as_millis(), server.ready_after.as_millis());
        progress::say(&format!("round {round}: killed after {ran} ms, ready again in {ready} ms"));
    }
    let written = phones.stop()?;
    for load in &loads {
        load.signal("INT")?;
    }
    for load in loads {
        progress::say(&format!("load: {}", load.output()?.trim()));
    }
    Ok(Ended { carrier, server, killed_while_starting, longest_start, written, told })
}

fn start_loads(options: &Options, binaries: &Binaries, server: &Server, folder: &Path) -> Result<Vec<Process>> {
    let rate = (f64::from(options.rate) / SENDERS.len() as f64).to_string();
    let start = |(category, to, book): &(&str, &str, &str)| {
        let mut load = Command::new(&binaries.load);
        load.args(["--url", &format!("http://{}", server.api_address()), "--key", &server.key]);
        load.args(["--from", NUMBER, "--to", to, "--destinations", "200", "--text", "Crash", "--category", category]);
        load.args(["--rate", &rate, "--concurrency", "32", "--seconds", FOR_EVER, "--timeout", "10"]);
        load.args(["--idempotency", category, "--retry-for", RETRY_FOR, "--ledger"]).arg(folder.join(book));
        Process::start("load", &mut load, folder)
    };
    SENDERS.iter().map(start).collect()
}
