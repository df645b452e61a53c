//! What can go wrong with the host itself. What goes wrong with a guest is an `Outcome`, with an upload a `Refusal`.

use std::path::PathBuf;

/// The host can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Wasmtime refuses its settings, or can't reserve the address space for its pool.
    #[error("the sandbox can't be set up: {0}")]
    Engine(wasmtime::Error),
    /// The thread that ticks can't be started.
    #[error("the thread that tells guests' computing time can't be started: {0}")]
    Ticker(std::io::Error),
    /// The cache of native code can't be opened.
    #[error("the cache of native code: {}: {source}", path.display())]
    Cache {
        /// Its folder or key.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The cache's key can't be trusted.
    #[error("the key of native code, {}, {reason}", path.display())]
    Key {
        /// Its file.
        path: PathBuf,
        /// Why, and how to mend it.
        reason: String,
    },
}
