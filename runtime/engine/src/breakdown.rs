//! What the path can't go on without: where an inbox isn't read any more, or nobody is told of anything, the process must
//! stop and say why. A part that ended with a line in the log only would leave a host that takes traffic and moves none.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::engine::Engine;
use crate::error::Error;

/// Why the path can't go on, once it can't.
pub(crate) struct Breakdown(watch::Sender<Option<Error>>);

impl Breakdown {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    fn tell(&self, part: &'static str, why: &str) {
        let broken = Error::Broken { part, why: why.into() };
        tracing::error!(error = %broken, "the path can't go on");
        self.0.send_if_modified(|told| {
            let first = told.is_none();
            told.get_or_insert(broken);
            first
        });
    }

    /// Completes with the first breakdown.
    pub(crate) async fn told(&self) -> Error {
        let mut told = self.0.subscribe();
        let told = told.wait_for(Option::is_some).await.ok().and_then(|told| told.clone());
        match told {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }
}

/// Starts a part without which the path can't go on: an error ends the path, and so does a panic.
pub(crate) fn start(
    engine: &Arc<Engine>,
    loops: &TaskTracker,
    part: &'static str,
    work: impl Future<Output = Result<(), Error>> + Send + 'static,
) {
    let engine = engine.clone();
    loops.spawn(async move {
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => engine.breakdown.tell(part, &error.to_string()),
            Err(_) => engine.breakdown.tell(part, "a defect of ours; what it was stands above in the log"),
        }
    });
}
