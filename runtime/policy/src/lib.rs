//! Compliance as a pure function: rules and facts in, a decision with reasons out.
//!
//! | module | what it holds |
//! |---|---|
//! | [`facts`] | the schema: what rules decide on |
//! | [`rules`] | the rule language, layers, and the rules in force |
//! | [`data`] | tables: places, windows, rates, words, domains |
//! | [`place`] | where a recipient may be, and when solicitations may be sent there |
//! | [`content`] | what a text says |
//! | [`intent`] | STOP, START and HELP in an inbound text |
//! | [`answers`] | what the host answers to them |
//! | [`policies`] | all of a policy folder together |
//! | [`described`] | policies as they are written down when they are taken into use |
//! | [`watcher`] | the policies in force, and how they are replaced |
//! | [`mod@explain`] | a decision in words |
//! | [`whatif`] | what another rule set would have said of a recorded decision |
//! | [`cases`] | a rule set's tests, written as facts or messages and the expected verdict |
//! | [`error`] | why a folder isn't taken |
//!
//! Rules are written in TOML with conditions in CEL (`policies/README.md`) and lowered when they are loaded, so that
//! deciding neither parses nor allocates.

pub mod answers;
pub mod cases;
pub mod content;
pub mod data;
pub mod described;
pub mod error;
pub mod explain;
pub mod facts;
pub mod intent;
pub mod place;
pub mod policies;
pub mod rules;
mod source;
pub mod watcher;
pub mod whatif;

pub use answers::Answers;
pub use data::Freshness;
pub use described::Described;
pub use error::{Complaint, Error};
pub use explain::{explain, explain_by};
pub use facts::{Fact, FactSet, Facts, Kind, OriginKind, Value};
pub use intent::{CustomKeywords, Found, FoundBy, Intent, Intents};
pub use policies::{About, Origin, Policies};
pub use rules::{Rule, RuleSet, Severity, Whose};
pub use watcher::Watcher;

/// The floor's rules as this program was built with them.
pub const BUILT_IN_FLOOR: &str = include_str!("../../../policies/floor.toml");
/// The keyword lists as this program was built with them.
pub const BUILT_IN_KEYWORDS: &str = include_str!("../../../policies/keywords.toml");
/// The phrases of revocation as this program was built with them.
pub const BUILT_IN_REVOCATION: &str = include_str!("../../../policies/revocation.toml");
/// The host's answers as this program was built with them.
pub const BUILT_IN_ANSWERS: &str = include_str!("../../../policies/answers.toml");
/// Rules that an operator switches on, as this program was built with them: files' names and texts.
pub const BUILT_IN_PACKS: &[(&str, &str)] = &[
    ("us/carriers.toml", include_str!("../../../policies/us/carriers.toml")),
    ("us/consent.toml", include_str!("../../../policies/us/consent.toml")),
    ("us/content.toml", include_str!("../../../policies/us/content.toml")),
    ("us/place.toml", include_str!("../../../policies/us/place.toml")),
    ("us/registration.toml", include_str!("../../../policies/us/registration.toml")),
    ("us/sector.toml", include_str!("../../../policies/us/sector.toml")),
];
/// Their cases.
pub const BUILT_IN_CASES: &[(&str, &str)] = &[
    ("tests/floor.toml", include_str!("../../../policies/tests/floor.toml")),
    ("tests/us.toml", include_str!("../../../policies/tests/us.toml")),
    ("tests/us-messages.toml", include_str!("../../../policies/tests/us-messages.toml")),
];
