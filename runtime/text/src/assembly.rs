//! The parts of a long inbound message, put together again. A pure ledger: who waits, and for how long, is the caller's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::coding::{Alphabet, Decoded, decode_into};
use crate::error::Error;
use crate::split::DefaultAlphabet;
use crate::udh::Concatenation;

/// Stands where parts are missing.
pub const GAP: &str = "[…]";

/// What a part did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// Others are still missing.
    Waiting,
    /// It was the last one missing.
    Complete,
    /// It was there already; nothing changed.
    Duplicate,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Piece {
    data_coding: u8,
    octets: Vec<u8>,
}

/// The parts of one message that have come so far. One is kept for each (sender, recipient, reference), its width counted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assembly {
    total: u8,
    pieces: BTreeMap<u8, Piece>,
}

impl std::fmt::Debug for Assembly {
    /// Counts only: bodies don't reach logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Assembly({} of {})", self.pieces.len(), self.total)
    }
}

impl Assembly {
    /// Begins with nothing but the total that the first part says.
    pub fn new(total: u8) -> Self {
        Self { total, pieces: BTreeMap::new() }
    }

    /// Takes a part in, its header cut off. An error leaves everything as it was: after [`Error::Total`] and
    /// [`Error::PartConflict`] the reference belongs to another message now, so deliver what is here and begin anew.
    pub fn add(&mut self, place: Concatenation, data_coding: u8, octets: &[u8]) -> Result<Added, Error> {
        let Concatenation { total, number, .. } = place;
        if !place.is_legal() {
            return Err(Error::PartNumber { number, total });
        }
        if total != self.total {
            return Err(Error::Total { said: total, expected: self.total });
        }
        if let Some(known) = self.pieces.get(&number) {
            let same = known.data_coding == data_coding && known.octets == octets;
            return if same { Ok(Added::Duplicate) } else { Err(Error::PartConflict { number }) };
        }
        self.pieces.insert(number, Piece { data_coding, octets: octets.to_vec() });
        Ok(if self.is_complete() { Added::Complete } else { Added::Waiting })
    }

    /// How many parts there should be.
    pub fn total(&self) -> u8 {
        self.total
    }

    /// How many parts are here.
    pub fn have(&self) -> u8 {
        u8::try_from(self.pieces.len()).expect("parts are numbered by an octet")
    }

    /// True when no part is missing.
    pub fn is_complete(&self) -> bool {
        self.have() == self.total
    }

    /// How many octets of text are here.
    pub fn octets(&self) -> usize {
        self.pieces.values().map(|piece| piece.octets.len()).sum()
    }

    /// The text of what is here, [`GAP`] standing for each run of missing parts.
    ///
    /// Neighbouring parts of one coding are decoded together: some senders do split a pair between two parts. The
    /// alphabet is that of the first part here.
    pub fn text(&self, default: DefaultAlphabet) -> Decoded {
        let (mut text, mut replaced) = (String::with_capacity(self.octets()), 0);
        let mut run: Vec<u8> = Vec::new();
        let mut coding = None;
        let mut last = 0;
        let mut finish = |coding: Option<u8>, run: &mut Vec<u8>, text: &mut String| {
            if let Some(coding) = coding {
                replaced += decode_into(Alphabet::of(coding, default), run, text);
                run.clear();
            }
        };
        for (&number, piece) in &self.pieces {
            let gap = number != last + 1;
            if gap || coding != Some(piece.data_coding) {
                finish(coding, &mut run, &mut text);
            }
            if gap {
                text.push_str(GAP);
            }
            run.extend_from_slice(&piece.octets);
            (coding, last) = (Some(piece.data_coding), number);
        }
        finish(coding, &mut run, &mut text);
        if last != self.total {
            text.push_str(GAP);
        }
        let first = self.pieces.values().next();
        let alphabet = first.map_or(Alphabet::Default(default), |piece| Alphabet::of(piece.data_coding, default));
        Decoded { text, alphabet, replaced }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: u8, total: u8) -> Concatenation {
        Concatenation { reference: 1, total, number, wide: false }
    }

    fn text(assembly: &Assembly) -> String {
        assembly.text(DefaultAlphabet::Gsm).text
    }

    #[test]
    fn parts_come_in_any_order() {
        let mut all = Assembly::new(3);
        assert_eq!(all.add(part(3, 3), 0, b"c"), Ok(Added::Waiting));
        assert_eq!(all.add(part(1, 3), 0, b"a"), Ok(Added::Waiting));
        assert_eq!(all.add(part(1, 3), 0, b"a"), Ok(Added::Duplicate));
        assert_eq!(all.add(part(2, 3), 0, b"b"), Ok(Added::Complete));
        assert_eq!(text(&all), "abc");
    }

    #[test]
    fn what_cannot_be_is_refused_and_changes_nothing() {
        let mut all = Assembly::new(2);
        all.add(part(1, 2), 0, b"a").unwrap();
        let before = all.clone();
        assert_eq!(all.add(part(0, 2), 0, b"x"), Err(Error::PartNumber { number: 0, total: 2 }));
        assert_eq!(all.add(part(3, 2), 0, b"x"), Err(Error::PartNumber { number: 3, total: 2 }));
        assert_eq!(all.add(part(2, 3), 0, b"x"), Err(Error::Total { said: 3, expected: 2 }));
        assert_eq!(all.add(part(1, 2), 0, b"x"), Err(Error::PartConflict { number: 1 }));
        assert_eq!(all.add(part(1, 2), 8, b"a"), Err(Error::PartConflict { number: 1 }));
        assert_eq!(all, before);
    }

    #[test]
    fn missing_parts_are_marked_where_they_are_missing() {
        let some = |numbers: &[u8]| {
            let mut all = Assembly::new(5);
            for n in numbers {
                all.add(part(*n, 5), 0, &[b'0' + n]).unwrap();
            }
            text(&all)
        };
        assert_eq!(some(&[2, 3]), "[…]23[…]");
        assert_eq!(some(&[1, 5]), "1[…]5");
        assert_eq!(some(&[1, 3, 5]), "1[…]3[…]5");
        assert_eq!(some(&[]), "[…]");
    }

    #[test]
    fn each_part_keeps_its_coding() {
        let mut all = Assembly::new(2);
        all.add(part(1, 2), 0, b"a").unwrap();
        all.add(part(2, 2), 8, &[0x04, 0x4F]).unwrap();
        assert_eq!(text(&all), "aя");
    }

    #[test]
    fn a_pair_that_its_sender_split_is_whole_again() {
        let mut all = Assembly::new(2);
        all.add(part(1, 2), 8, &[0xD8, 0x3D]).unwrap();
        all.add(part(2, 2), 8, &[0xDE, 0x00]).unwrap();
        assert_eq!(all.text(DefaultAlphabet::Gsm).replaced, 0);
        assert_eq!(text(&all), "😀");
        let mut all = Assembly::new(2);
        all.add(part(1, 2), 0, b"a\x1B").unwrap();
        all.add(part(2, 2), 0, b"\x65b").unwrap();
        assert_eq!(text(&all), "a€b");
    }
}
