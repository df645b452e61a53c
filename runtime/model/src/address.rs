//! Who sends and who receives.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseAddressError {
    /// Empty.
    #[error("is empty; write a number in E.164 form such as +14155550123")]
    Empty,
    /// Digits that can't be a number.
    #[error(
        "is not a number in E.164 form: '+', a country code that doesn't begin with 0, 7 to 15 digits in all, no spaces"
    )]
    E164,
    /// A short code of a wrong length.
    #[error("is not a short code: 3 to 8 digits without '+'; a full number begins with '+'")]
    ShortCode,
    /// An alphanumeric sender with a wrong character or length.
    #[error(
        "is not an alphanumeric sender: 1 to 11 letters, digits, spaces, '-', '_', '.', '&', at least one of them a letter"
    )]
    Alphanumeric,
}

/// A number in E.164 form: 7 to 15 digits, the first not 0. Text form `+14155550123`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct E164(u64);

impl E164 {
    /// The digits as an integer.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// True for the North American Numbering Plan (+1 and ten digits).
    pub const fn is_nanp(self) -> bool {
        self.0 / 10_000_000_000 == 1
    }

    /// Shows the text form, without keeping it anywhere.
    fn with_text<T>(self, show: impl FnOnce(&str) -> T) -> T {
        // A plus and at most 15 digits, from the end: every row and every hash has numbers in it.
        let mut text = [b'+'; 16];
        let (mut at, mut rest) = (text.len(), self.0);
        while rest > 0 {
            at -= 1;
            text[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        show(std::str::from_utf8(&text[at - 1..]).expect("a plus and digits are ASCII"))
    }

    /// Reads digits without the plus, as carriers write them.
    pub fn from_digits(digits: &str) -> Option<Self> {
        let legal =
            (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|c| c.is_ascii_digit());
        legal.then(|| digits.parse().ok().map(Self))?
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
    }
}

/// What kind of sender or recipient an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressKind {
    /// A telephone number.
    E164,
    /// A short code.
    ShortCode,
    /// A name as sender; nobody can answer it.
    Alphanumeric,
}

/// A sender or recipient. `Display` is the full text; `Debug` is redacted, so that logs and errors can't leak it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A telephone number.
    E164(E164),
    /// A short code: 3 to 8 digits, leading zeros count.
    ShortCode(Box<str>),
    /// A name as sender, 1 to 11 characters.
    Alphanumeric(Box<str>),
}

impl Address {
    /// What kind it is.
    pub fn kind(&self) -> AddressKind {
        match self {
            Self::E164(_) => AddressKind::E164,
            Self::ShortCode(_) => AddressKind::ShortCode,
            Self::Alphanumeric(_) => AddressKind::Alphanumeric,
        }
    }

    /// Reads an address as a carrier gives it with its type of number: digits without plus for international ones.
    pub fn from_carrier(text: &str, international: bool, alphanumeric: bool) -> Result<Self, ParseAddressError> {
        if alphanumeric {
            return alphanumeric_sender(text);
        }
        let digits = text.strip_prefix('+').unwrap_or(text);
        if international || text.starts_with('+') || digits.len() > 8 {
            return E164::from_digits(digits).map(Self::E164).ok_or(ParseAddressError::E164);
        }
        text.parse()
    }

    /// Shows the full text to `show`, as `Display` would write it, without keeping it anywhere.
    pub fn with_text<T>(&self, show: impl FnOnce(&str) -> T) -> T {
        match self {
            Self::E164(number) => number.with_text(show),
            Self::ShortCode(text) | Self::Alphanumeric(text) => show(text),
        }
    }

    /// The text that may stand in logs: country and first digits kept, the last four starred out.
    pub fn redacted(&self) -> String {
        let full = self.to_string();
        match self {
            Self::E164(_) => format!("{}****", &full[..full.len() - 4]),
            Self::ShortCode(_) | Self::Alphanumeric(_) => full,
        }
    }
}

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(ParseAddressError::Empty);
        }
        if let Some(digits) = text.strip_prefix('+') {
            return E164::from_digits(digits).map(Self::E164).ok_or(ParseAddressError::E164);
        }
        if text.bytes().all(|c| c.is_ascii_digit()) {
            let legal = (3..=8).contains(&text.len());
            return legal.then(|| Self::ShortCode(text.into())).ok_or(ParseAddressError::ShortCode);
        }
        alphanumeric_sender(text)
    }
}

fn alphanumeric_sender(text: &str) -> Result<Address, ParseAddressError> {
    let legal = |c: u8| c.is_ascii_alphanumeric() || b" -_.&".contains(&c);
    let ok = (1..=11).contains(&text.len()) && text.bytes().all(legal) && text.bytes().any(|c| c.is_ascii_alphabetic());
    ok.then(|| Address::Alphanumeric(text.into())).ok_or(ParseAddressError::Alphanumeric)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Address::E164(*self).redacted())
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with_text(|text| serializer.serialize_str(text))
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        let kind = |text: &str| text.parse::<Address>().map(|a| a.kind());
        assert_eq!(kind("+14155550123"), Ok(AddressKind::E164));
        assert_eq!(kind("72345"), Ok(AddressKind::ShortCode));
        assert_eq!(kind("Acme Bank"), Ok(AddressKind::Alphanumeric));
        assert_eq!(kind("+0123456789"), Err(ParseAddressError::E164));
        assert_eq!(kind("+1 415 555 0123"), Err(ParseAddressError::E164));
        assert_eq!(kind("4155550123"), Err(ParseAddressError::ShortCode));
        assert_eq!(kind(""), Err(ParseAddressError::Empty));
        assert_eq!(kind("naïve"), Err(ParseAddressError::Alphanumeric));
    }

    #[test]
    fn debug_never_shows_a_full_number() {
        let address: Address = "+14155550123".parse().unwrap();
        assert_eq!(format!("{address:?}"), "+1415555****");
        assert_eq!(address.to_string(), "+14155550123");
    }

    #[test]
    fn carriers_write_numbers_without_a_plus() {
        let full: Address = "+14155550123".parse().unwrap();
        assert_eq!(Address::from_carrier("14155550123", true, false), Ok(full.clone()));
        assert_eq!(Address::from_carrier("14155550123", false, false), Ok(full));
        assert_eq!(Address::from_carrier("72345", false, false), Ok("72345".parse().unwrap()));
    }
}
