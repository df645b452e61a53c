//! Where a listing goes on: opaque to its bearer, and of use only in the listing that gave it.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32HEX_NOPAD;
use signalbox_model::MessageId;

/// The form's version, should it ever change.
const VERSION: u8 = 1;
const BYTES: usize = 1 + 16 + 4;

/// Behind this message the listing goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) last: MessageId,
    /// What was asked for, hashed: a cursor of another question would skip answers silently.
    pub(crate) question: [u8; 4],
}

/// Why a cursor can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCursor {
    /// Cut, mistyped or made up.
    #[error("is not a cursor; take the one from the last page as it stands, or leave it out to begin anew")]
    Form,
    /// Taken from a listing with other filters.
    #[error("belongs to a listing with other filters; keep them the same from page to page")]
    Question,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [VERSION; BYTES];
        bytes[1..17].copy_from_slice(self.last.as_bytes());
        bytes[17..].copy_from_slice(&self.question);
        f.write_str(&BASE32HEX_NOPAD.encode(&bytes).to_ascii_lowercase())
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = BASE32HEX_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).map_err(|_| BadCursor::Form)?;
        let bytes: [u8; BYTES] = bytes.try_into().map_err(|_| BadCursor::Form)?;
        let [VERSION, id @ .., a, b, c, d] = bytes else { return Err(BadCursor::Form) };
        Ok(Self { last: MessageId::from_bytes(id), question: [a, b, c, d] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_round_trips_and_nothing_else_is_one() {
        let cursor = Cursor { last: MessageId::from_bytes([7; 16]), question: [1, 2, 3, 4] };
        let text = cursor.to_string();
        assert_eq!(text.parse(), Ok(cursor));
        for bad in ["", "x", &text[1..], &format!("{text}00"), &text.replace('0', "!"), "größer"] {
            assert_eq!(bad.parse::<Cursor>(), Err(BadCursor::Form), "{bad}");
        }
    }
}
