//! Places in a file, and TOML that says where it is wrong.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;

use crate::error::Complaint;

/// A file's name and text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// Reads the whole as `T`.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, Complaint> {
        toml::from_str(self.text)
            .map_err(|error| self.complain(error.span().map_or(0, |span| span.start), error.message().trim_end()))
    }

    /// A complaint about what stands at this byte.
    pub(crate) fn complain(self, at: usize, reason: impl Into<String>) -> Complaint {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Complaint {
            file: self.name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            reason: reason.into(),
        }
    }

    /// A complaint about a value.
    pub(crate) fn complain_of<T>(self, value: &Spanned<T>, reason: impl Into<String>) -> Complaint {
        self.complain(value.span().start, reason)
    }

    /// The byte where character `index` of a string value stands; the value's beginning when it has escapes, which
    /// shift what follows them.
    pub(crate) fn place_in(self, value: &Spanned<String>, index: usize) -> usize {
        let Range { start, end } = value.span();
        let raw = self.text.get(start..end).unwrap_or_default();
        let Some(inside) = raw.find(value.get_ref().as_str()) else { return start };
        let offset = value.get_ref().char_indices().nth(index).map_or(value.get_ref().len(), |(at, _)| at);
        start + inside + offset
    }
}
