//! A rule set's tests, written as data: facts, the verdict and the rules that have to fire.
//!
//! ```toml
//! [base]                       # what every case begins with
//! direction = "outbound"
//!
//! [[case]]
//! name = "an opted-out recipient gets nothing"
//! facts = { opted_out = true } # "unknown" unsets one
//! verdict = "deny"
//! fires = ["consent.opted-out"]
//! spares = []                  # rules that come near and must not fire
//! ```

use serde::Deserialize;
use toml::{Spanned, Table};

use crate::error::{Complaint, Error};
use crate::facts::{Fact, Facts, Kind, Value};
use crate::rule_set::RuleSet;
use crate::source::Source;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    #[serde(default)]
    base: Table,
    case: Vec<CaseTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseTable {
    name: Spanned<String>,
    #[serde(default)]
    facts: Table,
    verdict: String,
    #[serde(default)]
    fires: Vec<String>,
    #[serde(default)]
    spares: Vec<String>,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// What is known.
    pub facts: Facts,
    /// The name of the expected verdict.
    pub verdict: String,
    /// The rules that have to fire: these and no others.
    pub fires: Vec<String>,
    /// The rules that this case is a near miss of.
    pub spares: Vec<String>,
}

impl Case {
    /// What is wrong, in words; `None` when the rules do what the case expects.
    pub fn check(&self, rules: &RuleSet) -> Option<String> {
        let decision = rules.decide(&self.facts);
        let (verdict, expected) = (decision.verdict.as_str(), self.verdict.as_str());
        if verdict != expected {
            return Some(format!("the verdict is {verdict}, expected was {expected}"));
        }
        let fired: Vec<&str> = decision.reasons.iter().map(|reason| reason.rule.as_str()).collect();
        let missing = self.fires.iter().find(|rule| !fired.contains(&rule.as_str()));
        let extra = fired.iter().find(|rule| !self.fires.iter().any(|expected| expected == *rule));
        match (missing, extra) {
            (Some(rule), _) => Some(format!("{rule} didn't fire")),
            (None, Some(rule)) => Some(format!("{rule} fired too")),
            (None, None) => None,
        }
    }
}

/// Reads a file of cases.
pub fn parse(name: &str, text: &str) -> Result<Vec<Case>, Error> {
    let source = Source { name, text };
    let file: CaseFile = source.read().map_err(|complaint| Error::Refused(vec![complaint]))?;
    let case = |table: &CaseTable| -> Result<Case, Complaint> {
        let mut facts = Facts::default();
        for (key, value) in file.base.iter().chain(&table.facts) {
            set(&mut facts, key, value).map_err(|reason| source.complain_of(&table.name, reason))?;
        }
        Ok(Case {
            name: table.name.get_ref().clone(),
            facts,
            verdict: table.verdict.clone(),
            fires: table.fires.clone(),
            spares: table.spares.clone(),
        })
    };
    file.case.iter().map(case).collect::<Result<_, _>>().map_err(|complaint| Error::Refused(vec![complaint]))
}

fn set(facts: &mut Facts, name: &str, value: &toml::Value) -> Result<(), String> {
    let fact = Fact::named(name).ok_or_else(|| format!("there is no fact `{name}`"))?;
    let value = match (value, fact.kind()) {
        (toml::Value::String(word), _) if word == "unknown" => Value::Unknown,
        (toml::Value::Boolean(truth), _) => Value::Bool(*truth),
        (toml::Value::Integer(number), _) => Value::Int(*number),
        (toml::Value::String(word), Kind::Word(words)) => {
            let position = words.iter().position(|known| known == word);
            let position =
                position.ok_or_else(|| format!("`{name}` is never \"{word}\"; it is one of {}", words.join(", ")))?;
            Value::Word(u8::try_from(position).unwrap_or(u8::MAX))
        }
        _ => return Err(format!("`{name}` can't be {value}")),
    };
    facts.set(fact, value).then_some(()).ok_or_else(|| format!("that value isn't one of `{name}`"))
}
