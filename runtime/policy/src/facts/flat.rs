//! Facts as rules read them.

use super::{Fact, Known};

/// What is known, each fact at its number. [`super::Facts`] has a field of its own type for each, which is good to fill in and
/// slow to read by number: rules read some hundred times for every message, so it is laid flat once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flat([i64; Fact::ALL.len()]);

/// No fact's number is below 0.
const UNKNOWN: i64 = -1;

impl Default for Flat {
    fn default() -> Self {
        Self([UNKNOWN; Fact::ALL.len()])
    }
}

impl Flat {
    #[inline]
    pub(super) fn put<T: Known>(&mut self, fact: Fact, value: Option<T>) {
        self.0[fact as usize] = value.map_or(UNKNOWN, |value| value.number().into());
    }

    /// The fact as it is kept with decisions; `None` where it isn't known.
    #[inline]
    pub(crate) fn get(&self, fact: Fact) -> Option<i64> {
        Some(self.0[fact as usize]).filter(|number| *number != UNKNOWN)
    }
}
