//! Values that a scenario writes as people do: `"20ms..80ms"`, `"+1555*"`, a share between 0 and 1.

use rand::Rng;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// A share between 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate(f64);

/// A length of time, written `"250us"`, `"20ms"`, `"2s"` or `"5m"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Duration);

/// A length of time drawn evenly from a range, written `"20ms..80ms"`, or fixed, `"20ms"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delay {
    /// Shortest.
    pub min: Span,
    /// Longest, itself included.
    pub max: Span,
}

/// Numbers, with `*` for any run of characters and `?` for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Pattern(String);

/// One value, or a list to draw from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OneOrMore<T>(Vec<T>);

impl Rate {
    /// Never.
    pub const NEVER: Self = Self(0.0);

    /// Every time.
    pub const fn always() -> Self {
        Self(1.0)
    }

    /// `None` outside 0–1.
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self(share))
    }

    /// Draws once, whatever the rate, so that one rate's change leaves the other draws alone.
    pub(crate) fn draw(self, rng: &mut impl Rng) -> bool {
        rng.random::<f64>() < self.0
    }
}

impl TryFrom<f64> for Rate {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        Self::new(share).ok_or_else(|| "a rate lies between 0 and 1".to_owned())
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

impl Span {
    /// Nothing.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// Whole seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// Whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    fn parse(text: &str) -> Option<Self> {
        let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
        let count: u64 = text[..unit_at].parse().ok()?;
        let micros_each = match &text[unit_at..] {
            "us" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            "m" => 60_000_000,
            _ => return None,
        };
        Some(Self(Duration::from_micros(count.checked_mul(micros_each)?)))
    }
}

const SPAN_HELP: &str = "a duration is a whole number and a unit, such as \"250us\", \"20ms\", \"2s\" or \"5m\"";

impl TryFrom<String> for Span {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(text.trim()).ok_or(SPAN_HELP)
    }
}

impl From<Span> for String {
    fn from(Span(span): Span) -> Self {
        match span.as_micros() {
            micros if micros % 1_000_000 == 0 => format!("{}s", micros / 1_000_000),
            micros if micros % 1_000 == 0 => format!("{}ms", micros / 1_000),
            micros => format!("{micros}us"),
        }
    }
}

impl Delay {
    /// Always the same.
    pub const fn fixed(span: Span) -> Self {
        Self { min: span, max: span }
    }

    pub(crate) fn draw(self, rng: &mut impl Rng) -> Duration {
        let share = rng.random::<f64>();
        self.min.0 + (self.max.0 - self.min.0).mul_f64(share)
    }
}

impl TryFrom<String> for Delay {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let (min, max) = text.split_once("..").unwrap_or((&text, &text));
        let delay = Self {
            min: Span::parse(min.trim()).ok_or(SPAN_HELP)?,
            max: Span::parse(max.trim().trim_start_matches('=')).ok_or(SPAN_HELP)?,
        };
        if delay.min <= delay.max { Ok(delay) } else { Err("a range of durations begins with the shorter one") }
    }
}

impl From<Delay> for String {
    fn from(delay: Delay) -> Self {
        if delay.min == delay.max {
            return delay.min.into();
        }
        format!("{}..{}", Self::from(delay.min), Self::from(delay.max))
    }
}

impl Pattern {
    /// Whether `number` is meant; a leading `+` is ignored on both sides.
    pub fn matches(&self, number: &str) -> bool {
        glob(self.0.trim_start_matches('+').as_bytes(), number.trim_start_matches('+').as_bytes())
    }
}

impl Default for Pattern {
    fn default() -> Self {
        Self("*".to_owned())
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

/// Linear: on a mismatch it goes back to the last star only.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    (p, t) = (at + 1, from + 1);
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

impl<T> OneOrMore<T> {
    /// Just `value`.
    pub fn one(value: T) -> Self {
        Self(vec![value])
    }

    pub(crate) fn draw(&self, rng: &mut impl Rng) -> &T {
        let at = rng.random_range(0..usize::MAX);
        &self.0[at % self.0.len()]
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrMore<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or a list of names")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
                T::deserialize(de::value::StrDeserializer::new(name)).map(OneOrMore::one)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                if values.is_empty() { Err(de::Error::invalid_length(0, &self)) } else { Ok(OneOrMore(values)) }
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_written() {
        for (pattern, number, matches) in [
            ("*", "", true),
            ("+1555*", "15550001", true),
            ("+1555*", "+14440001", false),
            ("*99", "+155599", true),
            ("*9*9", "191", false),
            ("1???", "1234", true),
            ("1???", "123", false),
        ] {
            assert_eq!(Pattern::from(pattern).matches(number), matches, "{pattern} {number}");
        }
    }

    #[test]
    fn durations_keep_their_meaning_through_text() {
        for text in ["250us", "20ms", "2s", "1ms..5ms"] {
            let delay = Delay::try_from(text.to_owned()).unwrap();
            assert_eq!(String::from(delay), text);
        }
        for text in ["", "5", "ms", "-1s", "5h", "1.5s", "2s..1s", "99999999999999999999s"] {
            assert!(Delay::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
