//! The PDUs that carry a message: `submit_sm`, `deliver_sm`, `data_sm`, and the answers to them.

use bytes::Bytes;

use super::layout::layout;
use super::{COctetString, Tlvs};

/// `submit_sm` and `deliver_sm` have the same fields, read from the two ends.
macro_rules! short_message {
    ($(#[$meta:meta])* $name:ident) => {
        layout! {
            $(#[$meta])*
            pub struct $name {
                /// The SMS application service; usually empty.
                service_type: COctetString => cstr(6),
                /// Type of number of the source.
                source_addr_ton: u8 => int,
                /// Numbering plan of the source.
                source_addr_npi: u8 => int,
                /// The source.
                source_addr: COctetString => cstr(21),
                /// Type of number of the destination.
                dest_addr_ton: u8 => int,
                /// Numbering plan of the destination.
                dest_addr_npi: u8 => int,
                /// The destination.
                destination_addr: COctetString => cstr(21),
                /// Mode, type and features: see [`esm_class`](super::esm_class).
                esm_class: u8 => int,
                /// GSM's protocol identifier.
                protocol_id: u8 => int,
                /// 0–3, 4 in 5.0.
                priority_flag: u8 => int,
                /// When to deliver first; empty is now.
                schedule_delivery_time: COctetString => cstr(17),
                /// Until when to try; empty is the SMSC's default.
                validity_period: COctetString => cstr(17),
                /// Which receipts are wanted: see [`registered_delivery`](super::registered_delivery).
                registered_delivery: u8 => int,
                /// Replace a message with the same service type and addresses.
                replace_if_present_flag: u8 => int,
                /// How the body is coded; 0 is whatever the SMSC calls its default.
                data_coding: u8 => int,
                /// A message kept at the SMSC, instead of a body.
                sm_default_msg_id: u8 => int,
                /// The body, at most 254 octets; a longer one is in the TLV `message_payload`. Decoded, it shares the
                /// buffer of the PDUs read with it: copy what is kept for long.
                short_message: Bytes => short_message,
                /// Optional parameters.
                tlvs: Tlvs => tlvs,
            }
        }

        impl $name {
            /// The body, wherever it is.
            pub fn body(&self) -> Bytes {
                match self.short_message.is_empty() {
                    true => self.tlvs.message_payload().unwrap_or_default(),
                    false => self.short_message.clone(),
                }
            }

            /// Whether the body begins with a user data header.
            pub fn has_udh(&self) -> bool {
                self.esm_class & super::esm_class::UDHI != 0
            }
        }
    };
}

short_message! {
    /// `submit_sm`: an ESME hands a message to the SMSC.
    SubmitSm
}

short_message! {
    /// `deliver_sm`: the SMSC hands a message or a receipt to an ESME.
    DeliverSm
}

impl DeliverSm {
    /// Whether `esm_class` calls it a delivery receipt (final or intermediate).
    pub fn is_receipt(&self) -> bool {
        matches!(self.esm_class & super::esm_class::TYPE, super::esm_class::RECEIPT | super::esm_class::INTERMEDIATE)
    }
}

layout! {
    /// `data_sm`: a message with its body in `message_payload`, in either direction.
    pub struct DataSm {
        /// The SMS application service.
        service_type: COctetString => cstr(6),
        /// Type of number of the source.
        source_addr_ton: u8 => int,
        /// Numbering plan of the source.
        source_addr_npi: u8 => int,
        /// The source.
        source_addr: COctetString => cstr(65),
        /// Type of number of the destination.
        dest_addr_ton: u8 => int,
        /// Numbering plan of the destination.
        dest_addr_npi: u8 => int,
        /// The destination.
        destination_addr: COctetString => cstr(65),
        /// Mode, type and features.
        esm_class: u8 => int,
        /// Which receipts are wanted.
        registered_delivery: u8 => int,
        /// How the body is coded.
        data_coding: u8 => int,
        /// Optional parameters, the body among them.
        tlvs: Tlvs => tlvs,
    }
}

/// An answer that names the message and may carry TLVs (3.4 gives them to `data_sm_resp`, 5.0 to all).
macro_rules! message_answer {
    ($(#[$meta:meta])* $name:ident) => {
        layout! {
            $(#[$meta])*
            pub struct $name {
                /// The SMSC's id for the message: opaque, empty if it gave none.
                message_id: COctetString => answer_id,
                /// Optional parameters.
                tlvs: Tlvs => tlvs,
            }
        }
    };
}

message_answer! {
    /// `submit_sm_resp`.
    SubmitSmResp
}
message_answer! {
    /// `deliver_sm_resp`; its `message_id` is unused.
    DeliverSmResp
}
message_answer! {
    /// `data_sm_resp`.
    DataSmResp
}
