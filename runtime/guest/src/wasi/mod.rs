//! The little of WASI 0.2 that languages' runtimes need, written for one event.
//!
//! Nothing here reaches outside but `http`, by way of the surroundings: the environment is empty, the clock is the event's, randomness follows from the
//! event's seed, output goes to the log, there are no files and no sockets. So an event can be run again and comes
//! out the same. Linked by hand, because wasmtime's own implementation is made for programs: it sets up a context of
//! files, sockets and generators for each store, which would cost more than a small handler's whole call.

mod cli;
mod clocks;
mod filesystem;
mod http;
mod io;
mod random;

use crate::call::Call;
use crate::stop::Stop;
use rand::SeedableRng;
use rand::rngs::StdRng;
use wasmtime::component::Linker;

pub(crate) use filesystem::{add_denied, is_denied};
pub(crate) use http::Web;

/// The version offered. A component made for any 0.2 finds its interfaces under it.
pub(crate) const VERSION: &str = "0.2.12";

/// When a pollable is ready.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ready {
    /// At this time on the event's own clock.
    At(u64),
    /// When this request is answered.
    Answered(usize),
}

type Context<'a> = wasmtime::StoreContextMut<'a, Call>;

/// One event's clock, chance and pollables.
pub(crate) struct Wasi {
    began_ns: u64,
    elapsed_ns: u64,
    seed: [u8; 32],
    rng: Option<StdRng>,
    pollables: Vec<Ready>,
    max_pollables: usize,
}

impl Wasi {
    pub(crate) fn new(now_us: u64, seed: [u8; 32], max_pollables: usize) -> Self {
        Self {
            began_ns: now_us.saturating_mul(1_000),
            elapsed_ns: 0,
            seed,
            rng: None,
            pollables: Vec::new(),
            max_pollables,
        }
    }

    /// A reading of the clock. It goes on by a microsecond each time, so that who waits for a change sees one.
    fn tick(&mut self) -> u64 {
        self.elapsed_ns = self.elapsed_ns.saturating_add(1_000);
        self.elapsed_ns
    }

    /// Sleeping takes no time but the event's own.
    fn sleep_until(&mut self, elapsed_ns: u64) {
        self.elapsed_ns = self.elapsed_ns.max(elapsed_ns);
    }

    /// Made on first use: most handlers draw nothing.
    fn rng(&mut self) -> &mut StdRng {
        let seed = self.seed;
        self.rng.get_or_insert_with(|| StdRng::from_seed(seed))
    }

    fn pollable(&mut self, ready: Ready) -> Result<u32, Stop> {
        if self.pollables.len() >= self.max_pollables {
            return Err(Stop::Limit { name: "pollables", most: self.max_pollables as u64 });
        }
        self.pollables.push(ready);
        Ok(u32::try_from(self.pollables.len() - 1).unwrap_or(u32::MAX))
    }

    fn ready(&self, pollable: u32) -> Ready {
        self.pollables.get(pollable as usize).copied().unwrap_or(Ready::At(0))
    }
}

/// Offers all of it to a component.
pub(crate) fn add_to(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    io::add_to(linker)?;
    cli::add_to(linker)?;
    clocks::add_to(linker)?;
    random::add_to(linker)?;
    http::add_to(linker)
}

fn interface(name: &str) -> String {
    format!("wasi:{name}@{VERSION}")
}
