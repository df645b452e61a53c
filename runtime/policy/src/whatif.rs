//! What another rule set would have said of a message, by the facts that its decision kept.
//!
//! A decision keeps the facts that the rules in force read. A changed set may read others: a rule that can't be judged without one
//! of those makes the message one of which nothing can be said.

use signalbox_model::{Decision, FactRead, Timestamp, Verdict};

use crate::facts::{Fact, FactSet, Facts, Value};
use crate::policies::Policies;
use crate::rules::{Outcome, Whose};

/// What another set makes of a recorded decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The verdict now.
    pub verdict: &'static str,
    /// Rules that fired then and don't now.
    pub silent: Vec<String>,
    /// Rules that fire now and didn't then.
    pub fires: Vec<String>,
    /// Facts that rules need now and that weren't kept: then nothing can be said.
    pub missing: Vec<&'static str>,
}

impl Judged {
    /// Can anything be said?
    pub fn is_known(&self) -> bool {
        self.missing.is_empty()
    }
}

/// Asks `policies` about the message of a decision that was made at `at`.
pub fn judge(policies: &Policies, decision: &Decision, whose: Whose<'_>, at: Timestamp) -> Judged {
    let (facts, kept) = kept(decision, at);
    let now = policies.decide(&facts, whose);
    let mut missing = FactSet::EMPTY;
    for (place, rule) in policies.rules.asked(whose).enumerate() {
        if crate::explain::outcome(&now, place) == Outcome::Unknown {
            let lacks = rule.reads().iter().filter(|fact| !kept.has(*fact)).collect::<FactSet>();
            missing = missing.union(lacks);
        }
    }
    // A severer rule that is sure says enough: whatever the others had said, it would have been this.
    let sure = missing.is_empty() || now.verdict == Verdict::Deny && denies_surely(policies, &now, whose);
    let then: Vec<_> = decision.reasons.iter().map(|reason| reason.rule.as_str()).collect();
    let rules: Vec<_> = now.reasons.iter().map(|reason| reason.rule.as_str()).collect();
    let only = |some: &[&str], others: &[&str]| {
        some.iter().filter(|rule| !others.contains(rule)).map(|rule| (*rule).to_owned()).collect()
    };
    Judged {
        verdict: now.verdict.as_str(),
        silent: only(&then, &rules),
        fires: only(&rules, &then),
        missing: if sure { Vec::new() } else { missing.iter().map(Fact::name).collect() },
    }
}

fn denies_surely(policies: &Policies, decision: &Decision, whose: Whose<'_>) -> bool {
    policies.rules.asked(whose).enumerate().any(|(place, rule)| {
        crate::explain::outcome(decision, place) == Outcome::Fired && rule.severity().as_str() == "deny"
    })
}

/// The facts as they were, and which of them were kept.
fn kept(decision: &Decision, at: Timestamp) -> (Facts, FactSet) {
    let mut facts = Facts { now: at, ..Facts::default() };
    let mut kept = FactSet::EMPTY;
    for FactRead(number, stored) in &decision.trace.facts {
        let Some(fact) = Fact::ALL.get(usize::from(*number)).copied() else { continue };
        if facts.set(fact, Value::from_stored(*stored, fact.kind())) {
            kept = kept.union(FactSet::of(&[fact]));
        }
    }
    (facts, kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_model::Category;

    const AT: Timestamp = Timestamp::from_millis(1_000_000_000_000);

    fn with(rules: &str) -> Policies {
        let mut policies = Policies::built_in();
        policies.rules = crate::RuleSet::parse(&[("floor.toml", crate::BUILT_IN_FLOOR), ("more.toml", rules)]).unwrap();
        policies
    }

    fn rule(when: &str) -> String {
        format!(
            "[[rule]]\nid = \"more\"\ncite = \"c\"\nseverity = \"deny\"\nclass = \"limit.rate\"\nwhen = '{when}'\n\
             on_unknown = \"deny\"\nexplain = \"e\"\nfix = \"f\"\n"
        )
    }

    fn recorded(segments: u32) -> Decision {
        let facts = Facts {
            direction: Some(signalbox_model::Direction::Outbound),
            category: Some(Category::Marketing),
            origin: Some(crate::facts::OriginKind::Api),
            segments: Some(segments),
            opted_out: Some(false),
            sender_owned: Some(true),
            ..Facts::default()
        };
        Policies::built_in().decide(&facts, Whose::default())
    }

    #[test]
    fn the_same_set_says_the_same() {
        let decision = recorded(7);
        let judged = judge(&Policies::built_in(), &decision, Whose::default(), AT);
        assert_eq!((judged.verdict, judged.is_known()), (decision.verdict.as_str(), true));
        assert!(judged.fires.is_empty() && judged.silent.is_empty(), "{judged:?}");
    }

    #[test]
    fn a_stricter_set_says_more_and_what_it_needs_and_nobody_kept_is_told() {
        let stricter = judge(&with(&rule("segments > 3")), &recorded(7), Whose::default(), AT);
        assert_eq!((stricter.verdict, stricter.fires), ("deny", vec!["more".to_owned()]));
        let unknown = judge(&with(&rule("sent_24h > 3")), &recorded(1), Whose::default(), AT);
        assert_eq!(unknown.missing, ["sent_24h"], "{unknown:?}");
        let decided = judge(&with(&rule("segments < 2 || sent_24h > 3")), &recorded(1), Whose::default(), AT);
        assert_eq!((decided.verdict, decided.is_known()), ("deny", true));
    }
}
