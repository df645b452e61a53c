//! What other policies would have said of a message, by the facts that its decision kept, and by the message where it can be read.
//!
//! A decision keeps the facts that the rules in force read. What a text and a number say is found out again where the message is
//! given: by other tables, or since nobody asked then. Everything else stays as it was kept, and a rule that can't be judged without
//! a fact that wasn't kept makes the message one of which nothing can be said.

use signalbox_model::{
    Address, Body, Category, Chance, Conversation, Decision, Direction, Encoding, FactRead, KeyId, Message, MessageId,
    Origin, Partition, TenantId, Timestamp, Verdict,
};

use crate::content;
use crate::facts::{Fact, FactSet, Facts, Value};
use crate::place::Known;
use crate::policies::{About, PLACE, Policies};
use crate::rules::{Outcome, Whose};

/// A recorded decision, and what there is of the message that it was on.
#[derive(Debug, Clone, Copy)]
pub struct Then<'a> {
    /// The decision.
    pub decision: &'a Decision,
    /// Whose message it was.
    pub whose: Whose<'a>,
    /// When.
    pub at: Timestamp,
    /// The message, if its words can be read.
    pub message: Option<&'a Message>,
    /// Where its recipient said to be.
    pub place: Known<'a>,
    /// Which tables are others than then.
    pub changed: Changed,
}

/// An outbound message as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<'a> {
    /// Whose.
    pub tenant: &'a str,
    /// Sender.
    pub from: &'a str,
    /// Recipient.
    pub to: &'a str,
    /// What it said when it was decided.
    pub text: &'a str,
    /// What it is for.
    pub category: &'a str,
    /// The campaign that it named.
    pub campaign: Option<&'a str>,
    /// Its media.
    pub media_urls: Vec<String>,
}

impl Shown<'_> {
    /// The message, as far as its text and its numbers go; its ids are made up.
    pub fn message(self, at: Timestamp) -> Option<Message> {
        let (from, to): (Address, Address) = (self.from.parse().ok()?, self.to.parse().ok()?);
        let tenant: TenantId = self.tenant.parse().ok()?;
        let chance = Chance::seeded(1);
        let conversation = Conversation { tenant: tenant.clone(), ours: from.clone(), theirs: to.clone() };
        Some(Message {
            id: MessageId::new(at, Partition::new(0), &chance),
            conversation: conversation.id(),
            tenant,
            direction: Direction::Outbound,
            from,
            to,
            body: Body { text: self.text.to_owned(), media_urls: self.media_urls },
            original: None,
            category: Category::ALL.into_iter().find(|category| category.as_str() == self.category)?,
            campaign: self.campaign.map(str::to_owned),
            tags: Vec::new(),
            callback_url: None,
            accepted_at: at,
            send_at: None,
            expires_at: Timestamp::MAX,
            encoding: Encoding::Gsm7,
            segments: 1,
            origin: Origin::Api { key: KeyId::new(at, Partition::new(0), &chance) },
            depth: 0,
            veil: Default::default(),
        })
    }
}

/// Which tables are others than when it was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changed {
    /// Those that tell what a text says.
    pub content: bool,
    /// Those that tell where a number is and what holds there.
    pub place: bool,
}

/// What is found out again of a message by itself. Whether it names the brand and whose links are declared isn't: that stands
/// elsewhere, and no table changes it.
const CONTENT: FactSet = content::FACTS.without(FactSet::of(&[Fact::HasBrand, Fact::LinksDeclared]));

impl Changed {
    /// Those of a file's name that feed what is found out again; `None` if what it feeds isn't: rates and lists' ages.
    pub fn by(file: &str) -> Option<Self> {
        match file.rsplit('/').next().unwrap_or(file).split('.').next().unwrap_or_default() {
            "terms" | "links" | "lookalikes" => Some(Self { content: true, place: false }),
            "windows" | "holidays" | "places" | "numbers" | "zips" => Some(Self { content: false, place: true }),
            // What no rule reads.
            "campaigns" | "keywords" | "revocation" | "answers" => Some(Self::default()),
            _ => None,
        }
    }

    /// Of either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { content: self.content || other.content, place: self.place || other.place }
    }
}

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

