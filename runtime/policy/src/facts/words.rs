//! Facts that are one of a few words.

use signalbox_model::{AddressKind, Category, Direction, Origin};

use super::value::{Kind, Known, Value};

macro_rules! known {
    ($type:ty: $($value:path = $word:literal),*) => {
        impl Known for $type {
            const KIND: Kind = Kind::Word(&[$($word),*]);

            fn value(self) -> Value {
                // The compiler makes one comparison of a fieldless enum out of these.
                let all = [$($value),*];
                Value::Word(all.iter().position(|v| *v == self).map_or(u8::MAX, |i| i as u8))
            }

            #[inline]
            fn number(self) -> u32 {
                let all = [$($value),*];
                all.iter().position(|v| *v == self).map_or(u32::MAX, |i| i as u32)
            }

            fn from_value(value: Value) -> Option<Self> {
                let Value::Word(position) = value else { return None };
                [$($value),*].get(usize::from(position)).copied()
            }
        }
    };
}

macro_rules! words {
    ($(#[doc = $doc:literal] $type:ident { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $(#[doc = concat!("`", $word, "`.")] $variant,)*
        }

        impl $type {
            /// Every one of them, in the order of the schema.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in rules.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl Known for $type {
            const KIND: Kind = Kind::Word(&[$($word),*]);

            fn value(self) -> Value {
                Value::Word(self as u8)
            }

            #[inline]
            fn number(self) -> u32 {
                self as u32
            }

            fn from_value(value: Value) -> Option<Self> {
                let Value::Word(position) = value else { return None };
                Self::ALL.get(usize::from(position)).copied()
            }
        }
    )*};
}

words! {
    /// Who made the message; [`Origin`] without its particulars.
    OriginKind { Api = "api", Handler = "handler", Keyword = "keyword", Carrier = "carrier" }
    /// What the message travels as.
    Channel { Sms = "sms", Mms = "mms" }
    /// What kind of sender it is to carriers.
    SenderType { LongCode = "long_code", TollFree = "toll_free", ShortCode = "short_code", Alphanumeric = "alphanumeric" }
    /// Whose network the recipient is on.
    CarrierName { Att = "att", Tmobile = "tmobile", Verizon = "verizon", Uscellular = "uscellular", Other = "other" }
    /// What the recipient agreed to, from the least.
    ConsentLevel { None = "none", Relationship = "relationship", Express = "express", ExpressWritten = "express_written" }
    /// Where a message stands with its tenant's supervisors.
    Supervision { None = "none", Pending = "pending", Approved = "approved", Lapsed = "lapsed", Released = "released" }
    /// Whether a number went to somebody else since its consent was given.
    Reassigned { No = "no", Yes = "yes", NoData = "no_data" }
    /// How far a brand's registration got.
    BrandStatus {
        Unregistered = "unregistered", SelfDeclared = "self_declared", Unverified = "unverified", Verified = "verified",
        Vetted = "vetted", Suspended = "suspended",
    }
    /// Where a campaign stands with the registry.
    CampaignStatus {
        Unregistered = "unregistered", Pending = "pending", Active = "active", Rejected = "rejected", Suspended = "suspended",
        Expired = "expired",
    }
    /// Where a campaign stands with the recipient's carrier; with the strictest of all where that isn't known.
    CarrierStatus { Pending = "pending", Approved = "approved", Review = "review", Rejected = "rejected", Suspended = "suspended" }
    /// Whether the sender belongs to the campaign.
    NumberStatus { Unassigned = "unassigned", Pending = "pending", Added = "added", Failed = "failed", Deleted = "deleted" }
    /// Where a toll-free number's verification stands.
    TollFreeStatus {
        Unverified = "unverified", Submitted = "submitted", Pending = "pending", Verified = "verified",
        Restricted = "restricted", Denied = "denied",
    }
    /// Where a short code stands.
    ShortCodeStatus { Pending = "pending", Active = "active", Suspended = "suspended" }
    /// What a campaign is registered for.
    UseCase {
        TwoFactor = "2fa", AccountNotification = "account_notification", CustomerCare = "customer_care",
        DeliveryNotification = "delivery_notification", FraudAlert = "fraud_alert", HigherEducation = "higher_education",
        Marketing = "marketing", PollingVoting = "polling_voting", PublicService = "public_service_announcement",
        SecurityAlert = "security_alert", Mixed = "mixed", LowVolume = "low_volume", AgentsFranchises = "agents_franchises",
        CarrierExempt = "carrier_exempt", Charity = "charity", Emergency = "emergency", K12Education = "k12_education",
        Political = "political", Proxy = "proxy", Social = "social", Sweepstake = "sweepstake", Trial = "trial",
        UcaasHigh = "ucaas_high", UcaasLow = "ucaas_low", MachineToMachine = "m2m", SoleProprietor = "sole_proprietor",
        PublicSafety = "public_safety_restricted",
    }
    /// Which sector's law a tenant is under.
    Sector { None = "none", Health = "health", Finance = "finance" }
}

known!(Direction: Direction::Outbound = "outbound", Direction::Inbound = "inbound");
known!(Category:
    Category::Transactional = "transactional",
    Category::Marketing = "marketing",
    Category::Otp = "otp",
    Category::Conversational = "conversational");
known!(AddressKind:
    AddressKind::E164 = "e164",
    AddressKind::ShortCode = "short_code",
    AddressKind::Alphanumeric = "alphanumeric");

impl From<&Origin> for OriginKind {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::Api { .. } => Self::Api,
            Origin::Handler { .. } | Origin::Timer { .. } => Self::Handler,
            Origin::Keyword => Self::Keyword,
            Origin::Carrier { .. } => Self::Carrier,
        }
    }
}
