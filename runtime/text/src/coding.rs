//! Octets that came in, as text: what `data_coding` says of them (SMPP 5.0 §4.7.7, 3GPP TS 23.038 §4).

use std::fmt::Write;

use signalbox_model::Encoding;

use crate::gsm::{self, REPLACEMENT};
use crate::split::DefaultAlphabet;

/// `data_coding` for the carrier's default alphabet.
pub const DEFAULT: u8 = 0x00;
/// `data_coding` for UTF-16 big endian.
pub const UCS2: u8 = 0x08;

/// The `data_coding` that parts of this encoding are sent with.
pub const fn data_coding(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Gsm7 => DEFAULT,
        Encoding::Ucs2 => UCS2,
    }
}

/// What a message's octets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// Text in one of the alphabets that `data_coding` 0 can mean.
    Default(DefaultAlphabet),
    /// Text in UTF-16 big endian.
    Ucs2,
    /// No text, or text in an alphabet that isn't decoded here.
    Binary,
}

impl Alphabet {
    /// Reads a `data_coding`: SMPP's own values below 0x10, the GSM groups above.
    pub const fn of(data_coding: u8, default: DefaultAlphabet) -> Self {
        match data_coding {
            0x00 => Self::Default(default),
            0x01 => Self::Default(DefaultAlphabet::Ascii),
            0x03 => Self::Default(DefaultAlphabet::Latin1),
            UCS2 => Self::Ucs2,
            // 2 and 4 are octets; the rest JIS, Cyrillic, Hebrew, Korean … that US carriers don't send.
            0x02..=0x0F => Self::Binary,
            // General groups, with or without automatic deletion: bit 5 says compressed, bits 3 and 2 the alphabet.
            0x10..=0x7F => match data_coding & 0x2C {
                0x00 => Self::Default(DefaultAlphabet::Gsm),
                0x08 => Self::Ucs2,
                _ => Self::Binary,
            },
            0x80..=0xBF => Self::Binary,
            // Message waiting: discard or store, in GSM.
            0xC0..=0xDF => Self::Default(DefaultAlphabet::Gsm),
            // Message waiting: store, in UCS-2.
            0xE0..=0xEF => Self::Ucs2,
            // Data coding and message class: bit 2 says 8-bit data.
            0xF0..=0xFF => {
                if data_coding & 0x04 == 0 {
                    Self::Default(DefaultAlphabet::Gsm)
                } else {
                    Self::Binary
                }
            }
        }
    }

    /// The encoding that a message in this alphabet is counted as.
    pub const fn encoding(self) -> Encoding {
        match self {
            Self::Ucs2 => Encoding::Ucs2,
            Self::Default(_) | Self::Binary => Encoding::Gsm7,
        }
    }
}

/// A text that came in.
#[derive(Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text; of binary content its octets in hexadecimal.
    pub text: String,
    /// What the octets were taken for.
    pub alphabet: Alphabet,
    /// How many characters couldn't be decoded; U+FFFD stands for most of them.
    pub replaced: usize,
}

impl std::fmt::Debug for Decoded {
    /// Sizes only: bodies don't reach logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Decoded({} bytes, {:?}, {} replaced)", self.text.len(), self.alphabet, self.replaced)
    }
}

/// Decodes a message that stands alone, its header already cut off. Never fails: what makes no sense is marked, and counted.
pub fn decode(data_coding: u8, octets: &[u8], default: DefaultAlphabet) -> Decoded {
    let alphabet = Alphabet::of(data_coding, default);
    let mut text = String::with_capacity(octets.len());
    let replaced = decode_into(alphabet, octets, &mut text);
    Decoded { text, alphabet, replaced }
}

