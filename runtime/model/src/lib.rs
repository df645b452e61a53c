//! The nouns and the message's life. No I/O.
//!
//! | module | what it holds |
//! |---|---|
//! | [`id`] | ids that sort by time and say what they are |
//! | [`address`] | E.164 numbers, short codes, alphanumeric senders; how they are redacted |
//! | [`conversation`] | (tenant, our number, their number) and the partition it lives in |
//! | [`clock`] | time and chance, passed in |
//! | [`message`] | a message as accepted or received: immutable |
//! | [`status`] | the message's life and its legal transitions |
//! | [`timeline`] | what happened to a message: appended, never overwritten, folded into a [`timeline::Head`] |
//! | [`receipt`] | a carrier's delivery receipt, in our words |
//! | [`decision`] | a compliance verdict with its reasons |
//! | [`error_class`] | canonical error classes: what to do and whose fault |
//! | [`event`] | what the inbox of a partition holds |
//! | [`view`] | a message and its timeline as the API and webhooks show them |
//! | [`directory`] | what tenants and operators set up: tenants, keys, webhooks |
//! | [`handler`] | a tenant's code: versions, which of them answers, and for which events |

pub mod address;
pub mod clock;
pub mod conversation;
pub mod decision;
pub mod directory;
pub mod error_class;
pub mod event;
pub mod handler;
pub mod id;
pub mod message;
pub mod receipt;
pub mod status;
pub mod timeline;
pub mod view;

pub use address::{Address, AddressKind, E164};
pub use clock::{Chance, Clock, ManualClock, Timestamp};
pub use conversation::{Conversation, ConversationId, Partition};
pub use decision::{Decision, FactRead, Reason, Trace, Verdict};
pub use error_class::{Blame, ErrorClass, RetryAdvice};
pub use event::Event;
pub use id::{AttemptId, EventId, HoldId, InvocationId, KeyId, MessageId, TenantId};
pub use message::{Body, Category, Direction, Encoding, Message, Origin, Sealed, Veil};
pub use receipt::{Receipt, ReceiptState};
pub use status::Status;
pub use timeline::{Cause, Entry, Head, PartStatus};
