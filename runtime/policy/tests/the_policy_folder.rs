//! The rules of `policies/` do what the cases beside them say, and each rule has a case where it fires and one where it
//! just doesn't.

use std::path::PathBuf;
use std::time::Instant;

use signalbox_policy::cases::{self, Report};
use signalbox_policy::{Fact, Facts, Kind, Origin, Policies, Whose};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

fn report() -> Report {
    cases::run(&Origin { folder: Some(folder()), packs: vec![] }).expect("the folder loads")
}

#[test]
fn the_folder_is_what_the_program_was_built_with() {
    for packs in [vec![], vec!["us".to_owned()]] {
        let there = Policies::open(&Origin { folder: Some(folder()), packs: packs.clone() }).unwrap();
        assert_eq!(there, Policies::open(&Origin { folder: None, packs }).unwrap());
    }
    assert_eq!(cases::run(&Origin::default()).unwrap(), report());
}

#[test]
fn every_case_holds() {
    let report = report();
    let wrong: Vec<_> = report.failed.iter().map(|f| format!("{}: {}: {}", f.file, f.case, f.why)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_case_where_it_fires_and_a_near_miss() {
    let report = report();
    assert_eq!((report.never_fire(), report.never_spared()), (vec![], vec![]));
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
    let policies = Policies::built_in();
    let passing = Facts { direction: Some(signalbox_model::Direction::Inbound), ..Facts::default() };
    let round = || {
        let begin = Instant::now();
        for _ in 0..1_000 {
            let decision = policies.decide(std::hint::black_box(&passing), Whose::default());
            assert!(std::hint::black_box(decision).reasons.is_empty());
        }
        begin.elapsed().as_nanos() / 1_000
    };
    // The best of several rounds, as the machine may be busy; unoptimized code is allowed its slowness.
    let best = (0..20).map(|_| round()).min().unwrap();
    let limit = if cfg!(debug_assertions) { 20_000 } else { 1_000 };
    println!("{best} ns a decision");
    assert!(best <= limit, "{best} ns a decision");
}

#[test]
fn a_pack_that_isnt_there_is_told() {
    let error = Policies::open(&Origin { folder: None, packs: vec!["eu".into()] }).unwrap_err().to_string();
    assert!(error.contains("there is no pack `eu`"), "{error}");
    for strange in ["../us", "tests", "data", "tenants", ""] {
        assert!(Policies::open(&Origin { folder: Some(folder()), packs: vec![strange.into()] }).is_err(), "{strange}");
    }
}

#[cfg(unix)]
#[test]
fn folders_that_lead_back_to_themselves_are_read_once() {
    let there = tempfile::tempdir().unwrap();
    std::fs::write(there.path().join("floor.toml"), signalbox_policy::BUILT_IN_FLOOR).unwrap();
    std::os::unix::fs::symlink(there.path(), there.path().join("loop")).unwrap();
    std::os::unix::fs::symlink(there.path(), there.path().join("carriers")).unwrap();
    std::os::unix::fs::symlink("nowhere.toml", there.path().join("gone.toml")).unwrap();
    // The same file under another name has the same ids: refused, not read for ever.
    let error = Policies::load(there.path()).unwrap_err().to_string();
    assert!(error.contains("carriers/floor.toml"), "{error}");
}

#[test]
fn what_is_no_ordinary_file_or_too_large_is_refused_and_not_read_to_its_end() {
    for (file, most) in [("keywords.toml", 1 << 20), ("data/terms.toml", 32 << 20), ("more.toml", 1 << 20)] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let path = folder.path().join(file);
        std::fs::write(&path, "# ".repeat(most / 2 + 1)).unwrap();
        let error = Policies::load(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{file}:1:1: is larger than {most} bytes")), "{error}");
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        // Rules are whatever files there are; a table or list of words has its place.
        match Policies::load(folder.path()) {
            Ok(policies) => assert!(file == "more.toml" && policies == Policies::built_in()),
            Err(error) => assert!(error.to_string().contains("isn't an ordinary file"), "{error}"),
        }
    }
}

#[test]
fn decisions_say_which_words_and_answers_were_in_force() {
    let tables = |file: &str| {
        let folder = tempfile::tempdir().unwrap();
        let text = std::fs::read_to_string(self::folder().join(file)).unwrap();
        std::fs::write(folder.path().join(file), format!("{text}\n")).unwrap();
        let policies = Policies::load(folder.path()).unwrap();
        policies.decide(&Default::default(), Default::default()).trace.tables
    };
    let built_in = Policies::built_in();
    let mut seen = vec![built_in.tables.hash()];
    seen.extend(["keywords.toml", "revocation.toml", "answers.toml"].map(tables));
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 4);
    let names: Vec<_> = built_in.tables.versions().iter().map(|version| version.file.as_str()).collect();
    assert!(["keywords.toml", "revocation.toml", "answers.toml"].iter().all(|file| names.contains(file)), "{names:?}");
}
