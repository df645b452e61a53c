use signalbox_store::layout::Unreadable;

/// Why consent can't be read. Whoever asks before a send must then not send.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store didn't answer.
    #[error(transparent)]
    Store(#[from] signalbox_store::Error),
    /// A row is damaged or written by another version.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}
