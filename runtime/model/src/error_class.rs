//! Canonical error classes: what to do and whose fault. The carrier's raw code is always kept beside the class.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The number or handset it was meant for.
    Recipient,
    /// The number or registration it was sent from.
    Sender,
    /// What it says.
    Content,
    /// The network.
    Carrier,
    /// A rate or a quota.
    Limit,
    /// Signalbox or its configuration.
    Platform,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAdvice {
    /// The same message will fail again.
    Never,
    /// Again, slower.
    BackOff,
    /// Again once a window has passed.
    AfterATime,
    /// Again once somebody has mended something.
    AfterAFix,
}

macro_rules! classes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $retry:ident, $blame:ident;)*) => {
        /// Why a message didn't go the way it should.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorClass {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl ErrorClass {
            /// Every class.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What to do about it.
            pub const fn retry(self) -> RetryAdvice {
                match self { $(Self::$variant => RetryAdvice::$retry,)* }
            }

            /// Whose fault it is.
            pub const fn blame(self) -> Blame {
                match self { $(Self::$variant => Blame::$blame,)* }
            }
        }
    };
}

classes! {
    /// The recipient asked for silence.
    ConsentOptedOut = "consent.opted_out", Never, Recipient;
    /// The sending number has no registration.
    SenderUnregistered = "sender.unregistered", AfterAFix, Sender;
    /// The campaign isn't active.
    SenderCampaignInactive = "sender.campaign_inactive", AfterAFix, Sender;
    /// The toll-free number isn't verified.
    SenderTfUnverified = "sender.tf_unverified", AfterAFix, Sender;
    /// The sender isn't one that may be used here.
    SenderInvalid = "sender.invalid", AfterAFix, Sender;
    /// Too fast.
    LimitRate = "limit.rate", BackOff, Limit;
    /// The day's allowance is used up.
    LimitDaily = "limit.daily", AfterATime, Limit;
    /// A queue is full.
    LimitQueue = "limit.queue", BackOff, Limit;
    /// The carrier's filter refused what it says.
    ContentBlockedCarrier = "content.blocked_carrier", Never, Content;
    /// Policy here refused what it says, or the tenant's handler dropped it.
    ContentBlockedPlatform = "content.blocked_platform", Never, Content;
    /// It can't be encoded or is too long.
    ContentMalformed = "content.malformed", AfterAFix, Content;
    /// The media is too large.
    MediaSize = "media.size", AfterAFix, Content;
    /// The media is of a type that can't be sent.
    MediaType = "media.type", AfterAFix, Content;
    /// The media couldn't be fetched.
    MediaFetch = "media.fetch", BackOff, Content;
    /// No such number.
    DestInvalid = "dest.invalid", Never, Recipient;
    /// A number that takes no messages.
    DestNotMobile = "dest.not_mobile", Never, Recipient;
    /// The number was given up.
    DestDeactivated = "dest.deactivated", Never, Recipient;
    /// Off, out of reach, or full.
    DestUnreachable = "dest.unreachable", BackOff, Recipient;
    /// The recipient's network or handset refuses it.
    DestBlocked = "dest.blocked", Never, Recipient;
    /// No carrier is set up for it.
    RouteNone = "route.none", AfterAFix, Platform;
    /// Its validity ran out.
    Expired = "expired", Never, Carrier;
    /// A passing fault.
    Transient = "transient", BackOff, Carrier;
    /// Bytes may have left and no answer came.
    InDoubt = "in_doubt", AfterAFix, Carrier;
    /// Nothing is known about it.
    Unknown = "unknown", Never, Carrier;
    /// A supervisor of the tenant's has to look at it first.
    Supervision = "content.supervision", AfterATime, Content;
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
