//! Characters that stand for letters: accented ones, and those that only look like one.

use std::collections::HashMap;

use super::csv;
use crate::error::Complaint;
use crate::source::Source;

/// What a character stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// A letter with something on it: the letter.
    Accent(u8),
    /// Another script's letter, or a dressed-up one, that looks like this one.
    Lookalike(u8),
}

impl Fold {
    /// The ASCII letter or digit, in lower case.
    pub const fn letter(self) -> u8 {
        match self {
            Self::Accent(letter) | Self::Lookalike(letter) => letter,
        }
    }
}

/// The table of characters.
#[derive(Debug, Clone)]
pub struct Folding(HashMap<char, Fold, foldhash::fast::FixedState>);

impl Folding {
    pub(crate) fn parse(source: Source<'_>) -> Result<Self, Vec<Complaint>> {
        let mut complaints = Vec::new();
        let mut folds = HashMap::default();
        for row in csv::rows(source, ["code", "ascii", "kind"])? {
            let [code, ascii, kind] = row.fields;
            let character = u32::from_str_radix(code, 16).ok().and_then(char::from_u32).filter(|c| !c.is_ascii());
            let letter = match ascii.as_bytes() {
                [letter] if letter.is_ascii_digit() || letter.is_ascii_lowercase() => Some(*letter),
                _ => None,
            };
            let fold = letter.and_then(|letter| match kind {
                "accent" => Some(Fold::Accent(letter)),
                "lookalike" => Some(Fold::Lookalike(letter)),
                _ => None,
            });
            let (Some(character), Some(fold)) = (character, fold) else {
                complaints.push(source.complain(
                    row.at,
                    "needs a code in hexadecimal beyond ASCII, one of a-z or 0-9, and accent or lookalike",
                ));
                continue;
            };
            folds.insert(character, fold);
        }
        if complaints.is_empty() { Ok(Self(folds)) } else { Err(complaints) }
    }

    /// What a character beyond ASCII stands for.
    pub fn of(&self, character: char) -> Option<Fold> {
        self.0.get(&character).copied()
    }

    /// Words in lower case with one space around each; nothing else.
    pub fn fold(&self, text: &str) -> String {
        if text.is_ascii() {
            return fold_ascii(text);
        }
        let mut folded = String::with_capacity(text.len() + 2);
        folded.push(' ');
        for character in text.chars() {
            match self.letter(character) {
                Letter::Of(letter) => folded.push(char::from(letter)),
                Letter::Foreign => folded.push(character),
                Letter::None => {}
                Letter::Gap if folded.ends_with(' ') => {}
                Letter::Gap => folded.push(' '),
            }
        }
        if !folded.ends_with(' ') {
            folded.push(' ');
        }
        folded
    }

    /// What a character is in a folded text.
    pub(crate) fn letter(&self, character: char) -> Letter {
        if character.is_ascii() {
            let byte = character as u8;
            return if byte.is_ascii_alphanumeric() { Letter::Of(byte.to_ascii_lowercase()) } else { Letter::Gap };
        }
        match self.of(character) {
            Some(fold) => Letter::Of(fold.letter()),
            None if is_invisible(character) => Letter::None,
            None if character.is_alphanumeric() => Letter::Foreign,
            None => Letter::Gap,
        }
    }
}

/// What each byte of ASCII is in a folded text: looked up, because nobody can guess where the next word ends.
const FOLDED: [u8; 256] = {
    let (mut folded, mut byte) = ([b' '; 256], 0_u8);
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            folded[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    folded
};

/// Most texts are plain ASCII: those are folded byte by byte, and without a look into the table.
fn fold_ascii(text: &str) -> String {
    let mut folded = vec![b' '; text.len() + 2];
    let (mut len, mut behind_gap) = (1, true);
    for byte in text.bytes() {
        folded[len] = FOLDED[usize::from(byte)];
        let gap = folded[len] == b' ';
        // A gap behind a gap is written over.
        len += usize::from(!(gap && behind_gap));
        behind_gap = gap;
    }
    if !behind_gap {
        folded[len] = b' ';
        len += 1;
    }
    folded.truncate(len);
    String::from_utf8(folded).expect("letters, digits and spaces are ASCII")
}

/// What a character is in a folded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letter {
    /// This letter or digit.
    Of(u8),
    /// One of another script that looks like none of ours.
    Foreign,
    /// Nothing at all: it is there to break words that lists have.
    None,
    /// What stands between words.
    Gap,
}

fn is_invisible(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{300}'..='\u{36F}')
}

#[cfg(test)]
mod tests {
    use super::super::Tables;

    #[test]
    fn words_are_folded() {
        let folding = Tables::built_in().unwrap().folding;
        let table = [
            ("Payday LOAN!", " payday loan "),
            ("раydау lоаn", " payday loan "),
            ("ｐａｙｄａｙ\u{200B}", " payday "),
            ("𝗣𝗮𝘆𝗱𝗮𝘆", " payday "),
            ("arrêt, répondez", " arret repondez "),
            ("pay\u{200B}day", " payday "),
            ("日本 a", " 日本 a "),
            ("", " "),
            ("--", " "),
        ];
        for (text, folded) in table {
            assert_eq!(folding.fold(text), folded);
        }
    }
}
