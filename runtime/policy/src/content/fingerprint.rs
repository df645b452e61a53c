//! What a text is made from: the same for all messages of a template, so that repetition and snowshoeing can be counted.

use xxhash_rust::xxh3::xxh3_64;

/// A text's fingerprint: digits, links, and capitalized words that aren't the first of a sentence are masked, as is the word
/// after a greeting; case, spaces and signs don't count.
pub fn fingerprint(text: &str) -> u64 {
    // What is left of it in one piece: a hasher that takes many small ones costs more than the hash.
    let mut template = Vec::with_capacity(text.len() + 1);
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
        greeted =
            begins && ["hi", "hello", "hey", "dear", "hola"].iter().any(|greeting| bare.eq_ignore_ascii_case(greeting));
        begins = word.ends_with(['.', '!', '?', ':']);
    }
    xxh3_64(&template)
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

/// Numbers and links.
fn is_masked(word: &str) -> bool {
    let digit = |word: &str| word.bytes().any(|c| c.is_ascii_digit());
    // Most words have nothing in them that makes one.
    let may_be = word.bytes().any(|c| c.is_ascii_digit() || matches!(c, b':' | b'.'));
    may_be && (digit(word) || word.contains("://") || is_dotted(word))
}

fn is_name(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase) && letters.any(char::is_lowercase)
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
}
