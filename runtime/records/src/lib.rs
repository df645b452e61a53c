//! Message records: what was said, what happened to it, and how to find it again.
//!
//! Writes are staged into the [`Batch`](signalbox_store::Batch) of the step that makes them true; this crate commits
//! nothing by itself.
//!
//! | module | what it holds |
//! |---|---|
//! | [`audit`] | the audit log: chained, signed, verified |
//! | [`record`] | one message and its timeline: staged, loaded, folded |
//! | [`mod@history`] | the last messages of a conversation, both ways |
//! | [`mod@list`] | a tenant's messages, newest first, over all partitions |
//! | [`cursor`] | where a listing goes on |
//! | [`aged`] | the oldest messages of a partition, for whoever takes away what was kept long enough |
//! | [`form`] | the stored form of a timeline's line |
//! | [`vault`] | bodies under lock and key |

pub mod aged;
pub mod audit;
pub mod cursor;
mod error;
pub mod form;
pub mod history;
pub mod list;
pub mod record;
mod scan;
pub mod vault;

pub use cursor::{BadCursor, Cursor};
pub use error::Error;
pub use form::decode_entries;
pub use history::{history, stage_history};
pub use list::{Page, Query, list};
pub use record::{Record, Told, head, is_known, load, load_message, stage_entries, stage_message, told};
pub use vault::Vault;
