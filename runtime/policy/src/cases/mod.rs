//! A policy folder's tests, written as data: facts or a whole message, the verdict and the rules that have to fire.
//!
//! ```toml
//! packs = ["us"]               # which packs are on for this file's cases; none if it doesn't say
//!
//! [base]                       # facts that every case begins with
//! direction = "outbound"
//!
//! [message]                    # what every case with a message begins with
//! from = "+13055550100"
//!
//! [[case]]
//! name = "an opted-out recipient gets nothing"
//! facts = { opted_out = true } # "unknown" unsets one
//! verdict = "deny"
//! fires = ["consent.opted-out"]
//! spares = []                  # rules that come near and must not fire
//!
//! [[case]]
//! name = "a whole message"
//! message = { to = "+12125550123", text = "Hello", at = "2026-11-23T15:00:00Z" }
//! verdict = "allow"
//! ```

mod message;
mod report;

pub use report::{Coverage, Failed, Report, run};

use serde::Deserialize;
use signalbox_model::{Decision, Timestamp, Verdict};
use toml::{Spanned, Table};

use crate::content::rewrite::{Inserts, LINK, POINTER, rewrite};
use crate::error::{Complaint, Error};
use crate::facts::{Fact, Facts, Kind, Value};
use crate::policies::Policies;
use crate::rules::{Outcome, Subject};
use crate::source::Source;
use message::Draft;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    #[serde(default)]
    packs: Vec<String>,
    #[serde(default)]
    base: Table,
    #[serde(default)]
    message: Draft,
    case: Vec<CaseTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseTable {
    name: Spanned<String>,
    #[serde(default)]
    facts: Table,
    message: Option<Draft>,
    verdict: String,
    #[serde(default)]
    fires: Vec<String>,
    #[serde(default)]
    spares: Vec<String>,
    until: Option<String>,
    becomes: Option<String>,
}

/// The cases of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cases {
    /// The file's name.
    pub file: String,
    /// The packs that are on for them.
    pub packs: Vec<String>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What it shows.
    pub name: String,
    base: Vec<(Fact, Value)>,
    message: Option<Draft>,
    facts: Vec<(Fact, Value)>,
    /// The name of the expected verdict.
    pub verdict: String,
    /// The rules that have to fire: these and no others.
    pub fires: Vec<String>,
    /// The rules that this case is a near miss of.
    pub spares: Vec<String>,
    until: Option<Timestamp>,
    becomes: Option<String>,
}

impl Case {
    /// What is known: the file's base, then what the message says, then the case's own facts.
    pub fn facts(&self, policies: &Policies) -> Facts {
        let ordinary = Timestamp::parse_rfc3339(message::NOW).unwrap_or_default();
        let mut facts = Facts { now: ordinary, ..Facts::default() };
        set_all(&mut facts, &self.base);
        if let Some(draft) = &self.message {
            let (message, now) = draft.message();
            let said = policies.facts(&message, draft.about(), now);
            (facts.now, facts.window_opens, facts.day_resets) = (now, said.window_opens, said.day_resets);
            for fact in Fact::ALL.iter().filter(|fact| said.get(**fact) != Value::Unknown) {
                facts.set(*fact, said.get(*fact));
            }
        }
        set_all(&mut facts, &self.facts);
        facts
    }

    /// What the policies decide.
    pub fn decide(&self, policies: &Policies) -> Decision {
        let whose = self.message.as_ref().map(Draft::whose).unwrap_or_default();
        policies.decide(&self.facts(policies), whose)
    }

    /// What became of a rule in this case; the most that became of it where a narrower layer changes it. `None` where no
    /// rule of this name is asked.
    pub(super) fn outcome(&self, policies: &Policies, rule: &str) -> Option<Outcome> {
        let whose = self.message.as_ref().map(Draft::whose).unwrap_or_default();
        let subject = Subject::of(&self.facts(policies));
        policies.rules.asked(whose).filter(|asked| asked.id() == rule).map(|asked| asked.judge(&subject)).max()
    }

    /// What is wrong, in words; `None` when the policies do what the case expects.
    pub fn check(&self, policies: &Policies) -> Option<String> {
        let decision = self.decide(policies);
        let fired: Vec<&str> = decision.reasons.iter().map(|reason| reason.rule.as_str()).collect();
        let missing = self.fires.iter().find(|rule| !fired.contains(&rule.as_str()));
        let extra = fired.iter().find(|rule| !self.fires.iter().any(|expected| expected == *rule));
        match (missing, extra) {
            (Some(rule), _) => return Some(format!("{rule} didn't fire")),
            (None, Some(rule)) => return Some(format!("{rule} fired too")),
            (None, None) => {}
        }
        let spared = |rule: &String| self.outcome(policies, rule).filter(|outcome| *outcome != Outcome::Passed);
        if let Some((rule, became)) = self.spares.iter().find_map(|rule| Some((rule, spared(rule)?))) {
            // Out of its scope, or unknown, a rule wasn't near to anything.
            return Some(format!("{rule} isn't spared by its condition: what became of it is `{}`", became.as_str()));
        }
        let (verdict, expected) = (decision.verdict.as_str(), self.verdict.as_str());
        if verdict != expected {
            return Some(format!("the verdict is {verdict}, expected was {expected}"));
        }
        if let (Some(expected), Verdict::Hold { until }) = (self.until, decision.verdict)
            && until != expected
        {
            return Some(format!("it is held until {until}, expected was {expected}"));
        }
        self.check_text(policies, &decision)
    }

