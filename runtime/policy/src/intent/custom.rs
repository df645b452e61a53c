//! A campaign's own keywords, beside the lists that hold for everybody.

use std::borrow::Cow;

use super::fold::Folded;
use super::{Found, FoundBy, Intent, Intents, words};

/// Own keywords of one kind: carriers register a handful.
const MAX_WORDS: usize = 50;

/// A campaign's own keywords.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomKeywords {
    /// As given, and folded.
    words: Vec<(Intent, String, String)>,
}

/// Why own keywords aren't taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustomRefused {
    /// Nothing is left of it when it is folded, or it is too long.
    #[error("`{0}` can't be a keyword: it needs letters or digits, at most 32 characters")]
    Malformed(String),
    /// It means something else for everybody, or twice here.
    #[error("`{word}` can't mean {meant}: it means {means} already")]
    Taken {
        /// The keyword.
        word: String,
        /// What it was to mean.
        meant: &'static str,
        /// What it means.
        means: &'static str,
    },
    /// Too many.
    #[error("more than {MAX_WORDS} keywords of one kind")]
    TooMany,
}

impl CustomKeywords {
    /// Own keywords by intent. Those that the lists have already, with the same meaning, needn't be kept.
    pub fn new<'w>(
        intents: &Intents,
        given: impl IntoIterator<Item = (Intent, &'w [String])>,
    ) -> Result<Self, CustomRefused> {
        let mut own = Self::default();
        for (intent, list) in given {
            if list.len() > MAX_WORDS {
                return Err(CustomRefused::TooMany);
            }
            for word in list {
                own.add(intents, intent, word)?;
            }
        }
        Ok(own)
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    fn add(&mut self, intents: &Intents, intent: Intent, word: &str) -> Result<(), CustomRefused> {
        let folded = words::folded(word).ok_or_else(|| CustomRefused::Malformed(word.to_owned()))?;
        let listed = intents.find(word, None).map(|found| found.intent);
        let own = self.words.iter().find(|(_, _, known)| *known == folded).map(|(intent, ..)| *intent);
        match listed.or(own) {
            Some(means) if means == intent => {}
            Some(means) => {
                let (meant, means) = (intent.as_str(), means.as_str());
                return Err(CustomRefused::Taken { word: word.to_owned(), meant, means });
            }
            None => self.words.push((intent, word.to_owned(), folded)),
        }
        Ok(())
    }

    pub(super) fn find<'a>(&'a self, intents: &Intents, folded: &Folded) -> Option<Found<'a>> {
        if self.words.is_empty() || folded.cut {
            return None;
        }
        let said = folded.words.join(" ");
        let loose = intents.revocations.without_courtesies(&folded.words).join(" ");
        let is = |(intent, _, word): &&(Intent, String, String)| match intent {
            Intent::Start => *word == said && !folded.asks,
            Intent::Stop | Intent::Help => *word == said || *word == loose,
        };
        let (intent, word, _) = self.words.iter().find(is)?;
        Some(Found { intent: *intent, matched: Cow::Borrowed(word.as_str()), by: FoundBy::Campaign })
    }
}
