//! `signalbox replay --last N`: the last recorded runs, each with the version that ran it or with another component.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};
use signalbox_guest::replay::Replayed;
use signalbox_guest::{self as guest};

use super::call::{Api, query};
use super::replay::{compile, component_of, host, recording, recording_of};
use crate::args::Replay;
use crate::{exit, out};

/// Runs that are asked for at a time: the most that the API gives.
const PAGE: u32 = 500;
/// Differences that are shown whole.
const SHOWN: usize = 20;

/// What is known when they are all replayed.
#[derive(Default)]
struct Tally {
    replayed: u64,
    same: u64,
    stopped: u64,
    left_out: Vec<Value>,
    different: Vec<Value>,
}

/// Components, compiled once.
struct Handlers {
    host: guest::Host,
    /// The one that all are replayed with, if one was named.
    with: Option<Arc<guest::Handler>>,
    known: HashMap<String, Arc<guest::Handler>>,
}

/// Runs them; the exit code says whether all did the same.
pub async fn run(args: &Replay, last: u32) -> Result<ExitCode, exit::Error> {
    let api = Api::new(&args.server)?;
    let mut handlers = Handlers::new(args).await?;
    let (mut tally, mut cursor, mut rest) = (Tally::default(), None, last);
    while rest > 0 {
        let asked =
            [("limit", Some(rest.min(PAGE).to_string())), ("handler", args.handler.clone()), ("cursor", cursor)];
        let page = api.get(&format!("/v1/invocations{}", query(&asked))).await?;
        let runs = page["invocations"].as_array().cloned().unwrap_or_default();
        rest = rest.saturating_sub(u32::try_from(runs.len()).unwrap_or(u32::MAX));
        for run in runs {
            tally.note(&api, &mut handlers, &run).await?;
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let answer = tally.answer();
    if args.server.json {
        out::line(&answer);
    } else {
        out::text(words(&answer));
    }
    Ok(if tally.different.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

impl Handlers {
    async fn new(args: &Replay) -> Result<Self, exit::Error> {
        let host = host(&guest::Limits::default())?;
        let with = match &args.with {
            Some(file) => {
                let name = file.display().to_string();
                let read = |source| exit::Error::Read { file: name.clone(), source };
                Some(compile(&host, &name, std::fs::read(file).map_err(read)?).await?)
            }
            None => None,
        };
        Ok(Self { host, with, known: HashMap::new() })
    }

    async fn of(&mut self, api: &Api, name: &str, digest: &str) -> Result<Arc<guest::Handler>, exit::Error> {
        if let Some(handler) = self.with.as_ref().or_else(|| self.known.get(digest)) {
            return Ok(handler.clone());
        }
        let component = component_of(api, name, digest).await?.to_vec();
        let handler = compile(&self.host, name, component).await?;
        self.known.insert(digest.to_owned(), handler.clone());
        Ok(handler)
    }
}

impl Tally {
    /// Replays one. A recording or a component that is gone meanwhile is no difference.
    async fn note(&mut self, api: &Api, handlers: &mut Handlers, run: &Value) -> Result<(), exit::Error> {
        let text = |key: &str| run[key].as_str().unwrap_or_default();
        let (id, name) = (text("invocation"), text("handler"));
        let replayed = async {
            let bytes = recording_of(api, id).await?;
            let handler = handlers.of(api, name, text("digest")).await?;
            Ok::<_, exit::Error>(handlers.host.replay(&handler, &recording(id, &bytes)?).await)
        };
        match replayed.await {
            Ok(replayed) => self.replayed(run, &replayed),
            Err(exit::Error::Client(super::Error::Refused(problem))) => {
                self.left_out.push(json!({ "invocation": id, "reason": problem.to_string() }));
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    fn replayed(&mut self, run: &Value, replayed: &Replayed) {
        self.replayed += 1;
        self.stopped += u64::from(replayed.was_stopped);
        if replayed.is_same() {
            self.same += 1;
            return;
        }
        let asked = replayed.divergences.iter().map(|divergence| format!("? {divergence}"));
        let lines: Vec<_> = asked.chain(replayed.difference.iter().cloned()).collect();
        let (id, handler, kind) = (&run["invocation"], &run["handler"], &run["kind"]);
        self.different.push(json!({ "invocation": id, "handler": handler, "kind": kind, "lines": lines }));
    }

    fn answer(&self) -> Value {
        let Self { replayed, same, stopped, left_out, different } = self;
        json!({
            "replayed": replayed, "same": same, "stopped": stopped, "left_out": left_out, "different": different,
        })
    }
}

/// The answer for people.
fn words(answer: &Value) -> String {
    let list = |key: &str| answer[key].as_array().map_or(&[][..], Vec::as_slice);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut out = String::new();
    for run in list("different").iter().take(SHOWN) {
        out.push_str(&format!("{}  {} of {}\n", text(&run["invocation"]), text(&run["kind"]), text(&run["handler"])));
        for line in run["lines"].as_array().into_iter().flatten() {
            out.push_str(&format!("  {}\n", text(line)));
        }
    }
    for run in list("left_out").iter().take(SHOWN) {
        out.push_str(&format!("{}  left out: {}\n", text(&run["invocation"]), text(&run["reason"])));
    }
    out.push_str(&format!("replayed {} runs, {} the same", answer["replayed"], answer["same"]));
    if answer["stopped"] != 0 {
        out.push_str(&format!(
            ", {} of them as far as they came before a limit of time stopped them",
            answer["stopped"]
        ));
    }
    out.push_str(if answer["replayed"] == 0 { "; see `[tenants.recording]` in the configuration\n" } else { "\n" });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_and_differences_shown() {
        let answer = json!({
            "replayed": 3, "same": 2, "stopped": 1,
            "left_out": [{ "invocation": "inv_2", "reason": "it is gone" }],
            "different": [{ "invocation": "inv_1", "handler": "desk", "kind": "message", "lines": ["- note a"] }],
        });
        let said = "inv_1  message of desk\n  - note a\ninv_2  left out: it is gone\nreplayed 3 runs, 2 the same, 1 of \
                    them as far as they came before a limit of time stopped them\n";
        assert_eq!(words(&answer), said);
        assert!(words(&Tally::default().answer()).starts_with("replayed 0 runs, 0 the same; see"));
    }
}
