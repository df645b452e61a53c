//! The rule language: TOML and CEL in, typed rules out, verdicts from facts.
//!
//! | module | what it holds |
//! |---|---|
//! | `file` | a rule file, read with every complaint in its place |
//! | `lower` | CEL to the typed form |
//! | `expr` | the typed form, and what it makes of facts |
//! | `implies` | whether one condition covers all that another does |
//! | [`subject`] | a message as rules look at it |
//! | [`rule`] | one rule, and what it asks for |
//! | `template` | explanations with facts in them |
//! | [`layer`] | whose rule it is |
//! | `tighten` | a narrower layer's change of a rule, which may only tighten it |
//! | [`set`] | the rules in force |

pub(crate) mod expr;
mod file;
mod implies;
pub mod layer;
pub(crate) mod lower;
pub mod rule;
pub mod set;
pub mod subject;
pub(crate) mod template;
mod tighten;

pub(crate) use file::MAX_BYTES as MAX_FILE_BYTES;
pub use layer::{Layer, Owner, Whose};
pub use rule::{Change, Outcome, Rule, Severity, Wait};
pub use set::RuleSet;
pub use subject::Subject;
