//! `command_status`: the codes, their names, and what they mean for a sender.

use std::fmt;

/// A `command_status`. Unknown codes are kept as they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CommandStatus(pub u32);

macro_rules! statuses {
    ($($code:literal $name:ident $meaning:literal;)*) => {
        impl CommandStatus {
            $(#[doc = $meaning] pub const $name: Self = Self($code);)*

            /// The specification's name, if it gives the code one.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    0x000 ESME_ROK "No error.";
    0x001 ESME_RINVMSGLEN "The message's length is invalid.";
    0x002 ESME_RINVCMDLEN "The command's length is invalid.";
    0x003 ESME_RINVCMDID "The command is not known.";
    0x004 ESME_RINVBNDSTS "The command is not allowed in this bind state.";
    0x005 ESME_RALYBND "Already bound.";
    0x006 ESME_RINVPRTFLG "Invalid priority flag.";
    0x007 ESME_RINVREGDLVFLG "Invalid registered delivery flag.";
    0x008 ESME_RSYSERR "System error.";
    0x00A ESME_RINVSRCADR "Invalid source address.";
    0x00B ESME_RINVDSTADR "Invalid destination address.";
    0x00C ESME_RINVMSGID "Invalid message id.";
    0x00D ESME_RBINDFAIL "Bind failed.";
    0x00E ESME_RINVPASWD "Invalid password.";
    0x00F ESME_RINVSYSID "Invalid system id.";
    0x011 ESME_RCANCELFAIL "Cancelling failed.";
    0x013 ESME_RREPLACEFAIL "Replacing failed.";
    0x014 ESME_RMSGQFUL "The peer's queue is full.";
    0x015 ESME_RINVSERTYP "Invalid service type.";
    0x033 ESME_RINVNUMDESTS "Invalid number of destinations.";
    0x034 ESME_RINVDLNAME "Invalid distribution list.";
    0x040 ESME_RINVDESTFLAG "Invalid destination flag.";
    0x042 ESME_RINVSUBREP "Submitting with replacement is not supported.";
    0x043 ESME_RINVESMCLASS "Invalid esm_class.";
    0x044 ESME_RCNTSUBDL "Can't submit to a distribution list.";
    0x045 ESME_RSUBMITFAIL "Submitting failed.";
    0x048 ESME_RINVSRCTON "Invalid source type of number.";
    0x049 ESME_RINVSRCNPI "Invalid source numbering plan.";
    0x050 ESME_RINVDSTTON "Invalid destination type of number.";
    0x051 ESME_RINVDSTNPI "Invalid destination numbering plan.";
    0x053 ESME_RINVSYSTYP "Invalid system type.";
    0x054 ESME_RINVREPFLAG "Invalid replace_if_present flag.";
    0x055 ESME_RINVNUMMSGS "Invalid number of messages.";
    0x058 ESME_RTHROTTLED "The sender exceeds its allowed rate.";
    0x061 ESME_RINVSCHED "Invalid scheduled delivery time.";
    0x062 ESME_RINVEXPIRY "Invalid validity period.";
    0x063 ESME_RINVDFTMSGID "Invalid predefined message.";
    0x064 ESME_RX_T_APPN "The receiver has a temporary error: deliver again.";
    0x065 ESME_RX_P_APPN "The receiver has a permanent error.";
    0x066 ESME_RX_R_APPN "The receiver rejects the message.";
    0x067 ESME_RQUERYFAIL "Querying failed.";
    0x0C0 ESME_RINVOPTPARSTREAM "The optional parameters can't be read.";
    0x0C1 ESME_ROPTPARNOTALLWD "An optional parameter is not allowed.";
    0x0C2 ESME_RINVPARLEN "A parameter's length is invalid.";
    0x0C3 ESME_RMISSINGOPTPARAM "An expected optional parameter is missing.";
    0x0C4 ESME_RINVOPTPARAMVAL "An optional parameter's value is invalid.";
    0x0FE ESME_RDELIVERYFAILURE "Delivery failed (data_sm_resp).";
    0x0FF ESME_RUNKNOWNERR "Unknown error.";
    0x100 ESME_RSERTYPUNAUTH "Not authorised for this service type (5.0).";
    0x101 ESME_RPROHIBITED "Prohibited (5.0).";
    0x102 ESME_RSERTYPUNAVAIL "The service type is unavailable (5.0).";
    0x103 ESME_RSERTYPDENIED "The service type is denied (5.0).";
    0x104 ESME_RINVDCS "Invalid data coding (5.0).";
    0x105 ESME_RINVSRCADDRSUBUNIT "Invalid source address subunit (5.0).";
    0x106 ESME_RINVDSTADDRSUBUNIT "Invalid destination address subunit (5.0).";
    0x107 ESME_RINVBCASTFREQINT "Invalid broadcast frequency interval (5.0).";
    0x108 ESME_RINVBCASTALIAS_NAME "Invalid broadcast alias name (5.0).";
    0x109 ESME_RINVBCASTAREAFMT "Invalid broadcast area format (5.0).";
    0x10A ESME_RINVNUMBCAST_AREAS "Invalid number of broadcast areas (5.0).";
    0x10B ESME_RINVBCASTCNTTYPE "Invalid broadcast content type (5.0).";
    0x10C ESME_RINVBCASTMSGCLASS "Invalid broadcast message class (5.0).";
    0x10D ESME_RBCASTFAIL "Broadcasting failed (5.0).";
    0x10E ESME_RBCASTQUERYFAIL "Querying a broadcast failed (5.0).";
    0x10F ESME_RBCASTCANCELFAIL "Cancelling a broadcast failed (5.0).";
    0x110 ESME_RINVBCAST_REP "Invalid number of broadcast repetitions (5.0).";
    0x111 ESME_RINVBCASTSRVGRP "Invalid broadcast service group (5.0).";
    0x112 ESME_RINVBCASTCHANIND "Invalid broadcast channel indicator (5.0).";
}

impl CommandStatus {
    /// Status 0.
    pub fn is_ok(self) -> bool {
        self == Self::ESME_ROK
    }

    /// The peer says that it is sent too much: slow down, then send the same again.
    pub fn is_throttle(self) -> bool {
        matches!(self, Self::ESME_RTHROTTLED | Self::ESME_RMSGQFUL)
    }

    /// The same PDU may well be taken later: a throttle, or a fault of the peer that passes.
    pub fn is_transient(self) -> bool {
        self.is_throttle() || matches!(self, Self::ESME_RSYSERR | Self::ESME_RX_T_APPN | Self::ESME_RSERTYPUNAVAIL)
    }

    /// In the range that the specification leaves to SMSC vendors (0x400–0x4FF): only the carrier's paper explains it.
    pub fn is_vendor(self) -> bool {
        (0x400..=0x4FF).contains(&self.0)
    }
}

impl From<u32> for CommandStatus {
    fn from(code: u32) -> Self {
        Self(code)
    }
}

impl fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (0x{:08x})", self.0),
            None if self.is_vendor() => write!(f, "vendor status 0x{:08x}", self.0),
            None => write!(f, "status 0x{:08x}", self.0),
        }
    }
}

impl fmt::Debug for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttles_are_transient_and_refusals_are_not() {
        assert!(CommandStatus(0x58).is_throttle() && CommandStatus(0x14).is_throttle());
        assert!(CommandStatus(0x58).is_transient() && CommandStatus(0x64).is_transient());
        assert!(CommandStatus(0x08).is_transient() && !CommandStatus(0x08).is_throttle());
        assert!(!CommandStatus(0x0B).is_transient() && !CommandStatus(0x00).is_transient());
    }

    #[test]
    fn names_cover_the_specification_and_vendor_codes_say_so() {
        assert_eq!(CommandStatus(0x58).to_string(), "ESME_RTHROTTLED (0x00000058)");
        assert_eq!(CommandStatus(0x401).to_string(), "vendor status 0x00000401");
        assert_eq!(CommandStatus(0x999).to_string(), "status 0x00000999");
        assert!(CommandStatus(0x4FF).is_vendor() && !CommandStatus(0x500).is_vendor());
    }
}
