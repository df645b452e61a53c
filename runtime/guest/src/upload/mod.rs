//! From uploaded bytes to a handler that is ready to be called.

mod contract;
mod handler;
mod refusal;
mod scan;

pub use handler::{Export, Handler, HandlerInfo};
pub use refusal::Refusal;

pub(crate) use contract::offers;
pub(crate) use handler::{compile, inner};
