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
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Every rule that fired; empty when all is well.
    pub reasons: Vec<Reason>,
    /// The first 8 bytes of the rule set's hash; written in hexadecimal, because many readers of JSON hold numbers in
    /// 53 bits.
    #[serde(with = "hexadecimal")]
    pub rules: u64,
    /// What was looked at on the way there.
    #[serde(default)]
    pub trace: Trace,
}

/// What a decision stands on, small enough to be kept with every one of them. Facts and rules go by their numbers: the
/// policy crate, which has the schema and the rules, puts names to them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trace {
    /// The first 8 bytes of the data tables' hash.
    #[serde(with = "hexadecimal")]
    pub tables: u64,
    /// What became of each rule that was asked, in the set's order: four to a byte, the first in the lowest bits.
    pub outcomes: Vec<u8>,
    /// The facts that the asked rules read.
    pub facts: Vec<FactRead>,
}

/// A fact as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactRead(
    /// Its number in the schema.
    pub u8,
    /// Its value: 0 and 1 for false and true, a number, the place of a word in its list; `None` where it was unknown.
    pub Option<i64>,
);

mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{number:016x}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(de::Error::custom)
    }
}

impl Decision {
    /// The class of the reason that decided, when the verdict is deny or hold.
    pub fn class(&self) -> Option<ErrorClass> {
        let name = self.verdict.as_str();
        self.reasons.iter().find(|reason| reason.severity == name).map(|reason| reason.class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_without_a_trace_is_read() {
        let old = r#"{"verdict":"allow","reasons":[],"rules":"112c4b4a00000009"}"#;
        assert_eq!(serde_json::from_str::<Decision>(old).unwrap().trace, Trace::default());
    }

    #[test]
    fn a_decision_reads_alike_wherever_it_is_shown() {
        let until = Timestamp::parse_rfc3339("2026-11-23T14:31:07.250Z").unwrap();
        let decision = Decision {
            verdict: Verdict::Hold { until },
            reasons: vec![],
            rules: 0x112c_4b4a_0000_0009,
            trace: Trace { tables: 7, outcomes: vec![9], facts: vec![FactRead(3, None), FactRead(9, Some(2))] },
        };
        let json = r#"{"verdict":"hold","until":"2026-11-23T14:31:07.250000Z","reasons":[],"rules":"112c4b4a00000009","trace":{"tables":"0000000000000007","outcomes":[9],"facts":[[3,null],[9,2]]}}"#;
        assert_eq!(serde_json::to_string(&decision).unwrap(), json);
        assert_eq!(serde_json::from_str::<Decision>(json).unwrap(), decision);
    }
}