/// Asks `policies` about the message of a decision.
pub fn judge(policies: &Policies, then: Then<'_>) -> Judged {
    let Then { decision, whose, .. } = then;
    let (mut facts, mut kept) = kept(decision, then.at);
    if let Some(message) = then.message {
        kept = kept.union(find_out(policies, &mut facts, kept, message, then));
    } else {
        // What was found by other tables says nothing of these.
        for lost in [(CONTENT, then.changed.content), (PLACE, then.changed.place)].iter().filter(|lost| lost.1) {
            for fact in lost.0.iter() {
                facts.set(fact, Value::Unknown);
            }
            kept = kept.without(lost.0);
        }
    }
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

/// Finds out what the message itself says, where tables are others or nobody asked; which facts that gives.
fn find_out(policies: &Policies, facts: &mut Facts, kept: FactSet, message: &Message, then: Then<'_>) -> FactSet {
    let fresh = policies.facts(message, About { place: then.place, ..About::default() }, then.at);
    let mut found = FactSet::EMPTY;
    for (all, changed) in [(CONTENT, then.changed.content), (PLACE, then.changed.place)] {
        let asked = all.iter().filter(|fact| policies.rules.reads().has(*fact) && (changed || !kept.has(*fact)));
        for fact in asked {
            facts.set(fact, fresh.get(fact));
            found = found.union(FactSet::of(&[fact]));
        }
    }
    facts.window_opens = fresh.window_opens;
    found
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

    fn then(decision: &Decision) -> Then<'_> {
        let (whose, place, changed) = (Whose::default(), Known::default(), Changed::default());
        Then { decision, whose, at: AT, message: None, place, changed }
    }

    #[test]
    fn other_tables_are_asked_about_the_message_itself() {
        let mut policies = with(&rule("has_shortener"));
        let shown = Shown {
            tenant: "acme",
            from: "+12125550100",
            to: "+12125550123",
            text: "see https://sho.rt/x",
            category: "marketing",
            campaign: None,
            media_urls: Vec::new(),
        };
        let message = shown.message(AT).unwrap();
        let facts = policies.facts(&message, About::default(), AT);
        let facts = Facts { opted_out: Some(false), sender_owned: Some(true), ..facts };
        let decision = policies.decide(&facts, Whose::default());
        assert_eq!(decision.verdict, Verdict::Allow, "{decision:?}");
        let shorteners = |text: &str| text.replacen("bit.ly", "sho.rt", 1);
        policies.tables = crate::data::tests::with("links.toml", shorteners).unwrap();
        let changed = Changed { content: true, place: false };
        let readable = Then { message: Some(&message), changed, ..then(&decision) };
        assert_eq!(judge(&policies, readable).fires, ["more"]);
        let unreadable = judge(&policies, Then { changed, ..then(&decision) });
        assert_eq!(unreadable.missing, ["has_shortener"]);
        // The same tables: what was kept holds.
        assert_eq!(judge(&policies, Then { message: None, ..then(&decision) }).verdict, "allow");
    }

    #[test]
    fn every_table_is_known_to_be_found_out_again_or_not() {
        let again = |version: &&crate::data::Version| Changed::by(&version.file).is_some();
        let policies = Policies::built_in();
        let not: Vec<_> = policies.tables.versions().iter().filter(|v| !again(v)).map(|v| &*v.file).collect();
        assert_eq!(not, ["data/throughput.toml", "data/lists.toml"]);
    }

    #[test]
    fn the_same_set_says_the_same() {
        let decision = recorded(7);
        let judged = judge(&Policies::built_in(), then(&decision));
        assert_eq!((judged.verdict, judged.is_known()), (decision.verdict.as_str(), true));
        assert!(judged.fires.is_empty() && judged.silent.is_empty(), "{judged:?}");
    }

    #[test]
    fn a_stricter_set_says_more_and_what_it_needs_and_nobody_kept_is_told() {
        let stricter = judge(&with(&rule("segments > 3")), then(&recorded(7)));
        assert_eq!((stricter.verdict, stricter.fires), ("deny", vec!["more".to_owned()]));
        let unknown = judge(&with(&rule("sent_24h > 3")), then(&recorded(1)));
        assert_eq!(unknown.missing, ["sent_24h"], "{unknown:?}");
        let decided = judge(&with(&rule("segments < 2 || sent_24h > 3")), then(&recorded(1)));
        assert_eq!((decided.verdict, decided.is_known()), ("deny", true));
    }
}
