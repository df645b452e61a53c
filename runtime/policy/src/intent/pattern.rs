//! Patterns over words: `stop (texting|calling) [<me>]`.
//!
//! A pattern is matched by sets of places: each piece takes the set of places where it may begin to the set of places
//! behind it. So there is no backtracking and no text for which it takes long.

use std::collections::HashMap;

use super::fold::Places;

/// A word of any pattern or list, by number.
pub(super) type WordId = u32;
/// A word that no pattern has.
pub(super) const NO_WORD: WordId = WordId::MAX;

/// How deep groups and classes may stand in each other: a class that names itself would go on for ever.
const MAX_DEPTH: usize = 12;

/// Pieces of all patterns together: classes stand in classes, so a short file can make a pattern without end.
const MAX_PIECES: usize = 100_000;

/// The words of all patterns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Vocabulary {
    words: HashMap<String, WordId>,
    pieces: usize,
}

impl Vocabulary {
    pub(super) fn get(&self, word: &str) -> WordId {
        self.words.get(word).copied().unwrap_or(NO_WORD)
    }

    pub(super) fn learn(&mut self, word: &str) -> WordId {
        let next = WordId::try_from(self.words.len()).expect("a file has fewer words");
        *self.words.entry(word.to_owned()).or_insert(next)
    }

    /// Has `word` stand for `meant`, also if it is a word of its own; false if there is no such word.
    pub(super) fn alias(&mut self, word: &str, meant: &str) -> bool {
        let id = self.get(meant);
        if id != NO_WORD {
            self.words.insert(word.to_owned(), id);
        }
        id != NO_WORD
    }
}

/// A text's words by number, and the places before which a pattern can't go on.
pub(super) struct Text<'a> {
    pub(super) words: &'a [WordId],
    pub(super) breaks: Places,
}

/// A sequence of pieces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Word(WordId),
    Any(Vec<Pattern>),
    Maybe(Vec<Pattern>),
}

impl Pattern {
    /// Reads a pattern. `classes` are the patterns' texts behind `<name>`.
    ///
    /// # Errors
    ///
    /// What is wrong, and at which character.
    pub(super) fn parse(
        text: &str,
        classes: &HashMap<String, String>,
        words: &mut Vocabulary,
    ) -> Result<Self, (usize, String)> {
        let mut parser = Parser { rest: text, whole: text, classes, words, depth: 0 };
        let pattern = parser.sequence()?;
        if !parser.rest.is_empty() {
            return Err(parser.wrong("a bracket is closed that wasn't opened"));
        }
        if pattern.can_be_empty() {
            return Err((
                0,
                "it would be found in every text: at least one word has to stand outside of []".to_owned(),
            ));
        }
        Ok(pattern)
    }

    /// Where the pattern ends that begins at `place`.
    pub(super) fn ends(&self, text: &Text<'_>, place: usize) -> Places {
        let text = Text { words: text.words, breaks: text.breaks & !(1 << place) };
        self.advance(&text, 1 << place)
    }

    /// The words with which it can begin.
    pub(super) fn first_words(&self) -> Vec<WordId> {
        let mut words = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Word(word) => words.push(*word),
                Piece::Any(several) | Piece::Maybe(several) => {
                    words.extend(several.iter().flat_map(Self::first_words));
                }
            }
            if !piece.can_be_empty() {
                break;
            }
        }
        words
    }

    fn advance(&self, text: &Text<'_>, from: Places) -> Places {
        self.0.iter().fold(from, |from, piece| if from == 0 { 0 } else { piece.advance(text, from) })
    }

    fn can_be_empty(&self) -> bool {
        self.0.iter().all(Piece::can_be_empty)
    }
}

impl Piece {
    fn can_be_empty(&self) -> bool {
        match self {
            Self::Word(_) => false,
            Self::Any(several) => several.iter().any(Pattern::can_be_empty),
            Self::Maybe(_) => true,
        }
    }

    fn advance(&self, text: &Text<'_>, from: Places) -> Places {
        match self {
            Self::Word(word) => places(from & !text.breaks)
                .filter(|place| text.words.get(*place) == Some(word))
                .fold(0, |to, place| to | 1 << (place + 1)),
            Self::Any(several) => several.iter().fold(0, |to, one| to | one.advance(text, from)),
            Self::Maybe(several) => several.iter().fold(from, |to, one| to | one.advance(text, from)),
        }
    }
}

/// The places of a set, in order.
pub(super) fn places(mut set: Places) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = set.trailing_zeros() as usize;
        (set != 0).then(|| {
            set &= set - 1;
            place
        })
    })
}

struct Parser<'a> {
    rest: &'a str,
    whole: &'a str,
    classes: &'a HashMap<String, String>,
    words: &'a mut Vocabulary,
    depth: usize,
}

