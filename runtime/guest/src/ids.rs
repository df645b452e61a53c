//! The ids of messages that a handler sends.

use sha2::{Digest, Sha256};
use std::fmt;

/// A message that a handler sends: what its id follows from.
#[derive(Debug, Clone, Copy)]
pub struct SendPlace<'a> {
    /// The event in which it is sent.
    pub event_id: &'a str,
    /// When the event happened, in microseconds.
    pub happened_at: u64,
    /// Its place among the event's sends, from 0. Those that were withdrawn count.
    pub ordinal: u32,
    /// The sender.
    pub sender: &'a str,
    /// The recipient.
    pub recipient: &'a str,
}

/// Derives ids of sent messages. It must be a function of the place alone: a second attempt at an event, and its
/// replay, have to come to the same ids.
pub trait MessageIds: Send + Sync {
    /// The id that the message will have.
    fn message_id(&self, place: &SendPlace<'_>) -> String;
}

/// Ids for hosts that have no scheme of their own: `msg_` and a UUIDv7 in base32 (0-9, a-v), with the milliseconds of
/// the event's own time, and 74 bits of SHA-256 over the event's id and the ordinal instead of chance.
#[derive(Debug, Clone, Copy, Default)]
pub struct DerivedIds;

impl MessageIds for DerivedIds {
    fn message_id(&self, place: &SendPlace<'_>) -> String {
        let mut hash = Sha256::new_with_prefix(b"signalbox send\0");
        hash.update(place.event_id.as_bytes());
        hash.update([0]);
        hash.update(place.ordinal.to_be_bytes());
        let digest = hash.finalize();
        let mut id = [0_u8; 16];
        id.copy_from_slice(&digest[..16]);
        id[..6].copy_from_slice(&(place.happened_at / 1_000).to_be_bytes()[2..]);
        id[6] = id[6] & 0x0f | 0x70;
        id[8] = id[8] & 0x3f | 0x80;
        format!("msg_{}", Base32(u128::from_be_bytes(id)))
    }
}

/// 128 bits as 26 digits, so that the order of texts is the order of numbers.
struct Base32(u128);

impl fmt::Display for Base32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
        // 26 digits hold 130 bits: the two spare ones are at the end, as base32 pads.
        let mut text = [0_u8; 26];
        for (place, digit) in text.iter_mut().enumerate() {
            let bits = if place == 25 { self.0 << 2 } else { self.0 >> (123 - 5 * place) };
            *digit = DIGITS[(bits & 31) as usize];
        }
        f.write_str(std::str::from_utf8(&text).expect("the digits are ASCII"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(event_id: &str, happened_at: u64, ordinal: u32) -> String {
        DerivedIds.message_id(&SendPlace { event_id, happened_at, ordinal, sender: "1", recipient: "2" })
    }

    #[test]
    fn the_same_send_has_the_same_id_at_every_attempt() {
        assert_eq!(id("evt_1", 5_000_000, 0), id("evt_1", 5_000_000, 0));
    }

    #[test]
    fn sends_of_one_event_and_of_two_have_different_ids() {
        assert_ne!(id("evt_1", 5_000_000, 0), id("evt_1", 5_000_000, 1));
        assert_ne!(id("evt_1", 5_000_000, 0), id("evt_2", 5_000_000, 0));
    }

    #[test]
    fn ids_sort_by_the_events_time() {
        assert!(id("evt_9", 1_700_000_000_000_000, 9) < id("evt_1", 1_700_000_000_001_000, 0));
    }

    #[test]
    fn base32_has_26_digits_in_the_order_of_numbers() {
        assert_eq!(Base32(0).to_string(), "0".repeat(26));
        assert_eq!(Base32(u128::MAX).to_string(), format!("{}s", "v".repeat(25)));
        assert!(Base32(1).to_string() < Base32(2).to_string());
    }
}
