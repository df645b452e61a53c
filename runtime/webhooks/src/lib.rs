//! Tells tenants what happened to their messages: signed, in order, tried again, parked, replayed.
//!
//! The engine puts an [`Item`] into the outbox in the batch that makes it true ([`stage`]) and rings after the commit
//! ([`Handle::ring`]). From there on each endpoint has a desk of its own, so one that is dead or slow holds up nobody
//! else. Delivery is at least once: the `webhook-id` is the same on each attempt, and `sequence` in the payload's
//! entry orders a conversation. Redirects are not followed: the tenant is told to set the new URL up.
//!
//! | module | what it holds |
//! |---|---|
//! | [`item`] | an event in the outbox, and its types |
//! | [`payload`] | what it says |
//! | [`signature`] | Standard Webhooks signatures |
//! | [`schedule`] | when it is tried again |
//! | [`target`], [`guard`], [`resolve`], [`failure`] | where it may go: the `reach` room's |
//! | `exchange`, `worker` | what goes over a connection |
//! | `window`, `health`, `verdict` | which event goes next, and what its outcome means; no I/O |
//! | `desk`, `prepare`, `settle` | one endpoint's loop |
//! | [`service`] | all endpoints |
//! | [`delivery`], [`mod@parked`] | what each attempt was answered; what was given up |

pub mod config;
mod context;
pub mod delivery;
mod desk;
mod error;
mod exchange;
mod health;
pub mod item;
pub mod parked;
pub mod payload;
mod prepare;
mod roster;
pub mod schedule;
pub mod seams;
pub mod service;
mod settle;
pub mod signature;
mod verdict;
mod window;
mod worker;

pub use config::Config;
pub use delivery::{Delivery, deliveries};
pub use error::Error;
pub use item::{Endpoint, EndpointKey, Item, event_type, stage};
pub use parked::{Parked, Place, all_parked, parked, stage_forget, stage_replay};
pub use payload::Told;
pub use roster::EndpointStats;
pub use seams::{Epochs, Lookup, Source, SourceError};
pub use service::{Handle, Parts, Service};
pub use signalbox_reach::{BadUrl, Reach, check_url, failure, guard, resolve, target};
pub use signature::{BadSecret, Signer, new_secret};
