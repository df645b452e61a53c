//! `C-Octet String`: the short NUL-terminated strings that SMPP is full of.

use std::borrow::Cow;
use std::fmt;

/// Long enough for every address, time and service type; longer strings (some message ids) go to the heap.
const INLINE: usize = 22;

/// A C-octet string without its NUL.
///
/// It owns its octets, short ones in place: copying twenty octets is cheaper than counting a reference that two cores
/// share, and a message id that is kept for days doesn't keep a whole read buffer alive. `Debug` shows the length only,
/// because it may hold a number or a password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct COctetString(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, octets: [u8; INLINE] },
    Heap(Box<[u8]>),
}

impl COctetString {
    /// The empty string.
    pub const fn new() -> Self {
        Self(Repr::Inline { len: 0, octets: [0; INLINE] })
    }

    /// The octets, without the NUL.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, octets } => &octets[..usize::from(*len)],
            Repr::Heap(octets) => octets,
        }
    }

    /// The text, if it is UTF-8 (the specification says ASCII).
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()).ok()
    }

    /// The text, with what isn't UTF-8 replaced.
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// Length in octets, without the NUL.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether it has no octets.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

impl PartialEq for Repr {
    fn eq(&self, other: &Self) -> bool {
        self.octets() == other.octets()
    }
}

impl Eq for Repr {}

impl std::hash::Hash for Repr {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.octets().hash(state);
    }
}

impl Repr {
    fn octets(&self) -> &[u8] {
        match self {
            Repr::Inline { len, octets } => &octets[..usize::from(*len)],
            Repr::Heap(octets) => octets,
        }
    }
}

impl Default for COctetString {
    fn default() -> Self {
        Self::new()
    }
}

impl From<&[u8]> for COctetString {
    #[inline]
    fn from(octets: &[u8]) -> Self {
        if octets.len() > INLINE {
            return Self(Repr::Heap(octets.into()));
        }
        let mut inline = [0; INLINE];
        inline[..octets.len()].copy_from_slice(octets);
        Self(Repr::Inline { len: octets.len() as u8, octets: inline })
    }
}

impl From<&str> for COctetString {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<String> for COctetString {
    fn from(text: String) -> Self {
        text.as_bytes().into()
    }
}

impl PartialEq<str> for COctetString {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for COctetString {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Debug for COctetString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} octets>", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_strings_keep_their_octets() {
        for len in [0, 1, 21, 22, 23, 64, 300] {
            let octets: Vec<u8> = (0..len).map(|i| (i % 255) as u8 + 1).collect();
            let string = COctetString::from(octets.as_slice());
            assert_eq!(string.as_bytes(), octets);
            assert_eq!(string.len(), len);
        }
    }

    #[test]
    fn debug_never_shows_the_content() {
        assert_eq!(format!("{:?}", COctetString::from("15550100")), "<8 octets>");
    }

    #[test]
    fn it_is_three_words() {
        assert_eq!(size_of::<COctetString>(), 24);
    }
}
