//! A file of rules: TOML to [`Rule`]s, every complaint with its place.

use std::time::Duration;

use serde::Deserialize;
use signalbox_model::{ErrorClass, Timestamp};
use toml::Spanned;

use super::layer::{Layer, Owner};
use super::lower::{lower, nearest, word_bit};
use super::rule::{Change, Gate, Rule, Scope, Severity, Wait};
use super::subject::Marks;
use super::template::Template;
use crate::error::Complaint;
use crate::facts::{Fact, FactSet, Kind};
use crate::source::Source;

/// Rules are written by people: what is larger was made by mistake.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// A message is held against every rule of a file within microseconds.
const MAX_RULES: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    layer: Option<Spanned<String>>,
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
    hold_until: Option<Spanned<String>>,
    change: Option<Spanned<String>>,
    effective: Option<Spanned<String>>,
    expires: Option<Spanned<String>>,
    explain: Spanned<String>,
    fix: Spanned<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Applies {
    directions: Option<Vec<Spanned<String>>>,
    categories: Option<Vec<Spanned<String>>>,
    origins: Option<Vec<Spanned<String>>>,
    channels: Option<Vec<Spanned<String>>>,
    senders: Option<Vec<Spanned<String>>>,
    carriers: Option<Vec<Spanned<String>>>,
}

/// Reads a file of rules; the complaints are all that it deserves.
pub(crate) fn read(source: Source<'_>) -> Result<Vec<Rule>, Vec<Complaint>> {
    if source.text.len() > MAX_BYTES {
        return Err(vec![source.complain(0, format!("is larger than {MAX_BYTES} bytes: split it"))]);
    }
    let file: RuleFile = source.read().map_err(|complaint| vec![complaint])?;
    let mut complaints = Vec::new();
    if file.rule.len() > MAX_RULES {
        complaints
            .push(source.complain(0, format!("has more than {MAX_RULES} rules: every message is held against each")));
    }
    let whose = whose(source, file.layer.as_ref(), &mut complaints);
    let mut rules: Vec<Rule> = Vec::with_capacity(file.rule.len());
    for table in &file.rule {
        let mut reader = Reader { source, whose: &whose, complaints: &mut complaints };
        if rules.iter().any(|rule| rule.id == *table.id.get_ref()) {
            reader.complain(&table.id, format!("there is another rule `{}` in this file", table.id.get_ref()));
        }
        rules.extend(reader.rule(table));
    }
    if complaints.is_empty() { Ok(rules) } else { Err(complaints) }
}

/// What a file's place says of its rules.
struct Whose {
    layer: Layer,
    owner: Option<Owner>,
    /// A carrier's file is for that carrier only.
    scope: Option<Scope>,
}

/// By the folder: `carriers/att.toml`, `campaigns/C123ABC.toml`, `tenants/acme.toml`; any other file is the floor's, or the
/// carriers' if it says so.
fn whose(source: Source<'_>, layer: Option<&Spanned<String>>, complaints: &mut Vec<Complaint>) -> Whose {
    let floor = Whose { layer: Layer::Floor, owner: None, scope: None };
    let path = source.name.strip_suffix(".toml").unwrap_or(source.name);
    let placed = match path.split_once('/') {
        Some(("campaigns", name)) => Some((Layer::Campaign, Owner::Campaign(name.to_owned()))),
        Some(("tenants", name)) => Some((Layer::Tenant, Owner::Tenant(name.to_owned()))),
        _ => None,
    };
    if let Some((layer, owner)) = placed {
        return Whose { layer, owner: Some(owner), scope: None };
    }
    if let (Some(("carriers", name)), Kind::Word(words)) = (path.split_once('/'), Fact::Carrier.kind()) {
        let bit =
            word_bit(Fact::Carrier.name(), words, name).map_err(|reason| complaints.push(source.complain(0, reason)));
        let scope = bit.ok().map(|words| Scope { fact: Fact::Carrier, words });
        return Whose { layer: Layer::Carrier, owner: None, scope };
    }
    match layer.map(|value| (value, value.get_ref().as_str())) {
        None | Some((_, "floor")) => floor,
        Some((_, "carrier")) => Whose { layer: Layer::Carrier, ..floor },
        Some((value, name)) => {
            let hint = "a campaign's rules are in campaigns/NAME.toml and a tenant's in tenants/NAME.toml";
            complaints
                .push(source.complain_of(value, format!("{}; {hint}", unknown("layer", name, &["floor", "carrier"]))));
            floor
        }
    }
}

/// Reads on after a mistake, so that one run tells them all.
struct Reader<'a> {
    source: Source<'a>,
    whose: &'a Whose,
    complaints: &'a mut Vec<Complaint>,
}

