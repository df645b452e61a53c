//! The tags of optional parameters, and typed access to the values that this house uses.

use std::fmt;

use bytes::Bytes;

use super::{COctetString, Tlvs, Version};
use crate::Fault;

/// A TLV's tag.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub u16);

macro_rules! tags {
    ($($code:literal $constant:ident $name:literal;)*) => {
        impl Tag {
            $(#[doc = concat!("`", $name, "`")] pub const $constant: Self = Self($code);)*

            /// The specification's name, if it gives the tag one.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

tags! {
    0x0005 DEST_ADDR_SUBUNIT "dest_addr_subunit";
    0x0006 DEST_NETWORK_TYPE "dest_network_type";
    0x0007 DEST_BEARER_TYPE "dest_bearer_type";
    0x0008 DEST_TELEMATICS_ID "dest_telematics_id";
    0x000D SOURCE_ADDR_SUBUNIT "source_addr_subunit";
    0x000E SOURCE_NETWORK_TYPE "source_network_type";
    0x000F SOURCE_BEARER_TYPE "source_bearer_type";
    0x0010 SOURCE_TELEMATICS_ID "source_telematics_id";
    0x0017 QOS_TIME_TO_LIVE "qos_time_to_live";
    0x0019 PAYLOAD_TYPE "payload_type";
    0x001D ADDITIONAL_STATUS_INFO_TEXT "additional_status_info_text";
    0x001E RECEIPTED_MESSAGE_ID "receipted_message_id";
    0x0030 MS_MSG_WAIT_FACILITIES "ms_msg_wait_facilities";
    0x0201 PRIVACY_INDICATOR "privacy_indicator";
    0x0202 SOURCE_SUBADDRESS "source_subaddress";
    0x0203 DEST_SUBADDRESS "dest_subaddress";
    0x0204 USER_MESSAGE_REFERENCE "user_message_reference";
    0x0205 USER_RESPONSE_CODE "user_response_code";
    0x020A SOURCE_PORT "source_port";
    0x020B DESTINATION_PORT "destination_port";
    0x020C SAR_MSG_REF_NUM "sar_msg_ref_num";
    0x020D LANGUAGE_INDICATOR "language_indicator";
    0x020E SAR_TOTAL_SEGMENTS "sar_total_segments";
    0x020F SAR_SEGMENT_SEQNUM "sar_segment_seqnum";
    0x0210 SC_INTERFACE_VERSION "sc_interface_version";
    0x0302 CALLBACK_NUM_PRES_IND "callback_num_pres_ind";
    0x0303 CALLBACK_NUM_ATAG "callback_num_atag";
    0x0304 NUMBER_OF_MESSAGES "number_of_messages";
    0x0381 CALLBACK_NUM "callback_num";
    0x0420 DPF_RESULT "dpf_result";
    0x0421 SET_DPF "set_dpf";
    0x0422 MS_AVAILABILITY_STATUS "ms_availability_status";
    0x0423 NETWORK_ERROR_CODE "network_error_code";
    0x0424 MESSAGE_PAYLOAD "message_payload";
    0x0425 DELIVERY_FAILURE_REASON "delivery_failure_reason";
    0x0426 MORE_MESSAGES_TO_SEND "more_messages_to_send";
    0x0427 MESSAGE_STATE "message_state";
    0x0428 CONGESTION_STATE "congestion_state";
    0x0501 USSD_SERVICE_OP "ussd_service_op";
    0x060B BILLING_IDENTIFICATION "billing_identification";
    0x060D SOURCE_NETWORK_ID "source_network_id";
    0x060E DEST_NETWORK_ID "dest_network_id";
    0x060F SOURCE_NODE_ID "source_node_id";
    0x0610 DEST_NODE_ID "dest_node_id";
    0x1201 DISPLAY_TIME "display_time";
    0x1203 SMS_SIGNAL "sms_signal";
    0x1204 MS_VALIDITY "ms_validity";
    0x130C ALERT_ON_MESSAGE_DELIVERY "alert_on_message_delivery";
    0x1380 ITS_REPLY_TYPE "its_reply_type";
    0x1383 ITS_SESSION_INFO "its_session_info";
}

impl Tag {
    /// Left out, it would change what the message says or how its parts fit together.
    pub fn is_essential(self) -> bool {
        matches!(
            self,
            Self::MESSAGE_PAYLOAD | Self::SAR_MSG_REF_NUM | Self::SAR_TOTAL_SEGMENTS | Self::SAR_SEGMENT_SEQNUM
        )
    }

    /// In the range left to SMSC vendors.
    pub fn is_vendor(self) -> bool {
        (0x1400..=0x3FFF).contains(&self.0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:04x}", self.0),
        }
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `message_state`: how far the SMSC has got with a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageState(pub u8);

macro_rules! message_states {
    ($($code:literal $name:ident;)*) => {
        impl MessageState {
            $(#[doc = concat!("State ", stringify!($code), ".")] pub const $name: Self = Self($code);)*
        }

        impl fmt::Debug for MessageState {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $($code => f.write_str(stringify!($name)),)*
                    other => write!(f, "MessageState({other})"),
                }
            }
        }
    };
}

message_states! {
    0 SCHEDULED;
    1 ENROUTE;
    2 DELIVERED;
    3 EXPIRED;
    4 DELETED;
    5 UNDELIVERABLE;
    6 ACCEPTED;
    7 UNKNOWN;
    8 REJECTED;
    9 SKIPPED;
}

/// `network_error_code`: what the network behind the SMSC said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkErrorCode {
    /// 1 ANSI-136, 2 IS-95, 3 GSM, 4 reserved, …
    pub network_type: u8,
    /// The network's own code.
    pub error_code: u16,
}

/// The three `sar_*` parameters of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sar {
    /// Shared by all parts of a message between the same two addresses.
    pub msg_ref_num: u16,
    /// How many parts.
    pub total_segments: u8,
    /// Which part, from 1.
    pub segment_seqnum: u8,
}

/// Typed readers. A value of the wrong length reads as absent; its raw octets are still there.
impl Tlvs {
    /// A value of one octet.
    pub fn u8(&self, tag: Tag) -> Option<u8> {
        self.get_ref(tag).and_then(|value| <[u8; 1]>::try_from(value).ok()).map(|[octet]| octet)
    }

    /// A value of two octets.
    pub fn u16(&self, tag: Tag) -> Option<u16> {
        self.get_ref(tag).and_then(|value| value.try_into().ok()).map(u16::from_be_bytes)
    }

    /// A C-octet string, up to its NUL or, where a peer left that out, its end.
    pub fn cstr(&self, tag: Tag) -> Option<COctetString> {
        self.get_ref(tag).map(|value| value.split(|&octet| octet == 0).next().unwrap_or_default().into())
    }

    /// The message that a receipt is about.
    pub fn receipted_message_id(&self) -> Option<COctetString> {
        self.cstr(Tag::RECEIPTED_MESSAGE_ID)
    }

    /// How far that message has got.
    pub fn message_state(&self) -> Option<MessageState> {
        self.u8(Tag::MESSAGE_STATE).map(MessageState)
    }

    /// The network's error.
    pub fn network_error_code(&self) -> Option<NetworkErrorCode> {
        let [network_type, high, low] = self.get_ref(Tag::NETWORK_ERROR_CODE)?.try_into().ok()?;
        Some(NetworkErrorCode { network_type, error_code: u16::from_be_bytes([high, low]) })
    }

    /// A body too long for `short_message`.
    pub fn message_payload(&self) -> Option<Bytes> {
        self.get(Tag::MESSAGE_PAYLOAD)
    }

    /// Which part of which message, if all three parameters are there.
    pub fn sar(&self) -> Option<Sar> {
        Some(Sar {
            msg_ref_num: self.u16(Tag::SAR_MSG_REF_NUM)?,
            total_segments: self.u8(Tag::SAR_TOTAL_SEGMENTS)?,
            segment_seqnum: self.u8(Tag::SAR_SEGMENT_SEQNUM)?,
        })
    }

    /// How full the SMSC is, 0–100; 80–90 asks senders to hold.
    pub fn congestion_state(&self) -> Option<u8> {
        self.u8(Tag::CONGESTION_STATE)
    }

    /// The SMSC's version.
    pub fn sc_interface_version(&self) -> Option<Version> {
        self.u8(Tag::SC_INTERFACE_VERSION).map(Version::from_octet)
    }

    /// The sender's own reference.
    pub fn user_message_reference(&self) -> Option<u16> {
        self.u16(Tag::USER_MESSAGE_REFERENCE)
    }

    /// The SMSC's words about a refusal.
    pub fn additional_status_info_text(&self) -> Option<COctetString> {
        self.cstr(Tag::ADDITIONAL_STATUS_INFO_TEXT)
    }
}

/// Typed writers, which replace what is there.
impl Tlvs {
    /// Sets a value of any length.
    ///
    /// # Errors
    /// [`Fault::TooLong`] above 65,535 octets.
    pub fn set(&mut self, tag: Tag, value: &[u8]) -> Result<(), Fault> {
        self.remove(tag);
        self.push(tag, value)
    }

    /// Sets a value of one octet.
    pub fn set_u8(&mut self, tag: Tag, value: u8) {
        self.set(tag, &[value]).expect("one octet fits");
    }

    /// Sets a value of two octets.
    pub fn set_u16(&mut self, tag: Tag, value: u16) {
        self.set(tag, &value.to_be_bytes()).expect("two octets fit");
    }

    /// Sets a C-octet string, NUL included.
    ///
    /// # Errors
    /// [`Fault::InteriorNul`] or [`Fault::TooLong`].
    pub fn set_cstr(&mut self, tag: Tag, value: &COctetString) -> Result<(), Fault> {
        if value.as_bytes().contains(&0) {
            return Err(Fault::InteriorNul);
        }
        let mut octets = value.as_bytes().to_vec();
        octets.push(0);
        self.set(tag, &octets)
    }

    /// Sets the three `sar_*` parameters.
    pub fn set_sar(&mut self, sar: Sar) {
        self.set_u16(Tag::SAR_MSG_REF_NUM, sar.msg_ref_num);
        self.set_u8(Tag::SAR_TOTAL_SEGMENTS, sar.total_segments);
        self.set_u8(Tag::SAR_SEGMENT_SEQNUM, sar.segment_seqnum);
    }

    /// Sets `network_error_code`.
    pub fn set_network_error_code(&mut self, code: NetworkErrorCode) {
        let [high, low] = code.error_code.to_be_bytes();
        self.set(Tag::NETWORK_ERROR_CODE, &[code.network_type, high, low]).expect("three octets fit");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_values_survive_and_wrong_lengths_read_as_absent() {
        let mut tlvs = Tlvs::new();
        let sar = Sar { msg_ref_num: 0xBEEF, total_segments: 3, segment_seqnum: 2 };
        tlvs.set_sar(sar);
        tlvs.set_cstr(Tag::RECEIPTED_MESSAGE_ID, &"0a1b".into()).unwrap();
        tlvs.set_network_error_code(NetworkErrorCode { network_type: 3, error_code: 0x0102 });
        tlvs.set(Tag::MESSAGE_STATE, &[0, 2]).unwrap();
        assert_eq!(tlvs.sar(), Some(sar));
        assert_eq!(tlvs.receipted_message_id().unwrap(), "0a1b");
        assert_eq!(tlvs.network_error_code().unwrap().error_code, 0x0102);
        assert_eq!(tlvs.message_state(), None);
        tlvs.set_u8(Tag::MESSAGE_STATE, 2);
        assert_eq!(tlvs.message_state(), Some(MessageState::DELIVERED));
    }

    #[test]
    fn a_string_without_its_nul_is_taken_whole() {
        let tlvs = Tlvs::new().with(Tag::RECEIPTED_MESSAGE_ID, b"12345").unwrap();
        assert_eq!(tlvs.receipted_message_id().unwrap(), "12345");
    }
}
