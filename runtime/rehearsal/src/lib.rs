//! Conversation scripts, run on the real path: the real engine, policies, sandbox and limits, on a store in memory, with a
//! virtual clock, phones that keep what they get, and outbound HTTP that is answered by stubs.
//!
//! A [`Script`] is read from TOML and refused with everything that is wrong with it. A [`Stage`] is a handler compiled
//! once; it plays any number of [`script::Conversation`]s, each on a path of its own, and says how each went: an
//! [`Outcome`]. Every run of the handler in a conversation that went well is then replayed from its recording; one that
//! does otherwise fails the conversation.
//!
//! | module | what it holds |
//! |---|---|
//! | [`script`] | what can be written, and how it is read |
//! | `project` | where scripts, manifests and components lie |
//! | `stage`, `house` | a handler, and a path of its own for each conversation |
//! | `play`, `look` | the steps: what they do, and what they look for |
//! | `invoke` | one event, without a path |
//! | `clock`, `idle` | time that is moved by hand, and when nothing is left to do |
//! | `phone`, `calls` | who gets messages, and who answers outbound HTTP |
//! | `transcript` | the conversation so far |
//! | [`report`] | outcomes for people and programs |

mod calls;
mod clock;
mod error;
mod house;
mod idle;
mod invoke;
mod look;
mod outcome;
mod phone;
mod play;
mod project;
pub mod report;
pub mod script;
mod stage;
mod transcript;

pub use error::Error;
pub use invoke::EventFile;
pub use outcome::{Failed, Outcome, Replays};
pub use project::{MANIFEST, Project, manifest, projects};
pub use script::Script;
pub use stage::Stage;
