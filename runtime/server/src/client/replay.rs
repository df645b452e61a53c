//! `signalbox replay`: a recorded run, run again on this machine with every question answered from the record.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use signalbox_guest::replay::tell;
use signalbox_guest::{self as guest, Recording};

use super::call::{Api, segment};
use crate::args::Replay;
use crate::{exit, out};

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

/// Runs it; the exit code says whether it did the same.
pub async fn run(args: &Replay) -> Result<ExitCode, exit::Error> {
    let kept = if Path::new(&args.run).is_file() { from_file(args)? } else { from_server(args).await? };
    if let Some(file) = &args.save {
        write(file, &kept.bytes)?;
        write(&beside(file), &kept.component)?;
    }
    let host = guest::Host::new(guest::Config { instances: INSTANCES, ..guest::Config::default() })?;
    let refused =
        |refusal: guest::Refusal| exit::Error::Handler { file: kept.name.clone(), reason: refusal.to_string() };
    let handler = host.compile(kept.component.clone()).await.map_err(refused)?;
    let replayed = host.replay(&handler, &kept.recording).await;
    let asked: Vec<_> = replayed.divergences.iter().map(ToString::to_string).collect();
    let now = guest::replay::End::of(&replayed.outcome);
    let answer = json!({
        "same": replayed.is_same(), "event": kept.recording.event_id, "recorded_with": kept.recording.handler,
        "replayed_with": handler.info().digest, "recorded": tell(&kept.recording.end), "replayed": tell(&now),
        "questions": asked, "difference": replayed.difference,
    });
    if args.server.json {
        out::line(&answer);
    } else {
        out::text(words(&answer));
    }
    Ok(if replayed.is_same() { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

fn from_file(args: &Replay) -> Result<Kept, exit::Error> {
    let file = Path::new(&args.run);
    let bytes = read(file)?;
    let recording = recording(&args.run, &bytes)?;
    let component = args.with.clone().unwrap_or_else(|| beside(file));
    if args.with.is_none() && !component.is_file() {
        let reason = format!(
            "the component that it was recorded with isn't beside it ({}); say another with --with",
            component.display()
        );
        return Err(exit::Error::Handler { file: args.run.clone(), reason });
    }
    Ok(Kept { recording, bytes, component: read(&component)?, name: component.display().to_string() })
}

async fn from_server(args: &Replay) -> Result<Kept, exit::Error> {
    let api = Api::new(&args.server)?;
    let path = format!("/v1/invocations/{}", segment(&args.run));
    let bytes = api.bytes(&format!("{path}/recording")).await?.to_vec();
    let recording = recording(&args.run, &bytes)?;
    let (component, name) = match &args.with {
        Some(file) => (read(file)?, file.display().to_string()),
        None => {
            let run = api.get(&path).await?;
            let name = run["handler"].as_str().unwrap_or_default();
            let path = format!("/v1/handlers/{}/versions/{}", segment(name), segment(&recording.handler));
            (api.bytes(&path).await?.to_vec(), name.to_owned())
        }
    };
    Ok(Kept { recording, bytes, component, name })
}

fn recording(name: &str, bytes: &[u8]) -> Result<Recording, exit::Error> {
    Recording::from_bytes(bytes).map_err(|bad| exit::Error::Handler { file: name.to_owned(), reason: bad.to_string() })
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

/// The answer for people.
fn words(answer: &Value) -> String {
    let lines = |key: &str, before: &str| -> String {
        let lines = answer[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        lines.map(|line| format!("{before}{line}\n")).collect()
    };
    if answer["same"] == true {
        return format!("the same:\n{}", lines("recorded", "  "));
    }
    let difference = lines("difference", "");
    let difference =
        if difference.is_empty() { format!("the same in the end:\n{}", lines("recorded", "  ")) } else { difference };
    format!("not the same:\n{}{difference}", lines("questions", "? "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_line_by_line() {
        let same = json!({ "same": true, "recorded": ["returned ok", "note urgent"] });
        assert_eq!(words(&same), "the same:\n  returned ok\n  note urgent\n");
        let other =
            json!({ "same": false, "questions": ["question 1: …"], "difference": ["- note urgent", "+ note x"] });
        assert_eq!(words(&other), "not the same:\n? question 1: …\n- note urgent\n+ note x\n");
    }

    #[test]
    fn a_saved_component_lies_beside_its_recording() {
        assert_eq!(beside(Path::new("a/failed.rec")), Path::new("a/failed.rec.wasm"));
    }
}
