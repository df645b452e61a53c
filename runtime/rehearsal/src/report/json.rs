//! One JSON object.

use std::time::Duration;

use serde_json::{Value, json};

use super::{failures, replays};
use crate::outcome::Outcome;

pub(super) fn write(outcomes: &[Outcome], took: Duration) -> String {
    let failed = failures(outcomes);
    let replayed = replays(outcomes);
    let all: Vec<_> = outcomes.iter().map(one).collect();
    let report = json!({
        "passed": outcomes.len() - failed, "failed": failed, "took_ms": millis(took), "replayed": replayed.runs,
        "replayed_the_same": replayed.same, "conversations": all,
    });
    format!("{report}\n")
}

fn one(outcome: &Outcome) -> Value {
    let failure = outcome.failed.as_ref().map(|failed| {
        json!({
            "line": failed.line, "expected": failed.expected, "got": failed.got, "so_far": failed.so_far,
        })
    });
    json!({
        "file": outcome.file, "line": outcome.line, "name": outcome.name, "passed": outcome.passed(),
        "took_ms": millis(outcome.took), "failure": failure,
    })
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
