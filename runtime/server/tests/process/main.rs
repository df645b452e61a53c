//! The binary as a process: what it says, when it refuses to start, how it ends.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod client;
mod house;
mod refusals;
mod signals;
