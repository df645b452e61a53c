//! The simulator seen from outside, over its sockets.

#![allow(clippy::unwrap_used, reason = "helpers outside test functions may fail the test as well")]

mod binds;
mod control;
mod esme;
mod faults;
mod http;
mod inbound;
mod load;
mod process;
mod receipts;
mod sink;
mod submits;

use esme::PATIENCE;
use signalbox_simulator::{Config, Handle, Scenario, Simulator, Stats, WaitFor};

/// A simulator with a scenario in TOML and a fixed seed.
async fn simulator(scenario: &str) -> Handle {
    let scenario = Scenario::from_toml("test", scenario).unwrap();
    Simulator::start(Config { scenario, seed: Some(42), ..Config::default() }).await.unwrap()
}

async fn waited(simulator: &Handle, counts: WaitFor) -> Stats {
    let waited = simulator.wait(&counts, PATIENCE).await;
    assert!(waited.met, "{counts:?} not reached: {:?}", waited.stats);
    waited.stats
}
