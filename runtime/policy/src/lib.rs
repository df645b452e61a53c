//! Compliance as a pure function: rules and facts in, a decision with reasons out.
//!
//! | module | what it holds |
//! |---|---|
//! | [`facts`] | the schema: what rules decide on |
//! | [`rule`] | one rule, and what it makes of the facts |
//! | [`rule_set`] | the rules in force: loaded whole or not at all |
//! | [`intent`] | STOP, START and HELP in an inbound text |
//! | [`answers`] | what the host answers to them |
//! | [`policies`] | all of a policy folder together |
//! | [`cases`] | a rule set's tests, written as facts and the expected verdict |
//! | [`error`] | why a folder isn't taken |
//!
//! Rules are written in TOML with conditions in CEL (`policies/README.md`) and lowered when they are loaded, so that
//! deciding neither parses nor allocates.

pub mod answers;
pub mod cases;
pub mod error;
mod expr;
pub mod facts;
pub mod intent;
mod lower;
pub mod policies;
pub mod rule;
mod rule_file;
pub mod rule_set;
mod source;

pub use answers::Answers;
pub use error::{Complaint, Error};
pub use facts::{Fact, Facts, Kind, OriginKind, Value};
pub use intent::{CustomKeywords, Found, FoundBy, Intent, Intents};
pub use policies::Policies;
pub use rule::{Rule, Severity};
pub use rule_set::RuleSet;

/// The floor's rules as this program was built with them.
pub const BUILT_IN_FLOOR: &str = include_str!("../../../policies/floor.toml");
/// The keyword lists as this program was built with them.
pub const BUILT_IN_KEYWORDS: &str = include_str!("../../../policies/keywords.toml");
/// The phrases of revocation as this program was built with them.
pub const BUILT_IN_REVOCATION: &str = include_str!("../../../policies/revocation.toml");
/// The host's answers as this program was built with them.
pub const BUILT_IN_ANSWERS: &str = include_str!("../../../policies/answers.toml");
