//! Reads our TOML files key by key, and tells everything that is wrong with one, with its place.
//!
//! | module | what it holds |
//! |---|---|
//! | `reader` | a table read key by key; unknown keys, wrong types and their places |
//! | `units` | durations and sizes as people write them |
//! | `complaint` | what is wrong, and where |

mod complaint;
mod reader;
mod units;

pub use complaint::{Complaint, Error, place};
pub use reader::{Item, Placed, Reader, Scalar, Section, hint};
pub use units::{bytes, duration};
