//! A tenant's code as it is set up: a handler's name, the versions it has had, which of them answers, and for which
//! events.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::clock::Timestamp;
use crate::id::TenantId;

/// A handler: a name under which versions come and go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handler {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// The digest of the version that answers.
    pub live: String,
    /// Since when it does.
    pub live_since: Timestamp,
    /// The digest of the version that answered before; what is gone back to.
    pub previous: Option<String>,
    /// A version that answers a share of the conversations.
    pub canary: Option<Canary>,
    /// The digest of a version that is shown what the live one is shown, and whose effects are thrown away.
    pub shadow: Option<String>,
    /// Its own settings; they stand before the tenant's.
    pub settings: BTreeMap<String, String>,
    /// What happened to it, oldest first; bounded.
    pub changes: Vec<Change>,
}

/// A version that answers a share of the conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// The version.
    pub digest: String,
    /// How many of a hundred conversations it answers.
    pub percent: u8,
    /// Since when.
    pub since: Timestamp,
}

/// Something that happened to a handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: ChangeKind,
    /// The version that it happened to; the one that failed, for [`ChangeKind::RolledBack`].
    pub digest: String,
    /// Why, in words, where somebody may wonder.
    pub why: Option<String>,
}

/// What can happen to a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// A version came.
    Uploaded,
    /// A version answers from now on.
    Live,
    /// A version answers a share of the conversations from now on.
    Canary,
    /// It doesn't any more.
    CanaryEnded,
    /// A version is shown what the live one is shown from now on.
    Shadow,
    /// It isn't any more.
    ShadowEnded,
    /// The host took a version back because it failed too often.
    RolledBack,
}

impl ChangeKind {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Live => "live",
            Self::Canary => "canary",
            Self::CanaryEnded => "canary_ended",
            Self::Shadow => "shadow",
            Self::ShadowEnded => "shadow_ended",
            Self::RolledBack => "rolled_back",
        }
    }
}

/// A name for one of a handler's versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alias {
    /// Answers.
    Live,
    /// Answers a share of the conversations.
    Canary,
    /// Watches.
    Shadow,
}

impl Alias {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Live, Self::Canary, Self::Shadow];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Canary => "canary",
            Self::Shadow => "shadow",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alias| alias.as_str() == text)
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A version of a handler: an uploaded component, which never changes. Its bytes lie beside it, under its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Whose it is.
    pub tenant: TenantId,
    /// The handler's name.
    pub handler: String,
    /// SHA-256 of the component, hexadecimal.
    pub digest: String,
    /// Its `handler.toml`, as it was uploaded.
    pub manifest: Option<String>,
    /// The component's size in bytes.
    pub size: u64,
    /// Which handler interfaces it exports.
    pub exports: Vec<String>,
    /// Which interfaces it imports.
    pub imports: Vec<String>,
    /// How long it took to compile.
    pub compile_ms: u64,
    /// When it was uploaded.
    pub uploaded_at: Timestamp,
}

/// Digits of a digest that tell a version from the others of its handler.
const LABEL_DIGITS: usize = 12;

impl Version {
    /// What a version is called for short: the first 12 hexadecimal digits of its digest.
    pub fn label(digest: &str) -> &str {
        digest.get(..LABEL_DIGITS).unwrap_or(digest)
    }

    /// Does it handle events of this kind?
    pub fn handles(&self, kind: EventKind) -> bool {
        let interface = kind.interface();
        self.exports.iter().any(|export| export.split('@').next() == Some(interface))
    }
}

/// The kinds of events that handlers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// An inbound message.
    Message,
    /// An outbound message before its last check.
    Draft,
    /// A status change.
    Receipt,
    /// A timer that a handler set.
    Timer,
}

