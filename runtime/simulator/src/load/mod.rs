//! Sends messages to the runtime's API, at a fixed rate or as fast as answers come, and says what came back.
//!
//! Cheap on purpose, since it shares the machine with what it measures: requests are bytes on raw
//! sockets, one thread, no HTTP library.

mod answer;
mod args;
mod connection;
mod ledger;
mod plan;
mod report;
mod worker;

pub use args::Args;
pub use report::Report;

use crate::Error;
use ledger::Ledger;
use plan::Plan;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Runs the load to its end, or to an interrupt, and sums it up.
pub async fn run(args: Args) -> Result<Report, Error> {
    let args = Arc::new(args.checked()?);
    let ledger = Arc::new(Ledger::open(args.ledger.as_deref())?);
    let started = Instant::now();
    let plan = Arc::new(Plan::new(&args, started));
    let (stop, stopped) = watch::channel(false);
    let mut workers = JoinSet::new();
    for _ in 0..args.concurrency {
        workers.spawn(worker::work(Arc::clone(&args), Arc::clone(&plan), Arc::clone(&ledger), stopped.clone()));
    }
    let mut report = Report::default();
    loop {
        tokio::select! {
            tally = workers.join_next() => match tally {
                Some(Ok(tally)) => report.add(tally),
                Some(Err(error)) => return Err(Error::Refused(format!("a connection's task failed: {error}"))),
                None => break,
            },
            interrupted = tokio::signal::ctrl_c(), if !*stop.borrow() => {
                interrupted?;
                stop.send_replace(true);
            }
        }
    }
    ledger.finish()?;
    Ok(report.sum_up(started.elapsed()))
}
