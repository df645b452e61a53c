//! Binding: who we are, and who answers.

use super::layout::layout;
use super::{COctetString, Tlvs};

layout! {
    /// The body of `bind_transmitter`, `bind_receiver` and `bind_transceiver`.
    pub struct Bind {
        /// The ESME's name.
        system_id: COctetString => cstr(16),
        /// Its password. The specification ends it at 8 octets, but carriers hand out longer ones, which a strict peer
        /// refuses by itself.
        password: COctetString => cstr(65),
        /// The kind of ESME.
        system_type: COctetString => cstr(13),
        /// The version that the ESME speaks.
        interface_version: u8 => int,
        /// Type of number of `address_range`.
        addr_ton: u8 => int,
        /// Numbering plan of `address_range`.
        addr_npi: u8 => int,
        /// The addresses that the ESME serves.
        address_range: COctetString => cstr(41),
    }
}

layout! {
    /// The body of the three answers to a bind.
    pub struct BindResp {
        /// The SMSC's name.
        system_id: COctetString => answer_cstr(16),
        /// `sc_interface_version`, if the SMSC takes TLVs.
        tlvs: Tlvs => tlvs,
    }
}

layout! {
    /// `outbind`: an SMSC asks an ESME that it connected to, to bind as receiver.
    pub struct Outbind {
        /// The SMSC's name.
        system_id: COctetString => cstr(16),
        /// Its password.
        password: COctetString => cstr(65),
    }
}
