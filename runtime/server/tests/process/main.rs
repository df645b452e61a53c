//! The binary as a process: what it says, when it refuses to start, how it ends.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod client;
mod compiler;
mod failing_store;
mod house;
mod refusals;
mod signals;
