//! The rules in force.

use std::path::Path;

use sha2::{Digest, Sha256};
use signalbox_model::{Decision, Verdict};

use crate::error::{Complaint, Error};
use crate::facts::Facts;
use crate::rule::Rule;
use crate::rule_file;
use crate::source::Source;

/// The name of the floor's file.
const FLOOR: &str = "floor.toml";
/// Files of the folder that aren't rules.
const NOT_RULES: [&str; 3] = ["keywords.toml", "revocation.toml", "answers.toml"];

/// The rules in force: loaded whole or not at all, never changed afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    rules: Vec<Rule>,
    hash: u64,
}

impl RuleSet {
    /// The floor that this program was built with.
    pub fn built_in() -> Result<Self, Error> {
        Self::parse(&[(FLOOR, crate::BUILT_IN_FLOOR)])
    }

    /// Every rule file of a folder, in the order of their names. A folder without a `floor.toml` gets the built-in one:
    /// the floor can't be left out.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let read_error = |path: &Path| {
            let path = path.to_owned();
            |source| Error::Read { path, source }
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(read_error(folder))? {
            let path = entry.map_err(read_error(folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.ends_with(".toml") && !NOT_RULES.contains(&name.as_str()) && path.is_file() {
                let text = std::fs::read_to_string(&path).map_err(read_error(&path))?;
                files.push((name, text));
            }
        }
        if !files.iter().any(|(name, _)| name == FLOOR) {
            files.push((FLOOR.to_owned(), crate::BUILT_IN_FLOOR.to_owned()));
        }
        files.sort();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Self::parse(&files)
    }

    /// Rules from files' names and texts. All complaints about all of them, or the whole set.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, Error> {
        let (mut rules, mut complaints) = (Vec::<Rule>::new(), Vec::<Complaint>::new());
        let mut hasher = Sha256::new();
        for &(name, text) in files {
            hash_piece(&mut hasher, name);
            hash_piece(&mut hasher, text);
            let source = Source { name, text };
            match rule_file::read(source) {
                Err(found) => complaints.extend(found),
                Ok(more) => {
                    let twice = more.iter().filter(|rule| rules.iter().any(|known| known.id == rule.id));
                    let complain = |rule: &Rule| {
                        let at = text.find(&format!("\"{}\"", rule.id)).unwrap_or(0);
                        source.complain(at, format!("there is another rule `{}` in an earlier file", rule.id))
                    };
                    complaints.extend(twice.map(complain));
                    rules.extend(more);
                }
            }
        }
        if !complaints.is_empty() {
            return Err(Error::Refused(complaints));
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize()[..8]);
        Ok(Self { rules, hash: u64::from_be_bytes(first) })
    }

    /// Evaluates every rule; the most severe one that fires wins, the longest of several holds. Allocates only where a
    /// rule fires.
    pub fn decide(&self, facts: &Facts) -> Decision {
        let mut decision = Decision { verdict: Verdict::Allow, reasons: Vec::new(), rules: self.hash };
        for (verdict, reason) in self.rules.iter().filter_map(|rule| rule.judge(facts)) {
            decision.verdict = decision.verdict.max(verdict);
            decision.reasons.push(reason);
        }
        decision
    }

    /// The rules, in the order in which they were read.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The first 8 bytes of the SHA-256 over the files' names and texts: what decisions carry.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

/// With its length, so that no two lists of files have the same bytes.
fn hash_piece(hasher: &mut Sha256, piece: &str) {
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
            rule(&format!("severity = \"{severity}\"\non_unknown = \"pass\"\nwhen = \"segments > 1\""))
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
}
