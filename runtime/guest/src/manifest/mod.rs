//! `handler.toml`: what a handler says of itself, and what it asks its tenant and its operator for.
//!
//! ```toml
//! name = "order-bot"
//! description = "Takes orders and sends a link to pay."
//! hosts = ["api.example.com"]
//!
//! [[secrets]]
//! name = "api_key"
//! inject = { host = "api.example.com", header = "authorization", format = "Bearer {}" }
//!
//! [settings.currency]
//! type = "text"
//! default = "USD"
//!
//! [limits]
//! memory = "16MiB"
//! ```
//!
//! Asking gives nothing by itself: hosts are granted by the operator, secrets and settings by the tenant, and limits go
//! no higher than the operator's caps.

mod host;
mod limits;
mod secrets;
mod settings;

pub use host::{BadHost, HostPattern};
pub use limits::{Beyond, LimitsAsked};
pub use secrets::{Injection, SecretUse};
pub use settings::{BadSetting, Setting, SettingType};

use serde::{Deserialize, Serialize};
pub use signalbox_forms::Complaint;
use signalbox_forms::{Placed, Reader, Section};
use std::collections::BTreeMap;
use toml::de::DeTable;

/// A manifest is read by people; one that is larger is something else.
const MAX_BYTES: usize = 64 << 10;
/// More hosts than this and an allow-list allows about everything.
const MAX_HOSTS: usize = 32;
/// A handler with more secrets than this is several handlers.
const MAX_SECRETS: usize = 32;
/// All of them are handed over in one call.
const MAX_SETTINGS: usize = 64;
/// A sentence or two.
const MAX_DESCRIPTION_BYTES: usize = 1_024;

/// What a handler says of itself. The default asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its name: lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// What it does, for people.
    pub description: String,
    /// Where it wants to send HTTP requests.
    pub hosts: Vec<HostPattern>,
    /// The secrets that it needs.
    pub secrets: Vec<SecretUse>,
    /// The settings that it knows, by name.
    pub settings: BTreeMap<String, Setting>,
    /// The limits that it asks for.
    pub limits: LimitsAsked,
    /// How its component is built: a command, run in the manifest's folder. For developers' tools.
    pub build: Option<String>,
    /// Where the component is then, relative to that folder. For developers' tools.
    pub component: Option<String>,
}

/// A manifest that isn't taken: all that is wrong with it, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(file, complaints))]
pub struct Refused {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub complaints: Vec<Complaint>,
}

fn lines(file: &str, complaints: &[Complaint]) -> String {
    complaints.iter().map(|complaint| format!("{file}:{complaint}")).collect::<Vec<_>>().join("\n")
}

impl Manifest {
    /// Reads a manifest. `file` is what complaints call it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Refused> {
        let refused = |complaints| Refused { file: file.to_owned(), complaints };
        if text.len() > MAX_BYTES {
            let reason = format!("the manifest has {} bytes, {MAX_BYTES} are the most", text.len());
            return Err(refused(vec![Complaint { line: 1, column: 1, key: String::new(), reason }]));
        }
        let reader = Reader::new(text);
        let manifest = match DeTable::parse(text) {
            Ok(table) => read(&Section::file(&reader, table.get_ref())),
            Err(error) => {
                reader.complain(error.span().map_or(0, |span| span.start), "", error.message());
                None
            }
        };
        match (manifest, reader.into_complaints()) {
            (Some(manifest), complaints) if complaints.is_empty() => Ok(manifest),
            (_, complaints) => Err(refused(complaints)),
        }
    }

    /// A secret by its name, if it was declared.
    pub fn secret(&self, name: &str) -> Option<&SecretUse> {
        self.secrets.iter().find(|secret| secret.name == name)
    }
}

fn read(file: &Section<'_, '_>) -> Option<Manifest> {
    // Every key is read, whatever is wrong with the others, so that all of it is told at once.
    let name = file.needed("name", |file, key| text_that(file, key, is_name, NAME_RULE));
    let description = file.text("description").map(|text| text.value).unwrap_or_default();
    if description.len() > MAX_DESCRIPTION_BYTES {
        let bytes = description.len();
        file.complain_at("description", format!("has {bytes} bytes, {MAX_DESCRIPTION_BYTES} are the most"));
    }
    let manifest = Manifest {
        name: name.unwrap_or_default(),
        description,
        hosts: hosts(file),
        secrets: secrets(file),
        settings: settings::read(file),
        limits: limits::read(&file.section("limits")),
        build: file.text("build").map(|text| text.value),
        component: file.text("component").map(|text| text.value),
    };
    for (at, secret) in manifest.secrets.iter().enumerate() {
        let Some(injection) = &secret.inject else { continue };
        if !manifest.hosts.contains(&injection.host) {
            let reason = format!("{} isn't among `hosts`: the secret would never be sent", injection.host);
            file.complain_within("secrets", at, reason);
        }
    }
    file.end();
    Some(manifest)
}

fn hosts(file: &Section<'_, '_>) -> Vec<HostPattern> {
    let texts = file.texts("hosts").unwrap_or_default();
    if texts.len() > MAX_HOSTS {
        file.complain_at("hosts", format!("has {} entries, {MAX_HOSTS} are the most", texts.len()));
    }
    let parse = |text: Placed<String>| match text.value.parse::<HostPattern>() {
        Ok(host) => Some(host),
        Err(error) => {
            file.complain_of(&text, error.to_string());
            None
        }
    };
    texts.into_iter().filter_map(parse).collect()
}

fn secrets(file: &Section<'_, '_>) -> Vec<SecretUse> {
    let sections = file.sections("secrets");
    if sections.len() > MAX_SECRETS {
        file.complain_at("secrets", format!("there are {} secrets, {MAX_SECRETS} are the most", sections.len()));
    }
    let mut secrets: Vec<SecretUse> = Vec::new();
    for section in sections {
        if let Some(secret) = secrets::read(&section) {
            if secrets.iter().any(|other| other.name == secret.name) {
                section.complain_at("name", format!("`{}` is declared twice", secret.name));
            }
            secrets.push(secret);
        }
        section.end();
    }
    secrets
}

/// A text of which `fits` holds.
fn text_that(section: &Section<'_, '_>, key: &'static str, fits: impl Fn(&str) -> bool, rule: &str) -> Option<String> {
    let text = section.text(key)?;
    if !fits(&text.value) {
        section.complain_of(&text, format!("`{}` doesn't do: give {rule}", text.value));
        return None;
    }
    Some(text.value)
}

/// What [`is_name`] wants.
const NAME_RULE: &str = "1 to 64 lower-case letters, digits, `-` and `_`, beginning with a letter";

/// Names of handlers, secrets and settings.
fn is_name(name: &str) -> bool {
    let legal = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    (1..=64).contains(&name.len())
        && name.bytes().all(legal)
        && name.bytes().next().is_some_and(|c| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests;
