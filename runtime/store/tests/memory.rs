//! The model passes the suite: with deliveries at once, with deliveries that come later, and over crashes.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use signalbox_store::conformance::Place;
use signalbox_store::memory::{Config, Crash, Delivery, MemoryStore};
use signalbox_store::{Error, Store};

/// The model's log, wherever it is.
struct Memory {
    config: Config,
    current: Mutex<Option<Arc<MemoryStore>>>,
    crash: Option<Crash>,
}

impl Memory {
    fn new(delivery: Delivery) -> Self {
        Self { config: Config { delivery, ..Config::default() }, current: Mutex::new(None), crash: None }
    }
}

impl Place for Memory {
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn Store>, Error>> {
        let mut current = self.current.lock();
        let store = match (&*current, self.crash) {
            (Some(before), _) => before.crash_image(),
            (None, Some(crash)) => MemoryStore::crashing(self.config.clone(), crash),
            (None, None) => MemoryStore::new(self.config.clone()),
        };
        *current = Some(store.clone());
        std::future::ready(Ok(store as Arc<dyn Store>)).boxed()
    }

    fn deliver(&self) {
        if let Some(store) = &*self.current.lock() {
            store.pump();
        }
    }

    fn crashing(&self, crash: Crash) -> Option<Box<dyn Place>> {
        let mut place = Self::new(self.config.delivery);
        place.crash = Some(crash);
        Some(Box::new(place))
    }
}

mod at_once {
    use super::*;
    signalbox_store::conformance_tests!(Memory::new(Delivery::AtOnce));
}

mod pumped {
    use super::*;
    signalbox_store::conformance_tests!(Memory::new(Delivery::Pumped));
}

#[test]
fn every_case_is_in_the_macro() {
    let listed = include_str!("../src/conformance/mod.rs");
    let files = [
        include_str!("../src/conformance/atomic.rs"),
        include_str!("../src/conformance/crash.rs"),
        include_str!("../src/conformance/epochs.rs"),
        include_str!("../src/conformance/inbox.rs"),
        include_str!("../src/conformance/ranges.rs"),
        include_str!("../src/conformance/refusals.rs"),
        include_str!("../src/conformance/reopen.rs"),
        include_str!("../src/conformance/sends.rs"),
    ];
    let cases = files.iter().flat_map(|file| file.lines().filter_map(|line| line.strip_prefix("pub async fn ")));
    for case in cases {
        let name = &case[..case.find('(').unwrap()];
        assert!(listed.contains(&format!(" {name},\n")), "{name} is not run");
    }
}
