//! The PDU codec: bytes in, [`Command`]s out, and back.
//!
//! - [`frames`](Frames): cutting the stream; the only fatal error is a length that no PDU has.
//! - `command`: the table of commands. `layout`: how a body's field table becomes a struct, its reader and its writer.
//! - `bind`, `message`, `multi`, `manage`: the field tables, with the specification's names.
//! - `tlv`, `tag`: optional parameters, raw and typed.
//! - `read`, `write`: the field codings. `dialect`: what 3.3 peers can't read.

mod bind;
mod command;
mod dialect;
mod flags;
mod frames;
mod layout;
mod manage;
mod message;
mod multi;
mod octets;
mod read;
mod status;
mod tag;
mod tlv;
mod write;

pub use bind::{Bind, BindResp, Outbind};
pub use command::{Command, CommandId, Encode, Pdu, encode};
pub use dialect::{Dialect, Version};
pub use flags::{esm_class, registered_delivery};
pub use frames::{DEFAULT_MAX_PDU_OCTETS, Frame, Frames, HEADER_OCTETS, Header};
pub use manage::{AlertNotification, CancelSm, QuerySm, QuerySmResp, ReplaceSm};
pub use message::{DataSm, DataSmResp, DeliverSm, DeliverSmResp, SubmitSm, SubmitSmResp};
pub use multi::{DestAddress, SubmitMulti, SubmitMultiResp, UnsuccessAddress, UnsuccessSme};
pub use octets::COctetString;
pub use read::Reader;
pub use status::CommandStatus;
pub use tag::{MessageState, NetworkErrorCode, Sar, Tag};
pub use tlv::{Tlv, Tlvs};
pub use write::{SHORT_MESSAGE_OCTETS, Writer};