impl Parser<'_> {
    fn wrong(&self, reason: impl Into<String>) -> (usize, String) {
        (self.whole.chars().count() - self.rest.chars().count(), reason.into())
    }

    fn sequence(&mut self) -> Result<Pattern, (usize, String)> {
        let mut pieces = Vec::new();
        loop {
            self.words.pieces += 1;
            if self.words.pieces > MAX_PIECES {
                return Err(self.wrong(format!("the patterns have more than {MAX_PIECES} pieces together")));
            }
            self.rest = self.rest.trim_start_matches(' ');
            match self.rest.chars().next() {
                None | Some('|' | ')' | ']') => return Ok(Pattern(pieces)),
                Some('(') => pieces.push(Piece::Any(self.group(')')?)),
                Some('[') => pieces.push(Piece::Maybe(self.group(']')?)),
                Some('<') => pieces.push(self.class()?),
                Some(_) => pieces.push(Piece::Word(self.word()?)),
            }
        }
    }

    fn group(&mut self, close: char) -> Result<Vec<Pattern>, (usize, String)> {
        self.deeper()?;
        self.rest = &self.rest[1..];
        let mut several = vec![self.sequence()?];
        while let Some(rest) = self.rest.strip_prefix('|') {
            self.rest = rest;
            several.push(self.sequence()?);
        }
        self.rest = self.rest.strip_prefix(close).ok_or_else(|| self.wrong(format!("`{close}` is missing here")))?;
        self.depth -= 1;
        Ok(several)
    }

    fn class(&mut self) -> Result<Piece, (usize, String)> {
        self.deeper()?;
        let Some((name, rest)) = self.rest[1..].split_once('>') else { return Err(self.wrong("`>` is missing here")) };
        let Some(text) = self.classes.get(name) else {
            return Err(self.wrong(format!("there is no `{name}` in [words]")));
        };
        let mut inner = Parser { rest: text, whole: text, classes: self.classes, words: self.words, depth: self.depth };
        let read = inner.sequence();
        let left = inner.rest.len();
        let pattern = read.map_err(|(_, reason)| self.wrong(format!("in `{name}`: {reason}")))?;
        if left > 0 {
            return Err(self.wrong(format!("in `{name}`: a bracket is closed that wasn't opened")));
        }
        self.rest = rest;
        self.depth -= 1;
        Ok(Piece::Any(vec![pattern]))
    }

    fn word(&mut self) -> Result<WordId, (usize, String)> {
        let end = self.rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let folded = super::fold::Folded::new(word);
        if folded.words != [word] {
            let reason = "a pattern has folded words (a to z in lower case, no accents), ( | ), [ ] and <names>";
            return Err(self.wrong(reason));
        }
        self.rest = rest;
        Ok(self.words.learn(word))
    }

    fn deeper(&mut self) -> Result<(), (usize, String)> {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            return Ok(());
        }
        Err(self.wrong(format!("more than {MAX_DEPTH} groups stand in each other; perhaps a class names itself")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(pattern: &str, text: &str) -> Vec<usize> {
        let classes = HashMap::from([
            ("me".to_owned(), "(me|this number)".to_owned()),
            ("loop".to_owned(), "a <loop>".to_owned()),
        ]);
        let mut words = Vocabulary::default();
        let pattern = Pattern::parse(pattern, &classes, &mut words).unwrap();
        let words: Vec<_> = text.split(' ').map(|word| words.get(word)).collect();
        places(pattern.ends(&Text { words: &words, breaks: 0b100 }, 0)).collect()
    }

    fn refused(pattern: &str) -> String {
        let classes = HashMap::from([("loop".to_owned(), "a <loop>".to_owned())]);
        let (at, reason) = Pattern::parse(pattern, &classes, &mut Vocabulary::default()).unwrap_err();
        format!("{at}: {reason}")
    }

    #[test]
    fn pieces_are_words_choices_and_what_may_be_missing() {
        assert_eq!(ends("stop (texting|to text) [<me>]", "stop texting"), [2]);
        assert_eq!(ends("stop [it]", "stop it"), [1, 2]);
        assert_eq!(ends("stop <me>", "go me"), Vec::<usize>::new());
        // A clause begins before the third word.
        assert_eq!(ends("stop texting [me]", "stop texting me"), [2]);
    }

    #[test]
    fn what_cant_be_a_pattern_is_refused_with_its_place() {
        assert!(refused("stop (texting").starts_with("13: `)` is missing"));
        assert!(refused("stop) it").starts_with("4: a bracket"));
        assert!(refused("[stop]").starts_with("0: it would be found in every text"));
        assert!(refused("stop <you>").contains("no `you`"));
        assert!(refused("<loop>").contains("names itself"));
        assert!(refused("Stop").starts_with("0: a pattern has folded words"));
    }
}
