//! A text cut into the parts that go over the wire.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_model::Encoding;

use crate::error::Error;
use crate::gsm;
use crate::segment::{Pieces, ReferenceKind, part_limit, single_limit};
use crate::udh::Concatenation;

/// How a part says where it belongs: by a header or by parameters, never by both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It stands alone.
    Alone,
    /// By the user data header at the front of its octets; set the UDHI bit of `esm_class`.
    Udh(Concatenation),
    /// By SMPP's `sar_*` parameters.
    Sar(Concatenation),
}

/// One part, as `short_message` carries it.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// The header, if there is one, and the text's octets.
    pub octets: Bytes,
    /// Where it belongs.
    pub place: Place,
}

impl std::fmt::Debug for Part {
    /// Sizes only: bodies don't reach logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Part({} octets, {:?})", self.octets.len(), self.place)
    }
}

impl Part {
    /// True when the octets begin with a user data header.
    pub const fn has_header(&self) -> bool {
        matches!(self.place, Place::Udh(_))
    }
}

/// What a carrier takes `data_coding` 0 to mean: how GSM text is written to it, an octet a character or septet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultAlphabet {
    /// GSM 03.38, a septet an octet.
    #[default]
    Gsm,
    /// ISO 8859-1.
    Latin1,
    /// ASCII.
    Ascii,
    /// UTF-8; some HTTP-minded carriers do.
    Utf8,
}

impl DefaultAlphabet {
    /// The name in messages and configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm => "gsm",
            Self::Latin1 => "latin1",
            Self::Ascii => "ascii",
            Self::Utf8 => "utf8",
        }
    }

    /// Appends `c`; false when the alphabet hasn't got it.
    fn push(self, c: char, out: &mut Vec<u8>) -> bool {
        let limit = match self {
            Self::Gsm => return gsm::push(c, out),
            Self::Utf8 => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return true;
            }
            Self::Latin1 => 0xFF,
            Self::Ascii => 0x7F,
        };
        match u8::try_from(c) {
            Ok(octet) if octet <= limit => out.push(octet),
            _ => return false,
        }
        true
    }
}

/// Splits a text, GSM written as GSM. The encoding is the one that [`prepare`](crate::prepare) chose.
///
/// `reference` says which parts belong together, for a while and between two numbers; of 8-bit references the low octet
/// counts.
pub fn split(text: &str, encoding: Encoding, kind: ReferenceKind, reference: u16) -> Result<Vec<Part>, Error> {
    split_for(text, encoding, DefaultAlphabet::Gsm, kind, reference)
}

/// Splits a text for a carrier whose `data_coding` 0 means `alphabet`. Fails with [`Error::NotInAlphabet`] where that
/// hasn't a character; UCS-2 has them all.
pub fn split_for(
    text: &str,
    encoding: Encoding,
    alphabet: DefaultAlphabet,
    kind: ReferenceKind,
    reference: u16,
) -> Result<Vec<Part>, Error> {
    let room = room(encoding, alphabet);
    if unit_count(text, encoding)? <= single_limit(encoding) && text.len() <= room {
        let mut octets = Vec::with_capacity(text.len() + 8);
        write_text(text, 0, encoding, alphabet, &mut octets)?;
        return Ok(vec![Part { octets: octets.into(), place: Place::Alone }]);
    }
    let pieces = || Pieces::new(text, encoding, part_limit(encoding, kind)).within(room.saturating_sub(LONGEST_HEADER));
    let segments = pieces().count();
    let total = u8::try_from(segments).map_err(|_| Error::TooLong { segments, limit: u8::MAX })?;
    let mut written = 0;
    let part = |(number, piece): (u8, &str)| {
        let wide = kind != ReferenceKind::Udh8;
        let reference = if wide { reference } else { reference & 0xFF };
        let place = Concatenation { reference, total, number, wide };
        let mut octets = Vec::with_capacity(160);
        let place = if kind == ReferenceKind::Sar {
            Place::Sar(place)
        } else {
            place.write_header(&mut octets);
            Place::Udh(place)
        };
        written += write_text(piece, written, encoding, alphabet, &mut octets)?;
        Ok(Part { octets: octets.into(), place })
    };
    (1..=u8::MAX).zip(pieces()).map(part).collect()
}

/// What `short_message` takes (3.4 §4.4.1).
const MAX_OCTETS: usize = 254;
/// A header with a 16-bit reference.
const LONGEST_HEADER: usize = 7;

/// How many octets of UTF-8 a text may have in one part. Only where it is written as that does it matter: in all other forms
/// what fits into a segment fits into `short_message`.
fn room(encoding: Encoding, alphabet: DefaultAlphabet) -> usize {
    if encoding == Encoding::Gsm7 && alphabet == DefaultAlphabet::Utf8 { MAX_OCTETS } else { usize::MAX }
}

fn unit_count(text: &str, encoding: Encoding) -> Result<usize, Error> {
    match encoding {
        Encoding::Ucs2 => Ok(text.chars().map(char::len_utf16).sum()),
        Encoding::Gsm7 => gsm::septet_count(text).ok_or_else(|| {
            let index = text.chars().position(|c| gsm::septets(c).is_none()).unwrap_or_default();
            Error::NotInAlphabet { index, alphabet: DefaultAlphabet::Gsm.as_str() }
        }),
    }
}

