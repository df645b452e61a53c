//! A log as lines of JSON, and what verifies it without us.
//!
//! A frame that isn't about the number that was asked for stands there as a hash, so that the chain can be followed over it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use signalbox_model::{Cause, Entry, MessageId, Partition, Reason, Status, TenantId, Timestamp, Verdict};

use super::chain::{Frame, Head};
use super::item::{Body, Item, Person};
use super::key::PublicKey;
use super::mark::Mark;
use super::verify::{Bad, Summary, Verifier};
use super::{hash, hex, unhex};

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// The first: whose log, and which part of it.
    Export {
        /// The tenant.
        tenant: TenantId,
        /// The key that verifies its checkpoints, in hex. Compare it with the one that the operator published.
        key: String,
        /// From this time; from the beginning if there is none.
        since: Option<Timestamp>,
        /// Until this time; to the end if there is none.
        until: Option<Timestamp>,
    },
    /// A checkpoint.
    Checkpoint(MarkLine),
    /// A chain, and the frame behind which it is shown.
    Chain {
        /// In which partition.
        partition: u16,
        /// The frame's number.
        n: u64,
        /// Its link, in hex.
        link: String,
    },
    /// A frame.
    Frame(FrameLine),
    /// The last: how many there were.
    End {
        /// Frames.
        frames: u64,
        /// Checkpoints.
        checkpoints: u64,
    },
}

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkLine {
    /// Its number, to look at.
    pub n: u64,
    /// Its time, to look at.
    pub at: Timestamp,
    /// What is signed, in hex.
    pub body: String,
    /// The signature, in hex.
    pub signature: String,
}

/// A frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameLine {
    /// In which partition.
    pub partition: u16,
    /// Its number.
    pub n: u64,
    /// Its link, in hex.
    pub link: String,
    /// Its body in hex; or else there is its hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Its body's hash, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The body, to look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<Value>,
    /// The decisions in the lines of timelines that the body tells of, to read: as they were on record when the log was
    /// exported. The chain proves the hash of each line, not these words; a running Signalbox holds them against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decided: Vec<Decided>,
}

/// A decision as a person reads it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// On which message.
    pub message: MessageId,
    /// Which line of its timeline.
    pub n: u16,
    /// When.
    pub at: Timestamp,
    /// What the message became.
    pub status: Status,
    /// `allow`, `warn`, `rewrite`, `hold` or `deny`.
    pub verdict: String,
    /// Until when, when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Every rule that fired: what it stands on, what was found, how to mend it.
    pub reasons: Vec<Reason>,
    /// The rule set's hash and the tables', in hex, joined by `-`: what `GET /v1/policies/…` knows them by.
    pub policies: String,
}

impl Decided {
    /// The decisions in some lines of a message's timeline.
    pub fn of(message: MessageId, entries: &[Entry]) -> Vec<Self> {
        let one = |entry: &Entry| {
            let decision = match &entry.cause {
                Cause::Accepted { decision } | Cause::Queued { decision, .. } => decision,
                Cause::Held { decision, .. } | Cause::Rejected { decision, .. } => decision.as_ref()?,
                _ => return None,
            };
            Some(Self {
                message,
                n: entry.n,
                at: entry.at,
                status: entry.status,
                verdict: decision.verdict.as_str().to_owned(),
                until: if let Verdict::Hold { until } = decision.verdict { Some(until) } else { None },
                reasons: decision.reasons.clone(),
                policies: format!("{:016x}-{:016x}", decision.rules, decision.trace.tables),
            })
        };
        entries.iter().filter_map(one).collect()
    }
}

/// Why an export isn't what it should be.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ExportError {
    /// A line can't be read.
    #[error("line {line} {why}")]
    Line {
        /// Which; the first is 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// The log isn't as it was written.
    #[error("line {line}: {bad}")]
    Bad {
        /// Which line shows it; 0 when it shows at the end.
        line: usize,
        /// What is wrong.
        bad: Bad,
    },
}

impl MarkLine {
    /// Shows a checkpoint.
    pub fn of(mark: &Mark) -> Self {
        let said = mark.said().ok();
        let (n, at) = said.map_or((0, Timestamp::EPOCH), |said| (said.n, said.at));
        Self { n, at, body: hex(&mark.body), signature: hex(&mark.signature) }
    }

    /// The checkpoint; `None` if it isn't one.
    pub fn mark(&self) -> Option<Mark> {
        let mark = Mark { body: unhex(&self.body)?.into(), signature: unhex(&self.signature)?.try_into().ok()? };
        (Self::of(&mark) == *self).then_some(mark)
    }
}

impl FrameLine {
    /// Shows a frame; only its hash unless it is about `person`, if one is asked for, or about the log itself.
    pub fn of(partition: Partition, frame: &Frame, person: Option<Person>) -> Self {
        let body = Body::decode(&frame.body).ok();
        let is_about = |person: Person| {
            let shows = |item: &Item| item.is_of_log() || item.people().contains(&person);
            body.as_ref().is_some_and(|body| body.items.iter().any(shows))
        };
        let open = person.is_none_or(is_about);
        Self {
            partition: partition.index(),
            n: frame.n,
            link: hex(&frame.link),
            body: open.then(|| hex(&frame.body)),
            digest: (!open).then(|| hex(&hash(&[&frame.body]))),
            shown: body.filter(|_| open).map(|body| shown(&body)),
            decided: Vec::new(),
        }
    }

