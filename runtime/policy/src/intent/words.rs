//! The keyword lists: what is obeyed when a message is nothing but the word.

use serde::Deserialize;
use toml::Spanned;

use super::Intent;
use super::fold::Folded;
use crate::error::{Complaint, Error};
use crate::source::Source;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordFile {
    list: Vec<List>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    intent: Intent,
    language: Spanned<String>,
    #[serde(default)]
    firm: bool,
    slips: Option<Spanned<bool>>,
    source: Spanned<String>,
    as_of: Spanned<String>,
    words: Vec<Spanned<String>>,
}

/// A keyword of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keyword {
    /// As it stands in the list, in capitals.
    pub(super) word: String,
    pub(super) intent: Intent,
    /// Means the same beside another remark.
    pub(super) firm: bool,
    /// Is taken with slips of the keyboard.
    pub(super) slips: bool,
}

/// Words in all lists together: a bound on what a message is compared with.
const MAX_WORDS: usize = 5_000;

/// Reads a keyword file.
pub(super) fn parse(name: &str, text: &str) -> Result<Vec<Keyword>, Error> {
    let source = Source { name, text };
    let file: WordFile = source.read().map_err(|complaint| Error::Refused(vec![complaint]))?;
    let (mut keywords, mut complaints) = (Vec::<Keyword>::new(), Vec::new());
    for list in &file.list {
        for field in [&list.language, &list.source, &list.as_of] {
            if field.get_ref().trim().is_empty() {
                complaints.push(
                    source.complain_of(field, "is empty: a list says its language, where it is from and of when it is"),
                );
            }
        }
        let slips = list.slips.as_ref().is_some_and(|slips| *slips.get_ref());
        for word in &list.words {
            let complaint = complaint(source, word, &keywords).or_else(|| {
                let long = !slips || (list.intent == Intent::Stop && is_long(word.get_ref()));
                let reason = format!("only one word of stop with {SLIP_LETTERS} and more letters can have slips");
                (!long).then(|| source.complain_of(word, reason))
            });
            if complaint.is_none() {
                let word = word.get_ref().clone();
                keywords.push(Keyword { word, intent: list.intent, firm: list.firm, slips });
            }
            complaints.extend(complaint);
        }
    }
    if keywords.len() > MAX_WORDS {
        complaints.push(source.complain(0, format!("the lists have more than {MAX_WORDS} words together")));
    }
    if !keywords.iter().any(|keyword| keyword.intent == Intent::Stop && keyword.word == "STOP") {
        let reason = "no list has the word STOP: recipients have to have a way out";
        complaints.push(source.complain(0, reason));
    }
    if complaints.is_empty() { Ok(keywords) } else { Err(Error::Refused(complaints)) }
}

fn complaint(source: Source<'_>, word: &Spanned<String>, known: &[Keyword]) -> Option<Complaint> {
    let text = word.get_ref();
    if folded(text).is_none_or(|folded| folded.to_uppercase() != *text) {
        let reason = "a keyword has capitals without accents, digits and single spaces between them, at most 32";
        return Some(source.complain_of(word, reason));
    }
    let twice = known.iter().any(|other| other.word == *text);
    twice.then(|| source.complain_of(word, format!("`{text}` is in the lists twice")))
}

/// Shorter words are too like others.
const SLIP_LETTERS: usize = 10;
/// Letters that may be wrong, missing or too many.
const MAX_SLIPS: usize = 2;

fn is_long(word: &str) -> bool {
    word.len() >= SLIP_LETTERS && word.bytes().all(|letter| letter.is_ascii_alphabetic())
}

/// Is `said` the long word `meant`, with slips? Both folded.
pub(super) fn is_slip(said: &str, meant: &str) -> bool {
    said.len().abs_diff(meant.len()) <= MAX_SLIPS
        && said.as_bytes().get(..2) == meant.as_bytes().get(..2)
        && strsim::osa_distance(said, meant) <= MAX_SLIPS
}

/// A keyword's folded form; `None` if it can't be one.
pub(super) fn folded(text: &str) -> Option<String> {
    let folded = Folded::new(text).words.join(" ");
    (!folded.is_empty() && folded.len() <= 96 && text.chars().count() <= 32).then_some(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(from: &str, to: &str) -> String {
        assert!(crate::BUILT_IN_KEYWORDS.contains(from));
        parse("k.toml", &crate::BUILT_IN_KEYWORDS.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn a_file_that_leaves_no_way_out_is_refused() {
        assert!(with("\"STOP\", ", "").contains("a way out"));
    }

    #[test]
    fn words_are_checked_with_their_place() {
        assert!(with("\"HELP\"", "\"help\"").contains("capitals"));
        assert!(with("\"HELP\"", "\"ARRÊT\"").contains("capitals"));
        assert!(with("\"HELP\"", "\"STOP\"").contains("in the lists twice"));
        let line = 1 + crate::BUILT_IN_KEYWORDS.lines().position(|line| line.contains("\"HELP\"")).unwrap();
        assert!(with("\"HELP\"", "\"\"").starts_with(&format!("k.toml:{line}:10: ")));
        assert!(with("source = \"CTIA", "source = \"\" #").contains("where it is from"));
        assert!(with("intent = \"start\"", "intent = \"begin\"").contains("begin"));
    }
}
