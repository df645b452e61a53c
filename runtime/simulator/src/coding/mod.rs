//! Text on the air, again written here rather than shared: GSM 03.38, UCS-2, headers of
//! concatenated parts.

mod concat;
mod gsm;
mod split;

pub(crate) use concat::{Part, part_of};
pub use split::{Encoding, Splitting};
pub(crate) use split::{Piece, split};

/// What a part's octets say, by its `data_coding`; octets that are no text are shown as `\xNN`.
pub(crate) fn decode(data_coding: u8, octets: &[u8], default_is_latin1: bool) -> String {
    match alphabet(data_coding) {
        Alphabet::Default if default_is_latin1 => octets.iter().map(|octet| char::from(*octet)).collect(),
        Alphabet::Default => gsm::decode(octets),
        Alphabet::Latin1 => octets.iter().map(|octet| char::from(*octet)).collect(),
        Alphabet::Ucs2 => ucs2(octets),
        Alphabet::Binary => octets.iter().map(|octet| format!("\\x{octet:02x}")).collect(),
    }
}

enum Alphabet {
    Default,
    Latin1,
    Ucs2,
    Binary,
}

/// 3.4 §5.2.19, with the message-class groups of GSM 03.38 §4 behind it.
fn alphabet(data_coding: u8) -> Alphabet {
    match data_coding {
        0x01 | 0x03 => Alphabet::Latin1,
        0x08 => Alphabet::Ucs2,
        0x02 | 0x04 => Alphabet::Binary,
        0x10..=0x1F if data_coding & 0x0C == 0x08 => Alphabet::Ucs2,
        0x10..=0x1F | 0xF0..=0xFF if data_coding & 0x04 != 0 => Alphabet::Binary,
        _ => Alphabet::Default,
    }
}

fn ucs2(octets: &[u8]) -> String {
    let units = octets.chunks(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0xFFFD, // an odd octet at the end is half a character
    });
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_data_coding_reads_its_own_alphabet() {
        for (data_coding, octets, text) in [
            (0, &[0x00, 0x1B, 0x65, 0x41][..], "@€A"),
            (3, &[0xE9], "é"),
            (8, &[0xD8, 0x3D, 0xDE, 0x00], "😀"),
            (8, &[0x00, 0x41, 0x00], "A\u{FFFD}"),
            (4, &[0x00, 0xFF], "\\x00\\xff"),
            (0xF5, &[0x01], "\\x01"),
            (0x18, &[0x00, 0x42], "B"),
        ] {
            assert_eq!(decode(data_coding, octets, false), text, "data_coding {data_coding:#x}");
        }
        assert_eq!(decode(0, &[0x40], true), "@");
        assert_eq!(decode(0, &[0x40], false), "¡");
    }
}
