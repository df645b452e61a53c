//! Room on the disk of the store: looked after before there is none, since a commit that finds none stops the process.
//! Below `min_free` nothing new is taken in; what was accepted goes on, with what is kept free for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::error::Error;

/// How much room the store has, as it was looked at last.
#[derive(Debug)]
pub(crate) struct Room {
    /// `u64::MAX` where nobody knows.
    free_bytes: AtomicU64,
    is_full: AtomicBool,
}

/// The store's room, for those who watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    /// What the disk has left, where that is known.
    pub free_bytes: Option<u64>,
    /// Below this nothing new is taken in.
    pub min_free_bytes: u64,
    /// Nothing new is taken in.
    pub is_full: bool,
}

impl Room {
    pub(crate) const fn new() -> Self {
        Self { free_bytes: AtomicU64::new(u64::MAX), is_full: AtomicBool::new(false) }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    fn free_bytes(&self) -> Option<u64> {
        Some(self.free_bytes.load(Ordering::Relaxed)).filter(|free| *free < u64::MAX)
    }

    /// Takes down what was found. It opens again only with an eighth more than the least, so that it doesn't flutter.
    /// Whether it is full now, if that is new.
    fn note(&self, free: u64, least: u64) -> Option<bool> {
        self.free_bytes.store(free, Ordering::Relaxed);
        let was_full = self.is_full();
        let enough = if was_full { least.saturating_add(least / 8) } else { least };
        let is_full = free < enough;
        self.is_full.store(is_full, Ordering::Relaxed);
        (is_full != was_full).then_some(is_full)
    }
}

impl Engine {
    /// Is there room for something new?
    pub(crate) fn has_room(&self) -> Result<(), Error> {
        if self.room.is_full() { Err(Error::Full { why: self.why_full() }) } else { Ok(()) }
    }

    fn why_full(&self) -> String {
        let (free, least) = (self.room.free_bytes().unwrap_or(0), self.config.min_free_bytes);
        let mib = |bytes: u64| bytes >> 20;
        format!("the disk of the store has {} MiB left, and `[store] min_free` wants {} MiB", mib(free), mib(least))
    }

    pub(crate) fn room_status(&self) -> Status {
        let (free_bytes, is_full) = (self.room.free_bytes(), self.room.is_full());
        Status { free_bytes, min_free_bytes: self.config.min_free_bytes, is_full }
    }
}

/// Looks now and then, for as long as the host runs.
pub(crate) async fn run(engine: Arc<Engine>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(engine.config.room_every) => {}
            () = stop.cancelled() => return,
        }
        look(&engine).await;
    }
}

/// Looks how much room there is.
pub(crate) async fn look(engine: &Engine) {
    let free = match engine.store.free_bytes().await {
        Ok(Some(free)) => free,
        Ok(None) => return,
        // Not to know is no reason to refuse; the commit will tell.
        Err(error) => return engine.step_failed("looking how much room the store has", &error.into()),
    };
    match engine.room.note(free, engine.config.min_free_bytes) {
        Some(true) => tracing::error!(
            why = engine.why_full(),
            "nothing new is taken in until there is room: delete what else is on the disk, enlarge it, or keep messages \
             for a shorter time (`[tenants.retention]`)"
        ),
        Some(false) => tracing::info!("the store has room again"),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_closes_below_the_least_and_opens_with_an_eighth_more() {
        let room = Room::new();
        let noted = [(800, None), (799, Some(true)), (850, None), (899, None), (900, Some(false)), (800, None)];
        for (free, told) in noted {
            assert_eq!(room.note(free, 800), told, "{free}");
        }
        assert_eq!(room.free_bytes(), Some(800));
    }

    #[test]
    fn a_least_of_nothing_never_closes() {
        assert_eq!(Room::new().note(0, 0), None);
    }
}
