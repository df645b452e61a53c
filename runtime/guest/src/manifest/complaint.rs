//! What is wrong with a manifest, and where.

use serde::Serialize;
use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The key, with the sections that it is in: `secrets[0].inject.host`. Empty for the file as a whole.
    pub key: String,
    /// What is wrong, and what is allowed there.
    pub reason: String,
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

impl Complaint {
    pub(super) fn of_file(reason: String) -> Self {
        Self { line: 1, column: 1, key: String::new(), reason }
    }
}

fn lines(file: &str, complaints: &[Complaint]) -> String {
    complaints.iter().map(|complaint| format!("{file}:{complaint}")).collect::<Vec<_>>().join("\n")
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, key, reason } = self;
        let place = if key.is_empty() { String::new() } else { format!("{key}: ") };
        write!(f, "{line}:{column}: {place}{reason}")
    }
}
