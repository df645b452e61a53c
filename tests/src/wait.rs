//! Waiting with a deadline: for an event where there is one, otherwise by looking again.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// How long a story waits for what must come. Long, because a loaded machine is slow; never waited out when all is well.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often we look where nobody tells us.
const LOOK: Duration = Duration::from_millis(10);

/// The future's output, or a panic that says what was waited for.
pub async fn within<T>(patience: Duration, what: impl Display, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(patience, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {patience:?} in vain for {what}"),
    }
}

/// Looks until `look` finds something; panics with its last excuse when the time is over.
pub async fn until<T, E: Display, F: Future<Output = Result<T, E>>>(
    what: impl Display,
    mut look: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(excuse) if Instant::now() > deadline => panic!("waited {PATIENCE:?} in vain for {what}: {excuse}"),
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}
