//! How old suppression lists may be, and which there have to be.

use serde::Deserialize;
use toml::Spanned;

use crate::error::Complaint;
use crate::source::Source;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    dnc: Entry,
    reassigned: Entry,
    litigator: Entry,
    own: Entry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    source: Spanned<String>,
    #[serde(rename = "as_of")]
    _as_of: String,
    max_age_days: Option<Spanned<u32>>,
    needed: bool,
}

/// What is asked of the lists of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// A list that was fetched so many days ago is too old; none where only its own end counts.
    pub max_age_days: Option<u32>,
    /// Whether there has to be a list.
    pub needed: bool,
}

/// The table of suppression lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lists {
    /// Do-not-call lists.
    pub dnc: Freshness,
    /// Answers of the database of reassigned numbers.
    pub reassigned: Freshness,
    /// Lists of litigators.
    pub litigator: Freshness,
    /// A tenant's or the operator's own lists.
    pub own: Freshness,
}

impl Lists {
    pub(crate) fn parse(source: Source<'_>) -> Result<Self, Vec<Complaint>> {
        let file: ListFile = source.read().map_err(|complaint| vec![complaint])?;
        let mut complaints = Vec::new();
        for entry in [&file.dnc, &file.reassigned, &file.litigator, &file.own] {
            if entry.source.get_ref().trim().is_empty() {
                complaints.push(source.complain_of(&entry.source, "is empty: say where the limit is from"));
            }
            if let Some(days) = entry.max_age_days.as_ref().filter(|days| *days.get_ref() == 0) {
                complaints.push(source.complain_of(days, "is 0: no list would ever be fresh"));
            }
        }
        let of = |entry: Entry| Freshness {
            max_age_days: entry.max_age_days.map(Spanned::into_inner),
            needed: entry.needed,
        };
        let ListFile { dnc, reassigned, litigator, own } = file;
        let lists = Self { dnc: of(dnc), reassigned: of(reassigned), litigator: of(litigator), own: of(own) };
        if complaints.is_empty() { Ok(lists) } else { Err(complaints) }
    }
}

#[cfg(test)]
mod tests {
    use crate::data::tests::with;

    #[test]
    fn the_national_registry_may_be_31_days_old() {
        let tables = with("lists.toml", str::to_owned).unwrap();
        assert_eq!((tables.lists.dnc.max_age_days, tables.lists.dnc.needed), (Some(31), true));
        assert_eq!((tables.lists.own.max_age_days, tables.lists.own.needed), (None, false));
    }

    #[test]
    fn a_limit_has_a_source_and_is_one() {
        let told =
            |from: &str, to: &str| with("lists.toml", |text| text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(told("max_age_days = 31", "max_age_days = 0").contains("no list would ever be fresh"));
        assert!(told("needed = true", "wanted = true").starts_with("data/lists.toml:"));
    }
}
