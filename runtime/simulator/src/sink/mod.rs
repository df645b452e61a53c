//! Receives webhooks: keeps them, counts them, and answers as it is told.

mod answers;
mod hooks;
mod server;

pub use answers::{Answer, Answers, Per};
pub(crate) use hooks::{Bounds, Sink};
pub use hooks::{Hook, HookPage, HooksWaited};
pub(crate) use server::serve;
