//! `[settings]`: how a tenant may configure the handler.

use super::reader::{Section, Value};
use super::{MAX_SETTINGS, Manifest, NAME_RULE, is_name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A setting that a handler knows. Handlers read all of them as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// What it takes.
    pub kind: SettingType,
    /// What it is where the tenant says nothing.
    pub default: Option<String>,
    /// What it does.
    pub description: String,
    /// Whether the tenant has to give it.
    pub required: bool,
}

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SettingType {
    /// Any text.
    Text,
    /// A number, with a fraction or without.
    Number,
    /// `true` or `false`.
    Flag,
}

/// Why a tenant's settings don't fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSetting {
    /// The handler knows no such setting.
    #[error("there is no setting `{name}`; {hint}")]
    Unknown {
        /// Its name.
        name: String,
        /// What was perhaps meant.
        hint: String,
    },
    /// A value of another type.
    #[error("the setting `{name}` takes {}", expected.words())]
    Type {
        /// Its name.
        name: String,
        /// What it takes.
        expected: SettingType,
    },
    /// A setting that has to be given wasn't.
    #[error("the setting `{name}` has to be given: {description}")]
    Missing {
        /// Its name.
        name: String,
        /// What it does.
        description: String,
    },
}

impl SettingType {
    const NAMES: [(&'static str, Self); 3] = [("text", Self::Text), ("number", Self::Number), ("flag", Self::Flag)];

    /// What it takes, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Flag => "true or false",
        }
    }

    /// Whether a text is a value of this type.
    pub fn takes(self, text: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Number => text.parse::<f64>().is_ok_and(f64::is_finite),
            Self::Flag => matches!(text, "true" | "false"),
        }
    }
}

impl Manifest {
    /// What the handler reads: the tenant's settings over the defaults. All that doesn't fit is told.
    ///
    /// A manifest that declares no settings takes any.
    pub fn settings(&self, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Vec<BadSetting>> {
        if self.settings.is_empty() {
            return Ok(given.clone());
        }
        let mut bad = Vec::new();
        let known: Vec<&str> = self.settings.keys().map(String::as_str).collect();
        for (name, value) in given {
            match self.settings.get(name) {
                None => {
                    let hint = super::reader::hint(name, &known);
                    bad.push(BadSetting::Unknown { name: name.clone(), hint });
                }
                Some(setting) if !setting.kind.takes(value) => {
                    bad.push(BadSetting::Type { name: name.clone(), expected: setting.kind });
                }
                Some(_) => {}
            }
        }
        let mut all = BTreeMap::new();
        for (name, setting) in &self.settings {
            match given.get(name).or(setting.default.as_ref()) {
                Some(value) => drop(all.insert(name.clone(), value.clone())),
                None if setting.required => {
                    bad.push(BadSetting::Missing { name: name.clone(), description: setting.description.clone() });
                }
                None => {}
            }
        }
        if bad.is_empty() { Ok(all) } else { Err(bad) }
    }
}

/// `[settings.NAME]` with type, default, description, required; or `NAME = default` for short.
pub(super) fn read(file: &Section<'_, '_>) -> BTreeMap<String, Setting> {
    let mut settings = BTreeMap::new();
    let entries = file.named("settings");
    if entries.len() > MAX_SETTINGS {
        file.complain_at("settings", format!("there are {} settings, {MAX_SETTINGS} are the most", entries.len()));
    }
    for entry in entries {
        if !is_name(&entry.name) {
            file.complain_of(&entry.placed(), format!("a setting's name is {NAME_RULE}"));
        }
        let read = match entry.section {
            Some(section) => {
                let read = setting(&section);
                section.end();
                read
            }
            None => scalar(file, &entry.value).map(|(kind, default)| Setting {
                kind,
                default: Some(default),
                description: String::new(),
                required: false,
            }),
        };
        settings.extend(read.map(|setting| (entry.name, setting)));
    }
    settings
}

fn setting(section: &Section<'_, '_>) -> Option<Setting> {
    let given = section.one_of("type", &SettingType::NAMES);
    let description = section.text("description").unwrap_or_default();
    let required = section.flag("required").unwrap_or(false);
    let default = section.value("default").and_then(|value| scalar(section, &value));
    let kind = match (given, &default) {
        (Some(kind), _) => kind,
        (None, Some((kind, _))) if !section.has("type") => *kind,
        (None, None) if !section.has("type") => SettingType::Text,
        (None, _) => return None,
    };
    let default = default.map(|(_, text)| text);
    if default.as_deref().is_some_and(|text| !kind.takes(text)) {
        section.complain_at("default", format!("the setting takes {}", kind.words()));
    }
    if required && default.is_some() {
        section.complain_at("required", "a setting with a default never has to be given: leave one of the two out");
    }
    Some(Setting { kind, default, description, required })
}

fn scalar(section: &Section<'_, '_>, value: &Value) -> Option<(SettingType, String)> {
    let kind = match value.kind {
        "a text" => SettingType::Text,
        "a whole number" | "a number with a fraction" => SettingType::Number,
        "true or false" => SettingType::Flag,
        other => {
            section.complain_of(&value.placed, format!("is {other}; a text, a number, true or false is expected"));
            return None;
        }
    };
    Some((kind, value.placed.value.clone()))
}
