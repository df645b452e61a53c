//! The user data header (3GPP TS 23.040 §9.2.3.24): how the parts of a long message say that they belong together.

use serde::{Deserialize, Serialize};

use crate::error::Error;

const CONCATENATED_8: u8 = 0x00;
const CONCATENATED_16: u8 = 0x08;

/// Which part of which long message this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Concatenation {
    /// The reference; says nothing except together with sender and recipient.
    pub reference: u16,
    /// How many parts there are.
    pub total: u8,
    /// This part's number, from 1.
    pub number: u8,
    /// True when the reference has 16 bits.
    pub wide: bool,
}

impl Concatenation {
    /// True when the number is one of 1 to the total.
    pub const fn is_legal(&self) -> bool {
        self.number >= 1 && self.number <= self.total
    }

    /// From SMPP's `sar_msg_ref_num`, `sar_total_segments` and `sar_segment_seqnum`; `None` when the number is none of
    /// the total, and the message then stands alone.
    pub fn from_sar(reference: u16, total: u8, number: u8) -> Option<Self> {
        let sar = Self { reference, total, number, wide: true };
        sar.is_legal().then_some(sar)
    }

    /// Appends the header that says this.
    pub(crate) fn write_header(&self, out: &mut Vec<u8>) {
        let [high, low] = self.reference.to_be_bytes();
        if self.wide {
            out.extend([6, CONCATENATED_16, 4, high, low, self.total, self.number]);
        } else {
            out.extend([5, CONCATENATED_8, 3, low, self.total, self.number]);
        }
    }
}

/// An information element that isn't ours to understand, kept as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its identifier.
    pub id: u8,
    /// Its octets.
    pub data: &'a [u8],
}

/// A header that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header<'a> {
    /// The part's place, if it says one. The last one holds where there are several, as the standard has it.
    pub concatenation: Option<Concatenation>,
    /// Everything else, in order: application ports, national tables, and concatenations that can't be.
    pub others: Vec<Element<'a>>,
}

/// Cuts a header off the front of `octets`; what follows it is the text. Only for messages whose `esm_class` has the
/// UDHI bit (0x40).
pub fn parse_header(octets: &[u8]) -> Result<(Header<'_>, &[u8]), Error> {
    let Some((&length, rest)) = octets.split_first() else {
        return Err(Error::Header { what: "no length octet", at: 0 });
    };
    let Some((mut elements, payload)) = rest.split_at_checked(usize::from(length)) else {
        return Err(Error::Header { what: "the length octet says more than there is", at: 0 });
    };
    let mut header = Header::default();
    while let [id, tail @ ..] = elements {
        let at = 1 + usize::from(length) - elements.len();
        let Some((&size, tail)) = tail.split_first() else {
            return Err(Error::Header { what: "an element without a length", at });
        };
        let Some((data, tail)) = tail.split_at_checked(usize::from(size)) else {
            return Err(Error::Header { what: "an element longer than the header", at: at + 1 });
        };
        match concatenation(*id, data) {
            Some(found) => header.concatenation = Some(found),
            None => header.others.push(Element { id: *id, data }),
        }
        elements = tail;
    }
    Ok((header, payload))
}

/// An element with an impossible part number is no concatenation: the standard says to overlook it.
fn concatenation(id: u8, data: &[u8]) -> Option<Concatenation> {
    let found = match (id, data) {
        (CONCATENATED_8, &[reference, total, number]) => {
            Concatenation { reference: reference.into(), total, number, wide: false }
        }
        (CONCATENATED_16, &[high, low, total, number]) => {
            Concatenation { reference: u16::from_be_bytes([high, low]), total, number, wide: true }
        }
        _ => return None,
    };
    found.is_legal().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_widths_are_read() {
        let (header, payload) = parse_header(&[5, 0, 3, 0xA7, 3, 2, b'x']).unwrap();
        assert_eq!(header.concatenation, Some(Concatenation { reference: 0xA7, total: 3, number: 2, wide: false }));
        assert_eq!(payload, b"x");
        let (header, payload) = parse_header(&[6, 8, 4, 0x12, 0x34, 3, 1]).unwrap();
        assert_eq!(header.concatenation, Some(Concatenation { reference: 0x1234, total: 3, number: 1, wide: true }));
        assert!(payload.is_empty());
    }

    #[test]
    fn unknown_elements_are_kept() {
        // Application ports before the concatenation.
        let (header, _) = parse_header(&[11, 5, 4, 0x0B, 0x84, 0x23, 0xF0, 0, 3, 1, 2, 1]).unwrap();
        assert_eq!(header.others, [Element { id: 5, data: &[0x0B, 0x84, 0x23, 0xF0] }]);
        assert_eq!(header.concatenation.map(|c| c.total), Some(2));
    }

    #[test]
    fn impossible_part_numbers_are_overlooked() {
        for bad in [[5, 0, 3, 1, 2, 0], [5, 0, 3, 1, 2, 3], [5, 0, 3, 1, 0, 0]] {
            let (header, _) = parse_header(&bad).unwrap();
            assert_eq!((header.concatenation, header.others.len()), (None, 1));
        }
        assert_eq!(Concatenation::from_sar(1, 2, 3), None);
    }

    #[test]
    fn truncated_headers_are_refused_with_their_place() {
        assert_eq!(parse_header(&[]), Err(Error::Header { what: "no length octet", at: 0 }));
        assert!(matches!(parse_header(&[5, 0, 3]), Err(Error::Header { at: 0, .. })));
        assert!(matches!(parse_header(&[3, 0, 9, 1]), Err(Error::Header { at: 2, .. })));
        assert!(matches!(parse_header(&[4, 0, 1, 1, 7]), Err(Error::Header { at: 4, .. })));
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse_header(&octets);
        }

        #[test]
        fn written_headers_are_read_back(reference: u16, total in 1u8.., wide: bool, pick: u8) {
            let reference = if wide { reference } else { reference & 0xFF };
            let written = Concatenation { reference, total, number: pick % total + 1, wide };
            let mut octets = Vec::new();
            written.write_header(&mut octets);
            let (header, payload) = parse_header(&octets).unwrap();
            prop_assert_eq!(header.concatenation, Some(written));
            prop_assert!(payload.is_empty() && header.others.is_empty());
        }
    }
}
