//! A carrier that misbehaves on purpose.
//!
//! An SMSC over TCP with phones behind it, a webhook sink and a load generator: the outside world for
//! tests, benchmarks and `signalbox dev`. It shares no code with the runtime's SMPP and text crates, so
//! it can't share their mistakes. Whatever it does is drawn from a [`Scenario`] and a seed.
//!
//! | module | what |
//! |---|---|
//! | `wire` | PDU bytes |
//! | `coding` | GSM 03.38, UCS-2, concatenation |
//! | `scenario` | how the carrier behaves |
//! | `smsc` | the carrier: binds, submits, receipts, inbound messages |
//! | `phones`, `ledger`, `stats` | what reached whom, the carrier's book, its counts |
//! | `control` | all of it over HTTP |
//! | `sink` | receives webhooks |
//! | `load` | sends messages to the runtime's API |

mod coding;
mod config;
mod control;
mod error;
mod handle;
mod hex;
mod ledger;
pub mod load;
mod net;
mod phones;
mod run;
mod scenario;
mod sink;
mod smsc;
mod stats;
mod time;
mod wire;

pub use coding::{Encoding, Splitting};
pub use config::{Config, Limits};
pub use error::Error;
pub use handle::{Handle, Simulator};
pub use ledger::{Delivered, Entry, Line, Page, Session, Submitted};
pub use phones::{Inbox, Message, PartSeen};
pub use run::{Args, run};
pub use scenario::*;
pub use sink::{Answer, Answers, Hook, HookPage, HooksWaited, Per};
pub use smsc::{Break, MobileOriginated, PartOrder, Sent, Sessions};
pub use stats::{Stats, WaitFor, Waited};
pub use wire::Status;
