//! Words that tell what a text is about: one automaton for all of them, over folded text.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use serde::Deserialize;
use toml::Spanned;

use super::folding::Folding;
use crate::error::Complaint;
use crate::facts::{Fact, FactSet};
use crate::source::Source;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TermFile {
    source: Spanned<String>,
    #[serde(rename = "as_of")]
    _as_of: String,
    category: Vec<Category>,
    opt_out_hints: Hints,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Category {
    name: Spanned<String>,
    says: Vec<Spanned<String>>,
    #[serde(default)]
    hints: Vec<Spanned<String>>,
    #[serde(default)]
    unless: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hints {
    source: Spanned<String>,
    says: Vec<Spanned<String>>,
}

/// What finding a phrase means.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    Says(Fact),
    Hints(Fact),
    Unless(Fact),
}

/// So many phrases take some ten megabytes; more aren't a list of words that anybody reviews.
const MAX_TERMS: usize = 20_000;

/// So many phrases are kept as a table of transitions, which is gone through with one look a byte; more would take too much
/// memory, and are kept in the smaller form that the library chooses, with a few looks a byte.
const MAX_QUICK_TERMS: usize = 2_000;

/// The table of words.
#[derive(Debug, Clone)]
pub struct Terms {
    automaton: AhoCorasick,
    meanings: Vec<Meaning>,
    categories: FactSet,
}

impl Terms {
    pub(crate) fn parse(source: Source<'_>, folding: &Folding) -> Result<Self, Vec<Complaint>> {
        let file: TermFile = source.read().map_err(|complaint| vec![complaint])?;
        let mut reader = Reader { source, folding, complaints: Vec::new(), phrases: Vec::new(), meanings: Vec::new() };
        for field in
            [&file.source, &file.opt_out_hints.source].into_iter().filter(|field| field.get_ref().trim().is_empty())
        {
            reader.complaints.push(source.complain_of(field, "is empty: every list says where it is from"));
        }
        let mut categories = FactSet::EMPTY;
        for category in &file.category {
            let Some(fact) = reader.fact(&category.name) else { continue };
            categories = categories.union(FactSet::of(&[fact]));
            reader.take(&category.says, Meaning::Says(fact));
            reader.take(&category.hints, Meaning::Hints(fact));
            reader.take(&category.unless, Meaning::Unless(fact));
        }
        reader.take(&file.opt_out_hints.says, Meaning::Says(Fact::HasOptOutHint));
        if reader.phrases.len() > MAX_TERMS {
            reader.complaints.push(source.complain(0, format!("has more than {MAX_TERMS} phrases")));
        }
        if !reader.complaints.is_empty() {
            return Err(reader.complaints);
        }
        // Overlapping, since a phrase that clears another may lie across it. All phrases begin with a space, and looking ahead for
        // the next one takes longer than going through a word.
        let quick = reader.phrases.len() <= MAX_QUICK_TERMS;
        let built = AhoCorasickBuilder::new()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .kind(quick.then_some(AhoCorasickKind::DFA))
            .build(&reader.phrases)
            .map_err(|error| vec![source.complain(0, error.to_string())]);
        Ok(Self { automaton: built?, meanings: reader.meanings, categories })
    }

    /// The categories that have words.
    pub fn categories(&self) -> FactSet {
        self.categories
    }

    /// What a folded text is about, and whether it says how to opt out.
    pub fn find(&self, folded: &str) -> FactSet {
        let (mut says, mut hints, mut unless) = (FactSet::EMPTY, FactSet::EMPTY, FactSet::EMPTY);
        for found in self.automaton.find_overlapping_iter(folded) {
            let (set, fact) = match self.meanings[found.pattern().as_usize()] {
                Meaning::Says(fact) => (&mut says, fact),
                Meaning::Hints(fact) => (&mut hints, fact),
                Meaning::Unless(fact) => (&mut unless, fact),
            };
            *set = set.union(FactSet::of(&[fact]));
        }
        hints.iter().filter(|fact| !unless.has(*fact)).collect::<FactSet>().union(says)
    }
}

struct Reader<'a> {
    source: Source<'a>,
    folding: &'a Folding,
    complaints: Vec<Complaint>,
    phrases: Vec<String>,
    meanings: Vec<Meaning>,
}

impl Reader<'_> {
    fn fact(&mut self, name: &Spanned<String>) -> Option<Fact> {
        let fact = Fact::named(&format!("says_{}", name.get_ref()));
        if fact.is_none() {
            let known = Fact::ALL.iter().filter_map(|fact| fact.name().strip_prefix("says_"));
            let reason = format!(
                "there is no category `{}`; there are {}",
                name.get_ref(),
                known.collect::<Vec<_>>().join(", ")
            );
            self.complaints.push(self.source.complain_of(name, reason));
        }
        fact
    }

    fn take(&mut self, list: &[Spanned<String>], meaning: Meaning) {
        for phrase in list {
            let folded = self.folding.fold(phrase.get_ref());
            if folded.trim() != phrase.get_ref() {
                let reason = format!("has to be written as texts are folded: \"{}\"", folded.trim());
                self.complaints.push(self.source.complain_of(phrase, reason));
            } else if folded.trim().is_empty() {
                self.complaints.push(self.source.complain_of(phrase, "is empty: it would be in every text"));
            }
            self.phrases.push(folded);
            self.meanings.push(meaning);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tables;
    use super::super::tests::with;
    use super::*;

    #[test]
    fn texts_are_told_by_their_words_in_context() {
        let tables = Tables::built_in().unwrap();
        let find = |text: &str| {
            let found = tables.terms.find(&tables.folding.fold(text));
            found.iter().map(Fact::name).collect::<Vec<_>>().join(" ")
        };
        let table = [
            ("Your prescription is ready for pickup.", ""),
            ("Your Ozempic refill is ready at the pharmacy", ""),
            ("Ozempic cheap, order today", "says_drugs"),
            ("Buy Xanax, no prescription needed", "says_drugs"),
            ("Your prescription is ready. Buy viagra!", "says_drugs"),
            ("PAYDAY LOANS in minutes", "says_loans"),
            ("Раyday lоаns in minutes", "says_loans"),
            ("Mr Sloan paid the loan officer", ""),
            ("Your hotel has a casino; your stay begins Friday", ""),
            ("Casino night, jackpot inside", "says_gambling"),
            ("Two slots available for your appointment", ""),
            ("Reply STOP to end", "has_opt_out_hint"),
            ("Envíe ALTO para cancelar", "has_opt_out_hint"),
            ("don't stop believing", ""),
        ];
        for (text, expected) in table {
            assert_eq!(find(text), expected, "{text}");
        }
    }

    #[test]
    fn every_category_of_the_schema_has_words() {
        let tables = Tables::built_in().unwrap();
        let all = Fact::ALL.iter().copied().filter(|fact| fact.name().starts_with("says_"));
        assert_eq!(tables.terms.categories(), all.collect());
    }

    #[test]
    fn phrases_are_checked() {
        let error =
            |from: &str, to: &str| with("terms.toml", |text| text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error("\"payday loan\"", "\"Pay-day loan\"").contains("\"pay day loan\""));
        assert!(error("\"payday loan\"", "\"\"").contains("in every text"));
        assert!(error("name = \"loans\"", "name = \"lones\"").contains("there are loans, debt"));
        let many: String = (0..20_001).map(|n| format!("\"word{n}\", ")).collect();
        assert!(error("\"payday loan\"", &format!("{many}\"payday loan\"")).contains("more than 20000"));
    }
}
