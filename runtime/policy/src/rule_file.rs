//! A file of rules: TOML to [`Rule`]s, every complaint with its place.

use std::time::Duration;

use serde::Deserialize;
use signalbox_model::ErrorClass;
use toml::Spanned;

use crate::error::Complaint;
use crate::facts::{Fact, Kind};
use crate::lower::{lower, nearest, word_bit};
use crate::rule::{Rule, Scope, Severity, Template};
use crate::source::Source;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    #[serde(default)]
    rule: Vec<RuleTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    id: Spanned<String>,
    cite: Spanned<String>,
    severity: Spanned<String>,
    class: Spanned<String>,
    #[serde(default)]
    applies: Applies,
    when: Spanned<String>,
    on_unknown: Spanned<String>,
    hold_for: Option<Spanned<String>>,
    explain: Spanned<String>,
    fix: Spanned<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Applies {
    directions: Option<Vec<Spanned<String>>>,
    categories: Option<Vec<Spanned<String>>>,
    origins: Option<Vec<Spanned<String>>>,
}

/// Reads a file of rules; the complaints are all that it deserves.
pub(crate) fn read(source: Source<'_>) -> Result<Vec<Rule>, Vec<Complaint>> {
    let file: RuleFile = source.read().map_err(|complaint| vec![complaint])?;
    let mut complaints = Vec::new();
    let mut rules: Vec<Rule> = Vec::with_capacity(file.rule.len());
    for table in &file.rule {
        let mut reader = Reader { source, complaints: &mut complaints };
        if rules.iter().any(|rule| rule.id == *table.id.get_ref()) {
            reader.complain(&table.id, format!("there is another rule `{}` in this file", table.id.get_ref()));
        }
        rules.extend(reader.rule(table));
    }
    if complaints.is_empty() { Ok(rules) } else { Err(complaints) }
}

/// Reads on after a mistake, so that one run tells them all.
struct Reader<'a> {
    source: Source<'a>,
    complaints: &'a mut Vec<Complaint>,
}

