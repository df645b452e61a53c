//! A text as the matcher sees it: folded words, and where clauses and quotations begin.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words that are looked at: nobody says "stop" behind so many, and sets of places fit 128 bits.
pub(super) const MAX_WORDS: usize = 96;
/// Letters of a word that are kept; a longer one is no word of any list.
const MAX_LETTERS: usize = 32;

/// Places in a text, as bits; the place behind the last word is one of them.
pub(super) type Places = u128;

/// The folded words of a text.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) words: Vec<String>,
    /// Words before which a clause begins, by punctuation.
    pub(super) clauses: Places,
    /// Words inside a quotation that isn't the whole text.
    pub(super) quoted: Places,
    /// There are more words than are looked at.
    pub(super) cut: bool,
    /// A question mark stands somewhere.
    pub(super) asks: bool,
}

impl Folded {
    /// Lower case; no accents, no apostrophes; the plain forms of full-width, bold and other dressed letters. Emoji, dashes
    /// and other signs stand between words.
    pub(super) fn new(text: &str) -> Self {
        let mut reader = Reader { clause: true, ..Reader::default() };
        // An apostrophe would decompose into a space and an accent, and cut `don´t` in two.
        let plain = text.chars().filter(|c| !is_apostrophe(*c)).nfkd().filter(|c| !is_combining_mark(*c)).nfc();
        let mut plain = plain.flat_map(char::to_lowercase).peekable();
        while let Some(c) = plain.next() {
            // `wrong # stop`, but not `#1`.
            if c == '#' && plain.peek().is_none_or(|next| !next.is_alphanumeric()) {
                reader.end_word();
                reader.push("number");
            }
            reader.take(c);
        }
        reader.finish()
    }

    /// All places at which a word stands.
    pub(super) fn all(&self) -> Places {
        (1 << self.words.len()) - 1
    }

    /// Where clauses begin. Where every word is one, nobody meant it: `STOP. TEXTING. ME.`
    pub(super) fn breaks(&self) -> Places {
        if self.words.len() > 2 && self.clauses == self.all() { 1 } else { self.clauses }
    }

    /// Single letters with something between them are one word: `S.T.O.P.`
    pub(super) fn spelled(&self) -> Option<String> {
        let single = |word: &String| word.chars().count() == 1;
        (self.words.len() >= 3 && self.words.iter().all(single)).then(|| self.words.concat())
    }
}

/// `word` without held keys: runs of three and more letters are one, or two (`unsubscribeee`, `stoppppp`).
pub(super) fn without_held_keys(word: &str, keep: usize) -> String {
    let mut out = String::with_capacity(word.len());
    let letters: Vec<char> = word.chars().collect();
    for run in letters.chunk_by(|a, b| a == b) {
        out.extend(run.iter().take(if run.len() >= 3 { keep } else { run.len() }));
    }
    out
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{02BC}' | '\u{00B4}' | '`' | '\u{2032}')
}

#[derive(Default)]
struct Reader {
    folded: Folded,
    word: String,
    letters: usize,
    clause: bool,
    inside: bool,
}

impl Reader {
    fn take(&mut self, c: char) {
        if c.is_alphanumeric() {
            self.letters += 1;
            if self.letters <= MAX_LETTERS {
                self.word.push(c);
            }
            return;
        }
        self.end_word();
        match c {
            '"' | '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{AB}' | '\u{BB}' => self.inside = !self.inside,
            '?' => (self.clause, self.folded.asks) = (true, true),
            '.' | '!' | '\u{A1}' | '\u{BF}' | ';' | ':' | ',' | '\n' | '(' | ')' | '\u{2013}' | '\u{2014}' => {
                self.clause = true;
            }
            '\u{3002}' | '\u{3001}' => self.clause = true,
            _ => {}
        }
    }

    fn push(&mut self, word: &str) {
        word.chars().for_each(|c| self.take(c));
    }

    fn end_word(&mut self) {
        if self.letters == 0 {
            return;
        }
        let place = self.folded.words.len();
        let word = std::mem::take(&mut self.word);
        let whole = std::mem::take(&mut self.letters) <= MAX_LETTERS;
        if place == MAX_WORDS {
            self.folded.cut = true;
            return;
        }
        self.folded.words.push(if whole { word } else { String::new() });
        self.folded.clauses |= Places::from(std::mem::take(&mut self.clause)) << place;
        self.folded.quoted |= Places::from(self.inside) << place;
    }

    fn finish(mut self) -> Folded {
        self.end_word();
        if self.folded.quoted == self.folded.all() {
            self.folded.quoted = 0;
        }
        self.folded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_their_dress_and_keep_their_clauses() {
        let folded = Folded::new("Don’t TEXT me, s'il vous plaît… 𝐒𝐓𝐎𝐏 ＯＫ? opt-out 🛑");
        assert_eq!(folded.words, ["dont", "text", "me", "sil", "vous", "plait", "stop", "ok", "opt", "out"]);
        assert_eq!((folded.clauses, folded.asks, folded.cut), (0b01_0100_1001, true, false));
    }

    #[test]
    fn a_quotation_is_marked_unless_it_is_all_there_is() {
        assert_eq!(Folded::new("he said “stop it” lol").quoted, 0b01100);
        assert_eq!(Folded::new("\"STOP\"").quoted, 0);
        assert_eq!(Folded::new("").quoted, 0);
        assert_eq!(Folded::new("wrong #, #1 #").words, ["wrong", "number", "1", "number"]);
    }

    #[test]
    fn held_keys_and_spelled_letters_are_words() {
        assert_eq!(without_held_keys("stooooppp", 1), "stop");
        assert_eq!(without_held_keys("callll", 2), "call");
        assert_eq!(Folded::new("S. T. O. P").spelled().as_deref(), Some("stop"));
        assert_eq!(Folded::new("S T op").spelled(), None);
    }

    #[test]
    fn what_is_long_is_cut_and_says_so() {
        let folded = Folded::new(&"word ".repeat(5_000));
        assert_eq!((folded.words.len(), folded.cut), (MAX_WORDS, true));
        assert_eq!(Folded::new(&"x".repeat(10_000)).words, [""]);
    }
}