    fn check_text(&self, policies: &Policies, decision: &Decision) -> Option<String> {
        let (expected, draft) = (self.becomes.as_ref()?, self.message.as_ref()?);
        let pointer = draft.portal.as_ref().map(|portal| POINTER.replace(LINK, portal));
        let inserts = Inserts { brand: draft.brand.as_deref(), pointer: pointer.as_deref() };
        let text = rewrite(draft.text(), &policies.rules.changes(decision), inserts);
        (text.as_ref() != Some(expected)).then(|| format!("the text becomes {text:?}, expected was {expected:?}"))
    }
}

fn set_all(facts: &mut Facts, values: &[(Fact, Value)]) {
    for (fact, value) in values {
        facts.set(*fact, *value);
    }
}

/// Reads a file of cases.
pub fn parse(name: &str, text: &str) -> Result<Cases, Error> {
    let source = Source { name, text };
    let file: CaseFile = source.read().map_err(|complaint| Error::Refused(vec![complaint]))?;
    let mut complaints = Vec::new();
    let mut cases = Vec::with_capacity(file.case.len());
    for table in &file.case {
        match case(source, &file, table) {
            Ok(case) => cases.push(case),
            Err(complaint) => complaints.push(complaint),
        }
    }
    if !complaints.is_empty() {
        return Err(Error::Refused(complaints));
    }
    Ok(Cases { file: name.to_owned(), packs: file.packs, cases })
}

fn case(source: Source<'_>, file: &CaseFile, table: &CaseTable) -> Result<Case, Complaint> {
    let complain = |reason: String| source.complain_of(&table.name, reason);
    let values = |facts: &Table| facts.iter().map(|(name, given)| value(name, given)).collect::<Result<Vec<_>, _>>();
    let draft = table.message.as_ref().map(|own| own.over(&file.message));
    if let Some(reason) = draft.as_ref().and_then(Draft::complaint) {
        return Err(complain(reason));
    }
    if !["allow", "warn", "rewrite", "hold", "deny"].contains(&table.verdict.as_str()) {
        return Err(complain(format!("`{}` isn't a verdict: allow, warn, rewrite, hold, deny", table.verdict)));
    }
    let until = match &table.until {
        None => None,
        Some(text) => {
            let until = Timestamp::parse_rfc3339(text);
            Some(until.ok_or_else(|| complain(format!("`{text}` isn't a time such as 2026-11-23T15:00:00Z")))?)
        }
    };
    Ok(Case {
        name: table.name.get_ref().clone(),
        base: values(&file.base).map_err(complain)?,
        message: draft,
        facts: values(&table.facts).map_err(complain)?,
        verdict: table.verdict.clone(),
        fires: table.fires.clone(),
        spares: table.spares.clone(),
        until,
        becomes: table.becomes.clone(),
    })
}

/// A fact and its value as a case writes them.
pub fn value(name: &str, given: &toml::Value) -> Result<(Fact, Value), String> {
    let fact = Fact::named(name).ok_or_else(|| format!("there is no fact `{name}`"))?;
    let value = match (given, fact.kind()) {
        (toml::Value::String(word), _) if word == "unknown" => Value::Unknown,
        (toml::Value::Boolean(truth), Kind::Bool) => Value::Bool(*truth),
        (toml::Value::Integer(number), Kind::Int) if u32::try_from(*number).is_ok() => Value::Int(*number),
        (toml::Value::String(word), Kind::Word(words)) => {
            let position = words.iter().position(|known| known == word);
            let position =
                position.ok_or_else(|| format!("`{name}` is never \"{word}\"; it is one of {}", words.join(", ")))?;
            Value::Word(u8::try_from(position).unwrap_or(u8::MAX))
        }
        _ => return Err(format!("`{name}` can't be {given}")),
    };
    Ok((fact, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_in_cases_are_told_with_their_place() {
        let error = |case: &str| parse("t.toml", &format!("[[case]]\nname = \"x\"\n{case}")).unwrap_err().to_string();
        let table = [
            ("verdict = \"denied\"", "isn't a verdict"),
            ("verdict = \"deny\"\nfacts = { segmnts = 1 }", "no fact `segmnts`"),
            ("verdict = \"deny\"\nfacts = { segments = true }", "`segments` can't be true"),
            ("verdict = \"deny\"\nfacts = { segments = -1 }", "can't be -1"),
            ("verdict = \"deny\"\nfacts = { category = \"x\" }", "is never \"x\""),
            ("verdict = \"hold\"\nuntil = \"noon\"", "isn't a time"),
            ("verdict = \"deny\"\nmessage = { to = \"x y z ?\" }", "`to` is not"),
            ("verdict = \"deny\"\nmessage = { at = \"noon\" }", "`at`"),
            ("verdict = \"deny\"\nmessage = { too = \"1\" }", "unknown field `too`"),
        ];
        for (case, reason) in table {
            let error = error(case);
            assert!(error.starts_with("t.toml:") && error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_case_that_doesnt_hold_says_how() {
        let policies = Policies::built_in();
        let check = |case: &str| {
            let cases = parse("t.toml", &format!("[[case]]\nname = \"x\"\n{case}")).unwrap();
            cases.cases[0].check(&policies).unwrap()
        };
        let inbound = "facts = { direction = \"inbound\" }";
        assert_eq!(check(&format!("{inbound}\nverdict = \"deny\"")), "the verdict is allow, expected was deny");
        assert_eq!(check(&format!("{inbound}\nverdict = \"deny\"\nfires = [\"a\"]")), "a didn't fire");
        assert!(check("verdict = \"deny\"").ends_with("fired too"));
    }
}
