//! Where brands, campaigns, numbers, toll-free numbers and short codes stand, and where each may go from there.

use serde::{Deserialize, Serialize};

/// A status was to follow one that it can't follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{from} can't become {to}")]
pub struct Illegal {
    /// Where it stands.
    pub from: &'static str,
    /// Where it was to go.
    pub to: &'static str,
}

macro_rules! words {
    ($(#[doc = $doc:literal] $type:ident { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $type {
            $(#[doc = concat!("`", $word, "`.")] $variant,)*
        }

        impl $type {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// Their words.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// By its word, in whatever case.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str().eq_ignore_ascii_case(word))
            }
        }
    )*};
}

words! {
    /// How far a brand's registration got.
    BrandStatus {
        Unregistered = "unregistered", SelfDeclared = "self_declared", Unverified = "unverified", Verified = "verified",
        Vetted = "vetted", Suspended = "suspended",
    }
    /// Where a campaign stands with the registry.
    CampaignStatus { Pending = "pending", Active = "active", Rejected = "rejected", Suspended = "suspended", Expired = "expired" }
    /// Where a campaign stands with a carrier.
    CarrierStatus { Pending = "pending", Approved = "approved", Review = "review", Rejected = "rejected", Suspended = "suspended" }
    /// Where a number stands in its campaign.
    NumberStatus { Pending = "pending", Added = "added", Failed = "failed", Deleted = "deleted" }
    /// Where a toll-free number's verification stands.
    TollFreeStatus {
        Unverified = "unverified", Submitted = "submitted", Pending = "pending", Verified = "verified",
        Restricted = "restricted", Denied = "denied",
    }
    /// Where a short code stands.
    ShortCodeStatus { Pending = "pending", Active = "active", Suspended = "suspended" }
    /// A carrier that agrees to campaigns by itself.
    Network { Att = "att", Tmobile = "tmobile", Verizon = "verizon", Uscellular = "uscellular", Other = "other" }
    /// What a brand is.
    Entity {
        PrivateProfit = "private_profit", PublicProfit = "public_profit", NonProfit = "non_profit",
        Government = "government", SoleProprietor = "sole_proprietor",
    }
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
}

/// What has a status, and where that may go.
pub trait Life: Copy + PartialEq {
    /// May `next` follow? A status may always follow itself.
    fn may_become(self, next: Self) -> bool;

    /// Its word.
    fn word(self) -> &'static str;

    /// `next`, if it may follow.
    fn become_next(self, next: Self) -> Result<Self, Illegal> {
        let legal = self == next || self.may_become(next);
        if legal { Ok(next) } else { Err(Illegal { from: self.word(), to: next.word() }) }
    }
}

macro_rules! life {
    ($type:ident: $($from:pat => $to:pat),* $(,)?) => {
        impl Life for $type {
            fn may_become(self, next: Self) -> bool {
                #[allow(unreachable_patterns, reason = "the table reads better with every row in it")]
                match self { $($from => matches!(next, $to),)* }
            }

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    };
}

// What was suspended is looked at anew before it is good again.
life!(BrandStatus:
    Self::Suspended => Self::Unregistered | Self::Unverified,
    _ => _,
);
life!(CampaignStatus:
    Self::Pending => Self::Active | Self::Rejected | Self::Suspended | Self::Expired,
    Self::Active => Self::Pending | Self::Rejected | Self::Suspended | Self::Expired,
    Self::Rejected => Self::Pending | Self::Expired,
    Self::Suspended => Self::Pending | Self::Rejected | Self::Expired,
    // A resubmission or a new registration under the old name.
    Self::Expired => Self::Pending,
);
life!(CarrierStatus:
    Self::Suspended => Self::Pending | Self::Rejected,
    Self::Rejected => Self::Pending | Self::Review | Self::Approved | Self::Suspended,
    _ => _,
);
life!(NumberStatus:
    Self::Pending => Self::Added | Self::Failed | Self::Deleted,
    Self::Added => Self::Pending | Self::Deleted | Self::Failed,
    Self::Failed | Self::Deleted => Self::Pending,
);
life!(TollFreeStatus:
    Self::Unverified => Self::Submitted | Self::Pending | Self::Denied,
    Self::Submitted => Self::Pending | Self::Verified | Self::Denied | Self::Restricted,
    Self::Pending => Self::Verified | Self::Denied | Self::Restricted,
    Self::Verified => Self::Restricted | Self::Denied | Self::Pending,
    Self::Restricted | Self::Denied => Self::Submitted | Self::Pending,
);
life!(ShortCodeStatus:
    Self::Pending => Self::Active | Self::Suspended,
    Self::Active => Self::Pending | Self::Suspended,
    Self::Suspended => Self::Pending,
);

impl BrandStatus {
    /// By the registry's word for how sure it is of a brand's identity.
    pub fn of_identity(word: &str) -> Option<Self> {
        match word {
            "SELF_DECLARED" => Some(Self::SelfDeclared),
            "UNVERIFIED" => Some(Self::Unverified),
            "VERIFIED" => Some(Self::Verified),
            "VETTED_VERIFIED" => Some(Self::Vetted),
            _ => None,
        }
    }
}

/// What a carrier does with a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It agrees.
    Approved,
    /// It refuses.
    Rejected,
    /// It looks again.
    Review,
    /// It stops the campaign.
    Suspended,
    /// It takes a suspension back.
    Unsuspended,
}

