use std::path::PathBuf;

use super::*;
use crate::outcome::{Failed, Replays};

fn outcomes() -> Vec<Outcome> {
    let outcome = |name: &str, failed| Outcome {
        file: PathBuf::from("a/conversations/x.toml"),
        line: 3,
        name: name.to_owned(),
        took: Duration::from_micros(1_500),
        replays: Replays { runs: 3, same: 2 },
        failed,
    };
    let failed = Failed {
        line: 7,
        expected: "the message to the contact to contain \"<tea>\"".to_owned(),
        got: "\"coffee & cake\"".to_owned(),
        so_far: vec!["06-01 12:00:00 <- contact: \"tea\"".to_owned()],
    };
    vec![outcome("all is well", None), outcome("order #2", Some(failed))]
}

fn written(format: Format) -> String {
    write(format, &outcomes(), Duration::from_millis(3))
}

#[test]
fn people_read_where_what_and_the_conversation_until_then() {
    let text = written(Format::Pretty);
    for line in [
        "  ✓ all is well (1.5 ms)",
        "  ✗ order #2 (1.5 ms)",
        "      a/conversations/x.toml:7",
        "      expected the message to the contact to contain \"<tea>\"",
        "           got \"coffee & cake\"",
        "        06-01 12:00:00 <- contact: \"tea\"",
        "1 passed, 1 failed in 3 ms",
        "replayed 6 runs, 4 the same",
    ] {
        assert!(text.lines().any(|written| written == line), "{line}\n{text}");
    }
}

#[test]
fn tap_has_a_plan_a_line_each_and_the_failure_as_yaml() {
    let text = written(Format::Tap);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..4], ["TAP version 14", "1..2", "ok 1 - all is well", "not ok 2 - order \\#2"]);
    assert_eq!((lines[4], lines[5], *lines.last().unwrap()), ("  ---", "  message: |", "  ..."));
}

#[test]
fn junit_is_xml_whatever_a_text_holds() {
    let text = written(Format::Junit);
    assert!(text.contains("<testsuites tests=\"2\" failures=\"1\" time=\"0.003000\">"), "{text}");
    assert!(text.contains("&lt;tea&gt;") && text.contains("coffee &amp; cake") && !text.contains("<tea>"), "{text}");
    assert!(text.contains("line=\"3\" time=\"0.001500\"/>"), "{text}");
}

#[test]
fn json_is_one_object() {
    let value: serde_json::Value = serde_json::from_str(&written(Format::Json)).unwrap();
    assert_eq!((&value["passed"], &value["failed"]), (&1.into(), &1.into()));
    assert_eq!(value["conversations"][1]["failure"]["line"], 7);
    assert!(value["conversations"][0]["failure"].is_null());
}
