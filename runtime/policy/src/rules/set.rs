//! The rules in force.

use std::collections::HashMap;
use std::ops::Range;

use sha2::{Digest, Sha256};
use signalbox_model::{Category, Decision, FactRead, Trace, Verdict};

use super::file;
use super::layer::{Layer, Owner, Whose};
use super::rule::{Change, Gate, Outcome, Rule, Severity};
use super::subject::Subject;
use super::tighten::loosens;
use crate::error::{Complaint, Error};
use crate::facts::{FactSet, Facts};
use crate::source::Source;

/// The name of the floor's file.
pub(crate) const FLOOR: &str = "floor.toml";

/// The rules in force: loaded whole or not at all, never changed afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    /// From the widest layer; those of one owner stand together.
    rules: Vec<Rule>,
    /// Theirs, in the same order.
    gates: Vec<Gate>,
    /// How many of them are for everybody.
    common: usize,
    owned: HashMap<Owner, Range<usize>>,
    reads: FactSet,
    /// By the category of the message, in the order of [`Category::ALL`].
    reads_of: [FactSet; Category::ALL.len()],
    hash: u64,
}

impl RuleSet {
    /// The floor that this program was built with.
    pub fn built_in() -> Result<Self, Error> {
        Self::parse(&[(FLOOR, crate::BUILT_IN_FLOOR)])
    }

