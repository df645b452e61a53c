//! One rule.

use std::time::Duration;

use signalbox_model::{Category, ErrorClass, Reason, Timestamp, Verdict};

use super::expr::{Expr, Needs};
use super::layer::{Layer, Owner};
use super::subject::{Marks, Subject};
use super::template::Template;
use crate::facts::{Fact, FactSet, Facts};

/// How long a held message waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// So long.
    For(Duration),
    /// Until the recipient's window opens.
    Window,
    /// Until the day that carriers count in begins anew.
    DailyReset,
    /// Until one of the messages that are counted falls out of the count.
    Count,
    /// Until the tenant's supervisors had their time.
    Supervision,
}

/// How long what waits for a time that nobody knows waits before it is checked again.
const ASK_AGAIN: Duration = Duration::from_secs(3_600);

impl Wait {
    fn until(self, facts: &Facts) -> Timestamp {
        let known = match self {
            Self::For(wait) => return facts.now + wait,
            Self::Window => facts.window_opens,
            Self::DailyReset => facts.day_resets,
            Self::Count => facts.count_falls,
            Self::Supervision => facts.supervision_ends,
        };
        // A time that has come is no wait; the rule says that there has to be one.
        known.filter(|until| *until > facts.now).unwrap_or(facts.now + ASK_AGAIN)
    }
}

/// What a rewrite does to a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// The tenant's brand is put before it.
    NameBrand,
    /// How to opt out is put behind it.
    AppendOptOut,
    /// It is replaced by a pointer to the tenant's portal.
    PortalLink,
}

impl Change {
    /// Every change.
    pub const ALL: [Self; 3] = [Self::NameBrand, Self::AppendOptOut, Self::PortalLink];

    /// The name in rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NameBrand => "name-brand",
            Self::AppendOptOut => "append-opt-out",
            Self::PortalLink => "portal-link",
        }
    }
}

/// What a rule asks for when it fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Let it go, and tell.
    Warn,
    /// It may go once it is changed. Who can't make the change doesn't send it.
    Rewrite(Change),
    /// It waits and is checked again.
    Hold(Wait),
    /// It never goes.
    Deny,
}

impl Severity {
    fn verdict(self, facts: &Facts) -> Verdict {
        match self {
            Self::Warn => Verdict::Warn,
            Self::Rewrite(_) => Verdict::Rewrite,
            Self::Hold(wait) => Verdict::Hold { until: wait.until(facts) },
            Self::Deny => Verdict::Deny,
        }
    }

    /// The name in rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Rewrite(_) => "rewrite",
            Self::Hold(_) => "hold",
            Self::Deny => "deny",
        }
    }

    /// Whether this asks for at least as much as `other`. Holds that end otherwise can't be compared, nor can changes.
    pub(crate) fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::Hold(Wait::For(long)), Self::Hold(Wait::For(short))) => long >= short,
            (Self::Hold(one), Self::Hold(two)) => one == two,
            (Self::Rewrite(one), Self::Rewrite(two)) => one == two,
            (one, two) => one.rank() >= two.rank(),
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Warn => 0,
            Self::Rewrite(_) => 1,
            Self::Hold(_) => 2,
            Self::Deny => 3,
        }
    }
}

/// Which messages a rule is for: a fact and the words it may be. A message of which it isn't known is in scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) fact: Fact,
    pub(crate) words: u64,
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// It isn't for this message, or not in force at this time.
    Apart = 0,
    /// It had nothing to say.
    Passed = 1,
    /// It fired.
    Fired = 2,
    /// A fact that it needs isn't known; it did what it says for that.
    Unknown = 3,
}

impl Outcome {
    /// By its two bits in records.
    pub(crate) const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::Apart,
            1 => Self::Passed,
            2 => Self::Fired,
            _ => Self::Unknown,
        }
    }

    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apart => "not for it",
            Self::Passed => "passed",
            Self::Fired => "fired",
            Self::Unknown => "unknown",
        }
    }
}

/// What tells of most rules, for most messages, that they don't fire: looked at first, and kept beside the rules in one piece,
/// because of the rule itself nothing else is read then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gate {
    /// In force from then.
    pub(crate) effective: Timestamp,
    /// No longer in force from then.
    pub(crate) expires: Timestamp,
    /// What marks messages that are out of scope.
    pub(crate) outside: Marks,
    /// What the condition needs whatever else there is in it.
    pub(crate) needs: Needs,
    /// What scope, condition and words read.
    pub(crate) reads: FactSet,
}

impl Gate {
    /// What becomes of the rule; `None` where that is for its condition to say.
    #[inline]
    pub(crate) fn stops(&self, subject: &Subject) -> Option<Outcome> {
        let in_force = self.effective <= subject.now && subject.now < self.expires;
        if !in_force || subject.is_marked(self.outside) {
            return Some(Outcome::Apart);
        }
        self.needs.fail(&subject.facts).then_some(Outcome::Passed)
    }
}

/// A rule as loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) id: String,
    pub(crate) layer: Layer,
    pub(crate) owner: Option<Owner>,
    pub(crate) cite: String,
    pub(crate) class: ErrorClass,
    pub(crate) severity: Severity,
    /// What it asks for when a fact it needs isn't known; `None` lets it pass.
    pub(crate) on_unknown: Option<Severity>,
    pub(crate) gate: Gate,
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

    /// Whose it is.
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// For which campaign or tenant it is, if not for all.
    pub fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }

    /// What it asks for when it fires.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What it asks for when a fact that it needs isn't known; `None` lets the message pass.
    pub fn on_unknown(&self) -> Option<Severity> {
        self.on_unknown
    }

    /// The facts that it reads.
    pub fn reads(&self) -> FactSet {
        self.gate.reads
    }

    /// Can it be for messages of this category?
    pub(crate) fn covers(&self, category: Category) -> bool {
        let other = |scope: &Scope| scope.fact == Fact::Category && scope.words & (1 << category as u64) == 0;
        !self.scope.iter().any(other)
    }

    /// What it makes of a message, without a word about why. Allocates nothing.
    #[inline]
    pub fn judge(&self, subject: &Subject) -> Outcome {
        self.gate.stops(subject).unwrap_or_else(|| self.weigh(subject))
    }

    /// What its condition makes of a message that came through the gate.
    pub(crate) fn weigh(&self, subject: &Subject) -> Outcome {
        match self.when.eval(&subject.facts) {
            Some(true) => Outcome::Fired,
            Some(false) => Outcome::Passed,
            None => Outcome::Unknown,
        }
    }

    /// What it asks for after that outcome.
    pub(crate) fn asks(&self, outcome: Outcome) -> Option<Severity> {
        match outcome {
            Outcome::Fired => Some(self.severity),
            Outcome::Unknown => self.on_unknown,
            Outcome::Apart | Outcome::Passed => None,
        }
    }

    pub(crate) fn verdict(&self, severity: Severity, facts: &Facts) -> Verdict {
        severity.verdict(facts)
    }

    pub(crate) fn reason(&self, verdict: Verdict, facts: &Facts) -> Reason {
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
