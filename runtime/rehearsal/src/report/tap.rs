//! The Test Anything Protocol, version 14.

use super::lines;
use crate::outcome::Outcome;

pub(super) fn write(outcomes: &[Outcome]) -> String {
    let mut text = format!("TAP version 14\n1..{}\n", outcomes.len());
    for (n, outcome) in outcomes.iter().enumerate() {
        let verdict = if outcome.passed() { "ok" } else { "not ok" };
        text.push_str(&format!("{verdict} {} - {}\n", n + 1, escaped(&outcome.name)));
        let lines = lines(outcome);
        if !lines.is_empty() {
            // A YAML block; the literal style takes any text that is indented.
            text.push_str("  ---\n  message: |\n");
            lines.iter().for_each(|line| text.push_str(&format!("    {line}\n")));
            text.push_str("  ...\n");
        }
    }
    text
}

/// A `#` would begin a directive.
fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('#', "\\#").replace('\n', " ")
}
