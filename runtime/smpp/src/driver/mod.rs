//! A thin tokio driver: sessions on sockets.
//!
//! - `client`: binding to an SMSC. `server`: being bound to. `tls`: with rustls.
//! - `bind`: the handle, the window's slots and sending. `outcome`: what becomes of a request. `inbound`: the peer's requests.
//! - `connection`: the one task of a connection. `shared`: what it shares with the handles.

mod bind;
mod client;
mod connection;
mod inbound;
mod outcome;
mod server;
mod shared;
mod tls;

pub use bind::{Bind, Permit};
pub use client::{BindConfig, Client};
pub use inbound::{Inbound, Responder};
pub use outcome::{Outcome, Pending, Submission, SubmitOutcome, SubmitResponse, Tagged};
pub use server::{BindRequest, Incoming, Served, Server, ServerConfig, outbind, serve_connection};
pub use tls::Tls;

const DEFAULT_INBOUND_CAPACITY: usize = 256;