impl Reader<'_> {
    fn rule(&mut self, table: &RuleTable) -> Option<Rule> {
        let hold_for = self.hold_for(table);
        let id = self.id(&table.id);
        let cite = self.filled_in(&table.cite, "cite");
        let severity = self.severity(&table.severity, hold_for);
        let on_unknown = self.on_unknown(&table.on_unknown, hold_for);
        let class = self.class(&table.class);
        let scope = self.scope(&table.applies);
        let when = self.when(&table.when);
        let (explain, fix) = (self.template(&table.explain, "explain"), self.template(&table.fix, "fix"));
        Some(Rule {
            id: id?,
            cite: cite?,
            class: class?,
            severity: severity?,
            on_unknown: on_unknown?,
            scope: scope?,
            when: when?,
            explain: explain?,
            fix: fix?,
        })
    }

    fn complain(&mut self, value: &Spanned<String>, reason: impl Into<String>) {
        self.complaints.push(self.source.complain_of(value, reason));
    }

    fn or_complain<T>(&mut self, value: &Spanned<String>, result: Result<T, String>) -> Option<T> {
        result.map_err(|reason| self.complain(value, reason)).ok()
    }

    fn id(&mut self, value: &Spanned<String>) -> Option<String> {
        let id = value.get_ref();
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
        let ok = !id.is_empty() && id.len() <= 64 && id.chars().all(legal);
        let reason = "an id has 1 to 64 of a-z, 0-9, `.`, `-`, `_`, such as `consent.opted-out`";
        self.or_complain(value, ok.then(|| id.clone()).ok_or(reason.to_owned()))
    }

    fn filled_in(&mut self, value: &Spanned<String>, name: &str) -> Option<String> {
        let text = value.get_ref();
        let reason = || format!("`{name}` is empty: every rule says what it stands on and what to do about it");
        self.or_complain(value, (!text.trim().is_empty()).then(|| text.clone()).ok_or_else(reason))
    }

    fn severity(&mut self, value: &Spanned<String>, hold_for: Option<Duration>) -> Option<Severity> {
        let result = severity(value.get_ref(), hold_for).and_then(|found| {
            found.ok_or_else(|| {
                "a rule whose severity is pass never does anything; use deny, hold, rewrite or warn".into()
            })
        });
        self.or_complain(value, result)
    }

    fn on_unknown(&mut self, value: &Spanned<String>, hold_for: Option<Duration>) -> Option<Option<Severity>> {
        let result = severity(value.get_ref(), hold_for);
        self.or_complain(value, result)
    }

    fn hold_for(&mut self, table: &RuleTable) -> Option<Duration> {
        let holds = [&table.severity, &table.on_unknown].iter().any(|value| value.get_ref() == "hold");
        match &table.hold_for {
            Some(value) if !holds => {
                self.complain(value, "nothing here holds; `hold_for` goes with severity or on_unknown = \"hold\"");
                None
            }
            Some(value) => self.or_complain(value, duration(value.get_ref())),
            None => None,
        }
    }

    fn class(&mut self, value: &Spanned<String>) -> Option<ErrorClass> {
        let name = value.get_ref().as_str();
        let found = ErrorClass::ALL.iter().copied().find(|class| class.as_str() == name);
        let names = || ErrorClass::ALL.iter().map(|class| class.as_str()).collect::<Vec<_>>();
        self.or_complain(value, found.ok_or_else(|| unknown("class", name, &names())))
    }

    fn scope(&mut self, applies: &Applies) -> Option<Vec<Scope>> {
        let lists = [
            (Fact::Direction, &applies.directions),
            (Fact::Category, &applies.categories),
            (Fact::Origin, &applies.origins),
        ];
        let before = self.complaints.len();
        let mut scopes = Vec::new();
        for (fact, list) in lists {
            let (Some(list), Kind::Word(words)) = (list, fact.kind()) else { continue };
            let bits = list.iter().filter_map(|value| {
                let bit = word_bit(fact.name(), words, value.get_ref());
                self.or_complain(value, bit)
            });
            scopes.push(Scope { fact, words: bits.fold(0, |all, bit| all | bit) });
        }
        (self.complaints.len() == before).then_some(scopes)
    }

    fn when(&mut self, value: &Spanned<String>) -> Option<crate::expr::Expr> {
        match lower(value.get_ref()) {
            Ok(expr) => Some(expr),
            Err(refusal) => {
                let at = self.source.place_in(value, refusal.at);
                self.complaints.push(self.source.complain(at, refusal.reason));
                None
            }
        }
    }

    fn template(&mut self, value: &Spanned<String>, name: &str) -> Option<Template> {
        let text = self.filled_in(value, name)?;
        self.or_complain(value, Template::parse(&text))
    }
}

/// `None` for `pass`.
fn severity(name: &str, hold_for: Option<Duration>) -> Result<Option<Severity>, String> {
    match name {
        "pass" => Ok(None),
        "warn" => Ok(Some(Severity::Warn)),
        "rewrite" => Ok(Some(Severity::Rewrite)),
        "deny" => Ok(Some(Severity::Deny)),
        "hold" => {
            hold_for.map(|wait| Some(Severity::Hold(wait))).ok_or("hold needs a `hold_for` such as \"5m\"".into())
        }
        _ => Err(unknown("severity", name, &["deny", "hold", "rewrite", "warn", "pass"])),
    }
}

fn unknown(what: &str, name: &str, allowed: &[&str]) -> String {
    let near = nearest(name, allowed).map_or(String::new(), |near| format!(" (perhaps `{near}`?)"));
    format!("there is no {what} `{name}`{near}; allowed are {}", allowed.join(", "))
}

/// `30s`, `5m`, `2h`, `1d`.
fn duration(text: &str) -> Result<Duration, String> {
    let unit = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];
    let read = || {
        let (_, seconds) = unit.iter().find(|(letter, _)| text.ends_with(*letter))?;
        let count: u64 = text.get(..text.len() - 1)?.parse().ok()?;
        (1..=365 * 86_400).contains(&count.checked_mul(*seconds)?).then_some(Duration::from_secs(count * seconds))
    };
    read().ok_or_else(|| "isn't a time such as 30s, 5m, 2h or 1d, at most 365d".to_owned())
}
