//! The help-desk of the guest examples, rehearsed.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use signalbox_rehearsal::{EventFile, Outcome, Script, Stage, projects};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

fn folder() -> PathBuf {
    root().join("guest-examples/rust/echo-support")
}

fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let project = projects(&[folder()], false).unwrap().remove(0);
        let component = project.component().unwrap();
        let bytes = std::fs::read(&component).unwrap();
        Stage::new(Stage::host(None).unwrap(), project.manifest, &component, bytes).unwrap()
    })
}

/// Plays the one conversation that has these steps.
fn play(setup: &str, steps: &str) -> Outcome {
    let text = format!("{setup}\n[[conversation]]\nname = \"a test\"\nsteps = [\n{steps}\n]\n");
    let script = Script::parse(Path::new("test.toml"), &text).unwrap_or_else(|error| panic!("{error}"));
    stage().play(&script, &script.conversations[0])
}

/// Plays steps of which the last one fails: what was expected, and what was there.
fn missed(steps: &str) -> (String, String) {
    let failed = play("", steps).failed.expect("it went as expected");
    (failed.expected, failed.got)
}

#[test]
fn its_scripts_pass() {
    let project = projects(&[folder()], false).unwrap().remove(0);
    let mut played = 0;
    for script in &project.scripts {
        for conversation in &script.conversations {
            let outcome = stage().play(script, conversation);
            assert!(outcome.passed(), "{}: {:#?}", outcome.name, outcome.failed);
            played += 1;
        }
    }
    assert!(played >= 6, "{played}");
}

#[test]
fn a_conversation_goes_the_same_way_each_time() {
    let steps = r#"{ in = "hello" }, { in = "order 7" }, { advance = "2h" }, { expect = "held" }"#;
    let runs: Vec<_> = (0..5).map(|_| play("", steps).failed.unwrap().so_far).collect();
    assert!(runs[0].len() > 5, "{:#?}", runs[0]);
    assert!(runs.iter().all(|run| *run == runs[0]), "{runs:#?}");
}

#[test]
fn a_failure_has_its_line_and_the_conversation_until_then() {
    let outcome = play("", "{ in = \"order 7\" },\n{ expect = \"reply\", contains = \"order 8\" },\n{ in = \"x\" },");
    let failed = outcome.failed.unwrap();
    assert_eq!((outcome.line, failed.line), (2, 6));
    assert_eq!(failed.expected, "the message to the contact to contain \"order 8\"");
    assert_eq!(failed.got, "\"Order 7 is on its way. We'll ask again later.\"");
    assert_eq!(failed.so_far[0], "06-01 12:00:00 <- contact: \"order 7\"");
    assert!(failed.so_far.iter().any(|line| line.contains("note label = order")), "{:#?}", failed.so_far);
    assert!(failed.so_far.last().unwrap().contains("-> contact: \"Order 7"), "{:#?}", failed.so_far);
}

#[test]
fn whatever_is_not_as_expected_is_said() {
    for (steps, expected, got) in [
        (
            r#"{ expect = "reply", contains = "tea" }"#,
            "a message to the contact containing \"tea\"",
            "no further message went there",
        ),
        (r#"{ in = "hello" }, { expect = "nothing" }"#, "no further message", "\"you wrote: hello"),
        (
            r#"{ in = "thanks" }, { expect = "reply" }, { expect = "rejected" }"#,
            "the last send to be refused",
            "it is sent",
        ),
        (r#"{ send = "hi" }, { expect = "held" }"#, "the last send to wait for its time", "it is sent"),
        (
            r#"{ in = "order 7" }, { timer = "follow-up", due = "2h" }"#,
            "a timer `follow-up` at 06-01 14:00:00 (in 2h)",
            "set are `follow-up` at 06-01 13:00:00 (in 1h)",
        ),
        (r#"{ timer = "follow-up" }"#, "a timer `follow-up`", "no timer is set"),
        (
            r#"{ in = "order 7" }, { state = "topic", equals = "tea" }"#,
            "what is kept under `topic` to be \"tea\"",
            "\"order\"",
        ),
        (r#"{ state = "topic" }"#, "something kept under `topic`", "nothing is"),
        (
            r#"{ in = "order 7" }, { note = "label", equals = "tea" }"#,
            "the note `label` to be \"tea\"",
            "label = order",
        ),
        (r#"{ log = "fell back" }"#, "a line of the log to contain \"fell back\"", "the log is empty"),
        (
            r#"{ http = "POST https://api.example.com/", times = 1 }"#,
            "1 call POST https://api.example.com/",
            "0 fit; none was made",
        ),
        (r#"{ in = "hello" }, { parked = true }"#, "the event to be set aside", "it isn't"),
        (r#"{ receipt = "delivered" }"#, "a message that went out, for the receipt to be of", "nothing went out yet"),
    ] {
        let missed = missed(steps);
        assert_eq!(missed.0, expected, "{steps}");
        assert!(missed.1.starts_with(got), "{steps}: {}", missed.1);
    }
}

#[test]
fn a_contact_who_opted_out_before_gets_nothing() {
    let setup = "[setup]\nconsent = \"opted-out\"";
    let steps = r#"{ send = "Sale!", category = "marketing" }, { expect = "rejected", contains = "opted-out" }, { expect = "nothing" }"#;
    assert!(play(setup, steps).passed(), "{:#?}", play(setup, steps).failed);
}

#[test]
fn a_setup_that_cant_stand_fails_the_conversation_and_says_why() {
    let failed = play("[setup]\nsettings = { hour = \"9 to 5\" }", r#"{ in = "hours" }"#).failed.unwrap();
    assert!(failed.got.contains("no setting `hour`") && failed.got.contains("did you mean `hours`?"), "{}", failed.got);
}

#[test]
fn one_event_shows_what_the_handler_asks_for() {
    let text = r#"{ "kind": "message", "text": "hm", "state": { "contact": { "name": "Ada" }, "conversation": { "turns": "4" } } }"#;
    let done = stage().invoke(&EventFile::parse("event.json", text).unwrap()).unwrap().unwrap();
    assert_eq!(done.effects.sends[0].text, "Ada, you wrote: hm (message 5). Try HOURS, ORDER or AGENT.");
    assert_eq!(
        (done.effects.sends[0].to_owned().recipient.as_str(), done.usage.host_calls > 0),
        ("+15550199001", true)
    );
    let wrong = EventFile::parse("event.json", r#"{ "kind": "message", "txet": "hm" }"#).unwrap_err().to_string();
    assert!(wrong.starts_with("event.json: unknown field `txet`"), "{wrong}");
}
