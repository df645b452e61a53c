//! For people.

use std::path::Path;
use std::time::Duration;

use super::{failures, lines, replays};
use crate::outcome::{Outcome, Replays};

pub(super) fn write(outcomes: &[Outcome], took: Duration) -> String {
    let mut text = String::new();
    let mut file: Option<&Path> = None;
    for outcome in outcomes {
        if file != Some(&outcome.file) {
            file = Some(&outcome.file);
            text.push_str(&format!("{}\n", outcome.file.display()));
        }
        let sign = if outcome.passed() { "✓" } else { "✗" };
        text.push_str(&format!("  {sign} {} ({:.1} ms)\n", outcome.name, outcome.took.as_secs_f64() * 1_000.0));
        for line in lines(outcome) {
            text.push_str(&format!("      {line}\n"));
        }
    }
    let (all, failed) = (outcomes.len(), failures(outcomes));
    let passed = all - failed;
    let ending = if failed == 0 { format!("{passed} passed") } else { format!("{passed} passed, {failed} failed") };
    text.push_str(&format!("\n{ending} in {:.0} ms\n", took.as_secs_f64() * 1_000.0));
    let Replays { runs, same } = replays(outcomes);
    text.push_str(&format!("replayed {runs} runs, {same} the same\n"));
    text
}
