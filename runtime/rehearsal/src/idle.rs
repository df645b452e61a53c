//! When nothing is left to do. A conversation runs on a runtime of one thread, and everything in it is a task there: when
//! that thread is about to sleep, every task waits for the clock or for the next step.

use std::sync::Arc;
use std::task::{Poll, Waker};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};

/// Tells when the runtime has nothing left to do.
#[derive(Clone, Default)]
pub(crate) struct Idle(Arc<Mutex<State>>);

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

    fn thread_sleeps(&self) {
        let mut state = self.0.lock();
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
            let mut state = self.0.lock();
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
}
