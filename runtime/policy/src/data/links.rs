//! Domains that links in messages may have.

use std::collections::HashSet;

use serde::Deserialize;
use toml::Spanned;

use crate::error::Complaint;
use crate::source::Source;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkFile {
    #[serde(rename = "as_of")]
    _as_of: String,
    shorteners: List,
    brand_domains: List,
    bad: List,
    endings: Endings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    source: Spanned<String>,
    domains: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Endings {
    source: Spanned<String>,
    names: Vec<Spanned<String>>,
}

/// Names that are looked up whole.
type Names = HashSet<String, foldhash::fast::FixedState>;

/// The table of domains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    shorteners: Names,
    brand_domains: Names,
    bad: Names,
    endings: Names,
}

impl Links {
    pub(crate) fn parse(source: Source<'_>) -> Result<Self, Vec<Complaint>> {
        let file: LinkFile = source.read().map_err(|complaint| vec![complaint])?;
        let mut complaints = Vec::new();
        let mut names = |from: &Spanned<String>, list: &[Spanned<String>], dots: bool| {
            if from.get_ref().trim().is_empty() {
                complaints.push(source.complain_of(from, "is empty: every list says where it is from"));
            }
            let legal = |name: &str| {
                let letters = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'.';
                !name.is_empty() && name.len() <= 253 && name.bytes().all(letters) && name.contains('.') == dots
            };
            let wrong = list.iter().filter(|name| !legal(name.get_ref()));
            complaints.extend(
                wrong.map(|name| source.complain_of(name, "isn't a domain in lower case, such as example.com")),
            );
            list.iter().map(|name| name.get_ref().clone()).collect::<Names>()
        };
        let shorteners = names(&file.shorteners.source, &file.shorteners.domains, true);
        let brand_domains = names(&file.brand_domains.source, &file.brand_domains.domains, true);
        let bad = names(&file.bad.source, &file.bad.domains, true);
        let endings = names(&file.endings.source, &file.endings.names, false);
        if complaints.is_empty() { Ok(Self { shorteners, brand_domains, bad, endings }) } else { Err(complaints) }
    }

    /// Whether a host, in lower case, is a public shortener's.
    pub fn is_shortener(&self, host: &str) -> bool {
        covers(&self.shorteners, host) && !covers(&self.brand_domains, host)
    }

    /// Whether a host, in lower case, is of bad repute.
    pub fn is_bad(&self, host: &str) -> bool {
        covers(&self.bad, host)
    }

    /// Whether domains end like that.
    pub fn is_ending(&self, label: &str) -> bool {
        self.endings.contains(label)
    }
}

/// Whether the host or a domain that it is below is among them.
fn covers(names: &Names, host: &str) -> bool {
    let mut rest = Some(host);
    while let Some(name) = rest {
        if names.contains(name) {
            return true;
        }
        rest = name.split_once('.').map(|(_, parent)| parent);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::Tables;
    use super::super::tests::with;

    #[test]
    fn a_domain_covers_what_is_below_it() {
        let links = Tables::built_in().unwrap().links;
        assert!(links.is_shortener("bit.ly") && links.is_shortener("go.bit.ly"));
        assert!(!links.is_shortener("rabbit.ly") && !links.is_shortener("ly") && !links.is_shortener("youtu.be"));
        assert!(links.is_bad("a.b.phishing.example") && !links.is_bad("example"));
    }

    #[test]
    fn domains_are_checked() {
        let error = |to: &str| with("links.toml", |text| text.replacen("\"bit.ly\"", to, 1)).unwrap_err().to_string();
        for wrong in ["\"Bit.ly\"", "\"https://bit.ly\"", "\"bitly\"", "\"\""] {
            assert!(error(wrong).contains("isn't a domain"), "{wrong}");
        }
    }
}
