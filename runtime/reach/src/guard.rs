//! Where a call must not go.
//!
//! A tenant names the URL, so without this the host would be its proxy into the operator's network. What is allowed is
//! what the registries say is globally reachable unicast (RFC 6890 and IANA's special-purpose registries); forms of
//! IPv6 that carry an IPv4 address are refused altogether, for they are another way to write a private one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What the operator allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// Private, loopback and all other special addresses, and plain HTTP. For development on one machine.
    pub allow_private: bool,
    /// Plain HTTP to public addresses.
    pub allow_http: bool,
}

impl Reach {
    /// May a call go to this address?
    pub fn allows(self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }

    /// May a call go without TLS?
    pub const fn allows_plain(self) -> bool {
        self.allow_private || self.allow_http
    }
}

/// Globally reachable unicast?
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !SPECIAL_V4.iter().any(|(net, bits)| in_v4(v4, *net, *bits)),
        IpAddr::V6(v6) => {
            in_v6(v6, [0x2000, 0, 0, 0], 3) && !SPECIAL_V6.iter().any(|(net, bits)| in_v6(v6, *net, *bits))
        }
    }
}

const SPECIAL_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),       // this network
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // shared by carriers (CGNAT); some clouds' metadata
    ([127, 0, 0, 0], 8),     // loopback
    ([169, 254, 0, 0], 16),  // link-local; clouds' metadata
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocol assignments
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 31, 196, 0], 24), // AS112
    ([192, 52, 193, 0], 24), // AMT
    ([192, 88, 99, 0], 24),  // 6to4 relays
    ([192, 168, 0, 0], 16),  // private
    ([192, 175, 48, 0], 24), // AS112
    ([198, 18, 0, 0], 15),   // benchmarks
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 4),     // multicast
    ([240, 0, 0, 0], 4),     // reserved, broadcast
];

/// Within 2000::/3, the only space that is given out. The upper 64 bits are enough to tell.
const SPECIAL_V6: &[([u16; 4], u32)] = &[
    ([0x2001, 0, 0, 0], 23),           // protocol assignments: Teredo, benchmarks, ORCHID
    ([0x2001, 0x0db8, 0, 0], 32),      // documentation
    ([0x2002, 0, 0, 0], 16),           // 6to4: carries an IPv4 address
    ([0x2620, 0x004f, 0x8000, 0], 48), // AS112
    ([0x3fff, 0, 0, 0], 20),           // documentation
];

fn in_v4(address: Ipv4Addr, net: [u8; 4], bits: u32) -> bool {
    (u32::from(address) ^ u32::from_be_bytes(net)) >> (32 - bits) == 0
}

fn in_v6(address: Ipv6Addr, net: [u16; 4], bits: u32) -> bool {
    let upper = (u128::from(address) >> 64) as u64;
    let net = net.iter().fold(0u64, |sum, word| (sum << 16) | u64::from(*word));
    (upper ^ net) >> (64 - bits) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_reachable() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "11.0.0.1",
            "223.255.255.1",
        ] {
            assert!(public(text), "{text}");
        }
        for text in ["2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450::1", "3ffe::1"] {
            assert!(public(text), "{text}");
        }
    }

    #[test]
    fn special_addresses_are_refused() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.0.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!public(text), "{text}");
        }
        for text in [
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!public(text), "{text}");
        }
    }

    #[test]
    fn an_operator_may_open_what_is_private() {
        let address = "127.0.0.1".parse().unwrap();
        assert!(!Reach::default().allows(address));
        assert!(Reach { allow_private: true, allow_http: false }.allows(address));
    }
}
