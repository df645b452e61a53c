//! A running Signalbox with its simulated carrier: programs in a folder of their own, spoken to from outside.

mod api;
mod carrier;
mod process;
mod server;

pub use api::Api;
pub use carrier::{Carrier, CarrierPlan, Hook};
pub use process::{Process, cpu_micros, free_address, resident_mib};
pub use server::{CARRIER, NEIGHBOURS_NUMBER, NUMBER, SECOND_NUMBER, Server, ServerPlan, TENANT};

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// Looks again and again until there is something, for at most so long.
pub fn until<T>(what: &str, at_most: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + at_most;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() >= end {
            bail!("{what}: not within {} s", at_most.as_secs_f64());
        }
        // Short beside what is looked for, long beside what a look costs.
        std::thread::sleep(Duration::from_millis(3));
    }
}
