//! The phrases by which people revoke in words of their own, and where in a text they count.

use std::collections::HashMap;

use serde::Deserialize;
use toml::Spanned;

use super::fold::{Folded, Places};
use super::pattern::{NO_WORD, Pattern, Text, Vocabulary, WordId, places};
use crate::error::{Complaint, Error};
use crate::source::Source;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevocationFile {
    source: Spanned<String>,
    as_of: Spanned<String>,
    courtesies: Vec<Spanned<String>>,
    joints: Vec<Spanned<String>>,
    openers: Vec<Spanned<String>>,
    asides: Vec<Spanned<String>>,
    tails: Vec<Spanned<String>>,
    deflections: Vec<Spanned<String>>,
    reports: Vec<Spanned<String>>,
    jokes: Vec<Spanned<String>>,
    words: HashMap<String, String>,
    phrase: Vec<PhraseGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PhraseGroup {
    language: Spanned<String>,
    #[serde(default)]
    tail: Tail,
    #[serde(default)]
    deflections: Vec<Spanned<String>>,
    patterns: Vec<Spanned<String>>,
}

/// What may stand behind a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tail {
    /// Anything but a deflection.
    #[default]
    Open,
    /// Nothing that means something.
    End,
}

/// Patterns that mean the same.
type Set = Vec<Pattern>;

/// A keyword of stop.
#[derive(Debug)]
pub(super) struct StopWord {
    pub(super) folded: String,
    /// In the keyword lists.
    pub(super) place: usize,
    /// Means the same beside another remark.
    pub(super) firm: bool,
    /// Is taken with slips of the keyboard.
    pub(super) slips: bool,
}

/// A keyword of stop as a pattern, with its place in the keyword lists.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Firm {
    pattern: Pattern,
    keyword: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Phrase {
    pattern: Pattern,
    tail: Tail,
    deflections: usize,
}

/// The phrases in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Revocations {
    vocabulary: Vocabulary,
    courtesies: Set,
    joints: Set,
    openers: Set,
    asides: Set,
    tails: Set,
    deflections: Set,
    reports: Set,
    jokes: Set,
    firm: Vec<Firm>,
    /// Keywords that change nothing beside a firm one: `stop, quit, end`.
    weak: Set,
    /// Words that are taken with slips.
    slips: Vec<String>,
    phrases: Vec<Phrase>,
    /// Of each group of phrases.
    own_deflections: Vec<Set>,
    /// Phrases by the words with which they begin.
    beginnings: HashMap<WordId, Vec<usize>>,
}

/// What was found in a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A keyword among remarks that change nothing: its place in the keyword lists.
    Keyword(usize),
    /// A phrase, in the words of the lists.
    Phrase(String),
}

impl Revocations {
    /// Reads a revocation file. `stop` are the keywords of stop.
    pub(super) fn parse(name: &str, text: &str, stop: &[StopWord]) -> Result<Self, Error> {
        let source = Source { name, text };
        let file: RevocationFile = source.read().map_err(|complaint| Error::Refused(vec![complaint]))?;
        let mut reader =
            Reader { source, classes: &file.words, vocabulary: Vocabulary::default(), complaints: Vec::new() };
        for field in [&file.source, &file.as_of].into_iter().chain(file.phrase.iter().map(|group| &group.language)) {
            if field.get_ref().trim().is_empty() {
                reader.complaints.push(source.complain_of(field, "is empty"));
            }
        }
        let courtesies = reader.set(&file.courtesies);
        let joints = reader.set(&file.joints);
        let openers = reader.set(&file.openers);
        let asides = reader.set(&file.asides);
        let tails = reader.set(&file.tails);
        let deflections = reader.set(&file.deflections);
        let reports = reader.set(&file.reports);
        let jokes = reader.set(&file.jokes);
        let (mut phrases, mut own_deflections) = (Vec::new(), Vec::new());
        for group in &file.phrase {
            let deflections = own_deflections.len();
            own_deflections.push(reader.set(&group.deflections));
            let made = reader.set(&group.patterns);
            phrases.extend(made.into_iter().map(|pattern| Phrase { pattern, tail: group.tail, deflections }));
        }
        let mut keyword = |word: &StopWord| Firm { pattern: reader.keyword(&word.folded), keyword: word.place };
        let firm = stop.iter().filter(|word| word.firm).map(&mut keyword).collect();
        let weak = stop.iter().filter(|word| !word.firm).map(|word| keyword(word).pattern).collect();
        let slips = stop.iter().filter(|word| word.slips).map(|word| word.folded.clone()).collect();
        let Reader { vocabulary, complaints, .. } = reader;
        if !complaints.is_empty() {
            return Err(Error::Refused(complaints));
        }
        let mut beginnings: HashMap<WordId, Vec<usize>> = HashMap::new();
        for (index, phrase) in phrases.iter().enumerate() {
            let mut words = phrase.pattern.first_words();
            words.sort_unstable();
            words.dedup();
            for word in words {
                beginnings.entry(word).or_default().push(index);
            }
        }
        Ok(Self {
            vocabulary,
            courtesies,
            joints,
            openers,
            asides,
            tails,
            deflections,
            reports,
            jokes,
            firm,
            weak,
            slips,
            phrases,
            own_deflections,
            beginnings,
        })
    }

