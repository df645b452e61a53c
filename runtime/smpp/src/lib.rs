//! SMPP 3.3, 3.4 and 5.0: the protocol between an SMSC and its clients, the ESMEs.
//!
//! - [`pdu`]: the codec. Bytes in, [`Command`](pdu::Command)s out, and back.
//! - [`session`]: the state machine of one session in either role, without sockets or clock.
//! - [`driver`]: sessions on tokio's sockets: [`Client`] to bind, [`Server`] to be bound to, [`Bind`] to send by.
//!
//! It is not a message router: it knows nothing of text, receipts' text, retries or reconnecting.

pub mod driver;
mod error;
pub mod pdu;
pub mod session;

pub use driver::{
    Bind, BindConfig, Client, Inbound, Outcome, Permit, Responder, Served, Server, ServerConfig, SubmitOutcome, Tls,
    serve_connection,
};
pub use error::{Error, Fault};
pub use session::{BindKind, Closed, SessionConfig, Written};
