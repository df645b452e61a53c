//! Whose turn it is to compute: what keeps one handler from taking the processor away from the others.
//!
//! - Of one handler, only so many events compute at a time; the others wait their turn, and what waits for the store or
//!   for a server isn't computing.
//! - What computes for longer than its first tick goes into overtime. There is room there for fewer events than there
//!   are processors, so one is always left for events that are quick; and whoever is in it goes to the end of the line
//!   at each tick, so that slow handlers share it in equal slices.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room for events to compute in, of one handler or of overtime.
pub(crate) type Room = Arc<Semaphore>;

/// Room for so many.
pub(crate) fn room(places: usize) -> Room {
    Arc::new(Semaphore::new(places.max(1)))
}

/// An event's turn. It is over when this is dropped.
#[derive(Clone)]
pub(crate) struct Turn {
    handler: Room,
    overtime: Room,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    handler: Option<OwnedSemaphorePermit>,
    overtime: Option<OwnedSemaphorePermit>,
}

impl Turn {
    pub(crate) fn new(handler: &Room, overtime: &Room) -> Self {
        Self { handler: Arc::clone(handler), overtime: Arc::clone(overtime), held: Arc::default() }
    }

    /// Waits for the handler to have room.
    pub(crate) async fn begin(&self) {
        let place = acquire(&self.handler).await;
        self.held().handler = place;
    }

    /// The event computes no more, for now or for good.
    pub(crate) fn end(&self) {
        *self.held() = Held::default();
    }

    /// Goes to the end of overtime's line and waits for room in it.
    pub(crate) fn overtime(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let turn = self.clone();
        turn.held().overtime = None;
        Box::pin(async move {
            // Room that is free is taken at once; whoever else is ready to run comes first all the same.
            tokio::task::yield_now().await;
            let place = acquire(&turn.overtime).await;
            turn.held().overtime = place;
        })
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn acquire(room: &Room) -> Option<OwnedSemaphorePermit> {
    // Rooms are never closed.
    Arc::clone(room).acquire_owned().await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn of_one_handler_only_so_many_compute_and_who_waits_for_others_makes_room() {
        let (handler, overtime) = (room(1), room(1));
        let (first, second) = (Turn::new(&handler, &overtime), Turn::new(&handler, &overtime));
        first.begin().await;
        assert!(second.begin().now_or_never().is_none());
        first.end();
        assert!(second.begin().now_or_never().is_some());
    }

    #[tokio::test]
    async fn overtime_is_shared_tick_by_tick() {
        let (busy, idle, overtime) = (room(1), room(1), room(1));
        let (first, second) = (Turn::new(&busy, &overtime), Turn::new(&idle, &overtime));
        first.overtime().await;
        let mut waiting = second.overtime();
        for _ in 0..3 {
            assert!((&mut waiting).now_or_never().is_none());
        }
        // The first one's next tick: it gives its place up before it asks for the next.
        let mut again = first.overtime();
        assert!((&mut again).now_or_never().is_none());
        assert!((&mut waiting).now_or_never().is_some());
        assert!((&mut again).now_or_never().is_none());
        second.end();
        assert!((&mut again).now_or_never().is_some());
    }
}