/// Appends `text`, whose first character is the message's `first`th. Returns how many characters it has.
fn write_text(
    text: &str,
    first: usize,
    encoding: Encoding,
    alphabet: DefaultAlphabet,
    out: &mut Vec<u8>,
) -> Result<usize, Error> {
    if encoding == Encoding::Ucs2 {
        out.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
        return Ok(text.chars().count());
    }
    let mut count = 0;
    for c in text.chars() {
        if !alphabet.push(c, out) {
            return Err(Error::NotInAlphabet { index: first + count, alphabet: alphabet.as_str() });
        }
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_stands_alone() {
        let parts = split("hi [1]", Encoding::Gsm7, ReferenceKind::Udh8, 7).unwrap();
        assert_eq!(parts, [Part { octets: b"hi \x1B\x3C1\x1B\x3E"[..].into(), place: Place::Alone }]);
        let parts = split("я😀", Encoding::Ucs2, ReferenceKind::Udh8, 7).unwrap();
        assert_eq!(parts[0].octets[..], [0x04, 0x4F, 0xD8, 0x3D, 0xDE, 0x00]);
        assert_eq!(split("", Encoding::Gsm7, ReferenceKind::Udh8, 7).unwrap()[0].octets.len(), 0);
    }

    #[test]
    fn a_long_text_carries_a_header_in_each_part() {
        let parts = split(&"a".repeat(200), Encoding::Gsm7, ReferenceKind::Udh8, 0x1234).unwrap();
        assert_eq!(parts[0].octets[..7], [5, 0, 3, 0x34, 2, 1, 0x61]);
        assert_eq!(parts[1].octets[..6], [5, 0, 3, 0x34, 2, 2]);
        assert_eq!(parts.iter().map(|p| p.octets.len()).collect::<Vec<_>>(), [159, 53]);
        let parts = split(&"a".repeat(200), Encoding::Gsm7, ReferenceKind::Udh16, 0x1234).unwrap();
        assert_eq!(parts[1].octets[..7], [6, 8, 4, 0x12, 0x34, 2, 2]);
    }

    #[test]
    fn sar_parts_have_no_header() {
        let parts = split(&"я".repeat(100), Encoding::Ucs2, ReferenceKind::Sar, 9).unwrap();
        assert!(parts.iter().all(|p| !p.has_header() && matches!(p.place, Place::Sar(_))));
        assert_eq!(parts[0].octets.len(), 132);
    }

    #[test]
    fn a_carrier_of_latin1_gets_latin1_or_an_error_that_says_where() {
        let gsm = |text| split_for(text, Encoding::Gsm7, DefaultAlphabet::Latin1, ReferenceKind::Udh8, 1);
        assert_eq!(gsm("@é[").unwrap()[0].octets[..], [0x40, 0xE9, 0x5B]);
        assert_eq!(gsm("ab€"), Err(Error::NotInAlphabet { index: 2, alphabet: "latin1" }));
        let late = format!("{}Δ", "a".repeat(170));
        assert_eq!(gsm(&late), Err(Error::NotInAlphabet { index: 170, alphabet: "latin1" }));
    }

    #[test]
    fn utf8_is_cut_so_that_each_part_fits_into_a_short_message() {
        let split = |text: &str, kind| split_for(text, Encoding::Gsm7, DefaultAlphabet::Utf8, kind, 1).unwrap();
        let sizes = |parts: &[Part]| parts.iter().map(|part| part.octets.len()).collect::<Vec<_>>();
        assert_eq!(sizes(&split(&"a".repeat(160), ReferenceKind::Udh8)), [160]);
        assert_eq!(sizes(&split(&"é".repeat(127), ReferenceKind::Udh8)), [254]);
        for (text, kind, many) in [
            ("é".repeat(128), ReferenceKind::Udh8, 2),
            ("é".repeat(160), ReferenceKind::Udh8, 2),
            ("é".repeat(160), ReferenceKind::Udh16, 2),
            ("€".repeat(80), ReferenceKind::Udh8, 1),
            ("€".repeat(153), ReferenceKind::Udh8, 3),
            ("é".repeat(400), ReferenceKind::Sar, 4),
        ] {
            let parts = split(&text, kind);
            assert_eq!(parts.len(), many, "{kind:?} {}", text.chars().count());
            assert!(parts.iter().all(|part| part.octets.len() <= 254), "{:?}", sizes(&parts));
            let header = match kind {
                ReferenceKind::Udh8 if many > 1 => 6,
                ReferenceKind::Udh16 => 7,
                _ => 0,
            };
            let whole: Vec<u8> = parts.iter().flat_map(|part| part.octets[header..].to_vec()).collect();
            assert_eq!(String::from_utf8(whole).unwrap(), text, "no character is cut");
        }
    }

    #[test]
    fn text_that_is_not_gsm_is_not_sent_as_gsm() {
        let split = split("a😀", Encoding::Gsm7, ReferenceKind::Udh8, 1);
        assert_eq!(split, Err(Error::NotInAlphabet { index: 1, alphabet: "gsm" }));
    }

    #[test]
    fn more_parts_than_a_header_can_number_are_refused() {
        let split = split(&"a".repeat(153 * 255 + 1), Encoding::Gsm7, ReferenceKind::Udh8, 1);
        assert_eq!(split, Err(Error::TooLong { segments: 256, limit: 255 }));
    }
}
