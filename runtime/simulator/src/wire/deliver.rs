//! Building `deliver_sm` (3.4 §4.6.1).

use super::{Address, put_tlv, tag};
use bytes::{BufMut, BytesMut};

/// One `deliver_sm` body: a receipt or an inbound part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deliver {
    pub(crate) source: Address,
    pub(crate) dest: Address,
    pub(crate) esm_class: u8,
    pub(crate) data_coding: u8,
    /// At most 254 octets.
    pub(crate) short_message: Vec<u8>,
    pub(crate) tlvs: Vec<(u16, Vec<u8>)>,
}

impl Deliver {
    pub(crate) fn put(&self, out: &mut BytesMut) {
        out.put_u8(0); // service_type
        put_address(out, &self.source);
        put_address(out, &self.dest);
        out.put_u8(self.esm_class);
        out.put_slice(&[0; 6]); // protocol_id, priority, schedule, validity, registered_delivery, replace
        out.put_u8(self.data_coding);
        out.put_u8(0); // sm_default_msg_id
        out.put_u8(u8::try_from(self.short_message.len()).expect("short messages are cut to 254 octets before"));
        out.put_slice(&self.short_message);
        for (tag, value) in &self.tlvs {
            put_tlv(out, *tag, value);
        }
    }

    /// Whether a peer of before 3.4 would miss something.
    pub(crate) fn needs_tlvs(&self) -> bool {
        self.tlvs.iter().any(|(tag, _)| matches!(*tag, tag::SAR_REFERENCE | tag::MESSAGE_PAYLOAD))
    }
}

fn put_address(out: &mut BytesMut, address: &Address) {
    out.put_u8(address.ton);
    out.put_u8(address.npi);
    out.put_slice(address.digits.as_bytes());
    out.put_u8(0);
}