    /// Rules from files' names and texts; whose they are is in the names. All complaints about all of them, or the whole
    /// set.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, Error> {
        let (mut rules, mut complaints) = (Vec::<Rule>::new(), Vec::<Complaint>::new());
        let mut hasher = Sha256::new();
        for &(name, text) in files {
            hash_piece(&mut hasher, name);
            hash_piece(&mut hasher, text);
            let source = Source { name, text };
            match file::read(source) {
                Err(found) => complaints.extend(found),
                Ok(more) => {
                    complaints.extend(more.iter().filter_map(|rule| twice(source, rule, &rules)));
                    rules.extend(more);
                }
            }
        }
        for &(name, text) in files {
            complaints.extend(loosened(Source { name, text }, &rules));
        }
        if !complaints.is_empty() {
            return Err(Error::Refused(complaints));
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize()[..8]);
        Ok(Self::order(rules, u64::from_be_bytes(first)))
    }

    /// Widest layer first, one owner's rules together; within that as they were read.
    fn order(mut rules: Vec<Rule>, hash: u64) -> Self {
        rules.sort_by(|a, b| (a.layer, &a.owner).cmp(&(b.layer, &b.owner)));
        let common = rules.partition_point(|rule| rule.owner.is_none());
        let mut owned: HashMap<Owner, Range<usize>> = HashMap::new();
        for (at, rule) in rules.iter().enumerate().skip(common) {
            if let Some(owner) = &rule.owner {
                owned.entry(owner.clone()).or_insert(at..at).end = at + 1;
            }
        }
        let gates: Vec<Gate> = rules.iter().map(|rule| rule.gate).collect();
        let reads = gates.iter().fold(FactSet::EMPTY, |all, gate| all.union(gate.reads));
        let reads_of = Category::ALL.map(|category| {
            let covered = rules.iter().filter(|rule| rule.covers(category));
            covered.fold(FactSet::EMPTY, |all, rule| all.union(rule.gate.reads))
        });
        Self { rules, gates, common, owned, reads, reads_of, hash }
    }

    /// Evaluates every rule that is for everybody.
    pub fn decide(&self, facts: &Facts) -> Decision {
        self.decide_for(facts, Whose::default())
    }

    /// Evaluates every rule for such a message; the most severe one that fires wins, the longest of several holds.
    pub fn decide_for(&self, facts: &Facts, whose: Whose<'_>) -> Decision {
        let subject = Subject::of(facts);
        let layers = self.layers(whose);
        let asked: usize = layers.iter().map(|layer| layer.len()).sum();
        let mut outcomes = vec![0; asked.div_ceil(OUTCOMES_IN_A_BYTE)];
        let mut decision =
            Decision { verdict: Verdict::Allow, reasons: Vec::new(), rules: self.hash, trace: Trace::default() };
        let mut read = FactSet::EMPTY;
        for (at, index) in layers.into_iter().flatten().enumerate() {
            let gate = &self.gates[index];
            let outcome = gate.stops(&subject).unwrap_or_else(|| self.rules[index].weigh(&subject));
            if outcome == Outcome::Apart {
                continue;
            }
            outcomes[at / OUTCOMES_IN_A_BYTE] |= (outcome as u8) << (at % OUTCOMES_IN_A_BYTE * 2);
            read = read.union(gate.reads);
            if outcome == Outcome::Passed {
                continue;
            }
            let rule = &self.rules[index];
            if let Some(severity) = rule.asks(outcome) {
                Self::fire(&mut decision, rule, severity, facts);
            }
        }
        let mut facts_read = Vec::with_capacity(read.len());
        for fact in read.iter() {
            facts_read.push(FactRead(fact as u8, subject.facts.get(fact)));
        }
        decision.trace = Trace { tables: 0, outcomes, facts: facts_read };
        decision
    }

    fn fire(decision: &mut Decision, rule: &Rule, severity: Severity, facts: &Facts) {
        let verdict = rule.verdict(severity, facts);
        decision.verdict = decision.verdict.max(verdict);
        let reason = rule.reason(verdict, facts);
        // A narrower layer's change of a rule speaks for both.
        match decision.reasons.iter_mut().find(|known| known.rule == reason.rule) {
            // The milder one may come later; the severer one is why.
            Some(known) if rank(&known.severity) > rank(&reason.severity) => {}
            Some(known) => *known = reason,
            None => decision.reasons.push(reason),
        }
    }

    /// The verdict alone: nothing is allocated.
    pub fn verdict(&self, facts: &Facts, whose: Whose<'_>) -> Verdict {
        let subject = Subject::of(facts);
        let asked = |rule: &Rule| Some(rule.verdict(rule.asks(rule.judge(&subject))?, facts));
        self.asked(whose).filter_map(asked).max().unwrap_or(Verdict::Allow)
    }

    /// The rules for such a message, in the order in which outcomes are recorded.
    pub fn asked(&self, whose: Whose<'_>) -> impl Iterator<Item = &Rule> {
        self.layers(whose).into_iter().flat_map(|layer| &self.rules[layer])
    }

    /// Where they are, layer by layer: those for everybody, the campaign's, the tenant's.
    fn layers(&self, whose: Whose<'_>) -> [Range<usize>; 3] {
        let of = |owner: Option<Owner>| owner.and_then(|owner| self.owned.get(&owner)).cloned().unwrap_or(0..0);
        // Most sets have no narrow layer: then no name is copied to look it up.
        let some = !self.owned.is_empty();
        let campaign = of(whose.campaign.filter(|_| some).map(|name| Owner::Campaign(name.to_owned())));
        let tenant = of(whose.tenant.filter(|_| some).map(|name| Owner::Tenant(name.to_owned())));
        [0..self.common, campaign, tenant]
    }

    /// The changes that a decision asks for, each once.
    pub fn changes(&self, decision: &Decision) -> Vec<Change> {
        let change = |rule: &Rule| match (rule.severity, rule.on_unknown) {
            (Severity::Rewrite(change), _) | (_, Some(Severity::Rewrite(change))) => Some(change),
            _ => None,
        };
        let asks = decision.reasons.iter().filter(|reason| reason.severity == Verdict::Rewrite.as_str());
        let rules = asks.flat_map(|reason| self.rules.iter().filter(|rule| rule.id == reason.rule));
        let mut changes: Vec<Change> = rules.filter_map(change).collect();
        changes.sort_unstable();
        changes.dedup();
        changes
    }

    /// The rules, from the widest layer.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The facts that any of them reads: nobody needs to look for others.
    pub fn reads(&self) -> FactSet {
        self.reads
    }

    /// The facts that rules read that may be for messages of this category: for what costs a look into the store.
    pub fn reads_of(&self, category: Category) -> FactSet {
        self.reads_of[category as usize]
    }

    /// The first 8 bytes of the SHA-256 over the files' names and texts: what decisions carry.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

