//! From uploaded bytes to a handler that is ready to be called.

mod contract;
mod desk;
mod handler;
mod refusal;
mod scan;

pub use handler::{Export, Handler, HandlerInfo};
pub use refusal::Refusal;

pub(crate) use desk::Desk;
pub(crate) use handler::inner;
