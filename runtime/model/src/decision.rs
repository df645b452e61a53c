//! A compliance verdict with its reasons.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error_class::ErrorClass;

/// What a message may do, from the mildest to the most severe. The most severe rule wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Go.
    Allow,
    /// Go, and somebody should look.
    Warn,
    /// Go once changed.
    Rewrite,
    /// Wait.
    Hold {
        /// Until then; checked again at that time.
        until: Timestamp,
    },
    /// Never.
    Deny,
}

impl Verdict {
    /// The name in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Rewrite => "rewrite",
            Self::Hold { .. } => "hold",
            Self::Deny => "deny",
        }
    }
}

/// A rule that fired, in words that a person can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule's id.
    pub rule: String,
    /// What it asks for.
    pub severity: String,
    /// The law, contract or policy that it stands on.
    pub cite: String,
    /// What was found.
    pub explain: String,
    /// What would make it pass.
    pub fix: String,
    /// The canonical class.
    pub class: ErrorClass,
}

/// What the policy says of a message, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The most severe outcome.
    pub verdict: Verdict,
    /// Every rule that fired; empty when all is well.
    pub reasons: Vec<Reason>,
    /// The first 8 bytes of the rule set's hash.
    pub rules: u64,
}

impl Decision {
    /// The class of the reason that decided, when the verdict is deny or hold.
    pub fn class(&self) -> Option<ErrorClass> {
        let name = self.verdict.as_str();
        self.reasons.iter().find(|reason| reason.severity == name).map(|reason| reason.class)
    }
}
