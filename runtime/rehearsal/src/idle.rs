//! When nothing is left to do. A conversation runs on a runtime of one thread, and everything in it is a task there: when
//! that thread is about to sleep, every task waits for the clock, for the next step, or for another thread. A handler may
//! do that: it takes turns with those of other conversations. So there is also a question that must be answered with no.

use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};

/// Tells when the runtime has nothing left to do.
#[derive(Clone, Default)]
pub(crate) struct Idle(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    is_busy: OnceLock<Box<dyn Fn() -> bool + Send + Sync>>,
}

#[derive(Default)]
enum State {
    /// Nobody wants to know.
    #[default]
    Unasked,
    /// Somebody waits.
    Asked(Waker),
    /// The thread was about to sleep since somebody asked.
    Idle,
}

impl Idle {
    /// A runtime of one thread that tells when it is idle.
    pub(crate) fn runtime(&self) -> std::io::Result<Runtime> {
        let idle = self.clone();
        Builder::new_current_thread().enable_time().on_thread_park(move || idle.thread_sleeps()).build()
    }

    /// While `is_busy`, something waits for another thread: the sleep ends by itself.
    pub(crate) fn unless(&self, is_busy: impl Fn() -> bool + Send + Sync + 'static) {
        // A second question would be of another conversation, which has a runtime of its own.
        let _ = self.0.is_busy.set(Box::new(is_busy));
    }

    fn thread_sleeps(&self) {
        if self.0.is_busy.get().is_some_and(|is_busy| is_busy()) {
            return;
        }
        let mut state = self.0.state.lock();
        if let State::Asked(_) = &*state
            && let State::Asked(waker) = std::mem::replace(&mut *state, State::Idle)
        {
            drop(state);
            waker.wake();
        }
    }

    /// Returns once every task of the runtime waits.
    pub(crate) async fn wait(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.0.state.lock();
            if let State::Idle = *state {
                *state = State::Unasked;
                return Poll::Ready(());
            }
            *state = State::Asked(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn it_waits_for_tasks_that_wake_each_other_and_not_for_those_that_wait_for_ever() {
        let idle = Idle::default();
        let runtime = idle.runtime().unwrap();
        let done = Arc::new(AtomicU32::new(0));
        runtime.block_on(async {
            tokio::spawn(std::future::pending::<()>());
            for _ in 0..10 {
                let done = done.clone();
                tokio::spawn(async move {
                    for _ in 0..100 {
                        tokio::task::yield_now().await;
                    }
                    tokio::spawn(async move {
                        tokio::task::yield_now().await;
                        done.fetch_add(1, Ordering::Relaxed);
                    });
                });
            }
            idle.wait().await;
            assert_eq!(done.load(Ordering::Relaxed), 10);
            // It can be asked again, when nothing has happened since.
            idle.wait().await;
        });
    }

    #[test]
    fn it_waits_for_another_thread_while_somebody_is_busy() {
        let idle = Idle::default();
        let runtime = idle.runtime().unwrap();
        let busy = Arc::new(AtomicU32::new(1));
        idle.unless({
            let busy = busy.clone();
            move || busy.load(Ordering::Relaxed) > 0
        });
        runtime.block_on(async {
            let (answer, answered) = tokio::sync::oneshot::channel();
            let (asleep, told) = std::sync::mpsc::channel();
            let other = std::thread::spawn(move || {
                told.recv().unwrap();
                answer.send(()).unwrap();
            });
            let task = busy.clone();
            tokio::spawn(async move {
                asleep.send(()).unwrap();
                answered.await.unwrap();
                task.store(0, Ordering::Relaxed);
            });
            idle.wait().await;
            assert_eq!(busy.load(Ordering::Relaxed), 0);
            other.join().unwrap();
        });
    }
}
