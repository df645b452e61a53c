//! What can go wrong with the host itself. What goes wrong with a guest is an `Outcome`, with an upload a `Refusal`.

/// The host can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Wasmtime refuses its settings, or can't reserve the address space for its pool.
    #[error("the sandbox can't be set up: {0}")]
    Engine(wasmtime::Error),
    /// The thread that ticks can't be started.
    #[error("the thread that tells guests' computing time can't be started: {0}")]
    Ticker(std::io::Error),
}
