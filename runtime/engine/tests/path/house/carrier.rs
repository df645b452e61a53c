//! A carrier that does what the test says.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use signalbox_carriers::{Carrier, Health, Outcome, Slot, Submission};
use tokio::sync::{Notify, oneshot};

/// A carrier that does what the test says: `answer` if it is set, or else whatever the test gives to what it took.
pub struct Scripted {
    pub(super) name: Arc<str>,
    pub(super) state: Mutex<State>,
    arrived: Notify,
    opened: Notify,
}

#[derive(Default)]
pub(super) struct State {
    always: Option<Outcome>,
    pub(super) submitted: VecDeque<Submitted>,
    taken: u64,
    seen: Vec<Submission>,
    seen_at: Vec<tokio::time::Instant>,
    closed: bool,
    down: bool,
    /// Whoever asks whether it is up runs into a defect.
    panics: bool,
    /// Parts that may be without an answer at once, if that is bounded, and those that are.
    window: Option<usize>,
    out: usize,
    left: bool,
    has_baa: bool,
}

/// A submission that waits for its outcome.
pub struct Submitted {
    pub submission: Submission,
    pub answer: oneshot::Sender<Outcome>,
}

impl Scripted {
    pub fn new() -> Arc<Self> {
        Self::named("scripted")
    }

    pub fn named(name: &str) -> Arc<Self> {
        Arc::new(Self { name: name.into(), state: Mutex::default(), arrived: Notify::new(), opened: Notify::new() })
    }

    /// Answers every submission like this from now on; `Taken` gets ids that count up.
    pub fn always(&self, outcome: Outcome) {
        self.state.lock().always = Some(outcome);
    }

    /// Its operator signs a business associate agreement.
    pub fn signs(&self) {
        self.state.lock().has_baa = true;
    }

    /// From now on it has no place for a message, or has again.
    pub fn close(&self, closed: bool) {
        self.state.lock().closed = closed;
        self.opened.notify_waiters();
    }

    /// Its binds fall: nothing goes by it until they are up again.
    pub fn down(&self, down: bool) {
        self.state.lock().down = down;
        self.close(down);
    }

    /// From now on whoever routes a message by it panics, or doesn't any more.
    pub fn panics(&self, panics: bool) {
        self.state.lock().panics = panics;
    }

    /// From now on so many parts may be without an answer at once.
    pub fn window(&self, parts: usize) {
        self.state.lock().window = Some(parts);
    }

    /// When each submission was put on the wire.
    pub fn seen_at(&self) -> Vec<tokio::time::Instant> {
        self.state.lock().seen_at.clone()
    }

    /// It was let go of to the end.
    pub fn was_left(&self) -> bool {
        self.state.lock().left
    }

    /// Everything that was ever put on the wire.
    pub fn seen(&self) -> Vec<Submission> {
        self.state.lock().seen.clone()
    }

    /// How much was ever put on the wire.
    pub fn seen_count(&self) -> usize {
        self.state.lock().seen.len()
    }

    /// Waits for something to be put on the wire.
    pub async fn arrives(&self) {
        self.arrived.notified().await;
    }

    /// The next submission that waits for its outcome.
    pub async fn next(&self) -> Submitted {
        loop {
            let arrived = self.arrived.notified();
            if let Some(submitted) = self.state.lock().submitted.pop_front() {
                return submitted;
            }
            arrived.await;
        }
    }
}

impl State {
    fn has_room(&self, parts: u8) -> bool {
        !self.closed && self.window.is_none_or(|window| self.out + usize::from(parts) <= window)
    }
}

struct Place(Arc<Scripted>, u8);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.state.lock().out -= usize::from(self.1);
        self.0.opened.notify_waiters();
    }
}

impl Slot for Place {
    fn submit(self: Box<Self>, submission: Submission) -> BoxFuture<'static, Outcome> {
        let (answer, outcome) = oneshot::channel();
        let mut state = self.0.state.lock();
        state.seen.push(submission.clone());
        state.seen_at.push(tokio::time::Instant::now());
        match state.always.clone() {
            Some(Outcome::Taken { .. }) => {
                state.taken += 1;
                let ids = (0..submission.segments).map(|part| format!("id-{}-{part}", state.taken)).collect();
                let _ = answer.send(Outcome::Taken { ids });
            }
            Some(outcome) => {
                let _ = answer.send(outcome);
            }
            None => state.submitted.push_back(Submitted { submission, answer }),
        }
        drop(state);
        self.0.arrived.notify_one();
        // A test that drops the answer leaves the submission without one, as a crash would.
        async move {
            let _until_answered = self;
            match outcome.await {
                Ok(outcome) => outcome,
                Err(_) => std::future::pending().await,
            }
        }
        .boxed()
    }
}

pub struct Door(pub Arc<Scripted>);

impl Carrier for Door {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    fn try_slot(&self, parts: u8) -> Option<Box<dyn Slot>> {
        let mut state = self.0.state.lock();
        if !state.has_room(parts) {
            return None;
        }
        state.out += usize::from(parts);
        Some(Box::new(Place(self.0.clone(), parts)))
    }

    fn ready(&self, parts: u8) -> BoxFuture<'_, ()> {
        async move {
            loop {
                let opened = self.0.opened.notified();
                if self.0.state.lock().has_room(parts) {
                    return;
                }
                opened.await;
            }
        }
        .boxed()
    }

    fn health(&self) -> Health {
        Health { binds_up: 1, binds: 1, ..Health::default() }
    }

    fn is_up(&self) -> bool {
        let state = self.0.state.lock();
        assert!(!state.panics, "a defect that the test wants");
        !state.down
    }

    fn has_baa(&self) -> bool {
        self.0.state.lock().has_baa
    }

    fn canonical_id(&self, raw: &str) -> String {
        raw.to_owned()
    }

    /// As a connector does: what has no answer within the bound is in doubt.
    fn close(&self, bound: Duration) -> BoxFuture<'_, ()> {
        async move {
            if !self.0.state.lock().submitted.is_empty() {
                tokio::time::sleep(bound).await;
            }
            let left = std::mem::take(&mut self.0.state.lock().submitted);
            for Submitted { answer, .. } in left {
                let _ = answer.send(Outcome::Unknown { why: "the carrier was left before it answered".to_owned() });
            }
            self.0.state.lock().left = true;
        }
        .boxed()
    }
}
