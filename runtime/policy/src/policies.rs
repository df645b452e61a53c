//! All that a policy folder holds.

use std::path::Path;

use crate::answers::Answers;
use crate::error::Error;
use crate::intent::Intents;
use crate::rule_set::RuleSet;

/// Rules, keywords and answers of one folder: whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    /// The rules.
    pub rules: RuleSet,
    /// The keyword lists and the phrases of revocation.
    pub intents: Intents,
    /// The host's answers.
    pub answers: Answers,
}

impl Policies {
    /// What this program was built with.
    pub fn built_in() -> Self {
        let whole = || -> Result<Self, Error> {
            Ok(Self {
                rules: RuleSet::built_in()?,
                intents: Intents::built_in(),
                answers: Answers::parse("answers.toml", crate::BUILT_IN_ANSWERS)?,
            })
        };
        whole().expect("the built-in policies are checked by this crate's tests")
    }

    /// What a folder holds; a file that isn't there is the built-in one.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let keywords = read_or(folder, "keywords.toml", crate::BUILT_IN_KEYWORDS)?;
        let revocation = read_or(folder, "revocation.toml", crate::BUILT_IN_REVOCATION)?;
        let answers = read_or(folder, "answers.toml", crate::BUILT_IN_ANSWERS)?;
        Ok(Self {
            rules: RuleSet::load(folder)?,
            intents: Intents::parse(("keywords.toml", &keywords), ("revocation.toml", &revocation))?,
            answers: Answers::parse("answers.toml", &answers)?,
        })
    }
}

fn read_or(folder: &Path, name: &str, built_in: &str) -> Result<String, Error> {
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(built_in.to_owned()),
        read => read.map_err(|source| Error::Read { path, source }),
    }
}
