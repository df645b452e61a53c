//! Every guest example holds the conversations that its scripts say. The tests are made from the folders there are.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use signalbox_tests::place::binary;
use signalbox_tests::replays::count_in;

include!(concat!(env!("OUT_DIR"), "/examples.rs"));

/// Plays the scripts of an example with its component, as `cargo xtask guests` built it. Each run of the handler must have
/// been replayed, and have done the same.
fn play(example: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-examples").join(example);
    let output = test(&folder);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report:#}{complained}");
    let count = |key: &str| report[key].as_u64().unwrap();
    assert!(count("passed") > 0 && count("replayed") > 0, "{report:#}");
    assert_eq!(count("replayed"), count("replayed_the_same"), "{report:#}");
    count_in(count("replayed"), count("replayed_the_same"));
}

fn test(folder: &Path) -> Output {
    Command::new(binary("signalbox"))
        .args(["test", "--format", "json"])
        .arg(folder)
        .output()
        .expect("the binary starts")
}

/// What support-triage knows is made of the texts beside it: nobody else's figures, and the README's are these.
#[test]
fn the_model_of_support_triage_is_what_its_texts_make() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-examples/python/support-triage");
    let mut train = Command::new("python3");
    train.arg(folder.join("training/train.py")).arg("--check").env("PYTHONDONTWRITEBYTECODE", "1");
    let output = train.output().expect("python3 is there: the peers need it, too");
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{complained}");
    assert!(said.contains("intent: 78 of 94 held-out texts right"), "{said}");
    assert!(said.contains("sentiment: 84 of 94 held-out texts right"), "{said}");
}
