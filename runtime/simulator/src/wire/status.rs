//! `command_status` values by name and number.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// An SMPP `command_status`. In a scenario it is written by name (`"ESME_RTHROTTLED"`) or as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status(pub u32);

/// The names that a scenario may use (3.4 §5.1.3, table 5-2).
const NAMES: &[(&str, u32)] = &[
    ("ESME_ROK", 0x00),
    ("ESME_RINVMSGLEN", 0x01),
    ("ESME_RINVCMDLEN", 0x02),
    ("ESME_RINVCMDID", 0x03),
    ("ESME_RINVBNDSTS", 0x04),
    ("ESME_RALYBND", 0x05),
    ("ESME_RINVPRTFLG", 0x06),
    ("ESME_RINVREGDLVFLG", 0x07),
    ("ESME_RSYSERR", 0x08),
    ("ESME_RINVSRCADR", 0x0A),
    ("ESME_RINVDSTADR", 0x0B),
    ("ESME_RINVMSGID", 0x0C),
    ("ESME_RBINDFAIL", 0x0D),
    ("ESME_RINVPASWD", 0x0E),
    ("ESME_RINVSYSID", 0x0F),
    ("ESME_RMSGQFUL", 0x14),
    ("ESME_RINVSERTYP", 0x15),
    ("ESME_RINVESMCLASS", 0x43),
    ("ESME_RSUBMITFAIL", 0x45),
    ("ESME_RINVSRCTON", 0x48),
    ("ESME_RINVSRCNPI", 0x49),
    ("ESME_RINVDSTTON", 0x50),
    ("ESME_RINVDSTNPI", 0x51),
    ("ESME_RINVSYSTYP", 0x53),
    ("ESME_RTHROTTLED", 0x58),
    ("ESME_RINVSCHED", 0x61),
    ("ESME_RINVEXPIRY", 0x62),
    ("ESME_RX_T_APPN", 0x64),
    ("ESME_RX_P_APPN", 0x65),
    ("ESME_RX_R_APPN", 0x66),
    ("ESME_RINVTLVSTREAM", 0xC0),
    ("ESME_RINVTLVLEN", 0xC2),
    ("ESME_RINVTLVVAL", 0xC4),
    ("ESME_RDELIVERYFAILURE", 0xFE),
    ("ESME_RUNKNOWNERR", 0xFF),
];

impl Status {
    /// Success.
    pub const OK: Self = Self(0x00);
    /// A message's length doesn't fit its PDU.
    pub const INVALID_LENGTH: Self = Self(0x02);
    /// A command this carrier doesn't know.
    pub const UNKNOWN_COMMAND: Self = Self(0x03);
    /// A command that the session's state doesn't allow.
    pub const WRONG_BIND_STATE: Self = Self(0x04);
    /// A second bind on a bound session.
    pub const ALREADY_BOUND: Self = Self(0x05);
    /// Bind refused.
    pub const BIND_FAILED: Self = Self(0x0D);
    /// Wrong password.
    pub const WRONG_PASSWORD: Self = Self(0x0E);
    /// Unknown system id.
    pub const WRONG_SYSTEM_ID: Self = Self(0x0F);
    /// The carrier's queue is full.
    pub const QUEUE_FULL: Self = Self(0x14);
    /// Too fast.
    pub const THROTTLED: Self = Self(0x58);

    /// Whether a peer that answers a `deliver_sm` so asks for it again later.
    pub(crate) fn asks_for_a_retry(self) -> bool {
        matches!(self.0, 0x08 | 0x14 | 0x58 | 0x64)
    }

    fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(_, code)| *code == self.0).map(|(name, _)| *name)
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.name() {
            Some(name) => serializer.serialize_str(name),
            None => serializer.serialize_u32(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrNumber;
        impl Visitor<'_> for NameOrNumber {
            type Value = Status;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an SMPP status: a name such as \"ESME_RTHROTTLED\" or a number")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Status, E> {
                let known = NAMES.iter().find(|(known, _)| *known == name);
                known.map(|(_, code)| Status(*code)).ok_or_else(|| E::custom(format!("unknown SMPP status `{name}`")))
            }

            fn visit_u64<E: de::Error>(self, code: u64) -> Result<Status, E> {
                u32::try_from(code).map(Status).map_err(|_| E::custom("an SMPP status has 32 bits"))
            }

            fn visit_i64<E: de::Error>(self, code: i64) -> Result<Status, E> {
                u32::try_from(code).map(Status).map_err(|_| E::custom("an SMPP status has 32 bits"))
            }
        }
        deserializer.deserialize_any(NameOrNumber)
    }
}