    /// What a text revokes with, if it does.
    pub(super) fn find(&self, folded: &Folded) -> Option<Said> {
        let words: Vec<WordId> = folded.words.iter().map(|word| self.word(word)).collect();
        // Nothing of any phrase is in most messages.
        if words.iter().all(|word| *word == NO_WORD) {
            return None;
        }
        let quotes = folded.quoted & !(folded.quoted << 1);
        let text = Text { words: &words, breaks: folded.clauses | quotes };
        let keyword = || self.covered(folded, &text).map(Said::Keyword);
        keyword().or_else(|| self.phrase(folded, &text).map(Said::Phrase))
    }

    /// `words` without the courtesies at their beginning and end.
    pub(super) fn without_courtesies<'a>(&self, words: &'a [String]) -> &'a [String] {
        let ids: Vec<WordId> = words.iter().map(|word| self.word(word)).collect();
        let text = Text { words: &ids, breaks: 0 };
        let mut begin = 0;
        while let Some(end) = self.courtesies.iter().filter_map(|c| last(c.ends(&text, begin))).max() {
            begin = end;
        }
        let mut end = words.len();
        'more: while end > begin {
            for start in (begin..end).rev() {
                if self.courtesies.iter().any(|c| c.ends(&text, start) & (1 << end) != 0) {
                    end = start;
                    continue 'more;
                }
            }
            break;
        }
        &words[begin..end]
    }

    /// The word that `said` is with slips of the keyboard.
    pub(super) fn slip(&self, said: &str) -> Option<&str> {
        self.slips.iter().map(String::as_str).find(|meant| super::words::is_slip(said, meant))
    }

    fn word(&self, word: &str) -> WordId {
        match self.vocabulary.get(word) {
            NO_WORD => match self.vocabulary.get(&super::fold::without_held_keys(word, 1)) {
                NO_WORD => match self.vocabulary.get(&super::fold::without_held_keys(word, 2)) {
                    NO_WORD => self.slip(word).map_or(NO_WORD, |meant| self.vocabulary.get(meant)),
                    known => known,
                },
                known => known,
            },
            known => known,
        }
    }

    /// The firm keyword of a text that is otherwise remarks without consequence: `Stop. Wrong number.`
    fn covered(&self, folded: &Folded, text: &Text<'_>) -> Option<usize> {
        let joking = (0..text.words.len()).any(|place| begins(&self.jokes, text, place));
        if folded.cut || joking {
            return None;
        }
        let (mut without, mut with): (Places, Places) = (1, 0);
        let mut found = None;
        for place in 0..text.words.len() {
            let here = 1 << place;
            if (without | with) & here == 0 {
                continue;
            }
            let mut on = self.remarks(text, place) | ends(&self.weak, text, place);
            if with & here != 0 {
                on |= ends(&self.tails, text, place);
            }
            without |= if without & here != 0 { on } else { 0 };
            with |= if with & here != 0 { on } else { 0 };
            for firm in &self.firm {
                let ends = firm.pattern.ends(text, place);
                if ends != 0 {
                    found = found.or(Some(firm.keyword));
                    with |= ends;
                }
            }
        }
        found.filter(|_| with & (1 << text.words.len()) != 0)
    }

    fn remarks(&self, text: &Text<'_>, place: usize) -> Places {
        [&self.courtesies, &self.joints, &self.openers, &self.asides]
            .into_iter()
            .fold(0, |to, set| to | ends(set, text, place))
    }

    /// A phrase at a place where a clause begins.
    fn phrase(&self, folded: &Folded, text: &Text<'_>) -> Option<String> {
        for place in places(self.starts(folded, text)) {
            let Some(candidates) = text.words.get(place).and_then(|word| self.beginnings.get(word)) else { continue };
            for phrase in candidates.iter().map(|index| &self.phrases[*index]) {
                let Some(end) = last(phrase.pattern.ends(text, place)) else { continue };
                if self.stands(phrase, text, end) {
                    return Some(folded.words[place..end].join(" "));
                }
            }
        }
        None
    }

    /// Where phrases count: clauses' beginnings, and behind what may come before a phrase.
    fn starts(&self, folded: &Folded, text: &Text<'_>) -> Places {
        let mut starts = folded.clauses | 1;
        let mut reported = false;
        for place in 0..text.words.len() {
            if folded.clauses & (1 << place) != 0 {
                reported = false;
            }
            reported |= begins(&self.reports, text, place);
            if !reported {
                starts |= ends(&self.joints, text, place);
            }
            if starts & (1 << place) != 0 {
                starts |= ends(&self.courtesies, text, place) | ends(&self.openers, text, place);
                starts |= ends(&self.asides, text, place);
                starts |= self.firm.iter().fold(0, |to, firm| to | firm.pattern.ends(text, place));
            }
        }
        starts & !folded.quoted
    }

    /// Does a phrase mean what it says, with what stands behind it?
    fn stands(&self, phrase: &Phrase, text: &Text<'_>, end: usize) -> bool {
        let own = &self.own_deflections[phrase.deflections];
        let mut at = end;
        loop {
            let over = at >= text.words.len() || text.breaks & (1 << at) != 0;
            if over {
                return true;
            }
            if begins(own, text, at) {
                return false;
            }
            if let Some(behind) = last(ends(&self.tails, text, at) | ends(&self.courtesies, text, at)) {
                at = behind;
                continue;
            }
            return match phrase.tail {
                Tail::Open => !begins(&self.deflections, text, at),
                Tail::End => self.harmless(text, at),
            };
        }
    }

    /// Is the rest of the clause remarks without consequence?
    fn harmless(&self, text: &Text<'_>, from: usize) -> bool {
        let mut reached: Places = 1 << from;
        for place in from..text.words.len() {
            if reached & (1 << place) == 0 {
                continue;
            }
            if place > from && text.breaks & (1 << place) != 0 {
                return true;
            }
            reached |= self.remarks(text, place) | ends(&self.tails, text, place);
            reached |= self.firm.iter().fold(0, |to, firm| to | firm.pattern.ends(text, place));
        }
        reached & (1 << text.words.len()) != 0
    }
}

