//! Optional parameters (3.4 §5.3).

use bytes::{BufMut, BytesMut};

/// Tags (3.4 §5.3.2; `congestion_state` from 5.0 §4.8.4.18).
pub(crate) mod tag {
    pub(crate) const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
    pub(crate) const SAR_REFERENCE: u16 = 0x020C;
    pub(crate) const SAR_TOTAL: u16 = 0x020E;
    pub(crate) const SAR_SEQUENCE: u16 = 0x020F;
    pub(crate) const SC_INTERFACE_VERSION: u16 = 0x0210;
    pub(crate) const NETWORK_ERROR_CODE: u16 = 0x0423;
    pub(crate) const MESSAGE_PAYLOAD: u16 = 0x0424;
    pub(crate) const MESSAGE_STATE: u16 = 0x0427;
    pub(crate) const CONGESTION_STATE: u16 = 0x0428;
}

pub(crate) fn put_tlv(out: &mut BytesMut, tag: u16, value: &[u8]) {
    out.put_u16(tag);
    out.put_u16(u16::try_from(value.len()).expect("every TLV built here is cut to 64 KiB before"));
    out.put_slice(value);
}
