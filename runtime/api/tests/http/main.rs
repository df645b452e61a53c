//! The API over real sockets, in front of a real path on the in-memory store.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod audit;
mod bad_bodies;
mod bad_connections;
mod client;
mod consents;
mod contacts;
mod erasures;
mod handlers;
mod holds;
mod house;
mod operator;
mod reading;
mod registry;
mod retention;
mod sending;
mod supervision;
mod suppression;
mod waiting;
mod webhooks;
mod whose;
