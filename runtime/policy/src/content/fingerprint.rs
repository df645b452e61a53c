//! What a text is made from: the same for all messages of a template, so that repetition and snowshoeing can be counted.

use xxhash_rust::xxh3::xxh3_64;

/// A text's fingerprint: digits, links, and capitalized words that aren't the first of a sentence are masked, as is the word
/// after a greeting; case, spaces and signs don't count.
pub fn fingerprint(text: &str) -> u64 {
    if text.is_ascii() { of_words(ascii_words(text)) } else { of_words(text.split_whitespace()) }
}

fn of_words<'a>(words: impl Iterator<Item = &'a str>) -> u64 {
    // What is left of it in one piece: a hasher that takes many small ones costs more than the hash.
    let mut template = Vec::with_capacity(256);
    let mut begins = true;
    let mut greeted = false;
    for word in words {
        let bare = bare(word);
        if bare.is_empty() {
            continue;
        }
        let shape = Shape::of(bare);
        let named = greeted || (!begins && shape.is_name);
        if shape.is_masked(bare) {
            template.push(b'#');
        } else if !named {
            lower(bare, &mut template);
        }
        // A name of two words counts as one of one.
        if !named {
            template.push(b' ');
        }
        greeted =
            begins && ["hi", "hello", "hey", "dear", "hola"].iter().any(|greeting| bare.eq_ignore_ascii_case(greeting));
        begins = word.ends_with(['.', '!', '?', ':']);
    }
    xxh3_64(&template)
}

/// The words of a text in ASCII, told by one look a byte.
fn ascii_words(text: &str) -> impl Iterator<Item = &str> {
    let is = |byte: u8, kind: u8| KINDS[usize::from(byte)] & kind != 0;
    let mut rest = text;
    std::iter::from_fn(move || {
        let begin = rest.bytes().position(|byte| !is(byte, SPACE))?;
        let word = &rest[begin..];
        let end = word.bytes().position(|byte| is(byte, SPACE)).unwrap_or(word.len());
        rest = &word[end..];
        Some(&word[..end])
    })
}

/// Without the signs around it.
fn bare(word: &str) -> &str {
    let is_plain =
        |byte: Option<&u8>| byte.is_some_and(|byte| KINDS[usize::from(*byte)] & (DIGIT | UPPER | LOWER) != 0);
    // Most words have none, or one behind.
    if is_plain(word.as_bytes().first()) && is_plain(word.as_bytes().last()) {
        return word;
    }
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

fn lower(word: &str, template: &mut Vec<u8>) {
    if word.is_ascii() {
        template.extend(word.bytes().map(|c| c.to_ascii_lowercase()));
        return;
    }
    for c in word.chars().flat_map(char::to_lowercase) {
        template.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

const SPACE: u8 = 1;
const DIGIT: u8 = 2;
/// A sign that is in links.
const LINKS: u8 = 4;
const UPPER: u8 = 8;
const LOWER: u8 = 16;
const FOREIGN: u8 = 32;

/// What each byte is; those of a character beyond ASCII are foreign.
const KINDS: [u8; 256] = {
    let (mut kinds, mut byte) = ([FOREIGN; 256], 0_u8);
    while byte < 128 {
        kinds[byte as usize] = match byte {
            // As `char::is_whitespace` has it.
            b' ' | b'\t'..=b'\r' => SPACE,
            b'0'..=b'9' => DIGIT,
            b':' | b'.' => LINKS,
            b'A'..=b'Z' => UPPER,
            b'a'..=b'z' => LOWER,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

/// What a word looks like, told in one pass.
struct Shape {
    /// The kinds of all its bytes.
    has: u8,
    is_name: bool,
}

impl Shape {
    fn of(word: &str) -> Self {
        let kinds = word.bytes().map(|byte| KINDS[usize::from(byte)]);
        let has = kinds.fold(0, |all, kind| all | kind);
        let is_name = if has & FOREIGN == 0 {
            // A letter is lower that isn't the first one, which is upper.
            word.bytes().next().is_some_and(|first| first.is_ascii_uppercase()) && has & LOWER != 0
        } else {
            let mut letters = word.chars();
            letters.next().is_some_and(char::is_uppercase) && letters.any(char::is_lowercase)
        };
        Self { has, is_name }
    }

    /// Numbers and links.
    fn is_masked(&self, word: &str) -> bool {
        self.has & DIGIT != 0 || (self.has & LINKS != 0 && (word.contains("://") || is_dotted(word)))
    }
}

fn is_dotted(word: &str) -> bool {
    word.split_once('.').is_some_and(|(before, after)| !before.is_empty() && after.starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_one_fingerprint() {
        let same = [
            "Hi Ann, your order 4711 ships to Boston on 5/12. Track: https://a.example/x1",
            "Hi Bartholomew, your order 9 ships to New York on 11/30. Track: https://b.example/yy",
            "hi bob  your order A-12 ships to Reno on 1. track: b.example/1",
        ];
        for text in same {
            assert_eq!(fingerprint(text), fingerprint(same[0]), "{text}");
        }
        let long = "ÄÖÜẞ".repeat(40);
        assert_eq!(fingerprint(&long), fingerprint(&long.to_lowercase()));
        assert_ne!(fingerprint(&long), fingerprint(&"äöüß".repeat(39)));
        for other in ["Hi Ann, your order 4711 is late", "", "your order 4711 ships to Boston on 5/12"] {
            assert_ne!(fingerprint(other), fingerprint(same[0]), "{other}");
        }
    }

    /// The same, character by character.
    fn plainly(text: &str) -> u64 {
        let mut template = Vec::new();
        let mut begins = true;
        let mut greeted = false;
        for word in text.split_whitespace() {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            if bare.is_empty() {
                continue;
            }
            let named = greeted || (!begins && is_name(bare));
            if is_masked(bare) {
                template.push(b'#');
            } else if !named {
                lower(bare, &mut template);
            }
            // A name of two words counts as one of one.
            if !named {
                template.push(b' ');
            }
            greeted = begins
                && ["hi", "hello", "hey", "dear", "hola"].iter().any(|greeting| bare.eq_ignore_ascii_case(greeting));
            begins = word.ends_with(['.', '!', '?', ':']);
        }
        xxh3_64(&template)
    }

    fn is_masked(word: &str) -> bool {
        let digit = |word: &str| word.bytes().any(|c| c.is_ascii_digit());
        digit(word) || word.contains("://") || is_dotted(word)
    }

    fn is_name(word: &str) -> bool {
        let mut letters = word.chars();
        letters.next().is_some_and(char::is_uppercase) && letters.any(char::is_lowercase)
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(4_096))]

        #[test]
        fn what_is_told_by_bytes_is_what_is_told_by_characters(text in r"([A-Za-z0-9.:/!?'() \t\x0b\x1c-]|Hi |Ann |://|[É-ü ]){0,60}") {
            proptest::prop_assert_eq!(fingerprint(&text), plainly(&text));
        }
    }
}
