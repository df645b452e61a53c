//! STOP, START and HELP: what the host obeys before any handler sees the message.

use serde::Deserialize;
use toml::Spanned;

use crate::error::{Complaint, Error};
use crate::source::Source;

/// What a recipient asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keyword {
    /// Silence.
    Stop,
    /// Messages again.
    Start,
    /// Who this is and how to reach them.
    Help,
}

impl Keyword {
    /// The name in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Help => "help",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeywordFile {
    stop: List,
    start: List,
    help: List,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    source: Spanned<String>,
    as_of: Spanned<String>,
    words: Vec<Spanned<String>>,
}

/// No keyword is longer, so no longer message has to be looked at.
const MAX_LETTERS: usize = 32;

/// The keyword lists in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keywords(Vec<(String, Keyword)>);

impl Keywords {
    /// Reads a keyword file.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let source = Source { name, text };
        let file: KeywordFile = source.read().map_err(|complaint| Error::Refused(vec![complaint]))?;
        let lists = [(&file.stop, Keyword::Stop), (&file.start, Keyword::Start), (&file.help, Keyword::Help)];
        let (mut words, mut complaints) = (Vec::new(), Vec::new());
        for (list, keyword) in lists {
            for field in [&list.source, &list.as_of].into_iter().filter(|field| field.get_ref().trim().is_empty()) {
                complaints
                    .push(source.complain_of(field, "is empty: every list says where it is from and of when it is"));
            }
            for word in &list.words {
                complaints.extend(complaint(source, word, &words));
                words.push((word.get_ref().clone(), keyword));
            }
        }
        if !words.iter().any(|(_, keyword)| *keyword == Keyword::Stop) {
            complaints.push(source.complain(0, "no word means STOP: recipients have to have a way out"));
        }
        if complaints.is_empty() { Ok(Self(words)) } else { Err(Error::Refused(complaints)) }
    }

    /// What the whole text asks for, and the word that said it; `None` when it is anything but one keyword.
    ///
    /// Letters and digits count, in any case and in full width; everything else around them doesn't, and between words is
    /// one space. `Stop!!` and `🛑 “opt-out”` are keywords, `please stop` and `don't stop` aren't: they go to the handler.
    pub fn find(&self, text: &str) -> Option<(Keyword, &str)> {
        let mut letters = [0; MAX_LETTERS];
        let said = normalize(text, &mut letters)?;
        self.0.iter().find(|(word, _)| word.as_bytes() == said).map(|(word, keyword)| (*keyword, word.as_str()))
    }
}

fn complaint(source: Source<'_>, word: &Spanned<String>, known: &[(String, Keyword)]) -> Option<Complaint> {
    let text = word.get_ref();
    let mut letters = [0; MAX_LETTERS];
    if normalize(text, &mut letters) != Some(text.as_bytes()) {
        let reason = "a keyword has A to Z, 0 to 9 and single spaces between them, at most 32 in all";
        return Some(source.complain_of(word, reason));
    }
    let twice = known.iter().any(|(other, _)| other == text);
    twice.then(|| source.complain_of(word, format!("`{text}` is in the lists twice")))
}

/// Upper-case letters and digits, one space between words. `None` when there is nothing, too much, or a letter of another
/// script: such a text is no keyword.
fn normalize<'a>(text: &str, letters: &'a mut [u8; MAX_LETTERS]) -> Option<&'a [u8]> {
    let mut length = 0;
    let mut push = |letter: u8| {
        *letters.get_mut(length)? = letter;
        length += 1;
        Some(())
    };
    let (mut begun, mut gap) = (false, false);
    for c in text.chars() {
        match narrow(c) {
            Some(letter) => {
                if gap && begun {
                    push(b' ')?;
                }
                push(letter)?;
                (begun, gap) = (true, false);
            }
            None if c.is_alphanumeric() => return None,
            None => gap = true,
        }
    }
    begun.then(|| &letters[..length])
}

/// An ASCII letter or digit in upper case, from its plain or its full-width form.
fn narrow(c: char) -> Option<u8> {
    let code = match u32::from(c) {
        wide @ 0xFF01..=0xFF5E => wide - 0xFEE0,
        plain => plain,
    };
    u8::try_from(code).ok().filter(u8::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keywords() -> Keywords {
        Keywords::parse("keywords.toml", crate::BUILT_IN_KEYWORDS).unwrap()
    }

    fn find(text: &str) -> Option<(Keyword, String)> {
        keywords().find(text).map(|(keyword, word)| (keyword, word.to_owned()))
    }

    #[test]
    fn keywords_are_found_in_whatever_dress() {
        for text in [
            "STOP",
            "stop",
            " Stop. ",
            "STOP!!!",
            "“Stop”",
            "stop 🙏",
            "🛑 STOP 🛑",
            "ＳＴＯＰ",
            "\u{FEFF}stop\r\n",
            "*stop*",
        ] {
            assert_eq!(find(text), Some((Keyword::Stop, "STOP".into())), "{text}");
        }
        for text in ["opt out", "OPT-OUT", "Opt  out."] {
            assert_eq!(find(text), Some((Keyword::Stop, "OPT OUT".into())), "{text}");
        }
        for word in ["stopall", "Stop All", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"] {
            assert_eq!(find(word).map(|(keyword, _)| keyword), Some(Keyword::Stop), "{word}");
        }
        assert_eq!(find("unstop"), Some((Keyword::Start, "UNSTOP".into())));
        assert_eq!(find("Start!").map(|(keyword, _)| keyword), Some(Keyword::Start));
        assert_eq!(find("help?").map(|(keyword, _)| keyword), Some(Keyword::Help));
        assert_eq!(find("INFO").map(|(keyword, _)| keyword), Some(Keyword::Help));
    }

    #[test]
    fn a_keyword_in_a_sentence_is_not_one() {
        let texts = [
            "",
            "  ",
            "🙏",
            "yes",
            "please stop",
            "don't stop",
            "stop it",
            "stop1",
            "s t o p",
            "the end",
            "stopp",
            "стоп",
            "stop стоп",
        ];
        for text in texts {
            assert_eq!(find(text), None, "{text}");
        }
        assert_eq!(find(&"stop ".repeat(1_000)), None);
        assert_eq!(find(&format!("{}stop{}", " ".repeat(1_000), "!".repeat(1_000))).map(|k| k.0), Some(Keyword::Stop));
    }

    #[test]
    fn a_file_that_leaves_no_way_out_is_refused() {
        let none = crate::BUILT_IN_KEYWORDS.lines().filter(|line| !line.contains("\"STOP\"")).collect::<Vec<_>>();
        assert!(Keywords::parse("k.toml", &none.join("\n")).is_err());
        let empty = none.join("\n").replace("[start]", "words = []\n[start]");
        let error = Keywords::parse("k.toml", &empty).unwrap_err().to_string();
        assert!(error.contains("a way out"), "{error}");
    }

    #[test]
    fn words_are_checked_with_their_place() {
        let parse = |word: &str| {
            let text = crate::BUILT_IN_KEYWORDS.replace("[\"HELP\"", &format!("[\"{word}\""));
            Keywords::parse("k.toml", &text).unwrap_err().to_string()
        };
        assert!(parse("help").contains("A to Z"));
        assert!(parse("STOP").contains("in the lists twice"));
        assert!(parse("").starts_with("k.toml:18:10: "), "{}", parse(""));
    }

    proptest! {
        #[test]
        fn any_text_is_looked_at(text in "(?s).{0,80}") {
            let _ = keywords().find(&text);
        }
    }
}