impl CarrierStatus {
    /// What an operation leads to. Who takes a suspension back hasn't agreed again.
    pub const fn after(operation: Operation) -> Self {
        match operation {
            Operation::Approved => Self::Approved,
            Operation::Rejected => Self::Rejected,
            Operation::Review => Self::Review,
            Operation::Suspended => Self::Suspended,
            Operation::Unsuspended => Self::Pending,
        }
    }

    /// How far it is from letting messages through; the more, the stricter.
    pub const fn strictness(self) -> u8 {
        match self {
            Self::Approved => 0,
            Self::Pending => 1,
            Self::Review => 2,
            Self::Rejected => 3,
            Self::Suspended => 4,
        }
    }
}

impl Network {
    /// By whatever name a carrier goes in events; `None` if it is none that we tell apart.
    pub fn named(name: &str) -> Option<Self> {
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        match letters.as_str() {
            "att" | "attmobility" | "attwireless" => Some(Self::Att),
            "tmobile" | "tmobileusa" | "tmobileus" | "tmo" => Some(Self::Tmobile),
            "verizon" | "verizonwireless" | "vzw" => Some(Self::Verizon),
            "uscellular" | "uscc" => Some(Self::Uscellular),
            "other" => Some(Self::Other),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspension_leads_back_to_pending_and_nowhere_better() {
        assert_eq!(CarrierStatus::after(Operation::Unsuspended), CarrierStatus::Pending);
        assert!(CarrierStatus::Suspended.become_next(CarrierStatus::Approved).is_err());
        let error = CampaignStatus::Suspended.become_next(CampaignStatus::Active).unwrap_err();
        assert_eq!(error.to_string(), "suspended can't become active");
        assert!(CampaignStatus::Suspended.become_next(CampaignStatus::Pending).is_ok());
        assert!(BrandStatus::Suspended.become_next(BrandStatus::Verified).is_err());
        assert!(ShortCodeStatus::Suspended.become_next(ShortCodeStatus::Active).is_err());
        assert!(TollFreeStatus::Denied.become_next(TollFreeStatus::Verified).is_err());
        assert!(NumberStatus::Deleted.become_next(NumberStatus::Added).is_err());
        assert!(NumberStatus::Added.become_next(NumberStatus::Added).is_ok());
    }

    #[test]
    fn carriers_go_by_many_names() {
        let names = ["AT&T", "T-Mobile USA", "Verizon Wireless", "US Cellular", "Rural Nine"].map(Network::named);
        let (att, tmobile) = (Some(Network::Att), Some(Network::Tmobile));
        assert_eq!(names, [att, tmobile, Some(Network::Verizon), Some(Network::Uscellular), None]);
    }
}
