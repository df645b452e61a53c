//! What the registry takes of a campaign, and what carriers look for in one.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::whence::Whence;
use crate::error::Complaint;
use crate::facts::Fact;
use crate::source::Source;

/// The table of campaigns.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Campaigns {
    #[serde(rename = "source")]
    _source: Whence,
    #[serde(rename = "as_of")]
    _as_of: Whence,
    #[serde(rename = "certainty")]
    _certainty: Whence,
    /// Numbers of a campaign that is registered without a number pool.
    pub numbers_without_pool: usize,
    /// Samples that the registry takes.
    pub samples_most: usize,
    /// Sub-use cases that the registry takes.
    pub sub_use_cases_most: usize,
    /// Samples that carriers want to see.
    pub samples: usize,
    /// Of a low-volume campaign.
    pub samples_low_volume: usize,
    /// Sub-use cases of a mixed campaign, the least and the most.
    pub mixed_sub_use_cases: [usize; 2],
    /// Of a low-volume one.
    pub low_volume_sub_use_cases: [usize; 2],
    /// A message flow of fewer characters says nothing.
    pub message_flow_chars: usize,
    /// Words of a message flow that describes an opt-in.
    pub opt_in: Vec<String>,
    /// Words that advertise.
    pub advertising: Vec<String>,
    /// Use cases that may.
    pub may_advertise: Vec<String>,
    /// Words of which a campaign's samples have one, by its use case.
    pub says: BTreeMap<String, Vec<String>>,
    prohibited: Vec<Prohibited>,
}

/// What carriers don't carry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prohibited {
    fact: Spanned<String>,
    what: String,
}

impl Campaigns {
    pub(crate) fn parse(source: Source<'_>) -> Result<Self, Vec<Complaint>> {
        let table: Self = source.read().map_err(|complaint| vec![complaint])?;
        let unknown = table.prohibited.iter().filter(|one| Fact::named(one.fact.get_ref()).is_none());
        let mut complaints: Vec<_> = unknown
            .map(|one| source.complain_of(&one.fact, format!("there is no fact `{}`", one.fact.get_ref())))
            .collect();
        if table.numbers_without_pool == 0 || table.samples_most == 0 || table.sub_use_cases_most == 0 {
            complaints.push(source.complain(0, "the most numbers, samples and sub-use cases are more than 0"));
        }
        if complaints.is_empty() { Ok(table) } else { Err(complaints) }
    }

    /// What carriers don't carry: the fact that tells, and what it is called.
    pub fn prohibited(&self) -> impl Iterator<Item = (Fact, &str)> {
        self.prohibited.iter().filter_map(|one| Some((Fact::named(one.fact.get_ref())?, one.what.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tables;
    use super::super::tests::with;

    #[test]
    fn entries_are_checked() {
        let error =
            |from: &str, to: &str| with("campaigns.toml", |text| text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error("fact = \"says_debt\"", "fact = \"says_dept\"").contains("no fact `says_dept`"));
        assert!(error("numbers_without_pool = 49", "numbers_without_pool = 0").contains("more than 0"));
        assert!(error("certainty = \"secondary\"", "certainty = \" \"").contains("is empty"));
        let tables = Tables::built_in().unwrap();
        assert_eq!((tables.campaigns.numbers_without_pool, tables.campaigns.samples_most), (49, 5));
        assert_eq!(tables.campaigns.prohibited().count(), 12);
    }
}