impl Reader<'_> {
    fn rule(&mut self, table: &RuleTable) -> Option<Rule> {
        let waits = self.waits(table);
        let (effective, expires) = (self.day(table.effective.as_ref()), self.day(table.expires.as_ref()));
        let id = self.id(&table.id);
        let cite = self.filled_in(&table.cite, "cite");
        let severity = self.severity(&table.severity, waits);
        let on_unknown = self.on_unknown(&table.on_unknown, waits);
        let class = self.class(&table.class);
        let scope = self.scope(&table.applies);
        let when = self.when(&table.when);
        let (explain, fix) = (self.template(&table.explain, "explain"), self.template(&table.fix, "fix"));
        let (scope, when, explain, fix) = (scope?, when?, explain?, fix?);
        let scopes: FactSet = scope.iter().map(|scope| scope.fact).collect();
        let reads = scopes.union(when.reads()).union(explain.reads()).union(fix.reads());
        let effective = effective?.unwrap_or(Timestamp::EPOCH);
        let expires = expires?.unwrap_or(Timestamp::MAX);
        if let Some(value) = table.expires.as_ref().filter(|_| expires <= effective) {
            self.complain(value, "expires before it is in force");
            return None;
        }
        Some(Rule {
            layer: self.whose.layer,
            owner: self.whose.owner.clone(),
            gate: Gate { effective, expires, outside: Marks::outside(&scope), needs: when.needs(), reads },
            id: id?,
            cite: cite?,
            class: class?,
            severity: severity?,
            on_unknown: on_unknown?,
            scope,
            when,
            explain,
            fix,
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

    fn severity(&mut self, value: &Spanned<String>, waits: Waits) -> Option<Severity> {
        let result = severity(value.get_ref(), waits).and_then(|found| {
            found.ok_or_else(|| {
                "a rule whose severity is pass never does anything; use deny, hold, rewrite or warn".into()
            })
        });
        self.or_complain(value, result)
    }

    fn on_unknown(&mut self, value: &Spanned<String>, waits: Waits) -> Option<Option<Severity>> {
        let result = severity(value.get_ref(), waits);
        self.or_complain(value, result)
    }

    /// What `hold` and `rewrite` of this rule mean.
    fn waits(&mut self, table: &RuleTable) -> Waits {
        let says = |word: &str| [&table.severity, &table.on_unknown].iter().any(|value| value.get_ref() == word);
        if let Some(value) = [&table.hold_for, &table.hold_until].into_iter().flatten().find(|_| !says("hold")) {
            self.complain(value, "nothing here holds; this goes with severity or on_unknown = \"hold\"");
        }
        if let Some(value) = table.change.as_ref().filter(|_| !says("rewrite")) {
            self.complain(value, "nothing here rewrites; `change` goes with severity or on_unknown = \"rewrite\"");
        }
        if let (Some(_), Some(value)) = (&table.hold_for, &table.hold_until) {
            self.complain(value, "a hold has `hold_for` or `hold_until`, not both");
        }
        let wait = match (&table.hold_for, &table.hold_until) {
            (Some(value), _) => self.or_complain(value, duration(value.get_ref())).map(Wait::For),
            (None, Some(value)) => self.or_complain(value, until(value.get_ref())),
            (None, None) => None,
        };
        let change = table.change.as_ref().and_then(|value| self.or_complain(value, change(value.get_ref())));
        Waits { wait, change }
    }

    fn day(&mut self, value: Option<&Spanned<String>>) -> Option<Option<Timestamp>> {
        let Some(value) = value else { return Some(None) };
        let day = Timestamp::parse_rfc3339(&format!("{}T00:00:00Z", value.get_ref()));
        let reason = "isn't a day such as 2027-01-31; a day begins at midnight UTC";
        self.or_complain(value, day.ok_or_else(|| reason.to_owned())).map(Some)
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
            (Fact::Channel, &applies.channels),
            (Fact::SenderType, &applies.senders),
            (Fact::Carrier, &applies.carriers),
        ];
        let before = self.complaints.len();
        let mut scopes: Vec<Scope> = self.whose.scope.into_iter().collect();
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

    fn when(&mut self, value: &Spanned<String>) -> Option<super::expr::Expr> {
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

/// What `hold` and `rewrite` of one rule mean.
#[derive(Debug, Clone, Copy)]
struct Waits {
    wait: Option<Wait>,
    change: Option<Change>,
}

/// `None` for `pass`.
fn severity(name: &str, waits: Waits) -> Result<Option<Severity>, String> {
    match name {
        "pass" => Ok(None),
        "warn" => Ok(Some(Severity::Warn)),
        "rewrite" => {
            let needs = || format!("rewrite needs a `change`: {}", changes().join(", "));
            waits.change.map(|change| Some(Severity::Rewrite(change))).ok_or_else(needs)
        }
        "deny" => Ok(Some(Severity::Deny)),
        "hold" => {
            let needs =
                "hold needs a `hold_for` such as \"5m\", or a `hold_until`: window, daily-reset, count, supervision";
            waits.wait.map(|wait| Some(Severity::Hold(wait))).ok_or_else(|| needs.to_owned())
        }
        _ => Err(unknown("severity", name, &["deny", "hold", "rewrite", "warn", "pass"])),
    }
}

fn until(name: &str) -> Result<Wait, String> {
    match name {
        "window" => Ok(Wait::Window),
        "supervision" => Ok(Wait::Supervision),
        "daily-reset" => Ok(Wait::DailyReset),
        "count" => Ok(Wait::Count),
        _ => Err(unknown("end of a hold", name, &["window", "daily-reset", "count", "supervision"])),
    }
}

fn change(name: &str) -> Result<Change, String> {
    let found = Change::ALL.into_iter().find(|change| change.as_str() == name);
    found.ok_or_else(|| unknown("change", name, &changes()))
}

fn changes() -> Vec<&'static str> {
    Change::ALL.iter().map(|change| change.as_str()).collect()
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
