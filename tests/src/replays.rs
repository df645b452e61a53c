//! Every run of a handler that a story caused does the same when it is replayed.

use crate::place;
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::Command;

/// More runs than any story makes.
const ALL: &str = "100000";

/// Replays every run that the tenants of these keys have recorded at `url`, as anybody can: `signalbox replay`. Fails if one
/// of them does otherwise, or can't be replayed. It waits for a process and not for a future, since a story that ends has
/// nobody left to poll.
pub fn are_the_same(url: &str, keys: &[&str]) {
    for key in keys {
        let mut command = Command::new(place::binary("signalbox"));
        command.args(["replay", "--last", ALL, "--json"]).env("SIGNALBOX_URL", url).env("SIGNALBOX_KEY", key);
        let ended = command.output().expect("the binary starts");
        let answer: Value = serde_json::from_slice(&ended.stdout)
            .unwrap_or_else(|_| panic!("runs couldn't be replayed: {}", String::from_utf8_lossy(&ended.stderr)));
        let nothing = Value::Array(Vec::new());
        assert!(answer["different"] == nothing && answer["left_out"] == nothing, "not the same again: {answer:#}");
        let count = |key: &str| answer[key].as_u64().expect("a count");
        count_in(count("replayed"), count("same"));
    }
}

/// Adds to what [`place::replayed`] says.
pub fn count_in(replayed: u64, same: u64) {
    if replayed > 0 {
        let mut file =
            OpenOptions::new().create(true).append(true).open(place::replayed()).expect("target can be written");
        file.write_all(format!("{replayed} {same}\n").as_bytes()).expect("target can be written");
    }
}
