//! GSM 03.38 and UCS-2, smart encoding, segmentation, concatenation, receipt text. No I/O.
//!
//! | module | what it holds |
//! |---|---|
//! | [`gsm`] | the default alphabet and its extension table |
//! | [`pack`] | septets packed into octets, for peers that pack |
//! | [`fold`] | smart encoding: typography as GSM says it |
//! | [`segment`] | [`prepare`]: which encoding, how many segments |
//! | [`split`](mod@split) | a text cut into parts, with header or SAR parameters, never both |
//! | [`udh`] | the user data header, read and written |
//! | [`coding`] | inbound octets as text, by `data_coding` |
//! | [`assembly`] | inbound parts put together again |
//! | [`receipt`] | delivery receipts in all their dialects |
//! | [`carrier_id`] | carriers' message ids and their canonical forms |
//!
//! Outbound: [`prepare`] → [`split()`](split::split). Inbound: [`parse_header`] → [`decode`], or [`Assembly`] for parts.

pub mod assembly;
pub mod carrier_id;
pub mod coding;
pub mod error;
pub mod fold;
pub mod gsm;
pub mod pack;
pub mod receipt;
pub mod segment;
pub mod split;
pub mod udh;

pub use assembly::{Added, Assembly};
pub use carrier_id::{IdForm, candidates, canonical};
pub use coding::{Alphabet, Decoded, data_coding, decode};
pub use error::Error;
pub use fold::{Folded, Smart};
pub use receipt::{ReceiptText, ReceiptTlvs, state_of_code};
pub use segment::{
    DEFAULT_MAX_SEGMENTS, Measure, Prepared, ReferenceKind, measure, prepare, prepare_within, segment_count,
    segment_count_with,
};
pub use split::{DefaultAlphabet, Part, Place, split, split_for};
pub use udh::{Concatenation, Element, Header, parse_header};

#[cfg(test)]
mod round_trip;