/// Decodes onto `text`; returns how many characters couldn't be.
pub(crate) fn decode_into(alphabet: Alphabet, octets: &[u8], text: &mut String) -> usize {
    match alphabet {
        Alphabet::Default(DefaultAlphabet::Gsm) => gsm::decode_into(octets, text),
        Alphabet::Default(DefaultAlphabet::Latin1) => {
            text.extend(octets.iter().copied().map(char::from));
            0
        }
        Alphabet::Default(DefaultAlphabet::Ascii) => {
            text.extend(octets.iter().map(|o| if o.is_ascii() { char::from(*o) } else { REPLACEMENT }));
            octets.iter().filter(|o| !o.is_ascii()).count()
        }
        Alphabet::Default(DefaultAlphabet::Utf8) => utf8(octets, text),
        Alphabet::Ucs2 => utf16(octets, text),
        Alphabet::Binary => {
            for octet in octets {
                write!(text, "{octet:02x}").expect("a string takes what is written");
            }
            0
        }
    }
}

fn utf8(octets: &[u8], text: &mut String) -> usize {
    let mut replaced = 0;
    for chunk in octets.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(REPLACEMENT);
            replaced += 1;
        }
    }
    replaced
}

fn utf16(octets: &[u8], text: &mut String) -> usize {
    let pairs = octets.chunks_exact(2);
    let mut replaced = pairs.remainder().len();
    for unit in char::decode_utf16(pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]]))) {
        text.push(unit.unwrap_or_else(|_| {
            replaced += 1;
            REPLACEMENT
        }));
    }
    if octets.len() % 2 == 1 {
        text.push(REPLACEMENT);
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;
    use DefaultAlphabet::{Ascii, Gsm, Latin1, Utf8};

    fn text(data_coding: u8, octets: &[u8], default: DefaultAlphabet) -> (String, usize) {
        let decoded = decode(data_coding, octets, default);
        (decoded.text, decoded.replaced)
    }

    #[test]
    fn data_coding_0_is_what_the_carrier_says_it_is() {
        assert_eq!(text(0, &[0x00, 0x05], Gsm), ("@é".into(), 0));
        assert_eq!(text(0, &[0x40, 0xE9], Latin1), ("@é".into(), 0));
        assert_eq!(text(0, &[0x40, 0xE9], Ascii), ("@\u{FFFD}".into(), 1));
        assert_eq!(text(0, "é€".as_bytes(), Utf8), ("é€".into(), 0));
        assert_eq!(text(0, &[b'a', 0xC3, b'b'], Utf8), ("a\u{FFFD}b".into(), 1));
    }

    #[test]
    fn the_codings_say_their_alphabet() {
        let table = [
            (0x00, Alphabet::Default(Latin1)),
            (0x01, Alphabet::Default(Ascii)),
            (0x02, Alphabet::Binary),
            (0x03, Alphabet::Default(Latin1)),
            (0x04, Alphabet::Binary),
            (0x05, Alphabet::Binary),
            (0x08, Alphabet::Ucs2),
            (0x10, Alphabet::Default(Gsm)),
            (0x14, Alphabet::Binary),
            (0x18, Alphabet::Ucs2),
            (0x20, Alphabet::Binary),
            (0x80, Alphabet::Binary),
            (0xC8, Alphabet::Default(Gsm)),
            (0xD0, Alphabet::Default(Gsm)),
            (0xE8, Alphabet::Ucs2),
            (0xF0, Alphabet::Default(Gsm)),
            (0xF1, Alphabet::Default(Gsm)),
            (0xF5, Alphabet::Binary),
        ];
        for (coding, alphabet) in table {
            assert_eq!(Alphabet::of(coding, Latin1), alphabet, "{coding:#04x}");
        }
    }

    #[test]
    fn broken_utf16_is_marked() {
        assert_eq!(text(8, &[0x04, 0x4F, 0xD8, 0x3D, 0xDE, 0x00], Gsm), ("я😀".into(), 0));
        assert_eq!(text(8, &[0xD8, 0x3D, 0x00, 0x61], Gsm), ("\u{FFFD}a".into(), 1));
        assert_eq!(text(8, &[0x00, 0x61, 0x00], Gsm), ("a\u{FFFD}".into(), 1));
    }

    #[test]
    fn binary_is_shown_as_hexadecimal() {
        assert_eq!(text(4, &[0x00, 0xFF], Gsm), ("00ff".into(), 0));
    }
}
