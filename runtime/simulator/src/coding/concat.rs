//! Which part of which message some octets are: by user data header or by `sar_*`.

use crate::wire::Sar;

/// A part's place in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Part {
    pub(crate) reference: u16,
    pub(crate) total: u8,
    /// From 1.
    pub(crate) sequence: u8,
}

const UDH_INDICATOR: u8 = 0x40;

/// Splits a message into its header's concatenation and its text octets.
pub(crate) fn part_of(esm_class: u8, message: &[u8], sar: Option<Sar>) -> (Option<Part>, &[u8]) {
    let by_sar = sar.map(|sar| Part { reference: sar.reference, total: sar.total, sequence: sar.sequence });
    if esm_class & UDH_INDICATOR == 0 {
        return (by_sar.filter(is_possible), message);
    }
    let Some((length, rest)) = message.split_first() else { return (None, message) };
    let Some((header, text)) = rest.split_at_checked(usize::from(*length)) else { return (None, message) };
    (elements(header).filter(is_possible), text)
}

fn is_possible(part: &Part) -> bool {
    part.sequence >= 1 && part.sequence <= part.total
}

/// Walks the header's information elements (GSM 03.40 §9.2.3.24) for 00 (8-bit) or 08 (16-bit).
fn elements(mut header: &[u8]) -> Option<Part> {
    while let [kind, length, rest @ ..] = header {
        let (value, next) = rest.split_at_checked(usize::from(*length))?;
        match (kind, value) {
            (0x00, [reference, total, sequence]) => {
                return Some(Part { reference: u16::from(*reference), total: *total, sequence: *sequence });
            }
            (0x08, [high, low, total, sequence]) => {
                let reference = u16::from_be_bytes([*high, *low]);
                return Some(Part { reference, total: *total, sequence: *sequence });
            }
            _ => header = next,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_widths_of_reference_are_found_even_behind_other_elements() {
        let short = part_of(0x40, &[5, 0, 3, 7, 2, 1, b'x'], None);
        assert_eq!(short, (Some(Part { reference: 7, total: 2, sequence: 1 }), &b"x"[..]));
        let long = part_of(0x40, &[10, 0x24, 1, 1, 0, 8, 4, 1, 2, 3, 2, b'y'], None);
        assert_eq!(long.0, None, "an element that is cut short is no concatenation");
        let long = part_of(0x40, &[9, 0x24, 1, 1, 8, 4, 1, 2, 3, 2, b'y'], None);
        assert_eq!(long, (Some(Part { reference: 0x0102, total: 3, sequence: 2 }), &b"y"[..]));
    }

    #[test]
    fn impossible_places_and_broken_headers_leave_a_single_message() {
        assert_eq!(part_of(0x40, &[5, 0, 3, 7, 2, 3, b'x'], None).0, None);
        assert_eq!(part_of(0x40, &[9, 0], None), (None, &[9, 0][..]));
        assert_eq!(part_of(0, &[5, 0, 3, 7, 2, 1], None).0, None);
    }
}
