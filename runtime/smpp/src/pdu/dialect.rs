//! What a peer's version lets us send.

use std::fmt;

/// An `interface_version`. Anything below 3.4 (0x00 included) counts as 3.3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u8);

impl Version {
    /// 3.3: no TLVs, no transceiver, message ids of at most 8 octets.
    pub const V3_3: Self = Self(0x33);
    /// 3.4, which nearly everyone speaks.
    pub const V3_4: Self = Self(0x34);
    /// 5.0.
    pub const V5_0: Self = Self(0x50);

    /// From the octet of `interface_version` or `sc_interface_version`.
    pub fn from_octet(octet: u8) -> Self {
        if octet < 0x34 { Self::V3_3 } else { Self(octet) }
    }

    /// The octet on the wire.
    pub fn octet(self) -> u8 {
        self.0
    }

    /// What may be sent to a peer of this version.
    pub fn dialect(self) -> Dialect {
        if self < Self::V3_4 { Dialect::V3_3 } else { Dialect::V3_4 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 >> 4, self.0 & 0x0F)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The two ways in which PDUs are written: the differences between versions that an encoder must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Whether optional parameters are written.
    pub tlvs: bool,
    /// The most octets of a `message_id`, without its NUL.
    pub message_id_octets: usize,
}

impl Dialect {
    /// To 3.3 peers.
    pub const V3_3: Self = Self { tlvs: false, message_id_octets: 8 };
    /// To 3.4 and 5.0 peers.
    pub const V3_4: Self = Self { tlvs: true, message_id_octets: 64 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_below_3_4_are_3_3() {
        for octet in [0x00, 0x01, 0x33] {
            assert_eq!(Version::from_octet(octet), Version::V3_3);
        }
        assert_eq!(Version::from_octet(0x34).dialect(), Dialect::V3_4);
        assert_eq!(Version::from_octet(0x50).to_string(), "5.0");
        assert_eq!(Version::from_octet(0x00).dialect(), Dialect::V3_3);
    }
}
