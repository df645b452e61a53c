//! `signalbox audit`: the audit log, exported and verified.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};
use signalbox_model::{TenantId, Timestamp};
use signalbox_records::audit::export::{FrameLine, Line, MarkLine, Reader};
use signalbox_records::audit::{Mark, Summary, unhex};

use super::call::{Api, Body, query};
use super::problem::Error;
use super::show::Screen;
use crate::args::Server;
use crate::out;

/// `signalbox audit`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the log as lines of JSON that anybody can verify with the public key, with the decisions that it tells of.
    Export {
        /// From this time on, RFC 3339.
        #[arg(long, value_parser = time)]
        since: Option<Timestamp>,
        /// Until this time, RFC 3339.
        #[arg(long, value_parser = time)]
        until: Option<Timestamp>,
        /// Only what is about this person; of the rest, hashes.
        #[arg(long, allow_hyphen_values = true)]
        number: Option<String>,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Find the first entry that was changed, dropped, doubled or reordered: in an export, or in a running Signalbox,
    /// where the records are held against the log, too.
    Verify {
        /// The export. Without it the running Signalbox is asked.
        file: Option<PathBuf>,
        /// The public key that the operator published, in hex; without it, the one that the log names is believed.
        #[arg(long)]
        public_key: Option<String>,
        /// A checkpoint (a line of an earlier export) that was kept elsewhere: shows whether an end was cut off since.
        #[arg(long)]
        checkpoint: Option<PathBuf>,
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Sign the log as it stands, and print the checkpoint: keep it elsewhere.
    Checkpoint {
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
    /// Print the public key.
    Key {
        /// Whom to ask.
        #[command(flatten)]
        server: Server,
    },
}

fn time(text: &str) -> Result<Timestamp, String> {
    let time = Timestamp::parse_rfc3339(text);
    time.ok_or_else(|| "write RFC 3339, such as 2026-12-24T09:00:00Z".to_owned())
}

impl Command {
    pub(super) fn server(&self) -> &Server {
        match self {
            Self::Export { server, .. }
            | Self::Verify { server, .. }
            | Self::Checkpoint { server }
            | Self::Key { server } => server,
        }
    }

    /// Does it need no server?
    pub(super) fn is_offline(&self) -> bool {
        matches!(self, Self::Verify { file: Some(_), .. })
    }
}

/// Verifies an export. Asks no server.
pub(super) async fn offline(command: Command) -> Result<(), Error> {
    let Command::Verify { file: Some(file), public_key, checkpoint, server } = command else { return Ok(()) };
    let mut reader = reader(public_key, checkpoint.as_deref()).await?;
    let bytes = super::read(&file).await?;
    let text = String::from_utf8(bytes).map_err(|_| bad("the export isn't text"))?;
    for line in text.lines() {
        reader.line(line).map_err(|error| bad(&error.to_string()))?;
    }
    let summary = reader.finish().map_err(|error| bad(&error.to_string()))?;
    Screen::new(server.json).show(&in_order(summary, None), words);
    Ok(())
}

pub(super) async fn run(command: Command, api: &Api, screen: &Screen) -> Result<(), Error> {
    match command {
        Command::Export { since, until, number, .. } => {
            let asked = Asked { since, until, number, compare: false, decisions: true };
            walk(api, &asked, |line, _| {
                out::line(line);
                Ok(())
            })
            .await
        }
        Command::Verify { public_key, checkpoint, .. } => {
            let mut reader = reader(public_key, checkpoint.as_deref()).await?;
            let mut records = Records::default();
            walk(api, &Asked { compare: true, ..Asked::default() }, |line, standings| {
                let body = reader.line(line).map_err(|error| bad(&error.to_string()))?;
                records.note(body.is_some(), line, standings)
            })
            .await?;
            let summary = reader.finish().map_err(|error| bad(&error.to_string()))?;
            records.settle()?;
            screen.show(&in_order(summary, Some(records.compared)), words);
            Ok(())
        }
        Command::Checkpoint { .. } => {
            let signed = api.call(Method::POST, "/v1/audit/checkpoints", Body::Empty).await?;
            let mark = signed["checkpoints"].get(0).ok_or_else(|| bad("nothing was ever logged"))?;
            out::line(line(&Line::Checkpoint(parse(mark)?)));
            Ok(())
        }
        Command::Key { .. } => {
            let audit = api.get("/v1/audit").await?;
            let key = audit["public_key"].as_str().ok_or_else(|| bad("no audit log is written here"))?;
            screen.show(&json!({ "public_key": key }), |shown, _| {
                shown["public_key"].as_str().unwrap_or_default().to_owned()
            });
            Ok(())
        }
    }
}

async fn reader(public_key: Option<String>, checkpoint: Option<&Path>) -> Result<Reader, Error> {
    let key = public_key.map(|key| unhex(&key).and_then(|key| key.try_into().ok()));
    if key == Some(None) {
        return Err(bad("--public-key is 64 hexadecimal digits"));
    }
    let kept = match checkpoint {
        Some(file) => vec![kept(&super::read(file).await?)?],
        None => Vec::new(),
    };
    Ok(Reader::new(key.flatten(), kept))
}

fn kept(bytes: &[u8]) -> Result<Mark, Error> {
    let line = serde_json::from_slice(bytes.trim_ascii()).ok();
    let mark = line.and_then(|line| if let Line::Checkpoint(mark) = line { mark.mark() } else { None });
    mark.ok_or_else(|| bad("--checkpoint names a file with one line of an export, of kind `checkpoint`"))
}

/// Which part of the log.
#[derive(Default)]
struct Asked {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    number: Option<String>,
    compare: bool,
    decisions: bool,
}

/// Goes through the log as lines of an export; with each frame, how the records stand to it.
async fn walk(api: &Api, asked: &Asked, mut take: impl FnMut(&str, &Value) -> Result<(), Error>) -> Result<(), Error> {
    let audit = api.get("/v1/audit").await?;
    let key = audit["public_key"].as_str().ok_or_else(|| bad("no audit log is written here"))?.to_owned();
    // What is there now is signed first, so that the export proves all of it.
    let signed = api.call(Method::POST, "/v1/audit/checkpoints", Body::Empty).await?;
    let tenant = tenant(&signed)?;
    take(&line(&Line::Export { tenant, key, since: asked.since, until: asked.until }), &Value::Null)?;
    let since = asked.since.map(Timestamp::to_rfc3339);
    let until = asked.until.map(Timestamp::to_rfc3339);
    let (mut checkpoints, mut after, mut more) = (0, 0, true);
    while more {
        let filters = [("after", Some(after.to_string())), ("since", since.clone())];
        let page = api.get(&format!("/v1/audit/checkpoints{}", query(&filters))).await?;
        more = page["more"] == true;
        for mark in page["checkpoints"].as_array().into_iter().flatten() {
            let mark: MarkLine = parse(mark)?;
            after = mark.n;
            more &= asked.until.is_none_or(|until| mark.at <= until);
            take(&line(&Line::Checkpoint(mark)), &Value::Null)?;
            checkpoints += 1;
        }
    }
    let mut frames = 0;
    for partition in 0..audit["partitions"].as_u64().unwrap_or_default() {
        let (mut after, mut first) = (0, true);
        loop {
            let filters = [
                ("partition", Some(partition.to_string())),
                ("after", Some(after.to_string())),
                ("since", since.clone().filter(|_| first)),
                ("until", until.clone()),
                ("number", asked.number.clone()),
                ("compare", asked.compare.then(|| "true".to_owned())),
                ("decisions", asked.decisions.then(|| "true".to_owned())),
            ];
            let page = api.get(&format!("/v1/audit/frames{}", query(&filters))).await?;
            let shown = page["frames"].as_array().map_or(&[][..], Vec::as_slice);
            if first && !shown.is_empty() {
                let (n, link) = (page["n"].as_u64().unwrap_or_default(), page["link"].as_str().unwrap_or_default());
                let partition = u16::try_from(partition).unwrap_or(u16::MAX);
                take(&line(&Line::Chain { partition, n, link: link.to_owned() }), &Value::Null)?;
            }
            first = false;
            for (i, frame) in shown.iter().enumerate() {
                let frame: FrameLine = parse(frame)?;
                after = frame.n;
                take(&line(&Line::Frame(frame)), &page["standings"][i])?;
                frames += 1;
            }
            if page["more"] != true || shown.is_empty() {
                break;
            }
        }
    }
    take(&line(&Line::End { frames, checkpoints }), &Value::Null)
}

/// Whose log it is: each checkpoint says it.
fn tenant(signed: &Value) -> Result<TenantId, Error> {
    let mark = signed["checkpoints"].get(0).ok_or_else(|| bad("nothing was ever logged"))?;
    let said = parse::<MarkLine>(mark)?.mark().and_then(|mark| mark.said().ok());
    said.map(|said| said.tenant).ok_or_else(|| bad("the checkpoint that was just signed can't be read"))
}

/// How the records stand to the log.
#[derive(Default)]
struct Records {
    compared: u64,
    /// Texts that are other than the log last said, by message.
    other: BTreeMap<String, String>,
    /// Messages of which lines are missing: they were kept long enough, if the log says so later.
    missing: BTreeMap<String, String>,
}

impl Records {
    fn note(&mut self, is_frame: bool, line: &str, standings: &Value) -> Result<(), Error> {
        let Some(standings) = standings.as_array().filter(|_| is_frame) else { return Ok(()) };
        let frame: Value = serde_json::from_str(line).unwrap_or_default();
        let (partition, n) = (&frame["partition"], &frame["n"]);
        for item in frame["shown"]["items"].as_array().into_iter().flatten() {
            for message in item["swept"]["messages"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                self.missing.remove(message);
                self.other.remove(message);
            }
        }
        for (item, standing) in frame["shown"]["items"].as_array().into_iter().flatten().zip(standings) {
            let Some(standing) = standing.as_str() else { continue };
            self.compared += 1;
            let whose = |kind: &str| item[kind]["message"].as_str().map(str::to_owned);
            let at = format!("partition {partition}, frame {n}");
            if let Some(message) = whose("text") {
                match standing {
                    "same" => drop(self.other.remove(&message)),
                    _ => drop(self.other.insert(message, format!("{at}: the text is {standing}"))),
                }
            } else if let Some(message) = whose("line").filter(|_| standing != "same") {
                let line = &item["line"]["n"];
                if standing == "missing" {
                    self.missing.entry(message).or_insert_with(|| format!("{at}: line {line} is missing"));
                    continue;
                }
                return Err(bad(&format!(
                    "the record of {message} isn't what was logged ({at}): line {line} is {standing}"
                )));
            }
        }
        Ok(())
    }

    /// A text that was rewritten is logged again; one that stayed other was changed by somebody else. What is missing and
    /// wasn't deleted by retention, too.
    fn settle(&self) -> Result<(), Error> {
        match self.other.iter().chain(&self.missing).next() {
            Some((message, why)) => Err(bad(&format!("the record of {message} isn't what was logged ({why})"))),
            None => Ok(()),
        }
    }
}

fn in_order(summary: Summary, compared: Option<u64>) -> Value {
    let Summary { frames, items, marks, unsigned } = summary;
    json!({ "ok": true, "frames": frames, "entries": items, "checkpoints": marks, "unsigned": unsigned, "compared": compared })
}

fn words(shown: &Value, _: super::show::Paint) -> String {
    let mut text = format!(
        "in order: {} frames with {} entries, {} checkpoints",
        shown["frames"], shown["entries"], shown["checkpoints"]
    );
    if let Some(compared) = shown["compared"].as_u64() {
        text += &format!("; {compared} rows of the records are as they were logged");
    }
    if shown["unsigned"] != 0 {
        text +=
            &format!("\n{} frames are younger than the last checkpoint: an end could be missing", shown["unsigned"]);
    }
    text
}

fn line(line: &Line) -> String {
    serde_json::to_string(line).expect("a line is plain data")
}

fn parse<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, Error> {
    T::deserialize(value).map_err(|error| bad(&format!("the API's answer can't be read: {error}")))
}

fn bad(why: &str) -> Error {
    Error::Audit(why.to_owned())
}
