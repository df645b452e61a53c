//! Asking after, cancelling and replacing a message that the SMSC holds; and the alert that a phone is reachable.

use bytes::Bytes;

use super::layout::layout;
use super::{COctetString, Tlvs};

layout! {
    /// `query_sm`.
    pub struct QuerySm {
        /// Which message.
        message_id: COctetString => message_id,
        /// Type of number of the source it was submitted with.
        source_addr_ton: u8 => int,
        /// Numbering plan of that source.
        source_addr_npi: u8 => int,
        /// That source.
        source_addr: COctetString => cstr(21),
    }
}

layout! {
    /// `query_sm_resp`.
    pub struct QuerySmResp {
        /// Which message.
        message_id: COctetString => message_id,
        /// When it reached a final state; empty if it hasn't.
        final_date: COctetString => cstr(17),
        /// See [`MessageState`](super::MessageState).
        message_state: u8 => int,
        /// The network's error.
        error_code: u8 => int,
        /// Optional parameters (5.0).
        tlvs: Tlvs => tlvs,
    }
}

layout! {
    /// `cancel_sm`: one message by id, or all between two addresses.
    pub struct CancelSm {
        /// The SMS application service.
        service_type: COctetString => cstr(6),
        /// Which message; empty for all that match the rest.
        message_id: COctetString => message_id,
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
    }
}

layout! {
    /// `replace_sm`.
    pub struct ReplaceSm {
        /// Which message.
        message_id: COctetString => message_id,
        /// Type of number of the source it was submitted with.
        source_addr_ton: u8 => int,
        /// Numbering plan of that source.
        source_addr_npi: u8 => int,
        /// That source.
        source_addr: COctetString => cstr(21),
        /// The new delivery time.
        schedule_delivery_time: COctetString => cstr(17),
        /// The new validity.
        validity_period: COctetString => cstr(17),
        /// Which receipts are wanted.
        registered_delivery: u8 => int,
        /// A message kept at the SMSC, instead of a body.
        sm_default_msg_id: u8 => int,
        /// The new body.
        short_message: Bytes => short_message,
        /// Optional parameters (5.0).
        tlvs: Tlvs => tlvs,
    }
}

layout! {
    /// `alert_notification`: a phone that could not be reached now can. It has no answer.
    pub struct AlertNotification {
        /// Type of number of the phone.
        source_addr_ton: u8 => int,
        /// Numbering plan of the phone.
        source_addr_npi: u8 => int,
        /// The phone.
        source_addr: COctetString => cstr(65),
        /// Type of number of the ESME that asked.
        esme_addr_ton: u8 => int,
        /// Numbering plan of that ESME.
        esme_addr_npi: u8 => int,
        /// That ESME.
        esme_addr: COctetString => cstr(65),
        /// `ms_availability_status`.
        tlvs: Tlvs => tlvs,
    }
}
