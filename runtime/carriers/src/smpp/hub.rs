//! What all tasks of one carrier share: its links, and the bell that says when to ask them again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use signalbox_model::Chance;
use tokio::sync::{Notify, watch};

use super::compose::Composer;
use super::link::Link;
use super::place::Place;

pub(super) struct Hub {
    pub name: Arc<str>,
    pub links: Vec<Link>,
    pub composer: Composer,
    pub chance: Chance,
    pub bell: Arc<Notify>,
    /// Links that send and are up.
    pub senders_up: AtomicUsize,
    /// No more slots are given.
    pub closing: AtomicBool,
    /// Until when all binds must have been left, once they are to be.
    pub leave: watch::Sender<Option<Instant>>,
    /// Inbound PDUs that made no sense.
    pub malformed: AtomicU64,
    pub last_error: Mutex<Option<String>>,
    /// Submissions without an outcome.
    submissions: AtomicUsize,
}

/// The time of timers and paces; a test may stop it.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl Hub {
    pub fn new(name: Arc<str>, links: Vec<Link>, composer: Composer, chance: Chance, bell: Arc<Notify>) -> Self {
        Self {
            name,
            links,
            composer,
            chance,
            bell,
            senders_up: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            leave: watch::Sender::new(None),
            malformed: AtomicU64::new(0),
            last_error: Mutex::new(None),
            submissions: AtomicUsize::new(0),
        }
    }

    /// Room for `parts` on the link that has most of it.
    pub fn try_place(self: &Arc<Self>, parts: usize) -> Option<Place> {
        let now = now();
        let segments = parts as u32;
        let (at, _) = (self.links.iter().enumerate())
            .filter_map(|(at, link)| Some((at, link.room()?)))
            .filter(|(at, room)| *room >= self.links[*at].places_for(parts))
            .filter(|(at, _)| self.links[*at].tempo.wait(segments, now).is_zero())
            .max_by_key(|(at, room)| (*room, usize::MAX - at))?;
        let places = self.links[at].places_for(parts);
        self.links[at].reserve(places, segments, now).then(|| Place::new(self.clone(), at, places, segments))
    }

    /// How long until there may be room for `parts`; `None` if the bell will ring first.
    fn wait_for(&self, parts: usize) -> Option<Duration> {
        let now = now();
        let roomy = self.links.iter().filter(|link| link.room().is_some_and(|room| room >= link.places_for(parts)));
        roomy.map(|link| link.tempo.wait(parts as u32, now)).min()
    }

    /// Completes when there may be room for `parts`. Listens for the bell before it looks, so that no ringing is missed.
    pub async fn ready(&self, parts: usize, even_closing: bool) {
        loop {
            let mut rung = std::pin::pin!(self.bell.notified());
            rung.as_mut().enable();
            let shut = !even_closing && self.closing.load(Ordering::Relaxed);
            match self.wait_for(parts).filter(|_| !shut) {
                Some(wait) if wait.is_zero() => return,
                Some(wait) => tokio::select! {
                    () = rung => {}
                    () = tokio::time::sleep(wait) => {}
                },
                None => rung.await,
            }
        }
    }

    /// A place for `parts`, waited for; also while the carrier is being closed, for what has begun.
    pub async fn place(self: &Arc<Self>, parts: usize) -> Place {
        loop {
            if let Some(place) = self.try_place(parts) {
                return place;
            }
            self.ready(parts, true).await;
        }
    }

    /// Completes when `done` holds, looking again whenever the bell rings.
    pub async fn until(&self, done: impl Fn(&Self) -> bool) {
        loop {
            let mut rung = std::pin::pin!(self.bell.notified());
            rung.as_mut().enable();
            if done(self) {
                return;
            }
            rung.await;
        }
    }

    pub fn is_idle(&self) -> bool {
        self.submissions.load(Ordering::Acquire) == 0
    }

    pub fn is_settled(&self) -> bool {
        self.links.iter().all(Link::is_settled)
    }

    pub fn is_leaving(&self) -> bool {
        self.leave.borrow().is_some()
    }

    /// Remembers what went wrong, for those who look.
    pub fn note(&self, link: &Link, wrong: &dyn std::fmt::Display) {
        tracing::warn!(carrier = %self.name, bind = link.number, %wrong, "not bound");
        *self.last_error.lock() = Some(format!("bind {}: {wrong}", link.number));
    }

    pub fn begin(self: &Arc<Self>) -> Open {
        self.submissions.fetch_add(1, Ordering::AcqRel);
        Open(self.clone())
    }
}

/// A submission that has no outcome yet.
pub(super) struct Open(pub Arc<Hub>);

impl Drop for Open {
    fn drop(&mut self) {
        if self.0.submissions.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.bell.notify_waiters();
        }
    }
}
