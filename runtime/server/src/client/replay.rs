//! `signalbox replay`: a recorded run, run again on this machine with every question answered from the record.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use signalbox_guest::replay::tell;
use signalbox_guest::{self as guest, Recording};

use super::call::{Api, segment};
use super::problem::Error;
use super::replay_last;
use crate::args::Replay;
use crate::{exit, native, out};

/// Instances: one runs.
const INSTANCES: u32 = 2;

/// A recording and the component that it is run with.
struct Kept {
    recording: Recording,
    bytes: Vec<u8>,
    component: Vec<u8>,
    /// What an error calls the component.
    name: String,
}

/// Runs it, or the last ones; the exit code says whether they did the same.
pub async fn run(args: &Replay) -> Result<ExitCode, exit::Error> {
    match (&args.run, args.last) {
        (Some(run), _) => one(args, run).await,
        (None, last) => replay_last::run(args, last.unwrap_or(1)).await,
    }
}

async fn one(args: &Replay, run: &str) -> Result<ExitCode, exit::Error> {
    let kept = if Path::new(run).is_file() { from_file(args, run)? } else { from_server(args, run).await? };
    if let Some(file) = &args.save {
        write(file, &kept.bytes)?;
        write(&beside(file), &kept.component)?;
    }
    let host = host(&kept.recording.limits)?;
    let handler = compile(&host, &kept.name, kept.component.clone()).await?;
    let replayed = host.replay(&handler, &kept.recording).await;
    let asked: Vec<_> = replayed.divergences.iter().map(ToString::to_string).collect();
    let now = guest::replay::End::of(&replayed.outcome);
    let answer = json!({
        "same": replayed.is_same(), "was_stopped": replayed.was_stopped, "event": kept.recording.event_id, "recorded_with": kept.recording.handler,
        "replayed_with": handler.info().digest, "recorded": tell(&kept.recording.end), "replayed": tell(&now),
        "questions": asked, "difference": replayed.difference,
        "log": if args.log { log(&replayed.outcome) } else { Vec::new() },
    });
    if args.server.json {
        out::line(&answer);
    } else {
        out::text(words(&answer));
    }
    Ok(if replayed.is_same() { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

/// With as much room as the run had.
pub(super) fn host(limits: &guest::Limits) -> Result<guest::Host, exit::Error> {
    let usual = guest::Config::default();
    let config = guest::Config {
        instances: INSTANCES,
        max_memory_bytes: usual.max_memory_bytes.max(limits.memory_bytes),
        max_table_elements: usual.max_table_elements.max(limits.table_elements),
        cache: native::of_this_user()?,
        ..usual
    };
    Ok(guest::Host::new(config)?)
}

fn from_file(args: &Replay, run: &str) -> Result<Kept, exit::Error> {
    let file = Path::new(run);
    let bytes = read(file)?;
    let recording = recording(run, &bytes)?;
    let component = args.with.clone().unwrap_or_else(|| beside(file));
    if args.with.is_none() && !component.is_file() {
        let reason = format!(
            "the component that it was recorded with isn't beside it ({}); say another with --with",
            component.display()
        );
        return Err(exit::Error::Handler { file: run.to_owned(), reason });
    }
    Ok(Kept { recording, bytes, component: read(&component)?, name: component.display().to_string() })
}

async fn from_server(args: &Replay, run: &str) -> Result<Kept, exit::Error> {
    let api = Api::new(&args.server)?;
    let bytes = recording_of(&api, run).await?.to_vec();
    let recording = recording(run, &bytes)?;
    let (component, name) = match &args.with {
        Some(file) => (read(file)?, file.display().to_string()),
        None => {
            let run = api.get(&format!("/v1/invocations/{}", segment(run))).await?;
            let name = run["handler"].as_str().unwrap_or_default();
            (component_of(&api, name, &recording.handler).await?.to_vec(), name.to_owned())
        }
    };
    Ok(Kept { recording, bytes, component, name })
}

pub(super) async fn recording_of(api: &Api, run: &str) -> Result<Bytes, Error> {
    api.bytes(&format!("/v1/invocations/{}/recording", segment(run))).await
}

pub(super) async fn component_of(api: &Api, handler: &str, digest: &str) -> Result<Bytes, Error> {
    api.bytes(&format!("/v1/handlers/{}/versions/{}", segment(handler), segment(digest))).await
}

pub(super) fn recording(name: &str, bytes: &[u8]) -> Result<Recording, exit::Error> {
    Recording::from_bytes(bytes).map_err(|bad| exit::Error::Handler { file: name.to_owned(), reason: bad.to_string() })
}

pub(super) async fn compile(
    host: &guest::Host,
    name: &str,
    component: Vec<u8>,
) -> Result<Arc<guest::Handler>, exit::Error> {
    let refused = |refusal: guest::Refusal| exit::Error::Handler { file: name.to_owned(), reason: refusal.to_string() };
    host.compile(component).await.map_err(refused)
}

/// Where the component of a saved recording is.
fn beside(file: &Path) -> std::path::PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".wasm");
    file.with_file_name(name)
}

fn read(file: &Path) -> Result<Vec<u8>, exit::Error> {
    std::fs::read(file).map_err(|source| exit::Error::Read { file: file.display().to_string(), source })
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), exit::Error> {
    std::fs::write(file, bytes).map_err(|source| exit::Error::Write { file: file.display().to_string(), source })
}

/// What the handler said this time.
fn log(outcome: &guest::Outcome) -> Vec<String> {
    let logs = outcome.as_ref().map_or_else(|failure| &failure.logs, |completed| &completed.logs);
    logs.lines.iter().map(|line| format!("{}: {}", line.level.name(), line.text)).collect()
}

/// The answer for people.
fn words(answer: &Value) -> String {
    let lines = |key: &str, before: &str| -> String {
        let lines = answer[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        lines.map(|line| format!("{before}{line}\n")).collect()
    };
    let log = lines("log", "| ");
    if answer["was_stopped"] == true {
        let same = if answer["same"] == true { "the same" } else { "not the same" };
        let (asked, was, now) = (lines("questions", "? "), lines("recorded", "  "), lines("replayed", "  "));
        return format!("{log}{same} as far as it was recorded:\n{asked}{was}with more time it comes to:\n{now}");
    }
    if answer["same"] == true {
        return format!("{log}the same:\n{}", lines("recorded", "  "));
    }
    let difference = lines("difference", "");
    let difference =
        if difference.is_empty() { format!("the same in the end:\n{}", lines("recorded", "  ")) } else { difference };
    format!("{log}not the same:\n{}{difference}", lines("questions", "? "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_line_by_line() {
        let same = json!({ "same": true, "recorded": ["returned ok", "note urgent"], "log": ["info: hm"] });
        assert_eq!(words(&same), "| info: hm\nthe same:\n  returned ok\n  note urgent\n");
        let stopped =
            json!({ "same": true, "was_stopped": true, "recorded": ["failed (cpu-limit): …"], "replayed": ["note x"] });
        let said =
            "the same as far as it was recorded:\n  failed (cpu-limit): …\nwith more time it comes to:\n  note x\n";
        assert_eq!(words(&stopped), said);
        let other =
            json!({ "same": false, "questions": ["question 1: …"], "difference": ["- note urgent", "+ note x"] });
        assert_eq!(words(&other), "not the same:\n? question 1: …\n- note urgent\n+ note x\n");
    }

    #[test]
    fn a_saved_component_lies_beside_its_recording() {
        assert_eq!(beside(Path::new("a/failed.rec")), Path::new("a/failed.rec.wasm"));
    }
}
