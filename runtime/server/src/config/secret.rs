//! Values that stand in a file or in the environment rather than in the configuration.

use std::path::{Path, PathBuf};

use signalbox_forms::{Placed, Section};

/// What a configuration refers to.
pub struct Surroundings<'a> {
    /// Where relative paths begin: the configuration's folder.
    folder: &'a Path,
    /// Reads a variable of the environment.
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Surroundings<'a> {
    /// This process's environment.
    pub fn of_process(folder: &'a Path) -> Self {
        Self { folder, variable: &|name| std::env::var(name).ok() }
    }

    /// Surroundings that are made up.
    #[cfg(test)]
    pub fn made_up(folder: &'a Path, variable: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { folder, variable }
    }

    /// A path of the configuration.
    pub fn path(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }

    /// What a value stands for: the text itself, or what `file:…` holds, or what the variable of `env:…` does. A line's
    /// end behind it is not part of a file's secret.
    pub fn resolve(&self, section: &Section<'_, '_>, text: &Placed<String>) -> Option<String> {
        let found = if let Some(name) = text.value.strip_prefix("env:") {
            (self.variable)(name).ok_or_else(|| format!("the environment has no variable `{name}`"))
        } else if let Some(path) = text.value.strip_prefix("file:") {
            let path = self.path(path);
            let read = std::fs::read_to_string(&path);
            read.map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
                .map_err(|error| format!("{} can't be read: {error}", path.display()))
        } else {
            Ok(text.value.clone())
        };
        found.map_err(|reason| section.complain_of(text, reason)).ok()
    }
}
