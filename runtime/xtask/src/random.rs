//! Seeded chance: SplitMix64. Good enough to choose when to kill a process, and the same for ever.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A row of numbers that a seed decides.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The row of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed that nobody chose.
    pub fn seed() -> u64 {
        RandomState::new().build_hasher().finish()
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The next number in a range, its end excluded.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.draw() % (to - from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_row_each_time() {
        // The reference implementation's first numbers for seed 0.
        let mut random = Random::new(0);
        assert_eq!([random.draw(), random.draw()], [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4]);
        assert!((0..1_000).all(|_| (5..9).contains(&random.between(5, 9))));
        assert_ne!(Random::seed(), Random::seed());
    }
}
