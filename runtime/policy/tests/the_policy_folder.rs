//! The rules of `policies/` do what the cases beside them say, and each rule has a case where it fires and one where it
//! just doesn't.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use signalbox_policy::{Fact, Kind, Policies, RuleSet, cases};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

fn rules() -> RuleSet {
    RuleSet::load(&folder()).expect("the folder loads")
}

fn all_cases() -> Vec<cases::Case> {
    let files = std::fs::read_dir(folder().join("tests")).expect("the folder has cases");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        cases::parse(&name, &std::fs::read_to_string(&path).expect("text")).unwrap_or_else(|error| panic!("{error}"))
    };
    let is_cases = |entry: &std::io::Result<std::fs::DirEntry>| {
        entry.as_ref().is_ok_and(|entry| entry.path().extension().is_some_and(|extension| extension == "toml"))
    };
    files.filter(is_cases).flat_map(read).collect()
}

#[test]
fn the_folder_is_what_the_program_was_built_with() {
    assert_eq!(Policies::load(&folder()).unwrap(), Policies::built_in());
}

#[test]
fn every_case_holds() {
    let rules = rules();
    let wrong: Vec<String> =
        all_cases().iter().filter_map(|case| Some(format!("{}: {}", case.name, case.check(&rules)?))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_case_where_it_fires_and_a_near_miss() {
    let cases = all_cases();
    let ids: BTreeSet<_> = rules().rules().iter().map(|rule| rule.id().to_owned()).collect();
    let fires: BTreeSet<_> = cases.iter().flat_map(|case| case.fires.clone()).collect();
    let spares: BTreeSet<_> = cases.iter().flat_map(|case| case.spares.clone()).collect();
    assert_eq!(ids, fires);
    assert_eq!(ids, spares);
    assert!(cases.iter().all(|case| case.fires.iter().all(|rule| !case.spares.contains(rule))));
}

#[test]
fn the_readme_has_every_fact() {
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for fact in Fact::ALL {
        let kind = match fact.kind() {
            Kind::Bool => "bool".to_owned(),
            Kind::Int => "int".to_owned(),
            Kind::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" "),
        };
        let row = format!("| `{}` | {kind} | {} |", fact.name(), fact.doc());
        assert!(readme.contains(&row), "policies/README.md lacks this row:\n{row}");
    }
}

#[test]
fn a_folder_without_a_floor_has_the_built_in_one() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(Policies::load(empty.path()).unwrap(), Policies::built_in());
    std::fs::write(empty.path().join("more.toml"), "[[rule]]\nid = 1").unwrap();
    let error = Policies::load(empty.path()).unwrap_err().to_string();
    assert!(error.starts_with("more.toml:2:6: "), "{error}");
    assert!(Policies::load(&empty.path().join("none")).unwrap_err().to_string().contains("none"));
}

#[test]
fn the_floor_decides_quickly() {
    let rules = rules();
    let passing = all_cases().into_iter().find(|case| case.fires.is_empty()).unwrap().facts;
    let round = || {
        let begin = Instant::now();
        for _ in 0..1_000 {
            assert!(std::hint::black_box(rules.decide(std::hint::black_box(&passing))).reasons.is_empty());
        }
        begin.elapsed().as_nanos() / 1_000
    };
    // The best of several rounds, as the machine may be busy; unoptimized code is allowed its slowness.
    let best = (0..20).map(|_| round()).min().unwrap();
    let limit = if cfg!(debug_assertions) { 20_000 } else { 1_000 };
    println!("{best} ns a decision");
    assert!(best <= limit, "{best} ns a decision");
}
