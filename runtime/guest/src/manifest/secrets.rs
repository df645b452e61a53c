//! `[[secrets]]`: what a handler needs and nobody may read.

use super::host::HostPattern;
use super::{NAME_RULE, is_name, text_that};
use serde::{Deserialize, Serialize};
use signalbox_forms::Section;

/// A secret that a handler needs; its tenant gives the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretUse {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether the handler can't do without.
    pub required: bool,
    /// Where the host puts it. Then the handler itself never holds it: `secrets.get` doesn't know it.
    pub inject: Option<Injection>,
}

/// A header that the host adds to requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Injection {
    /// To which host: one of the manifest's `hosts`.
    pub host: HostPattern,
    /// The header, in lower case.
    pub header: String,
    /// Its value, with `{}` where the secret goes.
    pub format: String,
}

impl Injection {
    /// The header's value.
    pub fn value(&self, secret: &str) -> String {
        self.format.replacen("{}", secret, 1)
    }
}

/// Headers that are the host's own, or would make another request of it.
const NOT_INJECTED: [&str; 11] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "proxy-connection",
    "proxy-authorization",
    "idempotency-key",
];

pub(super) fn read(section: &Section<'_, '_>) -> Option<SecretUse> {
    let name = section.needed("name", |section, key| text_that(section, key, is_name, NAME_RULE));
    let description = section.text("description").map(|text| text.value).unwrap_or_default();
    let required = section.flag("required").unwrap_or(true);
    let inject = section.section_if_there("inject").map(|inject| injection(&inject));
    // One that is broken was complained of.
    let inject = if let Some(read) = inject { Some(read?) } else { None };
    Some(SecretUse { name: name?, description, required, inject })
}

fn injection(section: &Section<'_, '_>) -> Option<Injection> {
    let host = section.needed("host", |section, key| {
        let text = section.text(key)?;
        let parsed = text.value.parse::<HostPattern>();
        parsed.map_err(|error| section.complain_of(&text, error.to_string())).ok()
    });
    let header = section.needed("header", |section, key| {
        let rule = "a header that handlers may set, in lower case, such as `authorization`";
        text_that(section, key, |text| is_header(text) && !NOT_INJECTED.contains(&text), rule)
    });
    let format = section.text("format").map_or_else(|| "{}".to_owned(), |text| text.value);
    if format.matches("{}").count() != 1 || format.bytes().any(|b| !(b' '..=b'~').contains(&b)) {
        section.complain_at("format", "give plain ASCII with `{}` once, where the secret goes, such as \"Bearer {}\"");
    }
    section.end();
    Some(Injection { host: host?, header: header?, format })
}

fn is_header(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}