fn ends(set: &[Pattern], text: &Text<'_>, place: usize) -> Places {
    set.iter().fold(0, |to, pattern| to | pattern.ends(text, place))
}

fn begins(set: &[Pattern], text: &Text<'_>, place: usize) -> bool {
    set.iter().any(|pattern| pattern.ends(text, place) != 0)
}

fn last(set: Places) -> Option<usize> {
    (set != 0).then(|| Places::BITS as usize - 1 - set.leading_zeros() as usize)
}

struct Reader<'a> {
    source: Source<'a>,
    classes: &'a HashMap<String, String>,
    vocabulary: Vocabulary,
    complaints: Vec<Complaint>,
}

impl Reader<'_> {
    fn set(&mut self, patterns: &[Spanned<String>]) -> Set {
        let mut set = Set::new();
        for pattern in patterns {
            match Pattern::parse(pattern.get_ref(), self.classes, &mut self.vocabulary) {
                Ok(made) => set.push(made),
                Err((at, reason)) => {
                    let place = self.source.place_in(pattern, at);
                    self.complaints.push(self.source.complain(place, reason));
                }
            }
        }
        set
    }

    fn keyword(&mut self, folded: &str) -> Pattern {
        let pattern = Pattern::parse(folded, self.classes, &mut self.vocabulary);
        // A folded keyword is words and spaces; only the bound on all pieces can refuse it.
        pattern.unwrap_or_else(|(_, reason)| {
            self.complaints.push(self.source.complain(0, reason));
            Pattern::default()
        })
    }
}
