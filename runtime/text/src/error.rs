//! What can be wrong with a text or its parts.

/// Says what is wrong without saying what the text is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The sender's: too much text.
    #[error("takes {segments} segments, {limit} are allowed")]
    TooLong {
        /// What it takes.
        segments: usize,
        /// What is allowed.
        limit: u8,
    },
    /// The caller's: a character that the chosen encoding or the carrier's alphabet doesn't have.
    #[error("character {index} isn't in the {alphabet} alphabet")]
    NotInAlphabet {
        /// Position in characters, from 0.
        index: usize,
        /// The alphabet's name.
        alphabet: &'static str,
    },
    /// The peer's: a user data header that doesn't fit its octets.
    #[error("user data header: {what} at octet {at}")]
    Header {
        /// What is wrong.
        what: &'static str,
        /// Where, from the header's length octet.
        at: usize,
    },
    /// The peer's: a part numbered 0 or beyond its total.
    #[error("part {number} of {total} can't be")]
    PartNumber {
        /// The number it gave.
        number: u8,
        /// The total it gave.
        total: u8,
    },
    /// The peer's: a part that says another total than those before it.
    #[error("a part says that there are {said} parts, those before said {expected}")]
    Total {
        /// What it said.
        said: u8,
        /// What the first one said.
        expected: u8,
    },
    /// The peer's: another part under a number that is already here. The reference was used again.
    #[error("part {number} came again with other content: its reference is in use for another message")]
    PartConflict {
        /// The part's number.
        number: u8,
    },
}
