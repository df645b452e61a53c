//! How many segments a text takes, and where it is cut.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use signalbox_model::Encoding;

use crate::error::Error;
use crate::fold::{Folded, Smart, fold_text};
use crate::gsm;

/// How many segments a message may have unless its sender's setting says otherwise. Carriers cut off or refuse beyond.
pub const DEFAULT_MAX_SEGMENTS: u8 = 10;

/// How the parts of a long message say that they belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceKind {
    /// User data header, 8-bit reference: 6 octets. What every peer understands.
    #[default]
    Udh8,
    /// User data header, 16-bit reference: 7 octets.
    Udh16,
    /// SMPP's `sar_*` parameters, no header. The carrier makes the header, maybe the 16-bit one: its limits hold.
    Sar,
}

/// How many units (septets or UTF-16 code units) fit into a message that stands alone.
pub const fn single_limit(encoding: Encoding) -> usize {
    match encoding {
        Encoding::Gsm7 => 160,
        Encoding::Ucs2 => 70,
    }
}

/// How many units fit into one part of a longer message.
pub const fn part_limit(encoding: Encoding, kind: ReferenceKind) -> usize {
    match (encoding, kind) {
        (Encoding::Gsm7, ReferenceKind::Udh8) => 153,
        (Encoding::Gsm7, ReferenceKind::Udh16 | ReferenceKind::Sar) => 152,
        (Encoding::Ucs2, ReferenceKind::Udh8) => 67,
        (Encoding::Ucs2, ReferenceKind::Udh16 | ReferenceKind::Sar) => 66,
    }
}

/// What a text takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// The cheapest encoding that has all its characters.
    pub encoding: Encoding,
    /// Septets or UTF-16 code units.
    pub units: usize,
    /// Parts; 1 for an empty text.
    pub segments: usize,
}

/// Measures a text as it stands, with 8-bit references.
pub fn measure(text: &str) -> Measure {
    let (encoding, units) = match gsm::septet_count(text) {
        Some(septets) => (Encoding::Gsm7, septets),
        None => (Encoding::Ucs2, text.chars().map(char::len_utf16).sum()),
    };
    let segments = segments_of(text, encoding, units, ReferenceKind::Udh8);
    Measure { encoding, units, segments }
}

/// How many segments a text takes as it stands when its parts are joined in another way. May be one more than
/// [`measure`] says: 16-bit references take an octet more of each part.
pub fn segment_count_with(text: &str, kind: ReferenceKind) -> usize {
    let Measure { encoding, units, .. } = measure(text);
    segments_of(text, encoding, units, kind)
}

fn segments_of(text: &str, encoding: Encoding, units: usize, kind: ReferenceKind) -> usize {
    if units <= single_limit(encoding) { 1 } else { Pieces::new(text, encoding, part_limit(encoding, kind)).count() }
}

/// How many segments a text takes as it stands, with 8-bit references.
pub fn segment_count(text: &str) -> usize {
    measure(text).segments
}

/// A text that is ready to be split.
#[derive(Clone, PartialEq, Eq)]
pub struct Prepared<'a> {
    /// The text to send; another than given only where something was folded.
    pub text: Cow<'a, str>,
    /// How it is encoded.
    pub encoding: Encoding,
    /// Septets or UTF-16 code units.
    pub units: usize,
    /// How many segments it takes.
    pub segments: u8,
    /// What smart encoding replaced; empty when it did nothing.
    pub folded: Vec<Folded>,
}

impl std::fmt::Debug for Prepared<'_> {
    /// Sizes only: bodies don't reach logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prepared({:?}, {} units, {} segments)", self.encoding, self.units, self.segments)
    }
}

impl Prepared<'_> {
    /// How many characters smart encoding replaced.
    pub fn folded_count(&self) -> u32 {
        self.folded.iter().map(|f| f.count).sum()
    }
}

/// Chooses the encoding and counts, at most [`DEFAULT_MAX_SEGMENTS`] segments.
pub fn prepare(text: &str, smart: Smart) -> Result<Prepared<'_>, Error> {
    prepare_within(text, smart, DEFAULT_MAX_SEGMENTS)
}

/// Chooses the encoding and counts, at most `max_segments` segments.
pub fn prepare_within(text: &str, smart: Smart, max_segments: u8) -> Result<Prepared<'_>, Error> {
    let mut measured = measure(text);
    let (mut text, mut folded) = (Cow::Borrowed(text), Vec::new());
    if smart == Smart::On
        && measured.encoding == Encoding::Ucs2
        && let Some((plain, replaced)) = fold_text(&text)
    {
        measured = measure(&plain);
        (text, folded) = (Cow::Owned(plain), replaced);
    }
    let Measure { encoding, units, segments } = measured;
    match u8::try_from(segments) {
        Ok(few) if few <= max_segments => Ok(Prepared { text, encoding, units, segments: few, folded }),
        _ => Err(Error::TooLong { segments, limit: max_segments }),
    }
}

