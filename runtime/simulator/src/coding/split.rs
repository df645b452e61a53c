//! Cutting a phone's text into parts, in each of the ways that phones and carriers use.

use super::{Part, gsm};
use crate::wire::tag;
use serde::{Deserialize, Serialize};

/// The alphabet of an inbound message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// GSM where every character fits, else UCS-2: what phones do.
    #[default]
    Auto,
    /// `data_coding` 0; a character outside the alphabet becomes `?`.
    Gsm,
    /// `data_coding` 8.
    Ucs2,
    /// `data_coding` 3; a character outside the alphabet becomes `?`.
    Latin1,
}

/// How a text longer than one part travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Splitting {
    /// User data header with an 8-bit reference.
    #[default]
    Udh8,
    /// User data header with a 16-bit reference.
    Udh16,
    /// `sar_msg_ref_num`, `sar_total_segments`, `sar_segment_seqnum`.
    Sar,
    /// Whole, in `message_payload`.
    Payload,
}

/// One part, ready for a `deliver_sm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) esm_class: u8,
    pub(crate) data_coding: u8,
    pub(crate) short_message: Vec<u8>,
    pub(crate) tlvs: Vec<(u16, Vec<u8>)>,
    pub(crate) part: Option<Part>,
}

/// The parts of `text`, in order. At most 255 of them; a longer text is cut.
pub(crate) fn split(text: &str, encoding: Encoding, splitting: Splitting, reference: u16) -> Vec<Piece> {
    let (data_coding, characters) = encode(text, encoding);
    let whole: usize = characters.iter().map(Vec::len).sum();
    let single = if data_coding == 0 { 160 } else { 140 };
    if splitting == Splitting::Payload {
        let payload: Vec<u8> = characters.concat().into_iter().take(usize::from(u16::MAX)).collect();
        return vec![Piece { data_coding, tlvs: vec![(tag::MESSAGE_PAYLOAD, payload)], ..empty() }];
    }
    if whole <= single {
        return vec![Piece { data_coding, short_message: characters.concat(), ..empty() }];
    }
    let chunks = chunk(&characters, room(data_coding, splitting));
    let total = u8::try_from(chunks.len().min(255)).expect("cut to 255");
    (1..=total)
        .zip(chunks)
        .map(|(sequence, octets)| piece(data_coding, octets, Part { reference, total, sequence }, splitting))
        .collect()
}

fn empty() -> Piece {
    Piece { esm_class: 0, data_coding: 0, short_message: Vec::new(), tlvs: Vec::new(), part: None }
}

/// `data_coding`, and the octets of each character (never to be parted).
fn encode(text: &str, encoding: Encoding) -> (u8, Vec<Vec<u8>>) {
    let gsm: Option<Vec<_>> = text.chars().map(gsm::encode).collect();
    match (encoding, gsm) {
        (Encoding::Auto | Encoding::Gsm, Some(septets)) => (0, septets),
        (Encoding::Gsm, None) => (0, text.chars().map(|c| gsm::encode(c).unwrap_or_else(|| vec![b'?'])).collect()),
        (Encoding::Latin1, _) => (3, text.chars().map(|c| vec![u8::try_from(u32::from(c)).unwrap_or(b'?')]).collect()),
        (Encoding::Auto | Encoding::Ucs2, _) => (8, text.chars().map(utf16_octets).collect()),
    }
}

fn utf16_octets(character: char) -> Vec<u8> {
    character.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()).collect()
}

/// Octets of text that fit beside the header: a part holds 140 octets, or 160 septets.
fn room(data_coding: u8, splitting: Splitting) -> usize {
    match (data_coding, splitting) {
        (0, Splitting::Udh16) => 152,
        (0, _) => 153,
        (8, Splitting::Udh16) => 132,
        (_, Splitting::Udh16) => 133,
        _ => 134,
    }
}

fn chunk(characters: &[Vec<u8>], room: usize) -> Vec<Vec<u8>> {
    let mut chunks = vec![Vec::new()];
    for octets in characters {
        let last = chunks.last_mut().expect("starts with one");
        if last.len() + octets.len() > room {
            chunks.push(octets.clone());
        } else {
            last.extend_from_slice(octets);
        }
    }
    chunks
}

fn piece(data_coding: u8, octets: Vec<u8>, part: Part, splitting: Splitting) -> Piece {
    let [high, low] = part.reference.to_be_bytes();
    let header: &[u8] = match splitting {
        Splitting::Udh8 => &[5, 0, 3, low, part.total, part.sequence],
        Splitting::Udh16 => &[6, 8, 4, high, low, part.total, part.sequence],
        Splitting::Sar | Splitting::Payload => &[],
    };
    let tlvs = match splitting {
        Splitting::Sar => vec![
            (tag::SAR_REFERENCE, vec![high, low]),
            (tag::SAR_TOTAL, vec![part.total]),
            (tag::SAR_SEQUENCE, vec![part.sequence]),
        ],
        _ => Vec::new(),
    };
    let esm_class = if header.is_empty() { 0 } else { 0x40 };
    Piece { esm_class, data_coding, short_message: [header, &octets].concat(), tlvs, part: Some(part) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coding::{decode, part_of};

    #[test]
    fn lengths_where_a_second_part_begins() {
        for (text, splitting, parts) in [
            ("a".repeat(160), Splitting::Udh8, 1),
            ("a".repeat(161), Splitting::Udh8, 2),
            ("a".repeat(306), Splitting::Udh8, 2),
            ("a".repeat(306), Splitting::Udh16, 3),
            ("ł".repeat(70), Splitting::Udh8, 1),
            ("ł".repeat(134), Splitting::Sar, 2),
            ("ł".repeat(134), Splitting::Udh16, 3),
            ("a".repeat(9000), Splitting::Payload, 1),
        ] {
            assert_eq!(split(&text, Encoding::Auto, splitting, 1).len(), parts, "{} chars", text.chars().count());
        }
    }

    #[test]
    fn escape_pairs_and_surrogates_stay_whole_and_parts_join_to_the_text() {
        for text in ["€".repeat(200), format!("a{}", "😀".repeat(90))] {
            for splitting in [Splitting::Udh8, Splitting::Udh16] {
                let pieces = split(&text, Encoding::Auto, splitting, 0x0102);
                let joined: String = pieces
                    .iter()
                    .map(|piece| {
                        let (part, octets) = part_of(piece.esm_class, &piece.short_message, None);
                        assert_eq!(part.unwrap().sequence, piece.part.unwrap().sequence);
                        decode(piece.data_coding, octets, false)
                    })
                    .collect();
                assert_eq!(joined, text);
            }
        }
    }
}
