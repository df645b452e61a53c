//! Numbers, packed: 8 bytes each and a quarter of a byte for the index, found in a few steps however many there are.
//!
//! Numbers of one country lie close together, so each is multiplied by an odd constant first: that keeps them apart (it can
//! be undone) and spreads them evenly, which makes the place of one as good as known from its first bits.

use signalbox_model::E164;

/// 2⁶⁴ divided by the golden ratio: odd, and its multiples are spread evenly (Knuth, The Art of Computer Programming 6.4).
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
/// Entries that share a place in the index.
const PER_PLACE: usize = 16;
/// Bits of what is kept beside a number.
const NOTE_BITS: u32 = 18;
/// A number of the North American plan without its country code fits into these.
const NUMBER_BITS: u32 = 64 - NOTE_BITS;

/// A number, as it is kept in a list of numbers.
pub(crate) fn plain(number: E164) -> u64 {
    number.as_u64().wrapping_mul(SPREAD)
}

/// A number of the North American plan and what is kept beside it; `None` for any other number.
pub(crate) fn noted(number: E164, note: u32) -> Option<u64> {
    let national = number.is_nanp().then(|| number.as_u64() % 10_000_000_000)?;
    let spread = national.wrapping_mul(SPREAD) & ((1 << NUMBER_BITS) - 1);
    Some(spread << NOTE_BITS | u64::from(note) & ((1 << NOTE_BITS) - 1))
}

/// Sorted entries with an index over their first bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    entries: Vec<u64>,
    /// Where the entries begin that begin with these bits.
    places: Vec<u32>,
    bits: u32,
}

impl Packed {
    /// Of entries in any order; those that are there twice are kept once.
    pub(crate) fn new(mut entries: Vec<u64>) -> Self {
        if !entries.is_sorted() {
            entries.sort_unstable();
        }
        entries.dedup();
        entries.shrink_to_fit();
        let bits = (entries.len() / PER_PLACE).max(1).ilog2();
        let mut places = Vec::with_capacity((1 << bits) + 1);
        places.push(0);
        for (at, entry) in entries.iter().enumerate() {
            let place = first(*entry, bits);
            let at = u32::try_from(at).expect("a list has fewer than 2³² numbers");
            places.extend(std::iter::repeat_n(at, (place + 1).saturating_sub(places.len())));
        }
        let end = u32::try_from(entries.len()).expect("a list has fewer than 2³² numbers");
        places.extend(std::iter::repeat_n(end, ((1 << bits) + 1) - places.len()));
        Self { entries, places, bits }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// All of them, in order.
    pub(crate) fn entries(&self) -> &[u64] {
        &self.entries
    }

    /// Is it in?
    pub(crate) fn has(&self, entry: u64) -> bool {
        self.near(entry).binary_search(&entry).is_ok()
    }

    /// What is kept beside a number of the North American plan, in order.
    pub(crate) fn notes(&self, number: E164) -> impl Iterator<Item = u32> {
        let least = noted(number, 0);
        let near = least.map_or(&[][..], |least| self.near(least));
        let from = near.partition_point(|entry| least.is_some_and(|least| *entry < least));
        near[from..]
            .iter()
            .take_while(move |entry| least.is_some_and(|least| **entry >> NOTE_BITS == least >> NOTE_BITS))
            .map(|entry| u32::try_from(entry & ((1 << NOTE_BITS) - 1)).expect("a note has 18 bits"))
    }

    /// The entries that begin as this one does. Those of one number are all there: an index that told them apart would
    /// be of more bits than a number has.
    fn near(&self, entry: u64) -> &[u64] {
        let place = first(entry, self.bits);
        &self.entries[self.places[place] as usize..self.places[place + 1] as usize]
    }
}

/// The first bits of an entry.
fn first(entry: u64, bits: u32) -> usize {
    usize::try_from(entry.checked_shr(64 - bits).unwrap_or(0)).expect("there are 32 bits at most")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(national: u64) -> E164 {
        E164::from_digits(&format!("1{national}")).unwrap()
    }

    #[test]
    fn what_was_put_in_is_found_and_nothing_else() {
        for count in [0, 1, 2, 31, 32, 33, 1_000, 20_000] {
            let odd = (0..count).map(|n| number(2_000_000_001 + 2 * n));
            let packed = Packed::new(odd.clone().chain(odd).map(plain).collect());
            assert_eq!(packed.len() as u64, count);
            for n in 0..count {
                assert!(packed.has(plain(number(2_000_000_001 + 2 * n))), "{n} of {count}");
                assert!(!packed.has(plain(number(2_000_000_002 + 2 * n))), "{n} of {count}");
            }
            assert!(!packed.has(0) || count == 0 && packed.len() == 0);
            assert!(!packed.has(u64::MAX));
        }
    }

    #[test]
    fn notes_stay_with_their_number() {
        let with = |national, note| noted(number(national), note).unwrap();
        let mut entries: Vec<_> = (0..5_000).map(|n| with(2_015_550_000 + n, 7)).collect();
        entries.extend([with(2_015_550_100, 9), with(2_015_550_100, 3)]);
        let packed = Packed::new(entries);
        assert_eq!(packed.notes(number(2_015_550_100)).collect::<Vec<_>>(), [3, 7, 9]);
        assert_eq!(packed.notes(number(2_015_550_101)).collect::<Vec<_>>(), [7]);
        assert_eq!(packed.notes(number(2_015_559_999)).count(), 0);
        let abroad = E164::from_digits("442071838750").unwrap();
        assert_eq!((packed.notes(abroad).count(), noted(abroad, 1)), (0, None));
    }

    #[test]
    fn neighbours_are_spread_evenly() {
        let packed = Packed::new((0..160_000).map(|n| plain(number(2_015_550_000 + n))).collect());
        let longest = packed.places.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(longest <= 64, "{longest}");
    }
}