    /// With the decisions that it tells of, unless it is of somebody else.
    #[must_use]
    pub fn with(mut self, decided: Vec<Decided>) -> Self {
        if self.body.is_some() {
            self.decided = decided;
        }
        self
    }
}

/// A body, to look at.
fn shown(body: &Body) -> Value {
    serde_json::to_value(body).expect("a body is plain data")
}

/// Goes through an export, line by line. Memory for its checkpoints only.
pub struct Reader {
    given: Option<PublicKey>,
    begun: Option<(Verifier, Option<Timestamp>)>,
    /// The export says that it begins with the log.
    is_whole: bool,
    kept: Vec<Mark>,
    line: usize,
    ended: Option<(u64, u64)>,
}

impl Reader {
    /// Verifies with the operator's published key, or with the one that the export names; and against checkpoints that
    /// were kept elsewhere.
    pub fn new(key: Option<PublicKey>, kept: Vec<Mark>) -> Self {
        Self { given: key, begun: None, is_whole: false, kept, line: 0, ended: None }
    }

    /// The next line; what is in the frame, if it is one that can be read.
    pub fn line(&mut self, text: &str) -> Result<Option<Body>, ExportError> {
        self.line += 1;
        let line = self.line;
        let wrong = |why: &str| ExportError::Line { line, why: why.to_owned() };
        if self.ended.is_some() {
            return Err(wrong("stands behind the last one"));
        }
        let read: Line = serde_json::from_str(text).map_err(|error| wrong(&format!("can't be read: {error}")))?;
        // What we would have written, no more and no less: nothing can hide in spaces or in doubled keys.
        if serde_json::to_string(&read).ok().as_deref() != Some(text) {
            return Err(wrong("isn't written as an export is"));
        }
        let bad = |bad| ExportError::Bad { line, bad };
        if let Line::Export { tenant, key, since, until } = &read {
            if self.begun.is_some() {
                return Err(wrong("begins another export"));
            }
            let named = unhex(key).and_then(|key| key.try_into().ok()).ok_or_else(|| wrong("names no key"))?;
            if self.given.is_some_and(|given| given != named) {
                return Err(wrong("names another key than yours"));
            }
            let mut verifier = Verifier::new(tenant.clone(), named);
            for mark in &self.kept {
                verifier.kept(mark).map_err(bad)?;
            }
            self.begun = Some((verifier, *until));
            self.is_whole = since.is_none();
            return Ok(None);
        }
        let Some((verifier, _)) = &mut self.begun else {
            return Err(wrong("comes before the one that says whose log it is"));
        };
        match read {
            Line::Export { .. } => {}
            Line::Checkpoint(mark) => {
                let mark = mark.mark().ok_or_else(|| wrong("is no checkpoint, or shows another than it is"))?;
                verifier.mark(&mark).map_err(bad)?;
            }
            Line::Chain { partition, n, link } => {
                let link = digest(&link).ok_or_else(|| wrong("has no link"))?;
                let (partition, head) = (Partition::new(partition), Head { n, link });
                let begin = if self.is_whole { Verifier::begin_whole_at } else { Verifier::begin_at };
                begin(verifier, partition, head).map_err(bad)?;
            }
            Line::Frame(frame) => return read_frame(verifier, &frame).map_err(|found| found.at(line)),
            Line::End { frames, checkpoints } => self.ended = Some((frames, checkpoints)),
        }
        Ok(None)
    }

    /// All lines were read.
    pub fn finish(self) -> Result<Summary, ExportError> {
        let cut = |why: &str| ExportError::Line { line: self.line + 1, why: why.to_owned() };
        let Some((frames, checkpoints)) = self.ended else { return Err(cut("is missing: the export was cut off")) };
        let Some((verifier, until)) = self.begun else { return Err(cut("is missing: the export is empty")) };
        let summary = verifier.finish(until).map_err(|bad| ExportError::Bad { line: 0, bad })?;
        if (summary.frames, summary.marks) != (frames, checkpoints) {
            return Err(cut("is missing: there are other lines than the last one says"));
        }
        Ok(summary)
    }
}

/// What was found in a frame's line.
enum Found {
    Wrong(&'static str),
    Bad(Bad),
}

impl Found {
    fn at(self, line: usize) -> ExportError {
        match self {
            Self::Wrong(why) => ExportError::Line { line, why: why.to_owned() },
            Self::Bad(bad) => ExportError::Bad { line, bad },
        }
    }
}

fn read_frame(verifier: &mut Verifier, frame: &FrameLine) -> Result<Option<Body>, Found> {
    let partition = Partition::new(frame.partition);
    let link = digest(&frame.link).ok_or(Found::Wrong("has no link"))?;
    match (&frame.body, &frame.digest) {
        (Some(body), None) => {
            let body = unhex(body).ok_or(Found::Wrong("has no body"))?;
            let body = verifier.frame(partition, frame.n, &link, &body).map_err(Found::Bad)?;
            if frame.shown.as_ref() != Some(&shown(&body)) {
                return Err(Found::Wrong("shows something else than was logged"));
            }
            Ok(Some(body))
        }
        (None, Some(hidden)) if frame.shown.is_none() => {
            let hidden = digest(hidden).ok_or(Found::Wrong("has no hash"))?;
            verifier.hidden(partition, frame.n, &link, &hidden).map_err(Found::Bad)?;
            Ok(None)
        }
        _ => Err(Found::Wrong("has neither a body nor its hash, or both")),
    }
}

fn digest(text: &str) -> Option<super::Digest> {
    unhex(text)?.try_into().ok()
}
