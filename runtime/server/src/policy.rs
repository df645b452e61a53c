//! `signalbox policy`: check a folder of policies, run its cases, see what they don't touch, explain a decision.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};
use signalbox_model::{Decision, MessageId};
use signalbox_policy::cases::{self, Report};
use signalbox_policy::explain::{Explained, explain_by};
use signalbox_policy::{Described, Origin, Policies, Whose};

use crate::args::Server;
use crate::exit::{self, Error};
use crate::whatif::{self, WhatIf};
use crate::{block_on, client, out};

/// `signalbox policy`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read a folder of policies and say everything that is wrong with it.
    Check(Folder),
    /// Run the folder's cases.
    Test(Folder),
    /// Say which rules no case has fire, and which none comes near.
    Coverage(Folder),
    /// Say what a changed folder would have made of recorded messages.
    Whatif(WhatIf),
    /// Tell what a decision stood on.
    Explain {
        /// A message of a running Signalbox (`msg_…`), or a file with a decision or a timeline as the API prints them.
        what: String,
        /// The policy folder that was in force. It isn't needed for messages of a running Signalbox, which keeps what was in
        /// force then; without it a file's decisions are read with the built-in policies.
        #[arg(long)]
        policies: Option<PathBuf>,
        /// A pack that was switched on; may be given several times.
        #[arg(long = "pack")]
        packs: Vec<String>,
        /// Whom to ask for a message.
        #[command(flatten)]
        server: Server,
    },
}

/// Which policies.
#[derive(Debug, clap::Args)]
pub struct Folder {
    /// The folder; the built-in policies if there is none.
    pub folder: Option<PathBuf>,
    /// A pack to switch on; may be given several times.
    #[arg(long = "pack")]
    pub packs: Vec<String>,
    /// Answer with one JSON object.
    #[arg(long)]
    pub json: bool,
}

impl Folder {
    fn origin(&self) -> Origin {
        Origin { folder: self.folder.clone(), packs: self.packs.clone() }
    }
}

/// Runs the command.
pub fn run(command: &Command) -> Result<ExitCode, Error> {
    match command {
        Command::Check(folder) => check(folder),
        Command::Test(folder) => test(folder),
        Command::Coverage(folder) => coverage(folder),
        Command::Whatif(args) => whatif::run(args),
        Command::Explain { what, policies, packs, server } => {
            let origin = Origin { folder: policies.clone(), packs: packs.clone() };
            explain_decisions(what, &Policies::open(&origin)?, server)
        }
    }
}

