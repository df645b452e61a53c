//! A narrower layer names a wider layer's rule: that is a change of it, and a change may only tighten.
//!
//! The wider rule stays in force beside the change, so nothing can be loosened by mistake. But a change that would be
//! milder if it stood alone misleads whoever wrote it, and is refused.

use super::implies::implies;
use super::rule::Rule;

/// In what way `narrow` would loosen `wide`, for people; `None` when it tightens or equals it.
pub(crate) fn loosens(narrow: &Rule, wide: &Rule) -> Option<String> {
    let at_least = |what: &str, narrow: &str, wide: &str| {
        Some(format!("`{what}` is {narrow}, and has to ask for as much as {wide} there"))
    };
    if !narrow.severity.covers(wide.severity) {
        return at_least("severity", narrow.severity.as_str(), wide.severity.as_str());
    }
    if let Some(asked) = wide.on_unknown {
        let name = |severity: Option<super::Severity>| severity.map_or("pass", super::Severity::as_str);
        if !narrow.on_unknown.is_some_and(|own| own.covers(asked)) {
            return at_least("on_unknown", name(narrow.on_unknown), name(wide.on_unknown));
        }
        // What the wider rule left open the narrower may decide: then it has to ask for as much.
        if !narrow.severity.covers(asked) {
            return at_least("severity", narrow.severity.as_str(), asked.as_str());
        }
    }
    let covered = |own: &super::rule::Scope| {
        wide.scope.iter().any(|theirs| theirs.fact == own.fact && theirs.words & !own.words == 0)
    };
    if let Some(own) = narrow.scope.iter().find(|own| !covered(own)) {
        return Some(format!("`applies` leaves out messages by their {} that are covered there", own.fact.name()));
    }
    if narrow.gate.effective > wide.gate.effective || narrow.gate.expires < wide.gate.expires {
        return Some("it is in force for a shorter time".to_owned());
    }
    let shorter = "`when` may leave out messages that are covered there; take that condition and add `|| …` to it";
    (!implies(&wide.when, &narrow.when)).then(|| shorter.to_owned())
}
