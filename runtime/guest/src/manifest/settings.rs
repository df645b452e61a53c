//! `[settings]`: how a tenant may configure the handler.

use super::{MAX_SETTINGS, Manifest, NAME_RULE, is_name};
use serde::{Deserialize, Serialize};
use signalbox_forms::{Item, Scalar, Section, hint};
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

    /// The type of which a value is.
    fn of(value: &Scalar) -> Self {
        match value {
            Scalar::Text(_) => Self::Text,
            Scalar::Whole(_) | Scalar::Fraction(_) => Self::Number,
            Scalar::Flag(_) => Self::Flag,
        }
    }

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
                    let hint = hint(name, &known);
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
    for (name, item) in entries {
        if !is_name(&name.value) {
            file.complain_of(&name, format!("a setting's name is {NAME_RULE}"));
        }
        let read = match item {
            Item::Section(section) => {
                let read = setting(&section);
                section.end();
                read
            }
            Item::Scalar(value) => Some(Setting {
                kind: SettingType::of(&value.value),
                default: Some(value.value.to_string()),
                description: String::new(),
                required: false,
            }),
        };
        settings.extend(read.map(|setting| (name.value, setting)));
    }
    settings
}

fn setting(section: &Section<'_, '_>) -> Option<Setting> {
    let given = section.one_of("type", &SettingType::NAMES).map(|kind| kind.value);
    let description = section.text("description").map(|text| text.value).unwrap_or_default();
    let required = section.flag("required").unwrap_or(false);
    let default = section.scalar("default").map(|value| value.value);
    let kind = match (given, &default) {
        (Some(kind), _) => kind,
        (None, Some(default)) if !section.has("type") => SettingType::of(default),
        (None, None) if !section.has("type") => SettingType::Text,
        (None, _) => return None,
    };
    let default = default.map(|default| default.to_string());
    if default.as_deref().is_some_and(|text| !kind.takes(text)) {
        section.complain_at("default", format!("the setting takes {}", kind.words()));
    }
    if required && default.is_some() {
        section.complain_at("required", "a setting with a default never has to be given: leave one of the two out");
    }
    Some(Setting { kind, default, description, required })
}
