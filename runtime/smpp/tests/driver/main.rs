//! The driver over real loopback sockets, against peers that the tests play PDU by PDU.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod peer;

mod backpressure;
mod bad_peers;
mod binding;
mod in_doubt;
mod sending;
mod serving;
mod tls;
