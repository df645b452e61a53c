//! Ids: a type prefix and a UUIDv7 in base32, so they sort by time and say what they are.
//!
//! The 12 bits that RFC 9562 leaves to the implementer (`rand_a`) hold the partition in which the thing lives, so
//! that a reader who has only the id knows where to look.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::{Chance, Timestamp};
use crate::conversation::Partition;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// The prefix names another kind of thing, or none.
    #[error("an id of this kind starts with `{expected}_`")]
    Prefix {
        /// The prefix that was wanted, without the underscore.
        expected: &'static str,
    },
    /// What follows the prefix is not 26 base32 characters.
    #[error("after `{expected}_` come 26 characters of 0-9 and a-v")]
    Digits {
        /// The prefix, without the underscore.
        expected: &'static str,
    },
}

/// Lays out a UUIDv7: 48 bits of milliseconds, the version, 12 bits of partition, the variant, 62 bits of chance.
fn uuid_v7(at: Timestamp, partition: Partition, chance: u64) -> [u8; 16] {
    let ms = at.as_millis() & 0xFFFF_FFFF_FFFF;
    let high = (ms << 16) | 0x7000 | u64::from(partition.index() & 0x0FFF);
    let low = (chance >> 2) | 0x8000_0000_0000_0000;
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high.to_be_bytes());
    bytes[8..].copy_from_slice(&low.to_be_bytes());
    bytes
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What the text form starts with, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id made at `at`, for a thing that lives in `partition`.
            pub fn new(at: Timestamp, partition: Partition, chance: &Chance) -> Self {
                Self(uuid_v7(at, partition, chance.next_u64()))
            }

            /// An id that a run and its re-run agree on: chance is replaced by `seed`.
            pub fn derived(at: Timestamp, partition: Partition, seed: u64) -> Self {
                Self(uuid_v7(at, partition, seed))
            }

            /// The id with these bytes, as [`as_bytes`](Self::as_bytes) gave them.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes, in the order of time.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// Where the thing lives.
            pub fn partition(&self) -> Partition {
                Partition::new(u16::from_be_bytes([self.0[6], self.0[7]]) & 0x0FFF)
            }

            /// When the id was made, in whole milliseconds.
            pub fn made_at(&self) -> Timestamp {
                let mut ms = [0; 8];
                ms[2..].copy_from_slice(&self.0[..6]);
                Timestamp::from_millis(u64::from_be_bytes(ms))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; 26];
                padded_encode(&self.0, &mut text);
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(std::str::from_utf8(&text).expect("base32 is ASCII"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let digits =
                    text.strip_prefix(concat!($prefix, "_")).ok_or(ParseIdError::Prefix { expected: $prefix })?;
                padded_decode(digits).map(Self).ok_or(ParseIdError::Digits { expected: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
                } else {
                    <[u8; 16]>::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

id!(
    /// A message, in either direction.
    MessageId,
    "msg"
);
id!(
    /// An event in an inbox.
    EventId,
    "evt"
);
id!(
    /// One run of a handler.
    InvocationId,
    "inv"
);
id!(
    /// One webhook event; the same on each retry of it.
    AttemptId,
    "whk"
);
id!(
    /// An API key. The secret is not part of it.
    KeyId,
    "key"
);
id!(
    /// A legal hold.
    HoldId,
    "hold"
);

/// 128 bits are 26 base32 characters of 5 bits with 2 bits to spare: the spare ones lead, so that order is kept.
fn padded_encode(bytes: &[u8; 16], out: &mut [u8; 26]) {
    let value = u128::from_be_bytes(*bytes);
    let symbols = b"0123456789abcdefghijklmnopqrstuv";
    for (i, slot) in out.iter_mut().enumerate() {
        let shift = 125 - 5 * i as u32;
        *slot = symbols[((value >> shift) & 31) as usize];
    }
}

fn padded_decode(text: &str) -> Option<[u8; 16]> {
    if text.len() != 26 {
        return None;
    }
    let mut value: u128 = 0;
    for (i, c) in text.bytes().enumerate() {
        let digit = match c {
            b'0'..=b'9' => c - b'0',
            b'a'..=b'v' => c - b'a' + 10,
            _ => return None,
        };
        if i == 0 && digit > 7 {
            return None;
        }
        value = (value << 5) | u128::from(digit);
    }
    Some(value.to_be_bytes())
}

/// A tenant's name: 1 to 32 of `a-z`, `0-9` and `-`, beginning with a letter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Arc<str>);

/// Why a text is not a tenant's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tenant's name is 1 to 32 of a-z, 0-9 and '-', beginning with a letter")]
pub struct ParseTenantError;

impl TenantId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = ParseTenantError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let legal = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let begins = text.bytes().next().is_some_and(|c| c.is_ascii_lowercase());
        if begins && text.len() <= 32 && text.bytes().all(legal) {
            Ok(Self(text.into()))
        } else {
            Err(ParseTenantError)
        }
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for TenantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TenantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A secret of 256 bits in base32, for API keys and webhooks.
pub fn secret_text(bytes: &[u8; 32]) -> String {
    data_encoding::BASE32HEX_NOPAD.encode(bytes).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ms: u64) -> MessageId {
        MessageId::new(Timestamp::from_millis(ms), Partition::new(17), &Chance::seeded(1))
    }

    #[test]
    fn an_id_says_what_it_is_where_it_lives_and_when_it_was_made() {
        let id = sample(1_790_000_000_123);
        assert!(id.to_string().starts_with("msg_"));
        assert_eq!(id.partition(), Partition::new(17));
        assert_eq!(id.made_at(), Timestamp::from_millis(1_790_000_000_123));
    }

    #[test]
    fn the_text_form_round_trips_and_sorts_by_time() {
        let (early, late) = (sample(1_000), sample(2_000));
        assert_eq!(early.to_string().parse::<MessageId>(), Ok(early));
        assert!(early.to_string() < late.to_string());
        assert!(early < late);
    }

    #[test]
    fn foreign_and_broken_ids_are_refused() {
        let text = sample(1_000).to_string();
        assert_eq!(text.parse::<EventId>(), Err(ParseIdError::Prefix { expected: "evt" }));
        assert!("msg_short".parse::<MessageId>().is_err());
        assert!(format!("msg_{}", "z".repeat(26)).parse::<MessageId>().is_err());
    }

    #[test]
    fn tenants_have_plain_names() {
        assert!("acme-2".parse::<TenantId>().is_ok());
        for bad in ["", "2acme", "Acme", "a b", &"a".repeat(33)] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad}");
        }
    }
}
