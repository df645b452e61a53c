//! Why a policy folder isn't taken.

use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The file's name.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, and what is allowed there.
    pub reason: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.reason)
    }
}

/// Why a policy folder isn't taken. It is taken whole or not at all; the one in force stays.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder couldn't be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something in the files is wrong; all of it is listed.
    #[error("{}", lines(.0))]
    Refused(Vec<Complaint>),
}

fn lines(complaints: &[Complaint]) -> String {
    let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
