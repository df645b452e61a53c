//! A decision, told to somebody who wasn't there.

use std::fmt::Write;

use serde::Serialize;
use signalbox_model::{Decision, FactRead, Timestamp, Verdict};

use crate::described::{Described, hex};
use crate::facts::{Fact, Value};
use crate::policies::Policies;
use crate::rules::{Outcome, Whose};

/// What a decision says, with names put to its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// `allow`, `warn`, `rewrite`, `hold` or `deny`.
    pub verdict: &'static str,
    /// Until when it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The rules that fired.
    pub reasons: Vec<signalbox_model::Reason>,
    /// The facts that were read, by name.
    pub facts: Vec<Read>,
    /// Every rule that was asked, if the set at hand is the one that decided; else none.
    pub rules: Vec<Asked>,
    /// The rule set's hash.
    pub rules_hash: String,
    /// The tables' hash.
    pub tables_hash: String,
    /// Whether the set at hand is the one that decided.
    pub same_rules: bool,
    /// Whether the tables at hand are the ones that were read.
    pub same_tables: bool,
    /// The tables' files and days, if they are the ones that were read.
    pub tables: Vec<(String, String)>,
    /// When these policies were first taken into use, where a running Signalbox told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<String>,
}

/// A fact that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Read {
    /// Its name.
    pub fact: &'static str,
    /// Its value then.
    pub value: String,
    /// What it says.
    pub says: &'static str,
}

/// A rule that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Its id.
    pub rule: String,
    /// Whose it is.
    pub layer: String,
    /// What became of it.
    pub outcome: &'static str,
    /// What it stands on.
    pub cite: String,
    /// What it says when it fires, with the names of facts.
    pub says: String,
}

/// Puts names to a decision's numbers, by the policies at hand.
pub fn explain(policies: &Policies, decision: &Decision, whose: Whose<'_>) -> Explained {
    explain_by(&policies.describe(), decision, whose)
}

/// Likewise, by what was written down of some policies.
pub fn explain_by(policies: &Described, decision: &Decision, whose: Whose<'_>) -> Explained {
    let (rules_hash, tables_hash) = (hex(decision.rules), hex(decision.trace.tables));
    let same_rules = policies.rules_hash == rules_hash;
    let same_tables = policies.tables_hash == tables_hash;
    let asked = policies.asked(whose).enumerate().filter(|_| same_rules).map(|(at, about)| Asked {
        rule: about.rule.clone(),
        layer: about.layer.clone(),
        outcome: outcome(decision, at).as_str(),
        cite: about.cite.clone(),
        says: about.explain.clone(),
    });
    let versions = policies.tables.iter().filter(|_| same_tables);
    Explained {
        verdict: decision.verdict.as_str(),
        until: if let Verdict::Hold { until } = decision.verdict { Some(until) } else { None },
        reasons: decision.reasons.clone(),
        facts: decision.trace.facts.iter().filter_map(read).collect(),
        rules: asked.collect(),
        rules_hash,
        tables_hash,
        same_rules,
        same_tables,
        tables: versions.map(|version| (version.file.clone(), version.as_of.clone())).collect(),
        taken_at: None,
    }
}

/// What became of the rule that was asked as the `at`-th.
pub fn outcome(decision: &Decision, at: usize) -> Outcome {
    let byte = decision.trace.outcomes.get(at / 4).copied().unwrap_or(0);
    Outcome::from_bits(byte >> (at % 4 * 2))
}

fn read(FactRead(number, stored): &FactRead) -> Option<Read> {
    let fact = *Fact::ALL.get(usize::from(*number))?;
    let value = fact.show(Value::from_stored(*stored, fact.kind()));
    Some(Read { fact: fact.name(), value, says: fact.doc() })
}

impl Explained {
    /// In whole sentences, for a person.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a string doesn't fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let verdict = match (self.verdict, self.until) {
            ("hold", Some(until)) => format!("The message was held until {until}, to be checked again then."),
            ("deny", _) => "The message was refused and didn't leave.".to_owned(),
            ("rewrite", _) => "The message was to be changed before it left.".to_owned(),
            ("warn", _) => "The message was let go, with a warning.".to_owned(),
            _ => "The message was let go: no rule had anything against it.".to_owned(),
        };
        writeln!(out, "{verdict}")?;
        for reason in &self.reasons {
            writeln!(out, "\n  {} ({})", reason.rule, reason.severity)?;
            writeln!(out, "    Found:    {}", reason.explain)?;
            writeln!(out, "    Stands on: {}", reason.cite)?;
            writeln!(out, "    To mend it: {}", reason.fix)?;
        }
        writeln!(out, "\nWhat was known then:")?;
        for read in &self.facts {
            writeln!(out, "  {:<20} {:<16} {}", read.fact, read.value, read.says)?;
        }
        if self.same_rules {
            writeln!(out, "\nEvery rule that was asked:")?;
            for asked in &self.rules {
                writeln!(out, "  {:<11} {:<9} {:<40} {}", asked.outcome, asked.layer, asked.rule, asked.cite)?;
            }
        }
        let at_hand = |same: bool| match (same, &self.taken_at) {
            (true, Some(at)) => format!("first taken into use {at}"),
            (true, None) => "the one at hand".to_owned(),
            (false, _) => "not the one at hand".to_owned(),
        };
        writeln!(out, "\nRule set {} ({}).", self.rules_hash, at_hand(self.same_rules))?;
        writeln!(out, "Data tables {} ({}).", self.tables_hash, at_hand(self.same_tables))?;
        for (file, as_of) in &self.tables {
            writeln!(out, "  {file} as of {as_of}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;

    #[test]
    fn a_decision_is_told_with_everything_it_stands_on() {
        let policies = Policies::built_in();
        let facts = Facts { opted_out: Some(true), segments: Some(7), ..Facts::default() };
        let decision = policies.decide(&facts, Whose::default());
        let told = explain(&policies, &decision, Whose::default());
        assert_eq!(told.rules.len(), policies.rules.rules().len());
        let outcome = |rule: &str| told.rules.iter().find(|asked| asked.rule == rule).unwrap().outcome;
        assert_eq!((outcome("consent.opted-out"), outcome("cascade.too-deep")), ("fired", "unknown"));
        let text = told.to_text();
        for part in [
            "refused",
            "47 CFR 64.1200",
            "opted_out            true",
            "segments             7",
            "data/windows.toml as of 2026",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn another_set_than_the_one_that_decided_names_no_rules() {
        let policies = Policies::built_in();
        let mut decision = policies.decide(&Facts::default(), Whose::default());
        decision.rules ^= 1;
        decision.trace.facts.push(FactRead(255, Some(1)));
        let told = explain(&policies, &decision, Whose::default());
        assert!(told.rules.is_empty() && told.to_text().contains("not the one at hand"));
        assert_eq!(told.reasons, decision.reasons);
    }
}
