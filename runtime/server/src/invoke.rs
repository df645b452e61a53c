//! `signalbox invoke`: one event; what the handler asked for, and what that cost.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use signalbox_guest::manifest::Manifest;
use signalbox_guest::{Answer, Effects, Logs, Note, Outcome, Scope, Usage};
use signalbox_model::Timestamp;
use signalbox_rehearsal::{Error, EventFile, Project, Stage};

use crate::args::Invoke;
use crate::{exit, native, out};

/// Calls the handler; the exit code says whether it came to its end.
pub fn run(args: &Invoke) -> Result<ExitCode, exit::Error> {
    let text = read_text(&args.event)?;
    let event = EventFile::parse(&args.event.display().to_string(), &text)?;
    let (manifest, component) = handler(&args.handler)?;
    let bytes = std::fs::read(&component).map_err(|source| Error::Read { path: component.clone(), source })?;
    let outcome = Stage::new(Stage::host(native::of_this_user()?)?, manifest, &component, bytes)?.invoke(&event)?;
    let shown = show(&outcome);
    if args.json {
        out::line(&shown)
    } else {
        out::text(words(&shown))
    }
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

/// A component, or a folder with a manifest.
fn handler(path: &Path) -> Result<(Manifest, PathBuf), Error> {
    if !path.is_dir() {
        return Ok((Manifest::default(), path.to_owned()));
    }
    let manifest = signalbox_rehearsal::manifest(path)?;
    let project = Project { folder: Some(path.to_owned()), manifest, scripts: Vec::new() };
    let component = project.component()?;
    Ok((project.manifest, component))
}

fn read_text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn show(outcome: &Outcome) -> Value {
    match outcome {
        Ok(done) => {
            let answer = match &done.answer {
                Answer::Done => json!("done"),
                Answer::Draft(decision) => json!(format!("{decision:?}")),
            };
            json!({ "answer": answer, "effects": effects(&done.effects), "log": log(&done.logs), "cost": cost(&done.usage) })
        }
        Err(failure) => json!({
            "failed": failure.message, "kind": format!("{:?}", failure.kind), "log": log(&failure.logs),
            "cost": cost(&failure.usage),
        }),
    }
}

fn effects(effects: &Effects) -> Value {
    let at = |micros| Timestamp::from_micros(micros).to_rfc3339();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let sends = effects.sends.iter().map(|send| {
        let media: Vec<_> = send.media.iter().map(|media| &media.url).collect();
        let options = &send.options;
        json!({
            "id": send.id, "from": send.sender, "to": send.recipient, "text": send.text, "media": media, "category": options.category,
            "campaign": options.campaign, "not_before": options.not_before.map(at),
            "valid_for_ms": options.valid_for_ms, "tags": options.tags,
        })
    });
    let state = effects.state.iter().map(|write| {
        let scope = match write.scope {
            Scope::Conversation => "conversation",
            Scope::Contact => "contact",
            Scope::Tenant => "tenant",
        };
        let (value, expires) = (write.value.as_deref().map(text), write.expires_at.map(at));
        json!({ "scope": scope, "key": write.key, "value": value, "expires_at": expires })
    });
    let timers = effects.timers.iter().map(|timer| match &timer.set {
        Some(set) => json!({ "name": timer.name, "at": at(set.at), "payload": text(&set.payload) }),
        None => json!({ "name": timer.name, "at": null }),
    });
    let notes = effects.notes.iter().map(|note| match note {
        Note::Label(label) => json!({ "label": label }),
        Note::Number(name, number) => json!({ "name": name, "number": number }),
        Note::Text(name, text) => json!({ "name": name, "text": text }),
    });
    json!({
        "sends": sends.collect::<Vec<_>>(), "cancels": effects.cancels, "state": state.collect::<Vec<_>>(),
        "timers": timers.collect::<Vec<_>>(), "notes": notes.collect::<Vec<_>>(),
    })
}

fn log(logs: &Logs) -> Value {
    logs.lines
        .iter()
        .map(|line| json!({ "level": format!("{:?}", line.level).to_lowercase(), "text": line.text }))
        .collect()
}

fn cost(usage: &Usage) -> Value {
    json!({
        "cpu_us": u64::try_from(usage.cpu.as_micros()).unwrap_or(u64::MAX),
        "wall_us": u64::try_from(usage.wall.as_micros()).unwrap_or(u64::MAX),
        "peak_memory_bytes": usage.peak_memory_bytes, "host_calls": usage.host_calls,
    })
}

/// The same for people: a line for each thing.
fn words(shown: &Value) -> String {
    let mut text = String::new();
    if let Some(why) = shown["failed"].as_str() {
        text.push_str(&format!("failed   {why} ({})\n", shown["kind"].as_str().unwrap_or_default()));
    } else {
        text.push_str(&format!("answer   {}\n", shown["answer"].as_str().unwrap_or_default()));
    }
    for (kind, name) in
        [("sends", "send"), ("cancels", "cancel"), ("state", "state"), ("timers", "timer"), ("notes", "note")]
    {
        for effect in shown["effects"][kind].as_array().into_iter().flatten() {
            text.push_str(&format!("{name:8} {}\n", fields(effect)));
        }
    }
    for line in shown["log"].as_array().into_iter().flatten() {
        text.push_str(&format!("log      {}: {}\n", bare(&line["level"]), bare(&line["text"])));
    }
    text.push_str(&format!("cost     {}\n", fields(&shown["cost"])));
    text
}

/// The fields that say something.
fn fields(value: &Value) -> String {
    let Some(fields) = value.as_object() else { return bare(value) };
    let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    let said = fields.iter().filter(|(_, value)| !empty(value)).map(|(name, value)| format!("{name}={value}"));
    said.collect::<Vec<_>>().join(" ")
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
