//! What the demo prints. Every figure is measured: offsets are between the timeline's own times.

#![allow(clippy::print_stdout, reason = "a command's output")]

use super::House;
use super::play::Step;
use crate::time::micros;
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::time::Duration;

pub struct Show {
    json: bool,
    colours: bool,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";

impl Show {
    pub fn new(json: bool) -> Self {
        Self { json, colours: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    pub fn opening(&self, house: &House, took: Duration) {
        let (url, smpp) = (format!("http://{}", house.server.api_address()), house.carrier.smpp);
        if self.json {
            println!("{}", json!({ "started": { "url": url, "smpp": smpp, "took_ms": ms(took) } }));
            return;
        }
        println!();
        println!("{}  {url}", self.paint(BOLD, "Signalbox"));
        println!("{}  SMPP on {smpp}, a process of its own", self.paint(BOLD, "carrier  "));
        println!("{}", self.paint(DIM, &format!("both started, on an empty store, in {:.0} ms", ms(took))));
    }

    pub fn heading(&self, name: &str) {
        if !self.json {
            println!("\n{} {}", self.paint(CYAN, "●"), self.paint(BOLD, name));
        }
    }

    pub fn fact(&self, text: &str) {
        if self.json {
            println!("{}", json!({ "fact": text }));
        } else {
            println!("  {text}");
        }
    }

    pub fn handler(&self, handler: &Value) {
        if self.json {
            println!("{}", json!({ "handler": handler }));
            return;
        }
        let kib = handler["size"].as_u64().unwrap_or(0) / 1024;
        println!("  {}: {kib} KiB, compiled in {} ms", text(&handler["name"]), handler["compile_ms"]);
        println!("  exports {}", names(&handler["exports"]));
        println!("  imports {}", names(&handler["imports"]));
    }

    /// What the API answered.
    pub fn answer(&self, request: &str, status: u16, answer: &Value, took: Duration) {
        if self.json {
            println!("{}", json!({ "request": request, "status": status, "answer": answer, "took_ms": ms(took) }));
            return;
        }
        let colour = if status < 300 { GREEN } else { YELLOW };
        let took = self.paint(DIM, &format!("answered in {:.1} ms", ms(took)));
        println!("  {request} → {} {took}", self.paint(colour, &status.to_string()));
        if status < 300 {
            let (encoding, segments) = (text(&answer["encoding"]), &answer["segments"]);
            println!("  {} {encoding}, {segments} segment(s)", text(&answer["id"]));
            return;
        }
        println!("  {}: {}", text(&answer["code"]), text(&answer["detail"]));
        let verdict = text(&answer["decision"]["verdict"]);
        for reason in answer["decision"]["reasons"].as_array().into_iter().flatten() {
            println!("  {} by {} ({})", self.paint(YELLOW, verdict), text(&reason["rule"]), text(&reason["class"]));
            println!("    why   {}", text(&reason["explain"]));
            println!("    cite  {}", text(&reason["cite"]));
            println!("    fix   {}", text(&reason["fix"]));
        }
    }

    /// A message's whole timeline, as the API tells it.
    pub fn timeline(&self, timeline: &Value) {
        if self.json {
            println!("{}", json!({ "timeline": timeline }));
            return;
        }
        let message = &timeline["message"];
        let ends = format!("{} → {}", text(&message["from"]), text(&message["to"]));
        println!("  {} {} {ends}", self.paint(DIM, text(&message["direction"])), text(&message["id"]));
        let entries = timeline["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
        let start = entries.first().and_then(|entry| micros(text(&entry["at"])));
        for entry in entries {
            let at = micros(text(&entry["at"]));
            let offset = start.zip(at).map_or_else(|| "?".to_owned(), |(start, at)| offset(at.saturating_sub(start)));
            let status = text(&entry["status"]);
            let status = self.paint(colour(status), &format!("{status:<12}"));
            println!("    {} {status} {}", self.paint(DIM, &format!("{offset:>10}")), text(&entry["what"]));
        }
    }

    /// Says which steps happened. Whether all did.
    pub fn summary(&self, steps: &[Step], took: Duration) -> bool {
        let all = steps.iter().all(|step| step.failed.is_none());
        if self.json {
            for step in steps {
                let ok = step.failed.is_none();
                println!(
                    "{}",
                    json!({ "step": step.name, "ok": ok, "took_ms": ms(step.took), "why_not": step.failed })
                );
            }
            println!("{}", json!({ "ok": all, "took_ms": ms(took) }));
            return all;
        }
        println!();
        for step in steps {
            match &step.failed {
                None => {
                    let took = self.paint(DIM, &format!("{:>8.1} ms", ms(step.took)));
                    println!("{} {:<50} {took}", self.paint(GREEN, "✓"), step.name);
                }
                Some(why) => println!("{} {:<50} {why}", self.paint(RED, "✗"), step.name),
            }
        }
        let (colour, word) = if all { (GREEN, "every step happened") } else { (RED, "not every step happened") };
        println!("\n{}, {:.2} s in all", self.paint(colour, word), took.as_secs_f64());
        all
    }

    /// Lines to read, whatever the form of the rest.
    pub fn lines(&self, lines: &[String]) {
        if self.json {
            println!("{}", json!({ "try": lines }));
        } else {
            println!("\n{}", lines.join("\n"));
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn colour(status: &str) -> &'static str {
    match status {
        "delivered" | "handled" => GREEN,
        "rejected" | "failed" | "undelivered" | "expired" | "handler_failed" => RED,
        "held" | "in_doubt" => YELLOW,
        _ => CYAN,
    }
}

/// `+12.3 ms`; `+12 ms` where no more is known.
fn offset(micros: u64) -> String {
    if micros.is_multiple_of(1_000) {
        format!("+{} ms", micros / 1_000)
    } else {
        format!("+{:.1} ms", micros as f64 / 1_000.0)
    }
}

fn ms(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e4).round() / 10.0
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// `outbox` of `signalbox:messaging/outbox@0.1.0`, of each; those of others by their number only.
fn names(list: &Value) -> String {
    let all: Vec<_> = list.as_array().into_iter().flatten().map(text).collect();
    let ours =
        all.iter().map(|name| name.trim_start_matches("signalbox:messaging/")).filter(|name| !name.contains(':'));
    let mut names: Vec<_> = ours.map(|name| name.split('@').next().unwrap_or(name).to_owned()).collect();
    match all.len() - names.len() {
        0 if names.is_empty() => return "nothing".to_owned(),
        0 => {}
        others => names.push(format!("and {others} of WASI")),
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_shown_by_their_names() {
        let list = json!(["signalbox:messaging/outbox@0.1.0", "signalbox:messaging/log@0.1.0", "wasi:io/poll@0.2.9"]);
        assert_eq!(names(&list), "outbox, log, and 1 of WASI");
        assert_eq!(names(&json!(["message-handler"])), "message-handler");
        assert_eq!(names(&json!([])), "nothing");
    }

    #[test]
    fn offsets_are_no_finer_than_what_is_known() {
        assert_eq!([offset(0), offset(12_345)], ["+0 ms", "+12.3 ms"]);
    }
}
