//! The session state machine.

mod closed;
mod state;

pub use closed::Closed;
pub use state::{BindKind, Role, State};
