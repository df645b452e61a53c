//! What compliance is decided on. Now: consent, which is a word that a person gave to one sender.
//!
//! The state of a conversation is one row, read on every send; beside it lies a ledger, to which each change is
//! appended, so that an auditor can be shown who said what and when. The same functions serve a person's STOP, a
//! tenant's own suppression list and an import: they differ in [`By`].
//!
//! | module | what it holds |
//! |---|---|
//! | [`consent`](mod@consent) | the state, the ledger, and how both are changed |

pub mod consent;
mod error;

pub use consent::{By, Consent, consent, ledger, stage_opt_in, stage_opt_out};
pub use error::Error;
