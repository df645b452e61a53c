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
    #[serde(default)]
    refusals: Vec<Spanned<String>>,
    #[serde(default)]
    binders: Vec<Spanned<String>>,
    #[serde(default)]
    holders: Vec<Spanned<String>>,
    #[serde(default)]
    slips: Vec<Spanned<String>>,
    #[serde(default)]
    lookalikes: Vec<Spanned<String>>,
    #[serde(default)]
    spellings: HashMap<String, Vec<Spanned<String>>>,
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
    anywhere: bool,
    #[serde(default)]
    deflections: Vec<Spanned<String>>,
    #[serde(default)]
    not_behind: Vec<Spanned<String>>,
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

/// Shorter words are too like others to be taken with a slip.
const NEAR_LETTERS: usize = 6;

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
    /// Needs no beginning of a clause: see [`Revocations::is_free`].
    anywhere: bool,
    /// Its group's.
    group: usize,
}

/// What a group of phrases has of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    deflections: Set,
    not_behind: Set,
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
    refusals: Set,
    binders: Set,
    holders: Set,
    firm: Vec<Firm>,
    /// Keywords that change nothing beside a firm one (`stop, quit, end`), and are firm beside a refusal.
    weak: Vec<Firm>,
    /// Words that are taken with slips.
    slips: Vec<String>,
    /// Words of the phrases that are taken with a slip.
    near: Vec<String>,
    phrases: Vec<Phrase>,
    groups: Vec<Group>,
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
        let refusals = reader.set(&file.refusals);
        let binders = reader.set(&file.binders);
        let holders = reader.set(&file.holders);
        let (mut phrases, mut groups) = (Vec::new(), Vec::new());
        for group in &file.phrase {
            let (tail, anywhere, of) = (group.tail, group.anywhere, groups.len());
            let deflections = reader.set(&group.deflections);
            groups.push(Group { deflections, not_behind: reader.set(&group.not_behind) });
            let made = reader.set(&group.patterns);
            phrases.extend(made.into_iter().map(|pattern| Phrase { pattern, tail, anywhere, group: of }));
        }
        let mut keyword = |word: &StopWord| Firm { pattern: reader.keyword(&word.folded), keyword: word.place };
        let firm = stop.iter().filter(|word| word.firm).map(&mut keyword).collect();
        let weak = stop.iter().filter(|word| !word.firm).map(&mut keyword).collect();
        let slips = stop.iter().filter(|word| word.slips).map(|word| word.folded.clone()).collect();
        let near = reader.near(&file.slips, &file.lookalikes);
        reader.spell(&file.spellings);
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
            refusals,
            binders,
            holders,
            firm,
            weak,
            slips,
            near,
            phrases,
            groups,
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
        let text = Text { words: &words, breaks: folded.breaks() | quotes };
        let keyword = || self.covered(folded, &text).or_else(|| self.closing(folded, &text)).map(Said::Keyword);
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
                    NO_WORD => {
                        let meant = self.slip(word).or_else(|| self.near(word));
                        meant.map_or(NO_WORD, |meant| self.vocabulary.get(meant))
                    }
                    known => known,
                },
                known => known,
            },
            known => known,
        }
    }

    /// The word of the phrases that `said` is but for one slip. A look at a dozen words that begin alike, for words that no
    /// list has; short ones are too like others.
    fn near(&self, said: &str) -> Option<&str> {
        let is_near = |meant: &&str| {
            said.len().abs_diff(meant.len()) <= 1
                && said.as_bytes()[0] == meant.as_bytes()[0]
                && strsim::osa_distance(said, meant) == 1
        };
        (said.len() >= NEAR_LETTERS).then(|| self.near.iter().map(String::as_str).find(is_near)).flatten()
    }

    /// The firm keyword that is all of a text's last clause, whatever stands before: `I already voted, stop`. Unless somebody
    /// else said it, or it is a joke.
    fn closing(&self, folded: &Folded, text: &Text<'_>) -> Option<usize> {
        let start = last(text.breaks & folded.all()).filter(|start| *start > 0)?;
        let joking = (0..text.words.len()).any(|place| begins(&self.jokes, text, place));
        let told = (start.saturating_sub(2)..start).any(|place| begins(&self.reports, text, place));
        if folded.cut || joking || told || folded.quoted & (1 << start) != 0 {
            return None;
        }
        let until = |mut places: Places| {
            for place in start..text.words.len() {
                if places & (1 << place) != 0 {
                    places |= ends(&self.courtesies, text, place) | ends(&self.tails, text, place);
                }
            }
            places
        };
        let begins = until(1 << start);
        let mut firm = self.firm.iter().flat_map(|firm| places(begins).map(move |place| (firm, place)));
        let is_all = |(firm, place): &(&Firm, usize)| {
            let behind = firm.pattern.ends(text, *place);
            behind != 0 && until(behind) & (1 << text.words.len()) != 0
        };
        firm.find(is_all).map(|(firm, _)| firm.keyword)
    }

    /// The firm keyword of a text that is otherwise remarks without consequence: `Stop. Wrong number.`
    fn covered(&self, folded: &Folded, text: &Text<'_>) -> Option<usize> {
        let joking = (0..text.words.len()).any(|place| begins(&self.jokes, text, place));
        if folded.cut || joking {
            return None;
        }
        let refuses = (0..text.words.len()).any(|place| begins(&self.refusals, text, place));
        let weak = if refuses { self.weak.as_slice() } else { &[] };
        let (mut without, mut with): (Places, Places) = (1, 0);
        let mut found = None;
        for place in 0..text.words.len() {
            let here = 1 << place;
            if (without | with) & here == 0 {
                continue;
            }
            let mut on = self.remarks(text, place);
            on |= self.weak.iter().fold(0, |to, weak| to | weak.pattern.ends(text, place));
            if with & here != 0 {
                on |= ends(&self.tails, text, place);
            }
            without |= if without & here != 0 { on } else { 0 };
            with |= if with & here != 0 { on } else { 0 };
            for firm in self.firm.iter().chain(weak) {
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
        let starts = self.starts(folded, text);
        let free = self.free(folded, text);
        for place in places(starts | free) {
            let Some(candidates) = text.words.get(place).and_then(|word| self.beginnings.get(word)) else { continue };
            let is_start = starts & (1 << place) != 0;
            let may_begin = |phrase: &&Phrase| {
                (is_start || phrase.anywhere) && !self.is_behind(&self.groups[phrase.group].not_behind, text, place)
            };
            for phrase in candidates.iter().map(|index| &self.phrases[*index]).filter(may_begin) {
                let Some(end) = last(phrase.pattern.ends(text, place)) else { continue };
                if self.stands(phrase, text, end) {
                    return Some(folded.words[place..end].join(" "));
                }
            }
        }
        None
    }

    /// Is the word before, if no clause begins here, one of a set?
    fn is_behind(&self, set: &[Pattern], text: &Text<'_>, place: usize) -> bool {
        place > 0 && text.breaks & (1 << place) == 0 && begins(set, text, place - 1)
    }

    /// Where an order may begin though nothing shows a new clause, as in `this isnt maria stop texting me`: nowhere behind a
    /// word of its clause that could govern it (`my ex wont stop texting me`), nor right behind a subject or `to`.
    fn free(&self, folded: &Folded, text: &Text<'_>) -> Places {
        let (mut free, mut bound) = (0, false);
        for place in 0..text.words.len() {
            bound &= text.breaks & (1 << place) == 0;
            if !bound && !self.is_behind(&self.holders, text, place) {
                free |= 1 << place;
            }
            bound |= begins(&self.binders, text, place) || begins(&self.reports, text, place);
        }
        free & !folded.quoted
    }

    /// Where phrases count: clauses' beginnings, and behind what may come before a phrase.
    fn starts(&self, folded: &Folded, text: &Text<'_>) -> Places {
        let mut starts = folded.breaks() | 1;
        let mut reported = false;
        for place in 0..text.words.len() {
            if folded.breaks() & (1 << place) != 0 {
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
        let own = &self.groups[phrase.group].deflections;
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

    /// Words of the phrases that are taken with one slip; those that only look like one are words of their own.
    fn near(&mut self, slips: &[Spanned<String>], lookalikes: &[Spanned<String>]) -> Vec<String> {
        for word in slips {
            let text = word.get_ref();
            if text.len() < NEAR_LETTERS || self.vocabulary.get(text) == NO_WORD {
                let reason = format!("isn't a word of the phrases with at least {NEAR_LETTERS} letters");
                self.complaints.push(self.source.complain_of(word, reason));
            }
        }
        for word in lookalikes {
            self.vocabulary.learn(word.get_ref());
        }
        slips.iter().map(|word| word.get_ref().clone()).collect()
    }

    /// Other spellings of the phrases' words.
    fn spell(&mut self, spellings: &HashMap<String, Vec<Spanned<String>>>) {
        for (meant, spellings) in spellings {
            for spelling in spellings {
                if !self.vocabulary.alias(spelling.get_ref(), meant) {
                    let reason = format!("`{meant}` is no word of the phrases");
                    self.complaints.push(self.source.complain_of(spelling, reason));
                }
            }
        }
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
