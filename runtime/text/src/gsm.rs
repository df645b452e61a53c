//! The GSM 03.38 (3GPP TS 23.038 §6.2.1) default alphabet and its extension table.

/// Says that the next septet is of the extension table.
pub const ESCAPE: u8 = 0x1B;

/// What a receiver sees where something couldn't be decoded.
pub const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// The default alphabet in code order. The escape's own place holds U+001B, which is never a character of a text.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1B}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension table: code after the escape, character.
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

/// No such character.
const NONE: u8 = 0xFF;
/// Marks an entry of the extension table in [`LOW`].
const EXTENDED: u8 = 0x80;

/// Codes of the characters below U+0100; by far the most of any text that is GSM at all.
static LOW: [u8; 256] = low_codes();

const fn low_codes() -> [u8; 256] {
    let mut codes = [NONE; 256];
    let mut code = 0;
    while code < 128 {
        let c = DEFAULT[code] as usize;
        if c < 256 && code != ESCAPE as usize {
            codes[c] = code as u8;
        }
        code += 1;
    }
    let mut i = 0;
    while i < EXTENSION.len() {
        let c = EXTENSION[i].1 as usize;
        if c < 256 {
            codes[c] = EXTENSION[i].0 | EXTENDED;
        }
        i += 1;
    }
    codes
}

/// A character's place in the alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Septets {
    /// One septet of the default alphabet.
    One(u8),
    /// The escape and this septet of the extension table.
    Two(u8),
}

impl Septets {
    /// How many septets the character costs.
    pub const fn count(self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Two(_) => 2,
        }
    }
}

/// Where `c` stands in the alphabet; `None` when it isn't in it.
pub fn septets(c: char) -> Option<Septets> {
    let code = match c {
        '\0'..='\u{FF}' => LOW[c as usize],
        'Δ' => 0x10,
        'Φ' => 0x12,
        'Γ' => 0x13,
        'Λ' => 0x14,
        'Ω' => 0x15,
        'Π' => 0x16,
        'Ψ' => 0x17,
        'Σ' => 0x18,
        'Θ' => 0x19,
        'Ξ' => 0x1A,
        '€' => 0x65 | EXTENDED,
        _ => NONE,
    };
    match code {
        NONE => None,
        code if code & EXTENDED != 0 => Some(Septets::Two(code & !EXTENDED)),
        code => Some(Septets::One(code)),
    }
}

/// How many septets `text` takes; `None` when a character isn't in the alphabet.
pub fn septet_count(text: &str) -> Option<usize> {
    text.chars().try_fold(0, |sum, c| septets(c).map(|s| sum + s.count()))
}

/// True when every character is in the alphabet.
pub fn is_gsm(text: &str) -> bool {
    text.chars().all(|c| septets(c).is_some())
}

/// Appends `c` to `out`, a septet an octet; false, and nothing appended, when it isn't in the alphabet.
pub(crate) fn push(c: char, out: &mut Vec<u8>) -> bool {
    match septets(c) {
        Some(Septets::One(code)) => out.push(code),
        Some(Septets::Two(code)) => out.extend([ESCAPE, code]),
        None => return false,
    }
    true
}

/// Encodes `text`, a septet an octet, as SMPP carries it; `None` when a character isn't in the alphabet.
pub fn encode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    text.chars().all(|c| push(c, &mut out)).then_some(out)
}

/// Decodes septets, one an octet, onto `text`. Returns how many couldn't be and were replaced.
///
/// An unknown code after an escape shows the default alphabet's character, as the standard asks of handsets; an octet
/// above 0x7F and an escape at the end show [`REPLACEMENT`]. All three count.
pub fn decode_into(octets: &[u8], text: &mut String) -> usize {
    let mut replaced = 0;
    let mut rest = octets.iter().copied();
    while let Some(octet) = rest.next() {
        let c = match octet {
            ESCAPE => match rest.next() {
                Some(code) => extension(code).unwrap_or_else(|| {
                    replaced += 1;
                    plain(code).unwrap_or(REPLACEMENT)
                }),
                None => {
                    replaced += 1;
                    REPLACEMENT
                }
            },
            code => plain(code).unwrap_or_else(|| {
                replaced += 1;
                REPLACEMENT
            }),
        };
        text.push(c);
    }
    replaced
}

