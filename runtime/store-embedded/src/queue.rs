//! The way to the committer: a bounded queue that is taken whole.
//!
//! A channel would hand over one request at a time; the committer wants all that wait, so it swaps the queue for an
//! empty one. The order of pushes is the order of commits, which is what makes pipelined commits of one caller take
//! effect in the order of their calls.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use signalbox_model::Partition;
use signalbox_store::{Batch, Committed, Epoch, Error};
use tokio::sync::oneshot;

/// Something for the committer to do, and where to answer.
#[derive(Debug)]
pub enum Request {
    /// Carry out a batch.
    Commit(Batch, oneshot::Sender<Result<Committed, Error>>),
    /// Give out a new epoch.
    Acquire(Partition, oneshot::Sender<Result<Epoch, Error>>),
}

impl Request {
    /// Answers that it wasn't done. A caller that went away is no concern.
    pub fn refuse(self, error: Error) {
        match self {
            Self::Commit(_, reply) => drop(reply.send(Err(error))),
            Self::Acquire(_, reply) => drop(reply.send(Err(error))),
        }
    }
}

/// Requests in the order in which they were made.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    /// Signals the committer.
    filled: Condvar,
    /// Signals those who wait for room.
    emptied: Condvar,
    bound: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Request>,
    committer_sleeps: bool,
    closed: bool,
    failed: Option<Arc<str>>,
}

impl State {
    fn refusal(&self) -> Option<Error> {
        match &self.failed {
            Some(why) => Some(Error::Fatal(why.clone())),
            None => self.closed.then_some(Error::Closed),
        }
    }
}

impl Queue {
    /// An empty queue for at most `bound` requests.
    pub fn new(bound: usize) -> Self {
        let state = Mutex::new(State::default());
        Self { state, filled: Condvar::new(), emptied: Condvar::new(), bound: bound.max(1) }
    }

    /// Puts a request at the end; blocks the thread while the queue is full.
    ///
    /// # Errors
    ///
    /// The request comes to nothing if the store has failed or is closing.
    pub fn push(&self, request: Request) -> Result<(), Error> {
        let mut state = self.state.lock();
        loop {
            if let Some(refusal) = state.refusal() {
                return Err(refusal);
            }
            if state.waiting.len() < self.bound {
                break;
            }
            self.emptied.wait(&mut state);
        }
        state.waiting.push_back(request);
        if state.committer_sleeps {
            state.committer_sleeps = false;
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits for requests and takes all of them into `into`, which is empty. False: the queue was closed, and is
    /// empty for good.
    pub fn take_all(&self, into: &mut VecDeque<Request>) -> bool {
        let mut state = self.state.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return false;
            }
            state.committer_sleeps = true;
            self.filled.wait(&mut state);
        }
        state.committer_sleeps = false;
        let was_full = state.waiting.len() >= self.bound;
        std::mem::swap(&mut state.waiting, into);
        if was_full {
            self.emptied.notify_all();
        }
        true
    }

    /// No more requests; those that wait are still carried out.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_one();
        self.emptied.notify_all();
    }

    /// Refuses all requests that wait, and all later ones.
    pub fn fail(&self, why: &Arc<str>) {
        let waiting = {
            let mut state = self.state.lock();
            state.failed = Some(why.clone());
            std::mem::take(&mut state.waiting)
        };
        self.emptied.notify_all();
        for request in waiting {
            request.refuse(Error::Fatal(why.clone()));
        }
    }

    /// Waits until the queue is closed.
    pub fn wait_for_close(&self) {
        let mut state = self.state.lock();
        while !state.closed {
            self.filled.wait(&mut state);
        }
    }
}
