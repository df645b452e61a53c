//! `signalbox gate`: a candidate, held against what was recorded.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use http::Method;
use serde_json::Value;

use super::call::{Api, Body, query, segment};
use super::show::{Paint, Screen};
use super::{Error, read};
use crate::args::Gate;
use crate::exit;

/// Asks, shows the answer, and says by the exit code whether the candidate passes.
pub async fn run(args: &Gate, api: &Api, screen: &Screen) -> Result<ExitCode, Error> {
    let candidate = Body::Component(read(&args.with).await?);
    let last = query(&[("last", Some(args.last.to_string()))]);
    let handler = match &args.handler {
        Some(named) => named.clone(),
        None => which(&args.with, api).await?,
    };
    let path = format!("/v1/handlers/{}/gate{last}", segment(&handler));
    let verdict = api.call(Method::POST, &path, candidate).await?;
    screen.show(&verdict, words);
    let passes = verdict["different"].as_u64().is_some_and(|different| different <= args.allow);
    Ok(if passes { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

/// The handler that a candidate is for: the only one, or the one of the nearest manifest.
async fn which(candidate: &Path, api: &Api) -> Result<String, Error> {
    let all = api.get("/v1/handlers").await?;
    let names: Vec<_> =
        all["handlers"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect();
    if let [only] = names[..] {
        return Ok(only.to_owned());
    }
    let manifest = manifest_of(candidate).ok_or_else(|| Error::WhichHandler(names.join(", ")))?;
    Ok(signalbox_rehearsal::manifest(&manifest).map_err(|error| Error::Manifest(error.to_string()))?.name)
}

/// The nearest folder with a manifest, from the candidate up.
fn manifest_of(candidate: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(candidate).ok()?;
    let folder = whole.ancestors().skip(1).find(|folder| folder.join(signalbox_rehearsal::MANIFEST).is_file())?;
    Some(folder.to_owned())
}

/// The verdict for people.
fn words(verdict: &Value, _: Paint) -> String {
    let count = |key: &str| verdict[key].as_u64().unwrap_or_default();
    let mut out = format!("{} of {} events would be handled otherwise", count("different"), count("compared"));
    if count("compared") + count("stopped") + count("left_out") == 0 {
        out.push_str("; nothing is recorded of this handler: see `[tenants.recording]` in the configuration");
    }
    if count("unsure") > 0 {
        let _ = write!(out, "; {} of the others asked for something that wasn't recorded", count("unsure"));
    }
    if count("slow") > 0 {
        let _ = write!(out, "; {} took more computing time than an event has", count("slow"));
    }
    if count("stopped") > 0 {
        let _ = write!(out, "; {} were stopped by a limit of time when they were recorded", count("stopped"));
    }
    if count("left_out") > 0 {
        let _ = write!(out, "; {} weren't looked at", count("left_out"));
    }
    out.push('\n');
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for example in verdict["examples"].as_array().into_iter().flatten() {
        let _ = writeln!(out, "\n{}  {}", text(&example["invocation"]), text(&example["kind"]));
        for line in example["lines"].as_array().into_iter().flatten() {
            let _ = writeln!(out, "  {}", text(line));
        }
    }
    out
}
