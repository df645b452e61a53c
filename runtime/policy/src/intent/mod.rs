//! STOP, START and HELP in an inbound text: keywords, a campaign's own words, and revocation in free words.
//!
//! | module | what it holds |
//! |---|---|
//! | `fold` | a text as the matcher sees it |
//! | `words` | the keyword lists of `policies/keywords.toml` |
//! | `pattern` | patterns over words |
//! | `revocation` | the phrases of `policies/revocation.toml`, and where they count |
//! | `custom` | a campaign's own keywords |
//! | [`labels`] | labelled texts, and how well they are told apart |

mod custom;
mod fold;
pub mod labels;
mod pattern;
mod revocation;
mod words;

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

pub use custom::{CustomKeywords, CustomRefused};
use fold::{Folded, without_held_keys};
use revocation::{Revocations, Said, StopWord};
use words::Keyword;

use crate::error::Error;

/// What a recipient asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Silence.
    Stop,
    /// Messages again.
    Start,
    /// Who this is and how to reach them.
    Help,
}

impl Intent {
    /// The name in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Help => "help",
        }
    }

    /// The intent of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Stop, Self::Start, Self::Help].into_iter().find(|intent| intent.as_str() == name)
    }
}

/// An intent, and by what it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// What was asked for.
    pub intent: Intent,
    /// The list's keyword, or the phrase in the words of the lists: never words that only this person uses.
    pub matched: Cow<'a, str>,
    /// By what.
    pub by: FoundBy,
}

/// By what an intent was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// A word of the keyword lists.
    Keyword,
    /// One of the campaign's own keywords.
    Campaign,
    /// Free words.
    Phrase,
}

/// The keyword lists and phrases in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intents {
    keywords: Vec<Keyword>,
    /// Folded keyword → its place in the list.
    exact: HashMap<String, usize>,
    revocations: Revocations,
}

impl Intents {
    /// Reads both files, each with its name.
    pub fn parse(keywords: (&str, &str), revocation: (&str, &str)) -> Result<Self, Error> {
        let keywords = words::parse(keywords.0, keywords.1)?;
        let fold = |keyword: &Keyword| words::folded(&keyword.word).expect("the file's words are folded");
        let exact = keywords.iter().enumerate().map(|(place, keyword)| (fold(keyword), place)).collect();
        let stop = keywords.iter().enumerate().filter(|(_, keyword)| keyword.intent == Intent::Stop);
        let words = stop.map(|(place, keyword)| StopWord {
            folded: fold(keyword),
            place,
            firm: keyword.firm,
            slips: keyword.slips,
        });
        let revocations = Revocations::parse(revocation.0, revocation.1, &words.collect::<Vec<_>>())?;
        Ok(Self { keywords, exact, revocations })
    }

    /// What this program was built with.
    pub fn built_in() -> Self {
        Self::parse(("keywords.toml", crate::BUILT_IN_KEYWORDS), ("revocation.toml", crate::BUILT_IN_REVOCATION))
            .expect("the built-in lists are checked by this crate's tests")
    }

    /// What a text asks for; `None` when it is for the tenant.
    ///
    /// An opt-in is a word of the lists or of the campaign and nothing else but punctuation, and no question: nobody is
    /// opted in by mistake. An opt-out may have courtesies, held keys or slips of the keyboard, or be said in free words.
    pub fn find<'a>(&'a self, text: &str, custom: Option<&'a CustomKeywords>) -> Option<Found<'a>> {
        let folded = Folded::new(text);
        if folded.words.is_empty() {
            return None;
        }
        self.keyword(&folded)
            .or_else(|| custom.and_then(|custom| custom.find(self, &folded)))
            .or_else(|| self.revocation(&folded))
    }

    fn keyword(&self, folded: &Folded) -> Option<Found<'_>> {
        if folded.cut {
            return None;
        }
        let found = |place: usize| {
            let Keyword { word, intent, .. } = &self.keywords[place];
            Found { intent: *intent, matched: Cow::Borrowed(word.as_str()), by: FoundBy::Keyword }
        };
        if let Some(place) = self.exact.get(&folded.words.join(" ")) {
            return Some(found(*place)).filter(|found| found.intent != Intent::Start || !folded.asks);
        }
        let loose = self.loose(folded);
        let exact = loose.iter().find_map(|said| self.exact.get(said));
        let slip = || {
            let of = |said: &String| self.revocations.slip(said).map(str::to_owned);
            loose.iter().find_map(of).and_then(|word| self.exact.get(&word))
        };
        exact.or_else(slip).map(|place| found(*place)).filter(not_start)
    }

    /// Other forms of a whole text in which it may be a keyword of stop or help.
    fn loose(&self, folded: &Folded) -> Vec<String> {
        let said = self.revocations.without_courtesies(&folded.words);
        // STOP STOP STOP
        let said = if said.windows(2).all(|pair| pair[0] == pair[1]) { &said[..said.len().min(1)] } else { said };
        let said = said.join(" ");
        let released = [1, 2].map(|keep| without_held_keys(&said, keep));
        folded.spelled().into_iter().chain(released).chain([said]).collect()
    }

    fn revocation(&self, folded: &Folded) -> Option<Found<'_>> {
        let found = |matched, by| Found { intent: Intent::Stop, matched, by };
        Some(match self.revocations.find(folded)? {
            Said::Keyword(place) => found(Cow::Borrowed(self.keywords[place].word.as_str()), FoundBy::Keyword),
            Said::Phrase(phrase) => found(Cow::Owned(phrase), FoundBy::Phrase),
        })
    }
}

fn not_start(found: &Found<'_>) -> bool {
    found.intent != Intent::Start
}

#[cfg(test)]
mod tests;
