//! Data tables: every number, word and place that a carrier, a state or a standard publishes, with its source and the day
//! of which it is. None of it is in code.

mod campaigns;
mod csv;
mod folding;
mod holidays;
mod links;
mod lists;
mod numbers;
mod places;
mod terms;
mod throughput;
mod whence;
mod windows;
mod zones;

pub use campaigns::Campaigns;
pub use folding::{Fold, Folding};
pub use holidays::Holidays;
pub use links::Links;
pub use lists::{Freshness, Lists};
pub use numbers::Numbers;
pub use places::{Place, Places};
pub use terms::Terms;
pub use throughput::{AttClass, AttUse, Per, Throughput};
pub use windows::{Cap, State, Windows};
pub(crate) use zones::Clocks;
pub use zones::Zone;

use sha2::{Digest, Sha256};

use crate::error::{Complaint, Error};
use crate::rules::set::hash_piece;
use crate::source::Source;

/// A table's file and what it was when this program was built.
pub(crate) const BUILT_IN: [(&str, &str); 11] = [
    ("holidays.toml", include_str!("../../../../policies/data/holidays.toml")),
    ("links.toml", include_str!("../../../../policies/data/links.toml")),
    ("lookalikes.csv", include_str!("../../../../policies/data/lookalikes.csv")),
    ("numbers.toml", include_str!("../../../../policies/data/numbers.toml")),
    ("places.csv", include_str!("../../../../policies/data/places.csv")),
    ("terms.toml", include_str!("../../../../policies/data/terms.toml")),
    ("throughput.toml", include_str!("../../../../policies/data/throughput.toml")),
    ("windows.toml", include_str!("../../../../policies/data/windows.toml")),
    ("zips.csv", include_str!("../../../../policies/data/zips.csv")),
    ("lists.toml", include_str!("../../../../policies/data/lists.toml")),
    ("campaigns.toml", include_str!("../../../../policies/data/campaigns.toml")),
];

/// No table of ours has more than a hundredth of it; a reputation list of a million domains still fits.
pub(crate) const MAX_BYTES: usize = 32 << 20;

/// The tables in force.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Area codes and ZIP codes: states and time zones.
    pub places: Places,
    /// When solicitations may be sent.
    pub windows: Windows,
    /// Days on which some states take none.
    pub holidays: Holidays,
    /// How fast carriers let whom send.
    pub throughput: Throughput,
    /// What kind of number a number is.
    pub numbers: Numbers,
    /// Domains in links.
    pub links: Links,
    /// How old suppression lists may be.
    pub lists: Lists,
    /// What the registry takes of campaigns, and carriers look for.
    pub campaigns: Campaigns,
    /// Words that tell what a text is about.
    pub terms: Terms,
    /// Characters that stand for letters.
    pub folding: Folding,
    versions: Vec<Version>,
    hash: u64,
}

/// Which version of a table is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The table's file.
    pub file: String,
    /// Of which day it is, as it says itself.
    pub as_of: String,
    /// The first 8 bytes of the SHA-256 over its text.
    pub hash: u64,
}

impl PartialEq for Tables {
    /// By what they were read from.
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Eq for Tables {}

impl Tables {
    /// What this program was built with.
    pub fn built_in() -> Result<Self, Error> {
        Self::read(|_, built_in| Ok(built_in.to_owned()))
    }

    /// From files' texts; `text` is given a file's name and what it was when this program was built.
    pub fn read(mut text: impl FnMut(&str, &str) -> Result<String, Error>) -> Result<Self, Error> {
        let mut files = Vec::with_capacity(BUILT_IN.len());
        for (name, built_in) in BUILT_IN {
            files.push((format!("data/{name}"), text(name, built_in)?));
        }
        Self::parse(&files)
    }

