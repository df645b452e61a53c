//! The path, on the in-memory store and a carrier that does what the test says.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]

mod audit;
mod breakdown;
mod campaign;
mod cancels;
mod cascade;
mod consent;
mod counted;
mod crash;
mod drafts;
mod effects_under_crash;
mod egress;
mod granted_limits;
mod handler_writes;
mod house;
mod inbound;
mod keys;
mod outbound;
mod programs;
mod recordings;
mod registered;
mod retention;
mod room;
mod sample;
mod sealed_rows;
mod sealing;
mod secrets;
mod sector;
mod shared_state;
mod spread;
mod told;
mod us;
