//! PDU bytes, built and read here from the SMPP 3.4 and 5.0 specifications, so that a mistake in the
//! runtime's codec can't be answered by the same mistake on this side.

mod deliver;
mod header;
mod status;
mod submit;
mod tlv;

pub(crate) use deliver::Deliver;
pub(crate) use header::{Header, command, next_frame, put_pdu};
pub use status::Status;
pub(crate) use submit::{Address, Fields, Malformed, Sar, Submit};
pub(crate) use tlv::{put_tlv, tag};
