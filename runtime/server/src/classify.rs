//! `signalbox consent classify`: what inbound texts ask for, and how well labelled ones are told apart.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use signalbox_policy::intent::labels::{self, CLASSES, Labelled};
use signalbox_policy::{FoundBy, Intents, Policies};

use crate::args::Classify;
use crate::exit::Error;
use crate::out;

/// Runs the command.
pub fn run(args: &Classify) -> Result<ExitCode, Error> {
    let intents = match &args.policies {
        Some(folder) => Policies::load(folder)?.intents,
        None => Intents::built_in(),
    };
    let text = read(&args.file)?;
    if args.labels {
        let set = labels::parse(&args.file.display().to_string(), &text)?;
        score(&intents, &set, args.json);
    } else {
        classify(&intents, &text, args.json);
    }
    Ok(ExitCode::SUCCESS)
}

/// A text file, or stdin; what isn't UTF-8 in it becomes the replacement character, as in a message.
fn read(file: &Path) -> Result<String, Error> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    let bytes = bytes.map_err(|source| Error::Read { file: file.display().to_string(), source })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn classify(intents: &Intents, text: &str, json: bool) {
    let mut counts: BTreeMap<&str, usize> = CLASSES.iter().map(|class| (labels::name(*class), 0)).collect();
    for line in text.lines() {
        let found = intents.find(line, None);
        let intent = labels::name(found.as_ref().map(|found| found.intent));
        *counts.entry(intent).or_default() += 1;
        let matched = found.as_ref().map(|found| &*found.matched);
        if json {
            out::line(json!({ "text": line, "intent": intent, "matched": matched }));
        } else {
            let by = found.as_ref().map_or("", |found| match found.by {
                FoundBy::Keyword | FoundBy::Campaign => "keyword",
                FoundBy::Phrase => "phrase",
            });
            out::line(format_args!("{intent:<6} {by:<8} {:<24} {line}", matched.unwrap_or("-")));
        }
    }
    if !json {
        let counts = counts.iter().map(|(intent, count)| format!("{intent} {count}"));
        out::line(format_args!("{} texts: {}", text.lines().count(), counts.collect::<Vec<_>>().join(", ")));
    }
}

fn score(intents: &Intents, set: &[Labelled], json: bool) {
    for labelled in set {
        let found = intents.find(&labelled.text, None);
        let (label, intent) = (labels::name(labelled.intent), labels::name(found.as_ref().map(|found| found.intent)));
        if label == intent {
            continue;
        }
        let matched = found.as_ref().map(|found| &*found.matched);
        if json {
            let Labelled { part, text, .. } = labelled;
            out::line(
                json!({ "mistake": { "part": part, "label": label, "intent": intent, "matched": matched, "text": text } }),
            );
        } else {
            let matched = matched.unwrap_or("-");
            out::line(format_args!("mistake: labelled {label}, found {intent} ({matched}): {}", labelled.text));
        }
    }
    let mut parts: Vec<&str> = set.iter().map(|labelled| labelled.part.as_str()).collect();
    parts.sort_unstable();
    parts.dedup();
    for part in parts {
        let texts: Vec<&Labelled> = set.iter().filter(|labelled| labelled.part == part).collect();
        let scores = labels::scores(intents, texts.iter().copied());
        for (class, score) in CLASSES.iter().zip(scores) {
            let (intent, precision, recall) = (labels::name(*class), score.precision(), score.recall());
            let labels::Score { right, wrong, missed } = score;
            if json {
                out::line(json!({
                    "part": part, "intent": intent, "texts": texts.len(), "precision": precision, "recall": recall,
                    "right": right, "wrong": wrong, "missed": missed,
                }));
            } else {
                out::line(format_args!(
                    "{part:<6} {intent:<5} precision {precision:.3}  recall {recall:.3}  ({right} right, {wrong} wrong, \
                     {missed} missed)"
                ));
            }
        }
    }
}
