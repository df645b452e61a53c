//! Answers for people.

use std::fmt::Write;
use std::io::IsTerminal;

use serde_json::Value;
use signalbox_model::Timestamp;

use crate::out;

/// Where answers go, and in which form.
pub struct Screen {
    json: bool,
    colours: bool,
}

/// Colours, where there is a terminal to show them.
#[derive(Clone, Copy)]
pub struct Paint(bool);

impl Screen {
    /// JSON for programs, or text for people.
    pub fn new(json: bool) -> Self {
        Self { json, colours: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    /// Shows an answer: as it is, or in words.
    pub fn show(&self, answer: &Value, words: fn(&Value, Paint) -> String) {
        match self.json {
            true => out::line(answer),
            false => out::line(words(answer, Paint(self.colours)).trim_end()),
        }
    }

    /// Shows JSON.
    pub fn json(&self, answer: &Value) {
        out::line(answer);
    }
}

impl Paint {
    /// No colours.
    #[cfg(test)]
    pub const PLAIN: Self = Self(false);

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    /// A status in its colour, padded to `width` before it is painted.
    fn status(self, status: &str, width: usize) -> String {
        let padded = format!("{status:width$}");
        match status {
            "delivered" | "handled" => self.with("32", &padded),
            "undelivered" | "expired" | "rejected" | "failed" | "handler_failed" => self.with("31", &padded),
            "held" | "in_doubt" | "canceled" | "unhandled" => self.with("33", &padded),
            _ => padded,
        }
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn joined(values: &[Value]) -> String {
    values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn segments(value: &Value) -> String {
    match value["segments"].as_u64().unwrap_or_default() {
        1 => format!("{}, 1 segment", text(value, "encoding")),
        n => format!("{}, {n} segments", text(value, "encoding")),
    }
}

/// A message that is durable.
pub fn accepted(answer: &Value, paint: Paint) -> String {
    let mut line = format!("{} {} ({}", paint.strong(text(answer, "id")), text(answer, "status"), segments(answer));
    if let Some(folded) = answer["folded"].as_u64() {
        let _ = write!(line, ", {folded} characters replaced to save segments");
    }
    line + ")"
}

/// A message and where it is now.
pub fn status(message: &Value, paint: Paint) -> String {
    format!("{}  {}", text(message, "id"), paint.status(text(message, "status"), 0))
}

/// A message with its timeline: offsets are from its first entry, as measured.
pub fn timeline(answer: &Value, paint: Paint) -> String {
    let message = &answer["message"];
    let mut out = format!(
        "{}  {}\n{} → {}  {}\n",
        paint.strong(text(message, "id")),
        paint.status(text(message, "status"), 0),
        text(message, "from"),
        text(message, "to"),
        paint.dim(&format!("{}, {}, {}", text(message, "direction"), text(message, "category"), segments(message))),
    );
    for line in text(message, "text").lines() {
        let _ = writeln!(out, "  “{line}”");
    }
    if let Some(why) = message["waits"]["why"].as_str() {
        let until = text(&message["waits"], "estimated_at");
        let _ = writeln!(out, "  waits for {why}, until about {until}");
    }
    let entries = list(answer, "entries");
    let begin = entries.first().and_then(at);
    if let Some(begin) = begin {
        let _ = writeln!(out, "\n  {}", paint.dim(&format!("from {begin}")));
    }
    for entry in entries {
        let status = paint.status(text(entry, "status"), 14);
        let _ = writeln!(out, "  {}  {status}  {}", paint.dim(&offset(begin, entry)), text(entry, "what"));
    }
    let deliveries = list(answer, "deliveries");
    if !deliveries.is_empty() {
        let _ = writeln!(out, "\n  webhooks");
    }
    for delivery in deliveries {
        let to = delivery["webhook"].as_str().unwrap_or("its callback URL");
        let outcome = match (delivery["status"].as_u64(), delivery["error"].as_str()) {
            (Some(status), None) => format!("{status}"),
            (Some(status), Some(error)) => format!("{status}, {error}"),
            (None, error) => error.unwrap_or("no answer").to_owned(),
        };
        let took = delivery["latency_ms"].as_f64().unwrap_or_default();
        let (offset, event) = (paint.dim(&offset(begin, delivery)), text(delivery, "event"));
        let attempt = delivery["attempt"].as_u64().filter(|n| *n > 1).map(|n| format!(", attempt {n}"));
        let attempt = attempt.unwrap_or_default();
        let _ = writeln!(out, "  {offset}  {event} to {to}: {outcome} in {took:.1} ms{attempt}");
    }
    out
}

fn at(entry: &Value) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text(entry, "at"))
}

/// How long after `begin` something was: `+0.012 s`, then minutes and hours.
fn offset(begin: Option<Timestamp>, entry: &Value) -> String {
    let since = begin.zip(at(entry)).map(|(begin, at)| at.since(begin)).unwrap_or_default();
    let (seconds, millis) = (since.as_secs(), since.subsec_millis());
    match seconds {
        0..60 => format!("{:>10}", format!("+{seconds}.{millis:03} s")),
        60..3_600 => format!("{:>10}", format!("+{}m {:02}s", seconds / 60, seconds % 60)),
        _ => format!("{:>10}", format!("+{}h {:02}m", seconds / 3_600, seconds / 60 % 60)),
    }
}

/// A page of messages.
pub fn messages(answer: &Value, paint: Paint) -> String {
    let messages = list(answer, "messages");
    let mut out = String::new();
    for message in messages {
        let _ = writeln!(
            out,
            "{}  {}  {}  {} → {}  {}",
            text(message, "id"),
            paint.dim(text(message, "accepted_at")),
            paint.status(text(message, "status"), 14),
            text(message, "from"),
            text(message, "to"),
            paint.dim(&beginning(text(message, "text"))),
        );
    }
    if messages.is_empty() {
        out.push_str("no messages\n");
    }
    if let Some(cursor) = answer["next_cursor"].as_str() {
        let _ = writeln!(out, "more with --cursor {cursor}");
    }
    out
}

/// The beginning of a text, on one line.
fn beginning(text: &str) -> String {
    const MOST: usize = 40;
    let line = text.replace(['\r', '\n'], " ");
    match line.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

/// A handler that was uploaded.
pub fn handler(answer: &Value, paint: Paint) -> String {
    let mut out = format!(
        "{}  {} bytes, compiled in {} ms, version {}\n",
        paint.strong(text(answer, "name")),
        answer["size"],
        answer["compile_ms"],
        text(answer, "digest").get(..12).unwrap_or_default(),
    );
    let _ = writeln!(out, "  answers  {}", joined(list(answer, "exports")));
    let _ = writeln!(out, "  asks for {}", imports(list(answer, "imports")));
    out
}

/// A handler with its versions and what happened to it.
pub fn handler_detail(answer: &Value, paint: Paint) -> String {
    let mut out = format!("{}\n", paint.strong(text(answer, "name")));
    for version in list(answer, "versions") {
        let aliases = joined(list(version, "aliases"));
        let (failed, seen) = (&version["recent_failures"], &version["recent_events"]);
        let _ = writeln!(
            out,
            "  {}  {:14}  {}  {failed} of {seen} events failed lately",
            text(version, "version"),
            aliases,
            paint.dim(text(version, "uploaded_at")),
        );
        for warning in list(version, "warnings").iter().filter_map(Value::as_str) {
            let _ = writeln!(out, "    {}", paint.with("33", warning));
        }
    }
    if let Some(percent) = answer["canary"]["percent"].as_u64() {
        let _ = writeln!(out, "  the canary answers {percent} of 100 conversations");
    }
    for change in list(answer, "changes") {
        let why = change["why"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
        let at = paint.dim(text(change, "at"));
        let _ = writeln!(out, "  {at}  {}  {}{why}", text(change, "version"), text(change, "what"));
    }
    out
}

/// Events that were given up.
pub fn parked(answer: &Value, paint: Paint) -> String {
    let events = list(answer, "events");
    if events.is_empty() {
        return "no parked events".to_owned();
    }
    let mut out = String::new();
    for event in events {
        let about = event["message"].as_str().or(event["timer"].as_str()).unwrap_or_default();
        let (id, at) = (paint.strong(text(event, "event")), paint.dim(text(event, "parked_at")));
        let (kind, handler, version) = (text(event, "kind"), text(event, "handler"), text(event, "version"));
        let _ = writeln!(out, "{id}  {at}  {kind}  {handler} {version}  {about}");
        let _ = writeln!(out, "  after {} attempts: {}", event["attempts"], text(event, "error"));
    }
    if let Some(cursor) = answer["next_cursor"].as_str() {
        let _ = writeln!(out, "more with --cursor {cursor}");
    }
    out
}

/// Events that are tried again.
pub fn retried(answer: &Value, _: Paint) -> String {
    let more = if answer["more"] == true { "; there are more: do it again" } else { "" };
    format!("{} tried again{more}", answer["retried"])
}

/// Events that were forgotten.
pub fn discarded(answer: &Value, _: Paint) -> String {
    format!("{} discarded", answer["discarded"])
}

/// Our interfaces by name; WASI's, which languages bring along, by number.
fn imports(all: &[Value]) -> String {
    let all = all.iter().filter_map(Value::as_str);
    let (wasi, ours): (Vec<_>, Vec<_>) = all.partition(|name| name.starts_with("wasi:"));
    let short = |name: &&str| name.trim_start_matches("signalbox:messaging/").to_owned();
    let mut named: Vec<_> = ours.iter().map(short).collect();
    if !wasi.is_empty() {
        named.push(format!("{} of WASI", wasi.len()));
    }
    if named.is_empty() { "nothing".to_owned() } else { named.join(", ") }
}

/// Handlers, and the numbers bound to them.
pub fn handlers(answer: &Value, paint: Paint) -> String {
    let handlers = list(answer, "handlers");
    if handlers.is_empty() {
        return "no handlers; upload one with `signalbox handlers put NAME FILE`".to_owned();
    }
    let mut out = String::new();
    for one in handlers {
        out.push_str(&handler(one, paint));
        let numbers = list(answer, "bindings").iter().filter(|binding| binding["handler"] == one["name"]);
        let numbers: Vec<_> = numbers.map(|binding| text(binding, "number")).collect();
        let bound = if numbers.is_empty() { "no number".to_owned() } else { numbers.join(", ") };
        let _ = writeln!(out, "  bound to {bound}");
    }
    out
}

/// A number that is bound.
pub fn binding(answer: &Value, paint: Paint) -> String {
    format!("{} is answered by {}", paint.strong(text(answer, "number")), paint.strong(text(answer, "handler")))
}

/// What a handler said.
pub fn logs(answer: &Value, paint: Paint) -> String {
    let lines = list(answer, "lines");
    if lines.is_empty() {
        return "it said nothing since the last start".to_owned();
    }
    lines.iter().map(|line| log_line(line, paint) + "\n").collect()
}

/// A line that a handler wrote.
pub fn log_line(line: &Value, paint: Paint) -> String {
    let level = text(line, "level");
    let padded = format!("{level:5}");
    let level = match level {
        "error" => paint.with("31", &padded),
        "warn" => paint.with("33", &padded),
        _ => paint.dim(&padded),
    };
    format!("{}  {level}  {}", paint.dim(text(line, "at")), text(line, "text"))
}

/// A webhook that was set up.
pub fn webhook(answer: &Value, paint: Paint) -> String {
    let mut out = format!("{}  {}\n", paint.strong(text(answer, "name")), text(answer, "url"));
    let _ = writeln!(out, "  is told {}", joined(list(answer, "events")));
    if let Some(secret) = answer["secret"].as_str() {
        let _ = writeln!(out, "  signed with {secret} (shown this once)");
    }
    out
}

/// Webhooks.
pub fn webhooks(answer: &Value, paint: Paint) -> String {
    let hooks = list(answer, "webhooks");
    if hooks.is_empty() {
        return "no webhooks; set one up with `signalbox webhooks put NAME URL`".to_owned();
    }
    hooks.iter().map(|hook| webhook(hook, paint)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_timeline_shows_measured_offsets() {
        let answer = json!({
            "message": {"id": "msg_1", "status": "delivered", "from": "+15555550100", "to": "+15555550123", "text": "hi",
                        "direction": "outbound", "category": "otp", "encoding": "gsm7", "segments": 1},
            "entries": [
                {"at": "2026-11-23T14:00:00.000Z", "status": "accepted", "what": "accepted and durable"},
                {"at": "2026-11-23T14:00:00.012Z", "status": "sent", "what": "sim took it as 7"},
                {"at": "2026-11-23T14:01:05.500Z", "status": "delivered", "what": "receipt from sim: delivered"},
            ],
            "deliveries": [{"at": "2026-11-23T14:01:05.503Z", "webhook": "orders", "event": "message.delivered",
                            "attempt": 2, "latency_ms": 2.54, "status": 200}],
        });
        let shown = timeline(&answer, Paint::PLAIN);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[0], "msg_1  delivered");
        assert_eq!(lines[1], "+15555550100 → +15555550123  outbound, otp, gsm7, 1 segment");
        assert_eq!(lines[5], "    +0.000 s  accepted        accepted and durable");
        assert_eq!(lines[6], "    +0.012 s  sent            sim took it as 7");
        assert_eq!(
            lines[7],
            "    +1m 05s  delivered       receipt from sim: delivered".replacen("    +1m", "     +1m", 1)
        );
        assert_eq!(lines[10], "     +1m 05s  message.delivered to orders: 200 in 2.5 ms, attempt 2");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(beginning("a\nb"), "a b");
        assert_eq!(beginning(&"ü".repeat(41)), format!("{}…", "ü".repeat(40)));
    }
}
