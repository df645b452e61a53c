//! What compliance is decided on: consent, which is a word that a person gave, and what of it is revoked; and who may
//! send what from where.
//!
//! | module | what it holds |
//! |---|---|
//! | [`consent`] | what a person allows, and how one word after another changes it |
//! | [`ledger`] | the ledger: read from memory for every message, changed in the step of the message that says so |
//! | [`import`] | consents that a tenant brings along, taken whole or not at all |
//! | [`suppression`] | lists of numbers to which not everything may be sent |
//! | [`registration`] | brands, campaigns, their numbers, toll-free numbers, short codes: where a sender stands |
//! | [`holds`] | legal holds: what must be kept, whatever else says that it should go |
//! | `forgotten` | what people had forbidden who were forgotten, without their numbers |
//! | `rows` | where the ledger's rows lie |
//! | `cache`, `wide` | what of it is in memory |
//!
//! A person's STOP, a tenant's own word and an import differ in [`By`] alone.

mod cache;
pub mod consent;
mod error;
mod forgotten;
pub mod holds;
pub mod import;
pub mod ledger;
pub mod registration;
mod rows;
pub mod suppression;
mod wide;

pub use consent::{By, Change, ConsentId, Grant, Level, PersonId, Program, Reach, Revocation, Standing};
pub use error::Error;
pub use forgotten::Hide;
pub use holds::{Hold, HoldRefused, Holds};
pub use import::{Import, ImportRefused, LineError};
pub use ledger::{BadPlace, Entry, Ledger, Line, Permission, Place, Question, Staged};
pub use rows::{ImportId, Party};
pub use suppression::{Covers, ListKind, ListMeta, NewList, Suppression, SuppressionRefused};
