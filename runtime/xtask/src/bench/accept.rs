//! How many messages a second become durable and are answered with 202. No carrier is there, so nothing leaves; checks,
//! handlers and queues go on beside, as they would.

use super::Options;
use super::figure::{Figure, Table, median};
use super::rig::{Load, Programs, Waiting};
use crate::progress;
use anyhow::Result;

/// One message a request.
pub fn single(options: &Options, programs: &Programs, table: &Table) -> Result<()> {
    let load = Load { count: 40_000, batch: 1, concurrency: 256, rate: None, text: "Accept" };
    measure("accept_single", "", load, options, programs, table)
}

/// A hundred messages a request.
pub fn batch(options: &Options, programs: &Programs, table: &Table) -> Result<()> {
    let load = Load { count: 200_000, batch: 100, concurrency: 16, rate: None, text: "Accept" };
    measure("accept_batch", ">= 20000", load, options, programs, table)
}

fn measure(
    name: &str,
    expected: &str,
    load: Load<'_>,
    options: &Options,
    programs: &Programs,
    table: &Table,
) -> Result<()> {
    let mut rates = Vec::new();
    let mut last = String::new();
    for run in 1..=options.runs {
        // A fresh one each time: what waits from the last run would be in this one's way.
        let house = Waiting::start(programs)?;
        house.load(&Load { count: 2_000, ..load })?;
        let report = house.load(&load)?;
        progress::say(&format!("{name}, run {run}: {:.0} msg/s", report.per_second));
        last = format!("answers p50 {:.1} ms, p99 {:.1} ms", report.p50_ms, report.p99_ms);
        rates.push(report.per_second);
    }
    let Load { batch, concurrency, .. } = load;
    let note = format!("{batch} a request, {concurrency} connections, fsync on; {last}");
    table.show(&Figure::new(name, median(&mut rates), "msg/s", expected, note));
    Ok(())
}
