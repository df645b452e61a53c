//! The way to the committer: a bounded queue that is taken whole.
//!
//! A channel would hand over one request at a time; the committer wants all that wait, so it swaps the queue for an
//! empty one. The order of pushes is the order of commits, which is what makes pipelined commits of one caller take
//! effect in the order of their calls.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

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

/// For how many requests the committer waits before it takes them, and until when at most.
#[derive(Debug, Clone, Copy)]
pub struct Gather {
    /// So many.
    pub enough: usize,
    /// Until then.
    pub until: Instant,
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
    /// The committer sleeps until so many wait; `None` while it is awake.
    wakes_at: Option<usize>,
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
        if state.wakes_at.is_some_and(|enough| state.waiting.len() >= enough) {
            state.wakes_at = None;
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits for a request, or for as many as are to `gather`, and takes all of them into `into`, which is empty. False: the
    /// queue was closed, and is empty for good.
    pub fn take_all(&self, into: &mut VecDeque<Request>, gather: Option<Gather>) -> bool {
        let mut state = self.state.lock();
        if let Some(Gather { enough, until }) = gather {
            let enough = enough.min(self.bound);
            while state.waiting.len() < enough && !state.closed {
                state.wakes_at = Some(enough);
                if self.filled.wait_until(&mut state, until).timed_out() {
                    break;
                }
            }
        }
        while state.waiting.is_empty() {
            if state.closed {
                return false;
            }
            state.wakes_at = Some(1);
            self.filled.wait(&mut state);
        }
        state.wakes_at = None;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn request() -> Request {
        Request::Acquire(Partition::new(0), oneshot::channel().0)
    }

    fn gather(enough: usize, wait: Duration) -> Option<Gather> {
        Some(Gather { enough, until: Instant::now() + wait })
    }

    const LONG: Duration = Duration::from_secs(3_600);

    #[test]
    fn what_gathers_is_taken_as_soon_as_it_is_enough() {
        let (queue, mut taken) = (Queue::new(16), VecDeque::new());
        queue.push(request()).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..2).for_each(|_| queue.push(request()).unwrap()));
            assert!(queue.take_all(&mut taken, gather(3, LONG)));
        });
        assert_eq!(taken.len(), 3);
    }

    #[test]
    fn nothing_gathers_for_longer_than_it_may() {
        let (queue, mut taken) = (Queue::new(16), VecDeque::new());
        queue.push(request()).unwrap();
        assert!(queue.take_all(&mut taken, gather(3, Duration::ZERO)));
        assert_eq!(taken.len(), 1);
        // Behind the time there is the ordinary wait for the next one.
        taken.clear();
        std::thread::scope(|scope| {
            scope.spawn(|| queue.push(request()).unwrap());
            assert!(queue.take_all(&mut taken, gather(3, Duration::ZERO)));
        });
        assert_eq!(taken.len(), 1);
    }

    #[test]
    fn a_queue_that_is_full_or_closed_waits_for_no_more() {
        let (queue, mut taken) = (Queue::new(2), VecDeque::new());
        (0..2).for_each(|_| queue.push(request()).unwrap());
        assert!(queue.take_all(&mut taken, gather(3, LONG)));
        assert_eq!(taken.len(), 2);
        taken.clear();
        queue.push(request()).unwrap();
        queue.close();
        assert!(queue.take_all(&mut taken, gather(3, LONG)));
        assert_eq!(taken.len(), 1);
        assert!(!queue.take_all(&mut VecDeque::new(), gather(3, LONG)));
    }
}