impl EventKind {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Message, Self::Draft, Self::Receipt, Self::Timer];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Draft => "draft",
            Self::Receipt => "receipt",
            Self::Timer => "timer",
        }
    }

    /// The interface that handles it.
    pub const fn interface(self) -> &'static str {
        match self {
            Self::Message => "message-handler",
            Self::Draft => "draft-handler",
            Self::Receipt => "receipt-handler",
            Self::Timer => "timer-handler",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which events of a tenant a binding is about. In this order the more specific ones come first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// Those of one of its numbers.
    Number(Address),
    /// Those of several of its numbers.
    Numbers(Vec<Address>),
    /// Those of its numbers that begin like this.
    Prefix(String),
    /// Drafts and receipts of messages of a campaign.
    Campaign(String),
    /// All.
    Tenant,
}

impl Scope {
    /// The name of its kind in the API.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "number",
            Self::Numbers(_) => "numbers",
            Self::Prefix(_) => "prefix",
            Self::Campaign(_) => "campaign",
            Self::Tenant => "tenant",
        }
    }

    /// Sorts scopes by how specific they are, the most specific first: a number before a list of them before the longest
    /// prefix before a campaign before all of the tenant's events.
    pub fn rank(&self) -> (u8, usize) {
        match self {
            Self::Number(_) => (0, 0),
            Self::Numbers(_) => (1, 0),
            Self::Prefix(prefix) => (2, usize::MAX - prefix.len()),
            Self::Campaign(_) => (3, 0),
            Self::Tenant => (4, 0),
        }
    }

    /// Does it take in an event on `number`, of a message of `campaign`?
    pub fn covers(&self, number: &Address, campaign: Option<&str>) -> bool {
        match self {
            Self::Number(one) => one == number,
            Self::Numbers(numbers) => numbers.contains(number),
            Self::Prefix(prefix) => number.to_string().starts_with(prefix.as_str()),
            Self::Campaign(name) => campaign == Some(name),
            Self::Tenant => true,
        }
    }
}

/// What becomes of a draft whose handler fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OnFailure {
    /// It doesn't leave: it is tried again, and then rejected.
    #[default]
    Closed,
    /// It leaves at once, unchanged.
    Open,
    /// It waits until the handler works again, or until it expires.
    Hold,
}

impl OnFailure {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::Hold];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Hold => "hold",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// Which handler gets which events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name; the number's text for one of a number.
    pub name: String,
    /// Which events it is about.
    pub scope: Scope,
    /// Of which kinds; all that the handler exports where it names none.
    pub kinds: Vec<EventKind>,
    /// The handler's name.
    pub handler: String,
    /// What becomes of drafts whose handler fails.
    pub on_failure: OnFailure,
    /// When it was made.
    pub made_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_specific_scope_ranks_first() {
        let number: Address = "+14155550100".parse().unwrap();
        let scopes = [
            Scope::Tenant,
            Scope::Campaign("spring".to_owned()),
            Scope::Prefix("+1".to_owned()),
            Scope::Prefix("+1415".to_owned()),
            Scope::Numbers(vec![number.clone()]),
            Scope::Number(number.clone()),
        ];
        let mut ranked = scopes.clone();
        ranked.sort_by_key(Scope::rank);
        assert_eq!(ranked.iter().rev().collect::<Vec<_>>(), scopes.iter().collect::<Vec<_>>());
        assert!(scopes.iter().all(|scope| scope.covers(&number, Some("spring"))));
        assert!(!Scope::Campaign("spring".to_owned()).covers(&number, None));
        assert!(!Scope::Prefix("+44".to_owned()).covers(&number, None));
    }

    #[test]
    fn names_round_trip() {
        assert!(EventKind::ALL.into_iter().all(|kind| EventKind::parse(kind.as_str()) == Some(kind)));
        assert!(Alias::ALL.into_iter().all(|alias| Alias::parse(alias.as_str()) == Some(alias)));
        assert!(OnFailure::ALL.into_iter().all(|one| OnFailure::parse(one.as_str()) == Some(one)));
    }
}
