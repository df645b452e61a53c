//! The GSM 03.38 default alphabet and its extension table, a septet in each octet.

/// §6.2.1, in order of its codes; 0x1B (escape) is held by a placeholder.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const ESCAPE: u8 = 0x1B;
/// §6.2.1.1.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

pub(super) fn decode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    let mut escaped = false;
    for octet in octets {
        if escaped {
            escaped = false;
            let found = EXTENSION.iter().find(|(code, _)| code == octet);
            // An unknown extension shows the basic character of the same code (§6.2.1.1, note 1).
            text.push(found.map_or_else(|| basic(*octet), |(_, character)| *character));
        } else if *octet == ESCAPE {
            escaped = true;
        } else {
            text.push(basic(*octet));
        }
    }
    text
}

/// One or two septets, or `None` for a character outside the alphabet.
pub(super) fn encode(character: char) -> Option<Vec<u8>> {
    if let Some((code, _)) = EXTENSION.iter().find(|(_, known)| *known == character) {
        return Some(vec![ESCAPE, *code]);
    }
    let code = BASIC.chars().position(|known| known == character && known != '\u{1b}')?;
    Some(vec![u8::try_from(code).expect("the table has 128 characters")])
}

fn basic(octet: u8) -> char {
    // ASCII letters and digits sit where ASCII has them: the common case without a walk.
    if octet.is_ascii_alphanumeric() || octet == b' ' {
        return char::from(octet);
    }
    BASIC.chars().nth(usize::from(octet)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_128_places_and_round_trips() {
        assert_eq!(BASIC.chars().count(), 128);
        for code in (0..128_u8).filter(|code| *code != ESCAPE) {
            let character = decode(&[code]).chars().next().unwrap();
            assert_eq!(encode(character), Some(vec![code]), "code {code:#x}");
        }
        for (code, character) in EXTENSION {
            assert_eq!(encode(character), Some(vec![ESCAPE, code]));
            assert_eq!(decode(&[ESCAPE, code]), character.to_string());
        }
        assert_eq!(encode('ł'), None);
    }
}
