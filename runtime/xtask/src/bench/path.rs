//! The whole way: HTTP, policy, handler, SMPP, receipt, record, webhook. A message counts when its webhook has come.

use super::Options;
use super::figure::{Figure, Table, median};
use super::rig::{self, Load, Programs, Rig};
use crate::house::{Process, cpu_micros};
use crate::{progress, workspace};
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};

/// Messages on their way at which the load is stopped, so that what is measured is the path and not a heap of waiting.
const MOST_ON_THE_WAY: u64 = 4_000;
/// At which it goes on.
const LEAST_ON_THE_WAY: u64 = 2_000;
const LOOK_EVERY: Duration = Duration::from_millis(20);
const WARM_UP: u64 = 10_000;
/// Enough that flushes and compactions of the store are among what is counted.
const TRAINED_ON: u64 = 40_000;
/// A run that stands still for so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// With a handler that rewrites each text.
pub fn hook(options: &Options, programs: &Programs, table: &Table) -> Result<()> {
    measure("path_hook", true, options, programs, table)
}

/// Without a handler.
pub fn nohook(options: &Options, programs: &Programs, table: &Table) -> Result<()> {
    measure("path_nohook", false, options, programs, table)
}

fn measure(name: &str, hook: bool, options: &Options, programs: &Programs, table: &Table) -> Result<()> {
    let mut rig = open(programs, hook)?;
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for number in 1..=options.runs {
        let (rate, cost) = run(&mut rig, options.messages)?;
        progress::say(&format!("{name}, run {number}: {rate:.0} msg/s, {cost:.0} µs each"));
        rates.push(rate);
        costs.push(cost);
    }
    let handler = if hook { "a Wasm handler rewrites each text" } else { "no handler" };
    let note = format!("HTTP to webhook, one message a request, fsync on, {handler}; median of {}", options.runs);
    let (rate, cost) = (median(&mut rates), median(&mut costs));
    let expected = if hook { (">= 6000", "<= 250") } else { ("", "") };
    table.show(&Figure::new(name, rate, "msg/s", expected.0, note));
    let note = "user and system time of the signalbox process alone; kernel work for it included";
    table.show(&Figure::new(&format!("{name}_cpu_us"), cost, "us/msg", expected.1, note));
    Ok(())
}

/// A house through which the first messages have gone.
pub fn open(programs: &Programs, hook: bool) -> Result<Rig<'_>> {
    let mut rig = Rig::start(programs, false)?;
    if hook {
        rig.server.api.bind_handler("draft-stamp", &workspace::guests().join("draft-stamp.wasm"))?;
    }
    let url = rig.carrier.sink_url();
    rig.server.api.set_webhook("bench", &url, &["message.delivered"])?;
    run(&mut rig, WARM_UP)?;
    Ok(rig)
}

/// What a program is trained on: messages through the whole way, with a handler and without, one a request. Ends it
/// as an operator would, for that is when it writes what it counted.
pub fn train(programs: &Programs) -> Result<()> {
    let mut rig = Rig::start(programs, false)?;
    let url = rig.carrier.sink_url();
    rig.server.api.set_webhook("bench", &url, &["message.delivered"])?;
    run(&mut rig, TRAINED_ON / 4)?;
    rig.server.api.bind_handler("draft-stamp", &workspace::guests().join("draft-stamp.wasm"))?;
    run(&mut rig, TRAINED_ON)?;
    let ended = rig.server.process.stop(Duration::from_secs(60))?;
    ensure!(ended.success(), "the program that counts ended with {ended}");
    Ok(())
}

/// Messages a second, and CPU time of each in µs.
pub fn run(rig: &mut Rig<'_>, count: u64) -> Result<(f64, f64)> {
    let before = rig.carrier.hook_count()?;
    let cpu = cpu_micros(rig.server.process.id())?;
    let began = Instant::now();
    let load = Load { count, batch: 1, concurrency: 128, rate: None, text: "Your order {n} is on its way, parcel" };
    let process = rig.load(&load)?;
    let process = drive(rig, process, before, count)?;
    let took = began.elapsed().as_secs_f64();
    let cpu = cpu_micros(rig.server.process.id())? - cpu;
    rig::report(process, &load)?;
    Ok((count as f64 / took, cpu as f64 / count as f64))
}

/// Until all webhooks came; stops the load where too much is on its way.
fn drive(rig: &mut Rig<'_>, load: Process, before: u64, count: u64) -> Result<Process> {
    let (mut stopped, mut last, mut moved) = (false, before, Instant::now());
    let submits_before = rig.carrier.count("submits")?;
    loop {
        let hooks = rig.carrier.hook_count()?;
        if hooks >= before + count {
            return Ok(load);
        }
        if hooks > last {
            (last, moved) = (hooks, Instant::now());
        }
        let waiting = rig.server.api.waiting()?;
        let with_carrier = (rig.carrier.count("submits")? - submits_before).saturating_sub(hooks - before);
        let on_the_way = waiting + with_carrier;
        if !stopped && on_the_way > MOST_ON_THE_WAY {
            load.signal("STOP")?;
            stopped = true;
        } else if stopped && on_the_way < LEAST_ON_THE_WAY {
            load.signal("CONT")?;
            stopped = false;
        }
        if moved.elapsed() > PATIENCE {
            rig.server.process.check()?;
            let came = hooks - before;
            ensure!(
                false,
                "{came} of {count} webhooks came, then none; {waiting} wait, {with_carrier} with the carrier"
            );
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
