//! What waits for a time: a sorted map in memory over what is durable in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use signalbox_model::{Clock, Timestamp};
use tokio::sync::Notify;

/// Things that are due at a time.
pub(crate) struct Wheel<T> {
    clock: Arc<dyn Clock>,
    due: Mutex<Due<T>>,
    sooner: Notify,
}

/// Names something that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket((Timestamp, u64));

struct Due<T> {
    things: BTreeMap<(Timestamp, u64), T>,
    next: u64,
}

impl<T> Wheel<T> {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, due: Mutex::new(Due { things: BTreeMap::new(), next: 0 }), sooner: Notify::new() }
    }

    /// Brings `thing` back at `at`. By the ticket it can be called off before.
    pub(crate) fn set(&self, at: Timestamp, thing: T) -> Ticket {
        let mut due = self.due.lock();
        let is_first = due.things.first_key_value().is_none_or(|((first, _), _)| at < *first);
        let ticket = (at, due.next);
        due.next += 1;
        due.things.insert(ticket, thing);
        drop(due);
        if is_first {
            self.sooner.notify_one();
        }
        Ticket(ticket)
    }

    /// Calls something off; false if it has come already.
    pub(crate) fn call_off(&self, Ticket(ticket): Ticket) -> bool {
        self.due.lock().things.remove(&ticket).is_some()
    }

    /// What waits of which something is to be known, with what that is. Looks at all of it.
    pub(crate) fn find<R>(&self, wanted: impl Fn(&T) -> Option<R>) -> Vec<(Ticket, R)> {
        let due = self.due.lock();
        due.things.iter().filter_map(|(ticket, thing)| Some((Ticket(*ticket), wanted(thing)?))).collect()
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.due.lock().things.len()
    }

    /// When the first thing is due that `counts`.
    pub(crate) fn first(&self, counts: impl Fn(&T) -> bool) -> Option<Timestamp> {
        self.due.lock().things.iter().find(|(_, thing)| counts(thing)).map(|((at, _), _)| *at)
    }

    /// The next thing, when its time has come.
    pub(crate) async fn next(&self) -> T {
        loop {
            let first = self.due.lock().things.first_key_value().map(|(key, _)| *key);
            match first {
                Some(key) if key.0 <= self.clock.now() => {
                    if let Some(thing) = self.due.lock().things.remove(&key) {
                        return thing;
                    }
                }
                Some((at, _)) => tokio::select! {
                    () = self.clock.sleep_until(at) => {}
                    () = self.sooner.notified() => {}
                },
                None => self.sooner.notified().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_model::ManualClock;
    use std::time::Duration;

    #[tokio::test]
    async fn things_come_back_in_the_order_of_their_times() {
        let clock = ManualClock::at(Timestamp::from_millis(1_000));
        let wheel = Wheel::new(Arc::new(clock.clone()));
        wheel.set(Timestamp::from_millis(3_000), "late");
        wheel.set(Timestamp::from_millis(2_000), "soon");
        wheel.set(Timestamp::from_millis(500), "past");
        assert_eq!(wheel.next().await, "past");
        clock.advance(Duration::from_secs(5));
        assert_eq!((wheel.next().await, wheel.next().await, wheel.len()), ("soon", "late", 0));
    }

    #[tokio::test]
    async fn what_was_called_off_does_not_come() {
        let wheel = Wheel::new(Arc::new(ManualClock::at(Timestamp::from_millis(5))));
        let ticket = wheel.set(Timestamp::from_millis(1), "called off");
        wheel.set(Timestamp::from_millis(2), "due");
        wheel.call_off(ticket);
        assert_eq!((wheel.next().await, wheel.len()), ("due", 0));
    }

    #[tokio::test]
    async fn something_sooner_wakes_who_waits() {
        let clock = ManualClock::at(Timestamp::from_millis(0));
        let wheel = Arc::new(Wheel::new(Arc::new(clock.clone())));
        wheel.set(Timestamp::from_millis(9_000), "late");
        let waiter = tokio::spawn({
            let wheel = wheel.clone();
            async move { wheel.next().await }
        });
        tokio::task::yield_now().await;
        wheel.set(Timestamp::from_millis(0), "now");
        assert_eq!(waiter.await.unwrap(), "now");
    }
}
