//! Rates: GCRA throttles by bind, number and tenant. What is too fast waits; nothing fails.
//!
//! | module | what it holds |
//! |---|---|
//! | [`rate`] | how many segments in how much time |
//! | [`throttle`] | one throttle, and [`take_all`] for several at once |
//! | [`keyed`] | a throttle for each key, bounded |
//! | [`pace`] | a carrier bind's pace, which follows the carrier's complaints |
//! | [`error`] | rates that can't be |
//!
//! The time is passed in, so a scheduler can ask at its own pace and tests need no waiting. An egress loop takes from the
//! bind's [`Pace`], the number's and the tenant's [`Throttles`] with [`take_all`], and puts the message off by the wait that it
//! gets.

mod bucket;
pub mod error;
pub mod keyed;
pub mod pace;
pub mod rate;
pub mod throttle;

pub use error::Error;
pub use keyed::Throttles;
pub use pace::Pace;
pub use rate::Rate;
pub use throttle::{Keyed, Limit, Throttle, take_all};
