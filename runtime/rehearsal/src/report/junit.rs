//! JUnit's XML, as most build servers read it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{failures, lines};
use crate::outcome::Outcome;

pub(super) fn write(outcomes: &[Outcome], took: Duration) -> String {
    let mut files: BTreeMap<_, Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        files.entry(&outcome.file).or_default().push(outcome);
    }
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{}\" failures=\"{}\" time=\"{:.6}\">\n",
        outcomes.len(),
        failures(outcomes),
        took.as_secs_f64()
    );
    for (file, outcomes) in files {
        let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
        let time: f64 = outcomes.iter().map(|outcome| outcome.took.as_secs_f64()).sum();
        let name = escaped(&file.display().to_string());
        let (tests, suite) = (outcomes.len(), &name);
        text.push_str(&format!(
            "  <testsuite name=\"{suite}\" tests=\"{tests}\" failures=\"{failed}\" time=\"{time:.6}\">\n"
        ));
        outcomes.iter().for_each(|outcome| text.push_str(&case(outcome, &name)));
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn case(outcome: &Outcome, file: &str) -> String {
    let (name, line, time) = (escaped(&outcome.name), outcome.line, outcome.took.as_secs_f64());
    let open = format!(
        "    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\" time=\"{time:.6}\""
    );
    let Some(failed) = &outcome.failed else { return format!("{open}/>\n") };
    let message = escaped(&format!("expected {}; got {}", failed.expected, failed.got));
    let body = escaped(&lines(outcome).join("\n"));
    format!("{open}>\n      <failure message=\"{message}\">{body}</failure>\n    </testcase>\n")
}

/// For attributes and text; what XML 1.0 can't hold at all becomes a question mark.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('?'),
            c => escaped.push(c),
        }
    }
    escaped
}
