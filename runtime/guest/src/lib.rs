//! Wasmtime: compile, pool, limit, run. Turns one event into one set of effects.
//!
//! - [`Host`] compiles uploads ([`Host::compile`]) and calls handlers ([`Host::invoke`]).
//! - An [`Invocation`] holds an [`Event`] and all that the call depends on but reads, which go to [`Surroundings`].
//! - The [`Outcome`] is what the handler asked for ([`Effects`]) or why it has no effect at all ([`Failure`]).
//!
//! This crate does nothing of what a handler asks for, and knows neither store nor carrier. Nor does it decide who may
//! run how many handlers at once: that is the engine's.

/// For measurements against bare wasmtime; not part of what this crate promises.
#[doc(hidden)]
pub mod bindings;
mod calendar;
mod call;
mod config;
mod effects;
mod error;
mod event;
mod failure;
mod host;
mod http;
mod ids;
mod imports;
mod invocation;
mod limits;
mod logs;
pub mod manifest;
mod meter;
mod native;
mod outcome;
mod question;
pub mod replay;
mod run;
mod staging;
mod stop;
mod surroundings;
mod ticker;
mod turn;
mod upload;
mod wasi;

pub use call::Names;
pub use config::Config;
pub use effects::{Effects, Media, Note, OutgoingMessage, Scope, SendOptions, StateWrite, TimerSet, TimerWrite};
pub use error::Error;
pub use event::{Attribute, Conversation, Event, InboundMessage, Kind, MediaRef, OutboundDraft, Receipt, Timer};
pub use host::Host;
pub use http::{HttpAnswer, HttpFailure, HttpRequest, HttpResult};
pub use ids::{DerivedIds, MessageIds, SendPlace};
pub use invocation::Invocation;
pub use limits::{Limits, UploadLimits};
pub use logs::SHORTEST_MASKED;
pub use manifest::Manifest;
pub use native::{Cache, Compiler, compile_as_child};
pub use outcome::{
    Answer, Completed, DraftChanges, DraftDecision, Failure, FailureKind, Level, LogLine, Logs, Outcome, Usage,
};
pub use question::{Question, Reply};
pub use replay::{Recording, Replayed};
pub use surroundings::{Contact, PastMessage, Reading, Surroundings, Unavailable};
pub use upload::{Export, Handler, HandlerInfo, Refusal};
