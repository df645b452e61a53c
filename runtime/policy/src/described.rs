//! Policies as they are written down when they are taken into use: what a decision's numbers mean, long after the files are gone.

use serde::{Deserialize, Serialize};

use crate::policies::Policies;
use crate::rules::{Owner, Rule, Whose};

/// Which rules and tables there were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// The rule set's hash in hex, as decisions carry it.
    pub rules_hash: String,
    /// The tables' hash in hex, as decisions carry it.
    pub tables_hash: String,
    /// The rules, in the order in which decisions have their outcomes.
    pub rules: Vec<AboutRule>,
    /// The tables.
    pub tables: Vec<AboutTable>,
}

/// A rule, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutRule {
    /// Its id.
    pub rule: String,
    /// Its layer: `floor`, `carrier`, `campaign`, `tenant`.
    pub layer: String,
    /// The campaign whose messages alone it is for.
    pub campaign: Option<String>,
    /// The tenant whose messages alone it is for.
    pub tenant: Option<String>,
    /// What it asks for.
    pub severity: String,
    /// What it stands on.
    pub cite: String,
    /// What it says, with the names of facts.
    pub explain: String,
    /// How to mend it.
    pub fix: String,
}

/// A table's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutTable {
    /// The file.
    pub file: String,
    /// Of which day it is, as it says itself.
    pub as_of: String,
    /// The first 8 bytes of the SHA-256 over its name and text, in hex.
    pub hash: String,
}

impl Policies {
    /// What they are, without conditions and tables' contents.
    pub fn describe(&self) -> Described {
        let table = |version: &crate::data::Version| AboutTable {
            file: version.file.clone(),
            as_of: version.as_of.clone(),
            hash: hex(version.hash),
        };
        Described {
            rules_hash: hex(self.rules.hash()),
            tables_hash: hex(self.tables.hash()),
            rules: self.rules.rules().iter().map(AboutRule::of).collect(),
            tables: self.tables.versions().iter().map(table).collect(),
        }
    }
}

impl AboutRule {
    fn of(rule: &Rule) -> Self {
        let (campaign, tenant) = match rule.owner() {
            None => (None, None),
            Some(Owner::Campaign(name)) => (Some(name.clone()), None),
            Some(Owner::Tenant(name)) => (None, Some(name.clone())),
        };
        Self {
            rule: rule.id().to_owned(),
            layer: rule.layer().as_str().to_owned(),
            campaign,
            tenant,
            severity: rule.severity().as_str().to_owned(),
            cite: rule.cite().to_owned(),
            explain: rule.explain.to_string(),
            fix: rule.fix.to_string(),
        }
    }
}

impl Described {
    /// The rules that are asked for such a message, in the order in which outcomes are recorded.
    pub fn asked<'a>(&'a self, whose: Whose<'a>) -> impl Iterator<Item = &'a AboutRule> {
        let common = self.rules.iter().filter(|rule| rule.campaign.is_none() && rule.tenant.is_none());
        let is = |name: &Option<String>, whose: Option<&str>| name.is_some() && name.as_deref() == whose;
        let campaign = self.rules.iter().filter(move |rule| is(&rule.campaign, whose.campaign));
        common.chain(campaign).chain(self.rules.iter().filter(move |rule| is(&rule.tenant, whose.tenant)))
    }

    /// Takes out what is another tenant's.
    pub fn only_for(mut self, tenant: &str) -> Self {
        self.rules.retain(|rule| rule.tenant.as_deref().is_none_or(|owner| owner == tenant));
        self
    }

    /// The tables of which another version, or none, is in `other`.
    pub fn tables_other_than<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a AboutTable> {
        self.tables.iter().filter(|table| !other.tables.contains(table))
    }
}

/// A hash as it is shown.
pub fn hex(hash: u64) -> String {
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Origin, RuleSet};

    #[test]
    fn the_order_of_rules_is_that_of_outcomes() {
        let rule = |id: &str| {
            format!(
                "[[rule]]\nid = \"{id}\"\ncite = \"c\"\nseverity = \"warn\"\nclass = \"unknown\"\nwhen = \"true\"\non_unknown = \"pass\"\nexplain = \"{{segments}} {{{{}}}}\"\nfix = \"f\"\n"
            )
        };
        let mut policies = Policies::open(&Origin { folder: None, packs: vec!["us".to_owned()] }).unwrap();
        let (tenant, campaign) = (rule("mine"), rule("its"));
        policies.rules = RuleSet::parse(&[
            ("floor.toml", crate::BUILT_IN_FLOOR),
            ("tenants/acme.toml", &tenant),
            ("tenants/else.toml", &rule("theirs")),
            ("campaigns/alerts.toml", &campaign),
        ])
        .unwrap();
        let described = policies.describe();
        for whose in [
            Whose::default(),
            Whose { tenant: Some("acme"), campaign: None },
            Whose { tenant: Some("acme"), campaign: Some("alerts") },
        ] {
            let then: Vec<_> = policies.rules.asked(whose).map(Rule::id).collect();
            let told: Vec<_> = described.asked(whose).map(|rule| rule.rule.as_str()).collect();
            assert_eq!(then, told);
        }
        let mine = described.only_for("acme");
        assert!(mine.rules.iter().all(|rule| rule.rule != "theirs"));
        assert_eq!(mine.rules.iter().find(|rule| rule.rule == "mine").unwrap().explain, "{segments} {{}}");
    }
}
