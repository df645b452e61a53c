//! Where a number is from, of which day, and how sure it is: said, and never empty.

use serde::Deserialize;

/// A text that says something.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Whence;

impl TryFrom<String> for Whence {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.trim() {
            "" => Err("is empty: every number says where it is from, of which day, and how sure that is"),
            _ => Ok(Self),
        }
    }
}