/// How severe a reason is, by its word.
fn rank(severity: &str) -> usize {
    ["warn", "rewrite", "hold", "deny"].iter().position(|word| *word == severity).unwrap_or(0)
}

/// Two bits a rule.
const OUTCOMES_IN_A_BYTE: usize = 4;

/// The complaint about a rule whose id stands for another one of its own layer and owner.
fn twice(source: Source<'_>, rule: &Rule, known: &[Rule]) -> Option<Complaint> {
    let same = |other: &&Rule| other.id == rule.id && other.layer == rule.layer && other.owner == rule.owner;
    let other = known.iter().find(same)?;
    let reason =
        format!("there is another rule `{}` in an earlier file of the {} layer", other.id, other.layer.as_str());
    Some(source.complain(place(source, &rule.id), reason))
}

/// The complaints about rules of this file that would loosen a wider layer's.
fn loosened(source: Source<'_>, rules: &[Rule]) -> Vec<Complaint> {
    let mine = file::read(source).unwrap_or_default();
    let wider = |own: &Rule| {
        let found = rules.iter().filter(|rule| rule.id == own.id && rule.layer < own.layer);
        let found = found.filter_map(|wide| Some((wide.layer, loosens(own, wide)?)));
        found.map(|(layer, how)| (own.id.clone(), layer, how)).collect::<Vec<_>>()
    };
    let complain = |(id, layer, how): (String, Layer, String)| {
        let reason = format!("would loosen the {} layer's rule `{id}`: {how}", layer.as_str());
        source.complain(place(source, &id), reason)
    };
    mine.iter().flat_map(wider).map(complain).collect()
}

fn place(source: Source<'_>, id: &str) -> usize {
    source.text.find(&format!("\"{id}\"")).unwrap_or(0)
}

