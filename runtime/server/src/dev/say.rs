//! What `signalbox dev` says on stdout: for people, or as lines of JSON.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};
use signalbox_engine::{LogLine, VersionInfo};

use super::{NUMBER, PHONE};
use crate::out;

/// How it is said.
#[derive(Clone, Copy)]
pub struct Voice {
    json: bool,
}

/// What a developer needs to begin.
pub struct Ready<'a> {
    pub url: String,
    pub key: &'a str,
    pub control: Option<String>,
    pub smpp: SocketAddr,
    pub folder: Option<PathBuf>,
    pub seed: u64,
}

impl Voice {
    /// JSON for programs, or text for people.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    fn say(self, json: impl FnOnce() -> Value, words: impl FnOnce() -> String) {
        if self.json { out::line(json()) } else { out::line(words()) }
    }

    /// Everything stands.
    pub fn ready(self, ready: &Ready<'_>) {
        let Ready { url, key, control, smpp, folder, seed } = ready;
        let json = || {
            json!({
                "ready": true, "url": url, "key": key, "tenant": super::TENANT, "number": NUMBER, "phone": PHONE,
                "control": control, "smpp": smpp, "folder": folder, "seed": seed,
            })
        };
        self.say(json, || welcome(ready));
    }

    /// A handler was uploaded.
    pub fn deployed(self, uploaded: &VersionInfo) {
        let handler = &uploaded.meta;
        let version = handler.digest.get(..12).unwrap_or_default();
        let json = || {
            json!({ "handler": handler.handler, "deployed": version, "exports": handler.exports,
                    "compile_ms": handler.compile_ms })
        };
        let words = || {
            let (name, exports) = (&handler.handler, handler.exports.join(", "));
            format!("handler {name} {version} answers {NUMBER}: {exports}; compiled in {} ms", handler.compile_ms)
        };
        self.say(json, words);
    }

    /// A build begins.
    pub fn building(self, name: &str, command: &str) {
        self.say(|| json!({ "handler": name, "building": command }), || format!("handler {name}: {command}"));
    }

    /// A build failed; the handler before goes on.
    pub fn build_failed(self, name: &str, said: &str) {
        let json = || json!({ "handler": name, "build_failed": said });
        self.say(json, || format!("handler {name}: the old one goes on; {said}"));
    }

    /// A handler was refused; the one before goes on.
    pub fn refused(self, name: &str, reason: &str) {
        let json = || json!({ "handler": name, "refused": reason });
        self.say(json, || format!("handler {name}: the new one is refused, the old one goes on: {reason}"));
    }

    /// A line that a handler wrote.
    pub fn line(self, name: &str, line: &LogLine) {
        let LogLine { at, event, level, text, .. } = line;
        let json = || json!({ "handler": name, "at": at.to_rfc3339(), "event": event.map(|event| event.to_string()), "level": level, "text": text });
        // The day is known to whoever looks at it now.
        self.say(json, || format!("{} {name} {level}: {text}", at.to_rfc3339().get(11..23).unwrap_or_default()));
    }
}

fn welcome(ready: &Ready<'_>) -> String {
    let Ready { url, key, control, smpp, folder, .. } = ready;
    let store = match folder {
        Some(folder) => format!("kept in {}", folder.display()),
        None => "fresh, and gone when this ends (keep it with --folder)".to_owned(),
    };
    let mut text = format!(
        "\nsignalbox is ready: {url}\n\
         \n  API key   {key}\n  number    {NUMBER}, of tenant `{}`\n  store     {store}\n  carrier   simulated, SMPP on {smpp}\n",
        super::TENANT,
    );
    if let Some(control) = control {
        text.push_str(&format!("            its phones on {control}\n"));
    }
    text.push_str(&format!(
        "\nSend a message, and look at what became of it:\n\
         \n  curl -s {url}/v1/messages -H 'Authorization: Bearer {key}' \\\n    \
         -H 'Content-Type: application/json' \\\n    \
         -d '{{\"from\": \"{NUMBER}\", \"to\": \"{PHONE}\", \"text\": \"Hello from Signalbox\"}}'\n\
         \n  curl -s {url}/v1/messages -H 'Authorization: Bearer {key}'\n\
         \nor, shorter:\n\
         \n  export SIGNALBOX_URL={url} SIGNALBOX_KEY={key}\n  \
         signalbox send --from {NUMBER} --to {PHONE} --text 'Hello again' --wait\n  \
         signalbox messages list\n"
    ));
    if let Some(control) = control {
        text.push_str(&format!(
            "\nLet a phone write to the number, and read what it got:\n\
             \n  curl -s {control}/phones/{PHONE}/send -d '{{\"to\": \"{NUMBER}\", \"text\": \"help\"}}'\n  \
             curl -s {control}/phones/{PHONE}/messages\n"
        ));
    }
    text.push_str("\nCtrl-C drains and ends.\n");
    text
}