/// A default alphabet code's character. The escape shows a space: it announces tables that don't exist (yet).
fn plain(code: u8) -> Option<char> {
    if code == ESCAPE { Some(' ') } else { DEFAULT.get(usize::from(code)).copied() }
}

fn extension(code: u8) -> Option<char> {
    EXTENSION.iter().find(|(known, _)| *known == code).map(|(_, c)| *c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table as the standard prints it: a line per low nibble, a column per high bits. `.` in column 1, line 11 is
    /// the escape; LF and CR are written as `↓` and `←`.
    const AS_PRINTED: [&str; 16] = [
        "@Δ 0¡P¿p",
        "£_!1AQaq",
        "$Φ\"2BRbr",
        "¥Γ#3CScs",
        "èΛ¤4DTdt",
        "éΩ%5EUeu",
        "ùΠ&6FVfv",
        "ìΨ'7GWgw",
        "òΣ(8HXhx",
        "ÇΘ)9IYiy",
        "↓Ξ*:JZjz",
        "Ø.+;KÄkä",
        "øÆ,<LÖlö",
        "←æ-=MÑmñ",
        "Åß.>NÜnü",
        "åÉ/?O§oà",
    ];

    #[test]
    fn the_default_alphabet_is_the_standards() {
        for (low, line) in AS_PRINTED.iter().enumerate() {
            assert_eq!(line.chars().count(), 8);
            for (high, c) in line.chars().enumerate() {
                let code = u8::try_from(high << 4 | low).unwrap();
                let c = match c {
                    '↓' => '\n',
                    '←' => '\r',
                    c => c,
                };
                if code == ESCAPE {
                    continue;
                }
                assert_eq!(septets(c), Some(Septets::One(code)), "{c:?}");
                let mut text = String::new();
                assert_eq!(decode_into(&[code], &mut text), 0);
                assert_eq!(text, c.to_string());
            }
        }
    }

    #[test]
    fn the_extension_table_is_the_standards() {
        let codes = [0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40, 0x65];
        for (code, c) in codes.into_iter().zip("\u{0C}^{}\\[~]|€".chars()) {
            assert_eq!(septets(c), Some(Septets::Two(code)), "{c:?}");
            let mut text = String::new();
            assert_eq!(decode_into(&[ESCAPE, code], &mut text), 0);
            assert_eq!(text, c.to_string());
        }
    }

    #[test]
    fn no_other_character_is_in_it() {
        let count = (0..=0x10FFFF).filter_map(char::from_u32).filter(|c| septets(*c).is_some()).count();
        assert_eq!(count, 127 + 10);
    }

    #[test]
    fn lookalikes_are_not_gsm() {
        // Backtick, small c with cedilla, capital alpha, micro, ohm sign, escape.
        assert!("`çΑµ\u{2126}\u{1B}\t".chars().all(|c| septets(c).is_none()));
    }

    #[test]
    fn an_extended_character_costs_two() {
        assert_eq!(septet_count("a€[b]"), Some(8));
        assert_eq!(encode("a€").as_deref(), Some(&[0x61, 0x1B, 0x65][..]));
        assert_eq!(septet_count("a😀"), None);
    }

    #[test]
    fn what_cannot_be_decoded_is_marked_and_counted() {
        let mut text = String::new();
        assert_eq!(decode_into(&[0x61, 0x80, 0x1B, 0x61, 0x1B], &mut text), 3);
        assert_eq!(text, "a\u{FFFD}a\u{FFFD}");
    }
}
