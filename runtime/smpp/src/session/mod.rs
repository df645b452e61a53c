//! The session state machine, sans I/O: PDUs, requests and time in; events and octets out.
//!
//! - `state`: roles, states, and which PDU is legal where. `config`: limits and timers, and why each has its default.
//! - `machine`: [`Session`], what its owner calls. `receive`: what each PDU of the peer does. `time`: what silence does.
//! - `window`: requests in flight. `event`, `closed`: what comes out.

mod closed;
mod config;
mod event;
mod machine;
mod receive;
mod state;
mod time;
mod window;

pub use closed::Closed;
pub use config::SessionConfig;
pub use event::{Event, Written};
pub use machine::Session;
pub use state::{BindKind, Role, State};
