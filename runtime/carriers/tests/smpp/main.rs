//! The SMPP connector on real sockets: against our own SMSC's side, which does what the test says, and against the simulated
//! carrier, which shares no code with it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod answers;
mod closing;
mod inbound;
mod outcomes;
mod rig;
mod simulated;
mod tls;
mod windows;
