//! Outcomes for people and programs.

mod json;
mod junit;
mod pretty;
mod tap;

use std::time::Duration;

use crate::outcome::{Outcome, Replays};

/// How outcomes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Pretty,
    /// The Test Anything Protocol, version 14.
    Tap,
    /// JUnit's XML, as most build servers read it.
    Junit,
    /// One JSON object.
    Json,
}

/// Writes outcomes, with the time that all of them took.
pub fn write(format: Format, outcomes: &[Outcome], took: Duration) -> String {
    match format {
        Format::Pretty => pretty::write(outcomes, took),
        Format::Tap => tap::write(outcomes),
        Format::Junit => junit::write(outcomes, took),
        Format::Json => json::write(outcomes, took),
    }
}

/// How many failed.
fn failures(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| !outcome.passed()).count()
}

/// The runs of all of them that were replayed.
fn replays(outcomes: &[Outcome]) -> Replays {
    outcomes.iter().fold(Replays::default(), |all, outcome| Replays {
        runs: all.runs + outcome.replays.runs,
        same: all.same + outcome.replays.same,
    })
}

/// A failure in lines: where, what, and the conversation until then.
fn lines(outcome: &Outcome) -> Vec<String> {
    let Some(failed) = &outcome.failed else { return Vec::new() };
    let mut lines = vec![
        format!("{}:{}", outcome.file.display(), failed.line),
        format!("expected {}", failed.expected),
        format!("     got {}", failed.got),
    ];
    if !failed.so_far.is_empty() {
        lines.push("the conversation so far:".to_owned());
        lines.extend(failed.so_far.iter().map(|line| format!("  {line}")));
    }
    lines
}

#[cfg(test)]
mod tests;
