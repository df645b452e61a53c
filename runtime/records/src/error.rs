use signalbox_model::MessageId;
use signalbox_store::layout::Unreadable;

use crate::cursor::BadCursor;

/// Why a record can't be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store didn't answer.
    #[error(transparent)]
    Store(#[from] signalbox_store::Error),
    /// A row is damaged or written by another version.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Rows of a message are missing: a message without a timeline, or a timeline without its message.
    #[error("the record of {message} is incomplete: {what}")]
    Incomplete {
        /// Which.
        message: MessageId,
        /// What isn't there.
        what: &'static str,
    },
    /// Words that lie sealed can't be opened.
    #[error("a sealed body can't be opened: {why}")]
    Sealed {
        /// What is wrong.
        why: &'static str,
    },
    /// The caller's cursor isn't one of this listing.
    #[error(transparent)]
    Cursor(#[from] BadCursor),
}

impl Error {
    /// The caller asked wrongly; everything else is ours.
    pub const fn is_callers(&self) -> bool {
        matches!(self, Self::Cursor(_))
    }
}
