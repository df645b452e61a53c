//! A set of facts.

use super::Fact;

/// Some of the facts: one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FactSet(u128);

const _: () = assert!(Fact::ALL.len() <= 128, "a set of facts has 128 bits");

impl FactSet {
    /// None of them.
    pub const EMPTY: Self = Self(0);

    /// These.
    pub const fn of(facts: &[Fact]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < facts.len() {
            bits |= 1 << facts[i] as u8;
            i += 1;
        }
        Self(bits)
    }

    /// Those of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that aren't in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// All of them, or none.
    #[must_use]
    pub const fn only_if(self, so: bool) -> Self {
        Self(self.0 & (so as u128).wrapping_neg())
    }

    /// Whether the two have one in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether it is in.
    pub const fn has(self, fact: Fact) -> bool {
        self.0 & (1 << fact as u8) != 0
    }

    /// How many.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One after the other, in the order of the schema.
    pub fn iter(self) -> impl Iterator<Item = Fact> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let index = left.trailing_zeros() as usize;
            let fact = *Fact::ALL.get(index)?;
            left &= left - 1;
            Some(fact)
        })
    }
}

impl FromIterator<Fact> for FactSet {
    fn from_iter<I: IntoIterator<Item = Fact>>(facts: I) -> Self {
        facts.into_iter().fold(Self::EMPTY, |set, fact| set.union(Self::of(&[fact])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in() {
        let set: FactSet = [Fact::Depth, Fact::Direction].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Fact::Direction, Fact::Depth]);
        assert!(set.has(Fact::Depth) && !set.has(Fact::Origin) && set.len() == 2);
        assert!(set.meets(FactSet::of(&[Fact::Depth])) && !set.meets(FactSet::of(&[Fact::Origin])));
        let all: FactSet = Fact::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), Fact::ALL.len());
        assert!(FactSet::EMPTY.is_empty() && !all.is_empty());
    }
}
