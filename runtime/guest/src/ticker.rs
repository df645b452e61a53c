//! The beat by which guests' computing time is told: the engine's epoch goes up once a millisecond.
//!
//! The thread sleeps for good while no guest runs, so an idle host costs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use wasmtime::Engine;

/// One tick: the unit of `Limits::cpu`.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// After so many ticks with no guest the thread parks. Waking it is a system call, so it doesn't park between two
/// events of a busy host.
const IDLE_TICKS: u32 = 50;

pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    parked: AtomicBool,
    stopped: AtomicBool,
}

/// A guest is running. Ticks come at least until this is dropped.
pub(crate) struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

impl Ticker {
    pub(crate) fn start(engine: Engine) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("guest-ticks".into()).spawn(move || tick(&engine, &of_thread))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(crate) fn running(&self) -> Running<'_> {
        // The order matters, here and in `tick`: each side writes its own flag before it reads the other's, so either
        // the thread sees the guest and doesn't park, or we see it parked and wake it.
        self.shared.running.fetch_add(1, SeqCst);
        if self.shared.parked.load(SeqCst) {
            self.wake();
        }
        Running(&self.shared)
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has no news for whoever drops the host.
            let _ = thread.join();
        }
    }
}

fn tick(engine: &Engine, shared: &Shared) {
    let mut idle = 0;
    while !shared.stopped.load(SeqCst) {
        if idle >= IDLE_TICKS {
            shared.parked.store(true, SeqCst);
            if shared.running.load(SeqCst) == 0 && !shared.stopped.load(SeqCst) {
                thread::park();
            }
            shared.parked.store(false, SeqCst);
            idle = 0;
        }
        thread::sleep(TICK);
        engine.increment_epoch();
        idle = if shared.running.load(SeqCst) == 0 { idle + 1 } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_until(condition: impl Fn() -> bool) {
        while !condition() {
            thread::yield_now();
        }
    }

    #[test]
    fn it_parks_when_no_guest_runs_and_wakes_for_the_next() {
        let ticker = Ticker::start(Engine::default()).unwrap();
        let parked = || ticker.shared.parked.load(SeqCst);
        wait_until(parked);
        let running = ticker.running();
        wait_until(|| !parked());
        drop(running);
        wait_until(parked);
    }
}
