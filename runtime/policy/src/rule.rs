//! One rule.

use std::time::Duration;

use signalbox_model::{ErrorClass, Reason, Verdict};

use crate::expr::Expr;
use crate::facts::{Fact, Facts, Value};

/// What a rule asks for when it fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Let it go, and tell.
    Warn,
    /// It may go once it is changed. Who can't make the change doesn't send it.
    Rewrite,
    /// It waits this long and is checked again.
    Hold(Duration),
    /// It never goes.
    Deny,
}

impl Severity {
    fn verdict(self, facts: &Facts) -> Verdict {
        match self {
            Self::Warn => Verdict::Warn,
            Self::Rewrite => Verdict::Rewrite,
            Self::Hold(wait) => Verdict::Hold { until: facts.now + wait },
            Self::Deny => Verdict::Deny,
        }
    }
}

/// Words with facts in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(pub(crate) Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Words(String),
    Fact(Fact),
}

impl Template {
    /// Reads `{fact}` placeholders; `{{` and `}}` are braces. An error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut words) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            words.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(tail) = rest.strip_prefix(brace) {
                words.push_str(brace);
                rest = tail;
                continue;
            }
            let Some((name, tail)) = rest.split_once('}').filter(|_| brace == "{") else {
                return Err(format!("`{brace}` without its partner; write `{brace}{brace}` for the brace itself"));
            };
            let Some(fact) = Fact::named(name) else {
                let names: Vec<&str> = Fact::ALL.iter().map(|fact| fact.name()).collect();
                return Err(format!("there is no fact `{name}` to put in; facts are {}", names.join(", ")));
            };
            if !words.is_empty() {
                pieces.push(Piece::Words(std::mem::take(&mut words)));
            }
            pieces.push(Piece::Fact(fact));
            rest = tail;
        }
        words.push_str(rest);
        if !words.is_empty() {
            pieces.push(Piece::Words(words));
        }
        Ok(Self(pieces))
    }

    fn fill(&self, facts: &Facts) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Fact(fact) => fact.show(facts.get(*fact)),
        };
        self.0.iter().map(piece).collect()
    }
}

/// Which messages a rule is for: a fact and the words it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) fact: Fact,
    pub(crate) words: u64,
}

impl Scope {
    /// A message of which it isn't known is in scope: the stricter side.
    fn covers(self, facts: &Facts) -> bool {
        match facts.get(self.fact) {
            Value::Word(position) => self.words & (1 << position) != 0,
            _ => true,
        }
    }
}

/// A rule as loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) id: String,
    pub(crate) cite: String,
    pub(crate) class: ErrorClass,
    pub(crate) severity: Severity,
    /// What it asks for when a fact it needs isn't known; `None` lets it pass.
    pub(crate) on_unknown: Option<Severity>,
    pub(crate) scope: Vec<Scope>,
    pub(crate) when: Expr,
    pub(crate) explain: Template,
    pub(crate) fix: Template,
}

impl Rule {
    /// The name that decisions carry.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The law, contract or policy that it stands on.
    pub fn cite(&self) -> &str {
        &self.cite
    }

    /// What it asks for when it fires.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What it makes of the facts; `None` when it doesn't fire.
    pub(crate) fn judge(&self, facts: &Facts) -> Option<(Verdict, Reason)> {
        if !self.scope.iter().all(|scope| scope.covers(facts)) {
            return None;
        }
        let severity = match self.when.eval(facts) {
            Some(true) => self.severity,
            Some(false) => return None,
            None => self.on_unknown?,
        };
        let verdict = severity.verdict(facts);
        Some((verdict, self.reason(verdict, facts)))
    }

    fn reason(&self, verdict: Verdict, facts: &Facts) -> Reason {
        Reason {
            rule: self.id.clone(),
            severity: verdict.as_str().to_owned(),
            cite: self.cite.clone(),
            explain: self.explain.fill(facts),
            fix: self.fix.fill(facts),
            class: self.class,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_with_facts() {
        let facts = Facts { segments: Some(7), ..Facts::default() };
        let fill = |text: &str| Template::parse(text).map(|t| t.fill(&facts));
        assert_eq!(fill("{segments} of {{10}}, {category}"), Ok("7 of {10}, unknown".into()));
        assert_eq!(fill(""), Ok(String::new()));
        assert!(fill("{segmnts}").unwrap_err().contains("no fact `segmnts`"));
        assert!(fill("a } b").unwrap_err().contains("without its partner"));
        assert!(fill("{segments").is_err());
    }
}
