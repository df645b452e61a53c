//! A conversation is (tenant, our number, their number). Its events are handled one at a time, in order.

use std::fmt;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::id::TenantId;

/// One of the fixed number of parts into which state is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Partition(u16);

impl Partition {
    /// How many there are unless the operator chose otherwise when the store was made.
    pub const DEFAULT_COUNT: u16 = 64;
    /// The most there can be: an id has 12 bits for its partition, and one is set apart.
    pub const MAX_COUNT: u16 = 0x0FFF;
    /// Set apart for what isn't part of any conversation: tenants, keys, handlers, bindings, webhooks.
    pub const DIRECTORY: Self = Self(0x0FFF);

    /// The partition with this index.
    pub const fn new(index: u16) -> Self {
        Self(index)
    }

    /// Its index.
    pub const fn index(self) -> u16 {
        self.0
    }

    /// Where something with this stable hash lives, out of `count` partitions.
    pub fn of_hash(hash: &[u8; 16], count: u16) -> Self {
        Self(u16::from_be_bytes([hash[14], hash[15]]) % count)
    }
}

/// The stable hash of a conversation: the first 16 bytes of a SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConversationId([u8; 16]);

impl ConversationId {
    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The conversation with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Where it lives, out of `count` partitions.
    pub fn partition(&self, count: u16) -> Partition {
        Partition::of_hash(&self.0, count)
    }
}

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cnv_{:02x}{:02x}{:02x}{:02x}", self.0[0], self.0[1], self.0[2], self.0[3])
    }
}

/// (tenant, our number, their number).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Conversation {
    /// Whose conversation it is.
    pub tenant: TenantId,
    /// The tenant's number or sender name.
    pub ours: Address,
    /// The other party.
    pub theirs: Address,
}

impl Conversation {
    /// The stable hash of the three, the same on every machine and in every version.
    pub fn id(&self) -> ConversationId {
        let tenant = self.tenant.as_str().as_bytes();
        self.ours.with_text(|ours| {
            self.theirs.with_text(|theirs| {
                ConversationId(stable_hash(&[b"conversation", tenant, ours.as_bytes(), theirs.as_bytes()]))
            })
        })
    }
}

/// 16 bytes of SHA-256 over parts, each preceded by its length so that no two lists collide.
pub fn stable_hash(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Context::new(&SHA256);
    for part in parts {
        hasher.update(&(part.len() as u32).to_be_bytes());
        hasher.update(part);
    }
    let mut hash = [0; 16];
    hash.copy_from_slice(&hasher.finish().as_ref()[..16]);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_depends_on_each_part_and_on_nothing_else() {
        let conversation = |tenant: &str, ours: &str, theirs: &str| Conversation {
            tenant: tenant.parse().unwrap(),
            ours: ours.parse().unwrap(),
            theirs: theirs.parse().unwrap(),
        };
        let one = conversation("acme", "72345", "+14155550123");
        assert_eq!(one.id(), one.clone().id());
        assert_ne!(one.id(), conversation("acme", "72346", "+14155550123").id());
        assert_ne!(one.id(), conversation("acm", "72345", "+14155550123").id());
    }
}