    fn parse(files: &[(String, String)]) -> Result<Self, Error> {
        let mut complaints = Vec::new();
        let too_large = |(name, text): &(String, String)| {
            let large = text.len() > MAX_BYTES;
            large.then(|| Source { name, text: "" }.complain(0, format!("is larger than {MAX_BYTES} bytes")))
        };
        complaints.extend(files.iter().filter_map(too_large));
        if !complaints.is_empty() {
            return Err(Error::Refused(complaints));
        }
        let source = |at: usize| Source { name: &files[at].0, text: &files[at].1 };
        let all = &mut complaints;
        let (holidays, links) = (keep(all, Holidays::parse(source(0))), keep(all, Links::parse(source(1))));
        let (folding, numbers) = (keep(all, Folding::parse(source(2))), keep(all, Numbers::parse(source(3))));
        let (places, throughput) =
            (keep(all, Places::parse(source(4), source(8))), keep(all, Throughput::parse(source(6))));
        let (windows, lists) = (keep(all, Windows::parse(source(7))), keep(all, Lists::parse(source(9))));
        let campaigns = keep(all, Campaigns::parse(source(10)));
        let terms = folding.as_ref().and_then(|folding| keep(all, Terms::parse(source(5), folding)));
        let whole = || {
            Some(Self {
                places: places?,
                windows: windows?,
                holidays: holidays?,
                throughput: throughput?,
                numbers: numbers?,
                links: links?,
                lists: lists?,
                campaigns: campaigns?,
                terms: terms?,
                folding: folding?,
                versions: files.iter().map(version).collect(),
                hash: hash(files),
            })
        };
        whole().ok_or(Error::Refused(complaints))
    }

    /// With the files that are no tables and that decisions stand on all the same: the words that are obeyed, and the answers.
    #[must_use]
    pub(crate) fn beside(mut self, files: &[(&str, &str)]) -> Self {
        for (name, text) in files {
            let file = version(&((*name).to_owned(), (*text).to_owned()));
            let mut hasher = Sha256::new();
            hasher.update(self.hash.to_be_bytes());
            hasher.update(file.hash.to_be_bytes());
            self.hash = first_eight(hasher);
            self.versions.push(file);
        }
        self
    }

    /// Which versions are in force.
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// The first 8 bytes of the SHA-256 over all tables: what decisions carry.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

fn keep<T>(complaints: &mut Vec<Complaint>, read: Result<T, Vec<Complaint>>) -> Option<T> {
    read.map_err(|found| complaints.extend(found)).ok()
}

fn version((file, text): &(String, String)) -> Version {
    let says = |line: &str| {
        let line = line.trim_start_matches(['#', ' ']);
        let rest = line.strip_prefix("as_of")?.trim_start().strip_prefix(['=', ':'])?;
        Some(rest.trim().trim_matches('"').to_owned())
    };
    let as_of = text.lines().find_map(says).unwrap_or_default();
    Version { file: file.clone(), as_of, hash: hash(&[(file.clone(), text.clone())]) }
}

fn hash(files: &[(String, String)]) -> u64 {
    let mut hasher = Sha256::new();
    for (name, text) in files {
        hash_piece(&mut hasher, name);
        hash_piece(&mut hasher, text);
    }
    first_eight(hasher)
}

fn first_eight(hasher: Sha256) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize()[..8]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The built-in tables but for one, of which the text is changed.
    pub(crate) fn with(file: &str, change: impl Fn(&str) -> String) -> Result<Tables, Error> {
        Tables::read(|name, text| Ok(if name == file { change(text) } else { text.to_owned() }))
    }

    #[test]
    fn every_table_says_of_when_it_is_and_changes_the_hash() {
        let tables = Tables::built_in().unwrap();
        assert_eq!(tables.versions().len(), BUILT_IN.len());
        for version in tables.versions() {
            assert!(version.as_of.starts_with("20"), "{version:?}");
        }
        for (name, _) in BUILT_IN {
            let changed = with(name, |text| format!("{text}\n")).unwrap();
            assert_ne!(changed.hash(), tables.hash(), "{name}");
        }
    }

    #[test]
    fn a_broken_table_is_refused_with_its_place() {
        for (name, _) in BUILT_IN {
            let error = with(name, |text| format!("{text}\n\u{7}?")).unwrap_err().to_string();
            assert!(error.starts_with(&format!("data/{name}:")), "{error}");
        }
    }
}
