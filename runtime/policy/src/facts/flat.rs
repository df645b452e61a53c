//! Facts as rules read them.

use super::{Fact, FactSet, Kind, Known};

/// What is known, each fact at its number. [`super::Facts`] has a field of its own type for each, which is good to fill in and
/// slow to read by number: rules read some hundred times for every message, so it is laid flat once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flat {
    numbers: [i64; Fact::ALL.len()],
    /// Which truths are known to be so, and which not.
    so: FactSet,
    not: FactSet,
}

/// No fact's number is below 0.
const UNKNOWN: i64 = -1;

impl Default for Flat {
    fn default() -> Self {
        Self { numbers: [UNKNOWN; Fact::ALL.len()], so: FactSet::EMPTY, not: FactSet::EMPTY }
    }
}

impl Flat {
    #[inline]
    pub(super) fn put<T: Known>(&mut self, fact: Fact, value: Option<T>) {
        let number = value.map_or(UNKNOWN, |value| value.number().into());
        self.numbers[fact as usize] = number;
        if matches!(T::KIND, Kind::Bool) {
            let this = FactSet::of(&[fact]);
            self.so = self.so.union(this.only_if(number == 1));
            self.not = self.not.union(this.only_if(number == 0));
        }
    }

    /// The fact as it is kept with decisions; `None` where it isn't known.
    #[inline]
    pub(crate) fn get(&self, fact: Fact) -> Option<i64> {
        Some(self.numbers[fact as usize]).filter(|number| *number != UNKNOWN)
    }

    /// The truths that are known to be so.
    #[inline]
    pub(crate) fn known_so(&self) -> FactSet {
        self.so
    }

    /// The truths that are known not to be so.
    #[inline]
    pub(crate) fn known_not(&self) -> FactSet {
        self.not
    }
}
