//! What a text is made from: the same for all messages of a template, so that repetition and snowshoeing can be counted.

use xxhash_rust::xxh3::Xxh3;

/// A text's fingerprint: digits, links, and capitalized words that aren't the first of a sentence are masked, as is the word
/// after a greeting; case, spaces and signs don't count.
pub fn fingerprint(text: &str) -> u64 {
    let mut hasher = Xxh3::new();
    let mut begins = true;
    let mut greeted = false;
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if bare.is_empty() {
            continue;
        }
        let named = greeted || (!begins && is_name(bare));
        if bare.chars().any(|c| c.is_ascii_digit()) || bare.contains("://") || is_dotted(bare) {
            hasher.update(b"#");
        } else if named {
            // A name of two words counts as one of one.
            hasher.update(b"");
        } else {
            lower(bare, &mut hasher);
        }
        if !named {
            hasher.update(b" ");
        }
        greeted =
            begins && ["hi", "hello", "hey", "dear", "hola"].iter().any(|greeting| bare.eq_ignore_ascii_case(greeting));
        begins = word.ends_with(['.', '!', '?', ':']);
    }
    hasher.digest()
}

/// In pieces: a call of the hasher costs more than a letter.
fn lower(word: &str, hasher: &mut Xxh3) {
    let (mut piece, mut len) = ([0; 64], 0);
    for c in word.chars().flat_map(char::to_lowercase) {
        if len + c.len_utf8() > piece.len() {
            hasher.update(&piece[..len]);
            len = 0;
        }
        len += c.encode_utf8(&mut piece[len..]).len();
    }
    hasher.update(&piece[..len]);
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