fn check(folder: &Folder) -> Result<ExitCode, Error> {
    match Policies::open(&folder.origin()) {
        Ok(policies) => {
            let (rules, tables) = (policies.rules.hash(), policies.tables.hash());
            let count = policies.rules.rules().len();
            if folder.json {
                let tables_of = policies.tables.versions().iter();
                let versions: Vec<_> = tables_of.map(|v| json!({ "file": v.file, "as_of": v.as_of })).collect();
                let (rules, tables) = (format!("{rules:016x}"), format!("{tables:016x}"));
                out::line(
                    json!({ "ok": true, "rules": rules, "count": count, "tables": tables, "versions": versions, "complaints": [] }),
                );
            } else {
                out::line(format_args!("fine: {count} rules, set {rules:016x}, tables {tables:016x}"));
                for version in policies.tables.versions() {
                    out::line(format_args!("  {:<22} as of {}", version.file, version.as_of));
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => refused(error, folder.json),
    }
}

/// What is wrong, as an answer where JSON was asked for.
fn refused(error: signalbox_policy::Error, json: bool) -> Result<ExitCode, Error> {
    if !json {
        return Err(error.into());
    }
    let complaints = match &error {
        signalbox_policy::Error::Refused(complaints) => {
            let one = |c: &signalbox_policy::Complaint| json!({ "file": c.file, "line": c.line, "column": c.column, "reason": c.reason });
            complaints.iter().map(one).collect()
        }
        signalbox_policy::Error::Read { .. } => vec![json!({ "reason": error.to_string() })],
    };
    out::line(json!({ "ok": false, "complaints": complaints }));
    Ok(ExitCode::from(exit::WRONG))
}

fn report(folder: &Folder) -> Result<Result<Report, ExitCode>, Error> {
    match cases::run(&folder.origin()) {
        Ok(report) => Ok(Ok(report)),
        Err(error) => refused(error, folder.json).map(Err),
    }
}

fn test(folder: &Folder) -> Result<ExitCode, Error> {
    let report = match report(folder)? {
        Ok(report) => report,
        Err(code) => return Ok(code),
    };
    let ok = report.failed.is_empty();
    if folder.json {
        out::line(json!({ "ok": ok, "cases": report.cases, "failed": report.failed }));
    } else {
        for failed in &report.failed {
            out::line(format_args!("{}: {}: {}", failed.file, failed.case, failed.why));
        }
        out::line(format_args!("{} cases, {} failed", report.cases, report.failed.len()));
    }
    Ok(ExitCode::from(if ok { 0 } else { exit::FAILED }))
}

fn coverage(folder: &Folder) -> Result<ExitCode, Error> {
    let report = match report(folder)? {
        Ok(report) => report,
        Err(code) => return Ok(code),
    };
    let (never_fire, never_spared) = (report.never_fire(), report.never_spared());
    let ok = never_fire.is_empty() && never_spared.is_empty();
    if folder.json {
        out::line(json!({
            "ok": ok, "cases": report.cases, "never_fire": never_fire, "never_spared": never_spared, "rules": report.coverage,
        }));
    } else {
        out::line(format_args!("{:<42} {:>5} {:>6}", "rule", "fires", "spared"));
        for (rule, covered) in &report.coverage {
            let mark = if covered.fires == 0 || covered.spares == 0 { "  <- not tested" } else { "" };
            out::line(format_args!("{rule:<42} {:>5} {:>6}{mark}", covered.fires, covered.spares));
        }
        let (all, fire, spared) = (report.coverage.len(), never_fire.len(), never_spared.len());
        out::line(format_args!("{all} rules, {fire} that no case has fire, {spared} that no case comes near"));
    }
    Ok(ExitCode::from(if ok { 0 } else { exit::FAILED }))
}

/// A decision and where in a timeline it stands.
pub(crate) struct Found {
    pub(crate) at: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) decision: Decision,
}

fn explain_decisions(what: &str, policies: &Policies, server: &Server) -> Result<ExitCode, Error> {
    let is_message = what.parse::<MessageId>().is_ok();
    let answer = if is_message {
        block_on(Some(1), async { Ok(client::timeline_of(server, what).await?) })?
    } else {
        read(Path::new(what))?
    };
    let (tenant, campaign) = (text(&answer, "tenant"), text(&answer, "campaign"));
    let whose = Whose { tenant: tenant.as_deref(), campaign: campaign.as_deref() };
    let found = decisions(&answer);
    let at_hand = policies.describe();
    let mut sets = BTreeMap::new();
    let mut explained: Vec<(Found, Explained)> = Vec::new();
    for found in found {
        let mut told = explain_by(&at_hand, &found.decision, whose);
        let version = (found.decision.rules, found.decision.trace.tables);
        // A running Signalbox says whose message it is, too: a tenant's own rules are told only then.
        if is_message {
            let set = match sets.entry(version) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(block_on(Some(1), kept(server, version))?),
            };
            if let Some(set) = set {
                let whose = Whose { tenant: whose.tenant.or(Some(&set.tenant)), ..whose };
                told = explain_by(&set.described, &found.decision, whose);
                told.taken_at = Some(set.taken_at.clone());
            }
        }
        explained.push((found, told));
    }
    if server.json {
        let one =
            |(found, told): &(Found, Explained)| json!({ "at": found.at, "status": found.status, "decision": told });
        out::line(json!({ "decisions": explained.iter().map(one).collect::<Vec<_>>() }));
    } else if explained.is_empty() {
        out::line("there is no decision in it");
    } else {
        for (found, told) in &explained {
            if let (Some(at), Some(status)) = (&found.at, &found.status) {
                out::line(format_args!("== {at}: {status}"));
            }
            out::line(told.to_text());
        }
    }
    Ok(ExitCode::from(if explained.is_empty() { exit::FAILED } else { 0 }))
}

/// Policies as a running Signalbox wrote them down.
pub(crate) struct Kept {
    /// Whose rules are in it beside those for everybody.
    pub(crate) tenant: String,
    /// When they were first in use.
    pub(crate) taken_at: String,
    pub(crate) described: Described,
}

/// What a running Signalbox wrote down of policies; `None` if it has nothing of them.
pub(crate) async fn kept(server: &Server, (rules, tables): (u64, u64)) -> Result<Option<Kept>, Error> {
    let set = client::policy_set(server, rules, tables).await?;
    Ok(set.and_then(|set| {
        let (tenant, taken_at) = (text(&set, "tenant")?, text(&set, "taken_at")?);
        Some(Kept { tenant, taken_at, described: serde_json::from_value(set).ok()? })
    }))
}

pub(crate) fn read(file: &Path) -> Result<Value, Error> {
    let failed = |source| Error::Read { file: file.display().to_string(), source };
    let bytes = std::fs::read(file).map_err(failed)?;
    serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))
}

pub(crate) fn text(answer: &Value, key: &str) -> Option<String> {
    let message = answer.get("message").unwrap_or(answer);
    message.get(key)?.as_str().map(str::to_owned)
}

/// Every decision in an answer of the API: the answer itself, or those in its timeline.
pub(crate) fn decisions(answer: &Value) -> Vec<Found> {
    let read = |value: &Value| serde_json::from_value::<Decision>(value.clone()).ok();
    if let Some(decision) = read(answer).or_else(|| read(answer.get("decision")?)) {
        return vec![Found { at: None, status: None, decision }];
    }
    let entries = answer.get("entries").or_else(|| answer.get("timeline")).and_then(Value::as_array);
    let one = |entry: &Value| {
        let decision = read(entry.get("cause")?.get("decision")?)?;
        Some(Found { at: text(entry, "at"), status: text(entry, "status"), decision })
    };
    entries.into_iter().flatten().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_policy::Facts;

    #[test]
    fn decisions_are_found_wherever_the_api_shows_them() {
        let policies = Policies::built_in();
        let decision = policies.decide(&Facts::default(), Whose::default());
        let shown = serde_json::to_value(&decision).unwrap();
        let timeline = json!({ "entries": [
            { "at": "t", "status": "rejected", "cause": { "kind": "rejected", "decision": shown } },
            { "at": "u", "status": "sent", "cause": { "kind": "sent" } },
        ] });
        for answer in [shown.clone(), json!({ "decision": shown }), timeline] {
            let found = decisions(&answer);
            assert_eq!(found.len(), 1, "{answer}");
            assert_eq!(found[0].decision, decision);
        }
        assert!(decisions(&json!({ "entries": [] })).is_empty());
    }
}
