use signalbox_store::layout::Unreadable;

/// Why the outbox can't be worked on. What happens to a single delivery is in its [`Delivery`](crate::Delivery).
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed; the process must stop.
    #[error(transparent)]
    Store(#[from] signalbox_store::Error),
    /// A row is damaged or written by another version.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A certificate authority can't be used.
    #[error(transparent)]
    Roots(#[from] signalbox_reach::BadRoots),
}
