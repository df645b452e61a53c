//! The path, on the in-memory store and a carrier that does what the test says.

mod crash;
mod house;
mod inbound;
mod outbound;
