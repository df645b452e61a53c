//! What is wrong with a file, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Complaint {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The key, with the sections that it is in: `tenants[0].brand`.
    pub key: String,
    /// What is wrong, and what is allowed there.
    pub reason: String,
}

/// Why a file isn't taken: all that is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{}", lines(path, complaints))]
    Refused {
        /// Which file.
        path: PathBuf,
        /// What, in the order of the file.
        complaints: Vec<Complaint>,
    },
}

fn lines(path: &Path, complaints: &[Complaint]) -> String {
    let line = |complaint: &Complaint| format!("{}:{complaint}", path.display());
    complaints.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, key, reason } = self;
        let place = if key.is_empty() { String::new() } else { format!("{key}: ") };
        write!(f, "{line}:{column}: {place}{reason}")
    }
}

/// Line and column, from 1, of what stands at this byte.
pub fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
