//! The house holds: crates depend on each other in one direction, as the table of the design says.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Crates from the bottom up, with what each may use in the house. What isn't here may not be used.
const HOUSE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("smpp", &[]),
    ("limits", &[]),
    ("media", &[]),
    ("reach", &[]),
    ("forms", &[]),
    // Takes events and surroundings as values of its own, so that it can be fuzzed and measured alone.
    ("guest", &["forms"]),
    // Shares nothing with the house, so that it can't share its mistakes.
    ("simulator", &[]),
    ("text", &["model"]),
    ("store", &["model"]),
    ("policy", &["model"]),
    ("store-embedded", &["model", "store"]),
    ("store-redis", &["model", "store"]),
    ("registry", &["model", "store"]),
    ("records", &["model", "store"]),
    ("webhooks", &["model", "store", "reach"]),
    ("carriers", &["model", "text", "smpp", "limits"]),
    (
        "engine",
        &[
            "model", "text", "store", "policy", "registry", "limits", "guest", "carriers", "media", "reach",
            "webhooks", "records",
        ],
    ),
    ("api", &["model", "store", "guest", "carriers", "webhooks", "records", "engine"]),
    ("console", &["model", "api"]),
    (
        "rehearsal",
        &[
            "model", "text", "store", "registry", "policy", "guest", "carriers", "webhooks", "records", "engine",
            "forms",
        ],
    ),
    (
        "server",
        &[
            "model",
            "text",
            "store",
            "store-embedded",
            "store-redis",
            "policy",
            "registry",
            "limits",
            "guest",
            "carriers",
            "media",
            "reach",
            "webhooks",
            "records",
            "engine",
            "api",
            "console",
            "forms",
            "rehearsal",
            "simulator",
        ],
    ),
    // Outside the house: they start its programs.
    ("xtask", &[]),
    ("tests", &["xtask"]),
];

/// Of each crate what it uses in the house: by itself, and in its tests.
struct Uses {
    own: BTreeSet<String>,
    in_tests: BTreeSet<String>,
}

fn uses() -> BTreeMap<String, Uses> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut metadata = Command::new(cargo);
    metadata.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]).current_dir(root);
    let output = metadata.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    metadata["packages"].as_array().expect("there are packages").iter().map(package).collect()
}

fn package(package: &Value) -> (String, Uses) {
    let mut uses = Uses { own: BTreeSet::new(), in_tests: BTreeSet::new() };
    for dependency in package["dependencies"].as_array().expect("packages have dependencies") {
        if let Some(name) = short(&dependency["name"]) {
            let set = if dependency["kind"] == "dev" { &mut uses.in_tests } else { &mut uses.own };
            set.insert(name);
        }
    }
    (short(&package["name"]).expect("packages are named signalbox-…"), uses)
}

fn short(name: &Value) -> Option<String> {
    name.as_str()?.strip_prefix("signalbox-").map(str::to_owned)
}

fn allowed(name: &str) -> BTreeSet<String> {
    let found = HOUSE.iter().filter(|(of, _)| *of == name).flat_map(|(_, uses)| uses.iter());
    found.map(|name| (*name).to_owned()).collect()
}

/// What stands before a crate in the table: its tests may use all of it.
fn before(name: &str) -> BTreeSet<String> {
    HOUSE.iter().map(|(of, _)| *of).take_while(|of| *of != name).map(str::to_owned).collect()
}

#[test]
fn every_crate_uses_only_what_the_table_allows() {
    for (name, uses) in uses() {
        assert!(HOUSE.iter().any(|(of, _)| *of == name), "{name} isn't in the table of the house");
        let own = allowed(&name);
        let more: Vec<_> = uses.own.difference(&own).collect();
        assert!(more.is_empty(), "{name} uses {more:?}, which the table of the house doesn't allow");
        let more: Vec<_> = uses.in_tests.difference(&before(&name)).cloned().collect();
        assert!(more.is_empty(), "tests of {name} use {more:?}, which doesn't stand before it in the table");
    }
}

#[test]
fn arrows_point_down_the_table() {
    for (at, (name, uses)) in HOUSE.iter().enumerate() {
        for used in *uses {
            let below = HOUSE[..at].iter().any(|(other, _)| other == used);
            assert!(below, "{name} may use {used}, which doesn't stand before it");
        }
    }
}

#[test]
fn the_readers_of_metadata_see_what_there_is() {
    let uses = uses();
    assert!(uses["engine"].own.contains("store") && uses["server"].own.contains("engine"));
    assert!(uses["carriers"].in_tests.contains("simulator") && !uses["carriers"].own.contains("simulator"));
}
