//! A clock that stands still but for a microsecond each time it is looked at, so that of two things the one that happens
//! first is the earlier one, as in the world.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use signalbox_model::{Clock, Timestamp};
use tokio::sync::watch;

/// What a look at the clock takes.
const TICK: Duration = Duration::from_micros(1);

/// A clock that is moved by hand.
#[derive(Clone)]
pub(crate) struct VirtualClock {
    now: Arc<Mutex<Timestamp>>,
    moved: Arc<watch::Sender<()>>,
}

impl VirtualClock {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self { now: Arc::new(Mutex::new(now)), moved: Arc::new(watch::Sender::new(())) }
    }

    /// Moves it on to `to`, unless it is later already, and wakes who waits for it.
    pub(crate) fn move_to(&self, to: Timestamp) {
        {
            let mut now = self.now.lock();
            *now = to.max(*now);
        }
        self.moved.send_replace(());
    }

    /// The time, without a tick.
    pub(crate) fn peek(&self) -> Timestamp {
        *self.now.lock()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let mut now = self.now.lock();
        *now = *now + TICK;
        *now
    }

    fn sleep_until(&self, until: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let (clock, mut moved) = (self.clone(), self.moved.subscribe());
        Box::pin(async move {
            while clock.peek() < until {
                // The clock holds the sender: it is there as long as anybody waits.
                let _ = moved.changed().await;
            }
        })
    }
}
