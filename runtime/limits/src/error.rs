//! Rates that can't be.

/// Why a rate isn't one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// None, negative, or not a number.
    #[error("a rate is above 0; to stop traffic, stop the carrier")]
    NotPositive,
    /// The burst takes too long to come back.
    #[error("a burst has to be earned back within a year; make it smaller or the rate higher")]
    Burst,
    /// The floor is above the ceiling.
    #[error("the lowest rate is above the highest")]
    FloorAboveCeiling,
}