/// A text cut into pieces of at most `limit` units, never within a character: so neither an escape pair nor a surrogate
/// pair is ever split.
pub(crate) struct Pieces<'a> {
    rest: &'a str,
    encoding: Encoding,
    limit: usize,
    max_octets: usize,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(text: &'a str, encoding: Encoding, limit: usize) -> Self {
        Self { rest: text, encoding, limit, max_octets: usize::MAX }
    }

    /// And of at most so many octets in UTF-8.
    pub(crate) fn within(self, max_octets: usize) -> Self {
        Self { max_octets, ..self }
    }
}

/// What a character costs. One that GSM lacks costs as much as it can, so that a wrong caller gets small pieces.
fn units(c: char, encoding: Encoding) -> usize {
    match encoding {
        Encoding::Gsm7 => gsm::septets(c).map_or(2, gsm::Septets::count),
        Encoding::Ucs2 => c.len_utf16(),
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let mut left = self.limit;
        let fits = |at: usize, c: char| at + c.len_utf8() <= self.max_octets;
        let cut = self.rest.char_indices().find_map(|(at, c)| match left.checked_sub(units(c, self.encoding)) {
            Some(fewer) if fits(at, c) => {
                left = fewer;
                None
            }
            _ => Some(at),
        });
        let (piece, rest) = self.rest.split_at(cut.unwrap_or(self.rest.len()));
        self.rest = rest;
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(text: &str) -> (Encoding, usize) {
        let m = measure(text);
        (m.encoding, m.segments)
    }

    #[test]
    fn limits_are_the_standards() {
        assert_eq!(segments(""), (Encoding::Gsm7, 1));
        assert_eq!(segments(&"a".repeat(160)), (Encoding::Gsm7, 1));
        assert_eq!(segments(&"a".repeat(161)), (Encoding::Gsm7, 2));
        assert_eq!(segments(&"a".repeat(306)), (Encoding::Gsm7, 2));
        assert_eq!(segments(&"a".repeat(307)), (Encoding::Gsm7, 3));
        assert_eq!(segments(&"€".repeat(80)), (Encoding::Gsm7, 1));
        assert_eq!(segments(&"я".repeat(70)), (Encoding::Ucs2, 1));
        assert_eq!(segments(&"я".repeat(71)), (Encoding::Ucs2, 2));
        assert_eq!(segments(&"я".repeat(134)), (Encoding::Ucs2, 2));
        assert_eq!(segments(&"я".repeat(135)), (Encoding::Ucs2, 3));
        assert_eq!(segments(&"😀".repeat(35)), (Encoding::Ucs2, 1));
        assert_eq!(segments(&"😀".repeat(36)), (Encoding::Ucs2, 2));
    }

    #[test]
    fn an_unsplittable_pair_at_the_edge_costs_its_place() {
        // 306 septets, but the pair over position 153 moves whole to the second part, which then overflows.
        let text = format!("{}€{}", "a".repeat(152), "b".repeat(152));
        assert_eq!(gsm::septet_count(&text), Some(306));
        assert_eq!(segments(&text), (Encoding::Gsm7, 3));
        let text = format!("{}😀{}", "я".repeat(66), "я".repeat(66));
        assert_eq!(segments(&text), (Encoding::Ucs2, 3));
    }

    #[test]
    fn smart_encoding_saves_segments_and_says_what_it_did() {
        let text = "It’s ".repeat(20);
        let smart = prepare(&text, Smart::On).unwrap();
        assert_eq!((smart.encoding, smart.segments, smart.folded_count()), (Encoding::Gsm7, 1, 20));
        let plain = prepare(&text, Smart::Off).unwrap();
        assert_eq!((plain.encoding, plain.segments, plain.folded_count()), (Encoding::Ucs2, 2, 0));
        assert_eq!(plain.text, text);
    }

    #[test]
    fn text_that_needs_nothing_is_not_copied() {
        assert!(matches!(prepare("hello", Smart::On).unwrap().text, Cow::Borrowed(_)));
        assert!(matches!(prepare("“привет”", Smart::On).unwrap().text, Cow::Borrowed("“привет”")));
    }

    #[test]
    fn too_long_a_text_is_told_how_long_it_is() {
        let text = "a".repeat(1531);
        assert_eq!(prepare(&text, Smart::On), Err(Error::TooLong { segments: 11, limit: 10 }));
        assert!(prepare_within(&text, Smart::On, 11).is_ok());
        let huge = "a".repeat(153 * 300);
        assert_eq!(prepare_within(&huge, Smart::On, 255), Err(Error::TooLong { segments: 300, limit: 255 }));
    }
}
