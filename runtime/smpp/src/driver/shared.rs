//! What a connection's task shares with the handles to it.

use std::collections::VecDeque;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, watch};

use super::outcome::{Outcome, Waiter};
use crate::pdu::Encode;
use crate::session::{Closed, Event, Session, State};

/// Above so many octets that the peer doesn't take, nothing more is read from it: else it could make us answer without end.
pub(super) const MAX_PENDING_OUTPUT: usize = 1024 * 1024;

/// The session under one lock, held for single steps and never over an await: submitting encodes straight into its output, and
/// the connection's task takes the output of many at once.
pub(super) struct Shared {
    session: Mutex<Session<Waiter>>,
    /// The window's free slots.
    pub slots: Semaphore,
    /// There is something to write, or the state changed.
    pub flush: Notify,
    /// The output was taken.
    pub drained: Notify,
    /// We are about to unbind.
    pub leaving: Notify,
    pub closed: watch::Sender<Option<Closed>>,
}

pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl Shared {
    pub fn new(session: Session<Waiter>, window: usize) -> Self {
        Self {
            session: Mutex::new(session),
            slots: Semaphore::new(window),
            flush: Notify::new(),
            drained: Notify::new(),
            leaving: Notify::new(),
            closed: watch::Sender::new(None),
        }
    }

    /// One step of the session; wakes the connection's task if that left something to do.
    pub fn step<R>(&self, step: impl FnOnce(&mut Session<Waiter>) -> R) -> R {
        let mut session = self.session.lock();
        let result = step(&mut session);
        let work = session.pending_output() > 0 || session.state() == State::Closed;
        drop(session);
        if work {
            self.flush.notify_one();
        }
        result
    }

    /// A step that leaves nothing to do.
    pub fn quietly<R>(&self, step: impl FnOnce(&mut Session<Waiter>) -> R) -> R {
        step(&mut self.session.lock())
    }

    pub fn peek<R>(&self, look: impl FnOnce(&Session<Waiter>) -> R) -> R {
        look(&self.session.lock())
    }

    pub fn unbind(&self) {
        self.slots.close();
        self.leaving.notify_one();
        self.step(|session| session.unbind(now()));
    }

    /// Tells everyone whom the events concern, and gives back those for the connection's own loop.
    pub fn settle(&self, events: &mut VecDeque<Event<Waiter>>) -> VecDeque<Event<Waiter>> {
        let mut rest = VecDeque::new();
        let mut freed = 0;
        for event in events.drain(..) {
            let (waiter, outcome) = match event {
                Event::Answered { token, answer } => (token, Outcome::Response(answer)),
                Event::TimedOut { token } => (token, Outcome::Timeout),
                Event::Lost { token, written } => (token, Outcome::Disconnected { written }),
                Event::Closed(reason) => {
                    self.end(reason);
                    continue;
                }
                Event::Unmatched(answer) => {
                    tracing::debug!(command = %answer.pdu.command_id(), status = %answer.command_status, "answer to nothing in flight");
                    continue;
                }
                Event::Malformed(error) => {
                    tracing::warn!(%error, "PDU refused");
                    continue;
                }
                other => {
                    rest.push_back(other);
                    continue;
                }
            };
            waiter.tell(outcome);
            freed += 1;
        }
        self.slots.add_permits(freed);
        rest
    }

    fn end(&self, reason: Closed) {
        tracing::debug!(%reason, "session closed");
        self.slots.close();
        self.closed.send_replace(Some(reason));
    }

    /// Waits for the end.
    pub async fn ended(&self) -> Closed {
        let mut closed = self.closed.subscribe();
        match closed.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or(Closed::Aborted),
            Err(_) => Closed::Aborted,
        }
    }
}