/// With its length, so that no two lists of files have the same bytes.
pub(crate) fn hash_piece(hasher: &mut Sha256, piece: &str) {
    hasher.update((piece.len() as u64).to_be_bytes());
    hasher.update(piece);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::OriginKind;
    use signalbox_model::{ErrorClass, Timestamp};

    fn rule(extra: &str) -> String {
        format!(
            "[[rule]]\nid = \"a\"\ncite = \"c\"\nclass = \"unknown\"\nexplain = \"{{segments}} segments\"\nfix = \"f\"\n{extra}\n"
        )
    }

    fn set(extra: &str) -> Result<RuleSet, Error> {
        RuleSet::parse(&[("r.toml", &rule(extra))])
    }

    fn complaint(extra: &str) -> Complaint {
        match set(extra) {
            Err(Error::Refused(complaints)) => complaints[0].clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_most_severe_rule_wins_and_all_that_fired_are_named() {
        let file = |id: &str, severity: &str| {
            let change = if severity == "rewrite" { "change = \"append-opt-out\"" } else { "" };
            rule(&format!("severity = \"{severity}\"\non_unknown = \"pass\"\nwhen = \"segments > 1\"\n{change}"))
                .replace("\"a\"", &format!("\"{id}\""))
        };
        let text = [file("w", "warn"), file("d", "deny"), file("r", "rewrite")].concat();
        let decision =
            RuleSet::parse(&[("r.toml", &text)]).unwrap().decide(&Facts { segments: Some(2), ..Facts::default() });
        assert_eq!(decision.verdict, Verdict::Deny);
        let fired: Vec<_> = decision.reasons.iter().map(|reason| reason.rule.as_str()).collect();
        assert_eq!(fired, ["w", "d", "r"]);
        assert_eq!(decision.reasons[0].explain, "2 segments");
        assert_eq!(decision.class(), Some(ErrorClass::Unknown));
        assert_eq!(decision.trace.outcomes, [0b10_10_10]);
        assert_eq!(decision.trace.facts, [FactRead(crate::Fact::Segments as u8, Some(2))]);
    }

    #[test]
    fn an_unknown_fact_takes_the_rules_own_word_for_it() {
        let verdict = |word: &str| {
            let extra = format!("severity = \"deny\"\non_unknown = \"{word}\"\nwhen = \"opted_out\"");
            set(&extra).unwrap().decide(&Facts::default()).verdict
        };
        assert_eq!(verdict("pass"), Verdict::Allow);
        assert_eq!(verdict("warn"), Verdict::Warn);
        assert_eq!(verdict("deny"), Verdict::Deny);
    }

    #[test]
    fn a_hold_ends_at_a_time() {
        let set = set("severity = \"hold\"\nhold_for = \"5m\"\non_unknown = \"pass\"\nwhen = \"has_media\"").unwrap();
        let now = Timestamp::from_millis(1_000);
        let decision = set.decide(&Facts { now, has_media: Some(true), ..Facts::default() });
        assert_eq!(decision.verdict, Verdict::Hold { until: Timestamp::from_millis(301_000) });
        assert_eq!(decision.reasons[0].severity, "hold");
    }

    #[test]
    fn scope_leaves_out_what_it_surely_does_not_cover() {
        let set = set(
            "severity = \"deny\"\non_unknown = \"deny\"\nwhen = \"true\"\napplies = { origins = [\"api\", \"handler\"] }",
        )
        .unwrap();
        let verdict = |origin| set.decide(&Facts { origin, ..Facts::default() }).verdict;
        assert_eq!(verdict(Some(OriginKind::Api)), Verdict::Deny);
        assert_eq!(verdict(Some(OriginKind::Keyword)), Verdict::Allow);
        assert_eq!(verdict(None), Verdict::Deny);
    }

    #[test]
    fn mistakes_are_told_with_their_place_and_what_is_allowed() {
        let good = "severity = \"deny\"\non_unknown = \"pass\"\nwhen = \"has_media\"";
        let table = [
            (good.replace("has_media", "has_media && segmnts > 1"), 9, 22, "perhaps `segments`"),
            (good.replace("\"has_media\"", "'''\nhas_media\n  || x'''"), 11, 6, "no fact `x`"),
            (good.replace("deny", "refuse"), 7, 12, "allowed are deny, hold"),
            (good.replace("deny", "pass"), 7, 12, "never does anything"),
            (good.replace("deny", "hold"), 7, 12, "needs a `hold_for`"),
            (format!("{good}\nhold_for = \"5m\""), 10, 12, "nothing here holds"),
            (format!("{good}\nchange = \"name-brand\""), 10, 10, "nothing here rewrites"),
            (good.replace("deny", "rewrite"), 7, 12, "needs a `change`: name-brand"),
            (
                good.replace("deny", "hold") + "\nhold_until = \"noon\"",
                10,
                14,
                "allowed are window, daily-reset, count, supervision",
            ),
            (format!("{good}\nexpires = \"soon\""), 10, 11, "isn't a day"),
            (format!("{good}\neffective = \"2026-02-01\"\nexpires = \"2026-01-01\""), 11, 11, "before it is in force"),
            (good.replace("deny", "hold") + "\nhold_for = \"5 min\"", 10, 12, "isn't a time"),
            (format!("{good}\napplies = {{ origins = [\"ap\"] }}"), 10, 24, "`origin` is never \"ap\""),
            (format!("{good}\napplies = {{ origin = [\"api\"] }}"), 10, 13, "unknown field `origin`"),
            (format!("{good}\nwhn = 1"), 10, 1, "unknown field `whn`"),
            (good.replace("when = \"has_media\"", ""), 1, 1, "missing field `when`"),
            (good.replace("\"deny\"", "deny"), 7, 12, ""),
        ];
        for (extra, line, column, reason) in table {
            let complaint = complaint(&extra);
            assert!(complaint.reason.contains(reason), "{extra}: {complaint}");
            assert_eq!((complaint.line, complaint.column), (line, column), "{extra}: {complaint}");
            assert_eq!(complaint.file, "r.toml");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let text = rule("severity = \"x\"\non_unknown = \"y\"\nwhen = \"z\"").replace("\"unknown\"", "\"u\"");
        let Err(Error::Refused(complaints)) = RuleSet::parse(&[("r.toml", &text)]) else { panic!() };
        assert_eq!(complaints.len(), 4);
    }

    #[test]
    fn an_id_stands_for_one_rule() {
        let one = rule("severity = \"deny\"\non_unknown = \"pass\"\nwhen = \"true\"");
        assert!(RuleSet::parse(&[("a.toml", &one), ("b.toml", &one)]).is_err());
        assert!(RuleSet::parse(&[("a.toml", &one.repeat(2))]).is_err());
    }

    #[test]
    fn the_hash_changes_with_the_rules() {
        let floor = RuleSet::built_in().unwrap();
        assert_eq!(floor.hash(), RuleSet::built_in().unwrap().hash());
        let other = RuleSet::parse(&[("floor.toml", &format!("{}\n", crate::BUILT_IN_FLOOR))]).unwrap();
        assert_ne!(floor.hash(), other.hash());
        assert_eq!(floor.decide(&Facts::default()).rules, floor.hash());
    }

    #[test]
    fn a_rule_is_in_force_from_a_day_to_a_day() {
        let set = set("severity = \"deny\"\non_unknown = \"deny\"\nwhen = \"true\"\neffective = \"2026-01-01\"\nexpires = \"2027-01-31\"")
            .unwrap();
        let at = |text: &str| {
            let now = Timestamp::parse_rfc3339(text).unwrap();
            set.decide(&Facts { now, ..Facts::default() }).verdict
        };
        assert_eq!(at("2025-12-31T23:59:59Z"), Verdict::Allow);
        assert_eq!(at("2026-01-01T00:00:00Z"), Verdict::Deny);
        assert_eq!(at("2027-01-30T23:59:59Z"), Verdict::Deny);
        assert_eq!(at("2027-01-31T00:00:00Z"), Verdict::Allow);
    }

    const WIDE: &str = "severity = \"hold\"\nhold_for = \"5m\"\non_unknown = \"warn\"\nwhen = \"segments > 6\"\napplies = { categories = [\"marketing\", \"otp\"] }";

    fn layered(path: &str, narrow: &str) -> Result<RuleSet, Error> {
        RuleSet::parse(&[("floor.toml", &rule(WIDE)), (path, &rule(narrow))])
    }

    #[test]
    fn a_narrower_layer_tightens() {
        let tight = [
            WIDE.to_owned(),
            WIDE.replace("5m", "10m"),
            WIDE.replace("segments > 6", "segments > 4 || has_media"),
            WIDE.replace("\"marketing\", \"otp\"", "\"marketing\", \"otp\", \"transactional\""),
            WIDE.replace("\"warn\"", "\"deny\""),
            WIDE.replace("\"hold\"\nhold_for = \"5m\"", "\"deny\""),
        ];
        for narrow in tight {
            for path in ["carriers/att.toml", "campaigns/C1.toml", "tenants/acme.toml"] {
                let layered = layered(path, &narrow);
                // A carrier's own file is for that carrier only, so it can't stand for the floor's rule.
                assert_eq!(layered.is_ok(), !path.starts_with("carriers"), "{path}: {narrow}\n{layered:?}");
            }
        }
    }

    #[test]
    fn what_would_loosen_is_refused_and_says_which_rule() {
        let loose = [
            (WIDE.replace("5m", "4m"), "`severity` is hold"),
            (WIDE.replace("\"hold\"\nhold_for = \"5m\"", "\"warn\""), "`severity` is warn"),
            (WIDE.replace("\"warn\"", "\"pass\""), "`on_unknown` is pass"),
            (WIDE.replace("segments > 6", "segments > 7"), "`when` may leave out"),
            (WIDE.replace("segments > 6", "segments > 6 && has_media"), "`when` may leave out"),
            (WIDE.replace("\"marketing\", \"otp\"", "\"marketing\""), "by their category"),
            (format!("{WIDE}\nexpires = \"2030-01-01\""), "shorter time"),
        ];
        for (narrow, how) in loose {
            let error = layered("tenants/acme.toml", &narrow).unwrap_err().to_string();
            assert!(error.starts_with("tenants/acme.toml:2:6: would loosen the floor layer's rule `a`: "), "{error}");
            assert!(error.contains(how), "{error}");
        }
    }

    #[test]
    fn narrow_rules_are_for_their_owner_only() {
        let mine = rule("severity = \"deny\"\non_unknown = \"pass\"\nwhen = \"has_media\"").replace("\"a\"", "\"b\"");
        let set =
            RuleSet::parse(&[("tenants/acme.toml", &mine), ("floor.toml", &rule(WIDE)), ("campaigns/C1.toml", &mine)])
                .unwrap();
        let facts = Facts { has_media: Some(true), segments: Some(1), ..Facts::default() };
        let verdict = |tenant, campaign| {
            let whose = Whose { tenant, campaign };
            assert_eq!(set.decide_for(&facts, whose).verdict, set.verdict(&facts, whose));
            set.verdict(&facts, whose)
        };
        assert_eq!(verdict(Some("acme"), None), Verdict::Deny);
        assert_eq!(verdict(Some("other"), Some("C1")), Verdict::Deny);
        assert_eq!(verdict(Some("other"), Some("C2")), Verdict::Allow);
        assert_eq!(verdict(None, None), Verdict::Allow);
        assert_eq!(set.rules()[0].layer(), Layer::Floor);
    }

    #[test]
    fn a_change_of_a_rule_speaks_for_both() {
        let narrow = WIDE.replace("segments > 6", "segments > 4");
        let set = layered("tenants/acme.toml", &narrow).unwrap();
        let facts = Facts { segments: Some(7), category: Some(signalbox_model::Category::Otp), ..Facts::default() };
        let whose = Whose { tenant: Some("acme"), campaign: None };
        assert_eq!(set.decide_for(&facts, whose).reasons.len(), 1);
        let five = Facts { segments: Some(5), ..facts };
        assert_eq!(set.verdict(&five, whose).as_str(), "hold");
        assert_eq!(set.verdict(&five, Whose::default()), Verdict::Allow);
    }

    #[test]
    fn the_severer_of_a_rule_and_its_change_is_the_reason() {
        // The campaign's rule denies at seven segments; the tenant's change of it may only hold where the fact isn't known.
        let wide = "severity = \"deny\"\non_unknown = \"pass\"\nwhen = \"segments > 6\"";
        let narrow = "severity = \"deny\"\non_unknown = \"warn\"\nwhen = \"segments > 6 || has_media\"";
        let campaign = rule(wide).replace("\"unknown\"", "\"content.malformed\"");
        let set = RuleSet::parse(&[("campaigns/C1.toml", &campaign), ("tenants/acme.toml", &rule(narrow))]).unwrap();
        let whose = Whose { tenant: Some("acme"), campaign: Some("C1") };
        let strict = set.decide_for(&Facts { segments: Some(7), ..Facts::default() }, whose);
        assert_eq!((strict.verdict, strict.reasons.len()), (Verdict::Deny, 1));
        let floor = "severity = \"warn\"\non_unknown = \"deny\"\nwhen = \"segments > 6\"";
        let tenant = "severity = \"deny\"\non_unknown = \"deny\"\nwhen = \"segments > 6 || has_media\"";
        let floor = rule(floor).replace("\"unknown\"", "\"content.malformed\"");
        let set = RuleSet::parse(&[("floor.toml", &floor), ("tenants/acme.toml", &rule(tenant))]).unwrap();
        let whose = Whose { tenant: Some("acme"), campaign: None };
        // A deny because nothing is known, then a deny because it fired: the narrower speaks for both.
        let both = set.decide_for(&Facts { has_media: Some(true), ..Facts::default() }, whose);
        assert_eq!(
            (both.verdict, both.reasons[0].severity.as_str(), both.class()),
            (Verdict::Deny, "deny", Some(ErrorClass::Unknown))
        );
    }

    #[test]
    fn a_milder_change_of_a_rule_doesnt_hide_it() {
        // Where the wider condition isn't known it denies; the narrower one fires all the same, and only holds.
        let wide = "severity = \"hold\"\nhold_for = \"5m\"\non_unknown = \"hold\"\nwhen = \"segments > 6\"";
        let floor = rule(wide).replace("\"unknown\"", "\"content.malformed\"");
        let narrow =
            "severity = \"deny\"\non_unknown = \"hold\"\nhold_for = \"5m\"\nwhen = \"segments > 6 || has_media\"";
        let tenant = "severity = \"deny\"\non_unknown = \"hold\"\nhold_for = \"5m\"\nwhen = \"segments > 6 || has_media || has_campaign\"";
        let campaign = rule(narrow).replace("\"unknown\"", "\"sender.invalid\"");
        let files = [("floor.toml", &*floor), ("campaigns/C1.toml", &*campaign), ("tenants/acme.toml", &rule(tenant))];
        let set = RuleSet::parse(&files).unwrap();
        let whose = Whose { tenant: Some("acme"), campaign: Some("C1") };
        // The campaign's fires; the tenant's can't tell and holds.
        let facts = Facts { has_media: Some(false), segments: Some(7), ..Facts::default() };
        let decision = set.decide_for(&facts, whose);
        assert_eq!((decision.verdict, decision.reasons[0].severity.as_str()), (Verdict::Deny, "deny"));
    }

    #[test]
    fn a_tenant_may_not_loosen_a_campaigns_rule() {
        let campaign = "severity = \"deny\"\non_unknown = \"deny\"\nwhen = \"segments > 2\"";
        let loose = campaign.replace("> 2", "> 5");
        let files = [("campaigns/C1.toml", rule(campaign)), ("tenants/acme.toml", rule(&loose))];
        let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
        let error = RuleSet::parse(&files).unwrap_err().to_string();
        assert!(error.starts_with("tenants/acme.toml:2:6: would loosen the campaign layer's rule `a`: "), "{error}");
        let tight = rule(&campaign.replace("> 2", "> 1"));
        assert!(RuleSet::parse(&[files[0], ("tenants/acme.toml", &tight)]).is_ok());
    }

    #[test]
    fn too_much_is_refused_and_not_read() {
        let many = rule("severity = \"deny\"\non_unknown = \"pass\"\nwhen = \"true\"").repeat(1_001);
        let error = RuleSet::parse(&[("r.toml", &many)]).unwrap_err().to_string();
        assert!(error.contains("more than 1000 rules"), "{}", &error[..200]);
        let huge = format!("# {}", "x".repeat(2 << 20));
        assert!(RuleSet::parse(&[("r.toml", &huge)]).unwrap_err().to_string().contains("split it"));
    }

    #[test]
    fn an_owner_is_told_by_the_folder() {
        let one = rule("severity = \"deny\"\non_unknown = \"pass\"\nwhen = \"true\"");
        let error = RuleSet::parse(&[("carriers/at.toml", &one)]).unwrap_err().to_string();
        assert!(error.contains("`carrier` is never \"at\""), "{error}");
        let error = RuleSet::parse(&[("r.toml", &format!("layer = \"tenant\"\n{one}"))]).unwrap_err().to_string();
        assert!(error.contains("tenants/NAME.toml"), "{error}");
        let set = RuleSet::parse(&[("carriers/att.toml", &one)]).unwrap();
        let carrier = |carrier| set.decide(&Facts { carrier, ..Facts::default() }).verdict;
        assert_eq!(carrier(Some(crate::facts::CarrierName::Att)), Verdict::Deny);
        assert_eq!(carrier(Some(crate::facts::CarrierName::Verizon)), Verdict::Allow);
        // A carrier that isn't known may be this one.
        assert_eq!(carrier(None), Verdict::Deny);
    }
}
