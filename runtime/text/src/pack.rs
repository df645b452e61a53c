//! Septets packed into octets (3GPP TS 23.038 §6.1.2.1), for the peers that pack. SMPP itself doesn't.

/// How many bits lie unused between a header of `udh_octets` (its length octet counted) and the first septet, so that
/// septets begin on a septet boundary.
pub const fn fill_bits(udh_octets: usize) -> u8 {
    ((7 - udh_octets * 8 % 7) % 7) as u8
}

/// Packs septets, the first one into the lowest bits, after `fill` unused bits.
pub fn pack(septets: &[u8], fill: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity((septets.len() * 7 + 14) / 8);
    let (mut bits, mut held) = (0u32, u32::from(fill % 7));
    for septet in septets {
        bits |= u32::from(septet & 0x7F) << held;
        held += 7;
        while held >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    }
    if held > 0 && !septets.is_empty() {
        out.push(bits as u8);
    }
    out
}

/// Unpacks `count` septets, or as many as there are, skipping `fill` bits first.
///
/// The count has to be known: seven unused bits at the end look like `@`.
pub fn unpack(octets: &[u8], count: usize, fill: u8) -> Vec<u8> {
    let there = (octets.len() * 8).saturating_sub(usize::from(fill % 7)) / 7;
    let mut out = Vec::with_capacity(count.min(there));
    let septet = |i: usize| {
        let bit = usize::from(fill % 7) + i * 7;
        let low = u16::from(octets[bit / 8]);
        let high = octets.get(bit / 8 + 1).map_or(0, |o| u16::from(*o));
        ((low | high << 8) >> (bit % 8)) as u8 & 0x7F
    };
    out.extend((0..count.min(there)).map(septet));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gsm;
    use proptest::prelude::*;

    #[test]
    fn packing_is_the_standards() {
        // The best known example: "hellohello".
        let packed = [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37];
        assert_eq!(pack(&gsm::encode("hellohello").unwrap(), 0), packed);
        assert_eq!(unpack(&packed, 10, 0), gsm::encode("hellohello").unwrap());
    }

    #[test]
    fn a_six_octet_header_leaves_one_bit() {
        assert_eq!([fill_bits(0), fill_bits(6), fill_bits(7)], [0, 1, 0]);
        assert_eq!(pack(&[0x41], 1), [0x82]);
    }

    #[test]
    fn a_hundred_and_sixty_septets_fill_the_octets_of_a_message() {
        assert_eq!(pack(&[0x7F; 160], 0).len(), 140);
        assert_eq!(pack(&[0x7F; 153], 1).len() + 6, 140);
        assert_eq!(pack(&[0x7F; 152], 0).len() + 7, 140);
    }

    proptest! {
        #[test]
        fn packing_round_trips(septets in prop::collection::vec(0u8..128, 0..200), fill in 0u8..7) {
            prop_assert_eq!(unpack(&pack(&septets, fill), septets.len(), fill), septets);
        }
    }
}
