//! Words and phrases that somebody wants to hear of: one automaton over the folded text, however many there are.

use aho_corasick::AhoCorasick;

use crate::data::Tables;

/// Words of one tenant, ready to be looked for.
#[derive(Debug, Clone)]
pub struct Phrases {
    automaton: Option<AhoCorasick>,
    /// Of the tables by which they were folded.
    tables: u64,
}

impl Phrases {
    /// Folds the words as texts will be; those of which nothing is left are found nowhere.
    pub fn new(words: &[String], tables: &Tables) -> Self {
        let folded = words.iter().map(|word| tables.folding.fold(word)).filter(|word| !word.trim().is_empty());
        let automaton = AhoCorasick::new(folded).ok().filter(|automaton| automaton.patterns_len() > 0);
        Self { automaton, tables: tables.hash() }
    }

    /// Were they folded by these tables?
    pub fn is_of(&self, tables: &Tables) -> bool {
        self.tables == tables.hash()
    }

    /// Does the text say one of them?
    pub fn are_said_in(&self, text: &str, tables: &Tables) -> bool {
        self.automaton.as_ref().is_some_and(|automaton| automaton.is_match(&tables.folding.fold(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_and_however_they_are_written() {
        let tables = Tables::built_in().unwrap();
        let words = ["guaranteed returns", "can't lose", "Größe", "!"].map(str::to_owned);
        let phrases = Phrases::new(&words, &tables);
        let says = |text: &str| phrases.are_said_in(text, &tables);
        assert!(says("GUARANTEED   returns!") && says("you can\u{2019}t lose") && says("die große Sache"));
        assert!(!says("guaranteed return") && !says("unguaranteed returns") && !says("!") && !says(""));
        assert!(!Phrases::new(&[], &tables).are_said_in("anything", &tables));
        assert!(phrases.is_of(&tables));
    }
}
