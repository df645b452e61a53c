//! All cases of a folder, run: what failed, and what no case touches.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::{Cases, parse};
use crate::error::Error;
use crate::policies::{Origin, Policies};
use crate::rules::Outcome;

/// How the cases went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many there are.
    pub cases: usize,
    /// Those that don't hold.
    pub failed: Vec<Failed>,
    /// Each rule that is in force in one of the files, and how often a case has it fire and come near.
    pub coverage: BTreeMap<String, Coverage>,
}

/// A case that doesn't hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// Its file.
    pub file: String,
    /// Its name.
    pub case: String,
    /// How.
    pub why: String,
}

/// How often a rule is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Coverage {
    /// Cases in which its condition has it fire.
    pub fires: usize,
    /// Near misses: cases in which its condition just doesn't hold.
    pub spares: usize,
}

impl Report {
    /// Rules that no case has fire.
    pub fn never_fire(&self) -> Vec<&str> {
        self.coverage.iter().filter(|(_, covered)| covered.fires == 0).map(|(rule, _)| rule.as_str()).collect()
    }

    /// Rules that no case is a near miss of.
    pub fn never_spared(&self) -> Vec<&str> {
        self.coverage.iter().filter(|(_, covered)| covered.spares == 0).map(|(rule, _)| rule.as_str()).collect()
    }
}

/// Runs every case of the folder's `tests`, each file with the packs that it names and those that are on anyway.
pub fn run(origin: &Origin) -> Result<Report, Error> {
    let mut report = Report { cases: 0, failed: Vec::new(), coverage: BTreeMap::new() };
    let mut opened: BTreeMap<Vec<String>, Policies> = BTreeMap::new();
    for file in files(origin)? {
        let packs: BTreeSet<String> = origin.packs.iter().chain(&file.packs).cloned().collect();
        let packs: Vec<String> = packs.into_iter().collect();
        if !opened.contains_key(&packs) {
            let policies = Policies::open(&Origin { folder: origin.folder.clone(), packs: packs.clone() })?;
            opened.insert(packs.clone(), policies);
        }
        run_file(&file, &opened[&packs], &mut report);
    }
    // A folder without cases has rules nevertheless.
    if report.coverage.is_empty() {
        let policies = Policies::open(origin)?;
        report.coverage =
            policies.rules.rules().iter().map(|rule| (rule.id().to_owned(), Coverage::default())).collect();
    }
    Ok(report)
}

fn run_file(file: &Cases, policies: &Policies, report: &mut Report) {
    for rule in policies.rules.rules() {
        report.coverage.entry(rule.id().to_owned()).or_default();
    }
    for case in &file.cases {
        report.cases += 1;
        let mut fail = |why: String| {
            report.failed.push(Failed { file: file.file.clone(), case: case.name.clone(), why });
        };
        if let Some(why) = case.check(policies) {
            fail(why);
        }
        if let Some(rule) = case.spares.iter().find(|rule| case.fires.contains(rule)) {
            fail(format!("{rule} is to fire and to be spared"));
        }
        for rule in case.spares.iter().filter(|rule| !report.coverage.contains_key(*rule)) {
            report.failed.push(Failed {
                file: file.file.clone(),
                case: case.name.clone(),
                why: format!("there is no rule `{rule}` to be spared"),
            });
        }
        // What a rule does because something isn't known shows nothing of its condition.
        for rule in case.fires.iter().filter(|rule| case.outcome(policies, rule) == Some(Outcome::Fired)) {
            report.coverage.entry(rule.clone()).or_default().fires += 1;
        }
        for rule in case.spares.iter().filter(|rule| case.outcome(policies, rule) == Some(Outcome::Passed)) {
            report.coverage.entry(rule.clone()).or_default().spares += 1;
        }
    }
}

fn files(origin: &Origin) -> Result<Vec<Cases>, Error> {
    let Some(folder) = origin.folder.as_ref().map(|folder| folder.join("tests")) else {
        return crate::BUILT_IN_CASES.iter().map(|(name, text)| parse(name, text)).collect();
    };
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| Error::Read { path, source }
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed(&folder))? {
        let path = entry.map_err(failed(&folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".toml") {
            let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
            files.push(parse(&format!("tests/{name}"), &text)?);
        }
    }
    files.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(files)
}
