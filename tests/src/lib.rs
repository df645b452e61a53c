//! The harness that every story stands on: real processes, a fresh folder each, and waits that have an end.
//!
//! | module | what |
//! |---|---|
//! | `place` | where binaries, guests and peers lie |
//! | `process` | a child process, its lines and its end |
//! | `peer` | a child that speaks lines of JSON |
//! | `http` | a small client |
//! | `raw` | a bare socket, for what no library would send |
//! | `carrier` | the simulated carrier, and what its phones saw |
//! | `sink` | the receiver of webhooks |
//! | `house` | `signalbox serve` from a configuration that is made for it |
//! | `tenant` | the API as one tenant uses it |
//! | `replays` | every recorded run does the same again |
//! | `wait` | waiting with a deadline |

mod carrier;
mod house;
mod http;
mod peer;
pub mod place;
mod process;
mod raw;
pub mod replays;
mod sink;
mod tenant;
mod wait;

pub use carrier::Carrier;
pub use house::{House, HouseConfig, KEY_OF_ACME, KEY_OF_BOLT, NUMBER, NUMBER_OF_BOLT};
pub use http::{Answer, Client};
pub use peer::Peer;
pub use process::{Ended, Process};
pub use raw::Raw;
pub use sink::{Hook, Sink};
pub use tenant::Tenant;
pub use wait::{PATIENCE, in_the_future, until, within};
