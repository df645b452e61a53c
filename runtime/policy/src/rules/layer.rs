//! Layers: whose rule it is. A narrower layer adds rules or tightens wider ones; it never loosens.

use std::fmt;

use signalbox_model::{Message, TenantId};

/// Whose rule it is, from the widest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The platform's: for everybody.
    Floor,
    /// A carrier's.
    Carrier,
    /// A campaign's.
    Campaign,
    /// A tenant's.
    Tenant,
}

impl Layer {
    /// The name in files and explanations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Carrier => "carrier",
            Self::Campaign => "campaign",
            Self::Tenant => "tenant",
        }
    }
}

/// Whom a rule of the two narrow layers is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// Messages of this campaign.
    Campaign(String),
    /// Messages of this tenant.
    Tenant(String),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Campaign(name) => write!(f, "campaign {name}"),
            Self::Tenant(name) => write!(f, "tenant {name}"),
        }
    }
}

/// Whose message it is: which narrow layers count for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Whose<'a> {
    /// The tenant.
    pub tenant: Option<&'a str>,
    /// The campaign.
    pub campaign: Option<&'a str>,
}

impl<'a> Whose<'a> {
    /// Whose this message is.
    pub fn of(message: &'a Message) -> Self {
        let tenant: &TenantId = &message.tenant;
        Self { tenant: Some(tenant.as_str()), campaign: message.campaign.as_deref() }
    }
}
