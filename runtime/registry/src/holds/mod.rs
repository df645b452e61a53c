//! Legal holds: what must be kept as it is, whatever else says that it should go.
//!
//! All that stand are in memory, so that asking costs no read. A hold that was released stays in the store: that it
//! stood is part of what is to be shown later.

mod book;
mod keep;

use serde::{Deserialize, Serialize};
use signalbox_model::{Address, HoldId, KeyId, TenantId, Timestamp};

pub use book::Book;
pub use keep::{HoldRefused, Holds, Unmoved};

/// Holds of one tenant that stand: all of them are in memory, and a matter rarely touches more people.
pub const MAX_STANDING: usize = 10_000;
/// The longest reason: a matter's name and a line, not a file.
pub const MAX_WHY_CHARS: usize = 500;

/// What is held.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum On {
    /// Everything of the tenant's.
    Tenant,
    /// Everything to and from this person.
    Contact(Address),
    /// Everything between two numbers.
    Conversation {
        /// The tenant's.
        ours: Address,
        /// The person's.
        theirs: Address,
    },
}

impl On {
    /// What it is called.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Contact(_) => "contact",
            Self::Conversation { .. } => "conversation",
        }
    }

    /// The person whom it is about, if it is about one.
    pub fn person(&self) -> Option<&Address> {
        match self {
            Self::Tenant => None,
            Self::Contact(theirs) | Self::Conversation { theirs, .. } => Some(theirs),
        }
    }
}

/// Who places a hold, and who releases it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placer {
    /// The tenant, with this key.
    Tenant(KeyId),
    /// The operator.
    Operator,
}

impl std::fmt::Display for Placer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tenant(key) => key.fmt(f),
            Self::Operator => f.write_str("operator"),
        }
    }
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Whose messages it holds.
    pub tenant: TenantId,
    /// Which of them.
    pub on: On,
    /// The matter.
    pub why: String,
    /// Who placed it.
    pub placed_by: Placer,
    /// When.
    pub placed_at: Timestamp,
    /// That it stands no more.
    pub released: Option<Release>,
}

/// The end of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Who released it.
    pub by: Placer,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}
