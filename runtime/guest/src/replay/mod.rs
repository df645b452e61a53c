//! Recordings of calls, and calls run again from them, offline.
//!
//! A call depends on its invocation and on what its questions were answered, and on nothing else: with both kept, the same
//! component comes to the same effects, byte for byte, and another one shows what it would have done.
//!
//! How fast it computes is the machine's. So a replay is given more time than the call had, and a call that a limit of time
//! stopped, or the host, is replayed as far as it was recorded: its end was where it stood just then, and is not compared.
//!
//! Secrets are not kept: where one stood, its stand-in of the same length stands ([`stand_in`]), and the replayed handler is
//! given the same stand-ins. A handler that computes with a secret, such as a signature, therefore asks differently in a
//! replay. Values of less than four bytes are words that would be masked everywhere: they are not looked for.

mod diff;
mod event;
mod mask;
mod recorder;
mod replayer;

pub use diff::{diff, tell};
pub use event::{Details, RecordedEvent};
pub use mask::stand_in;
pub use replayer::Divergence;

use crate::effects::Effects;
use crate::host::Host;
use crate::ids::{DerivedIds, MessageIds, SendPlace};
use crate::invocation::Invocation;
use crate::limits::Limits;
use crate::outcome::{Answer, FailureKind, Outcome, Usage};
use crate::question::{Question, Reply};
use crate::surroundings::Surroundings;
use crate::upload::Handler;
use recorder::{GivenId, NotedIds, Recorder};
use replayer::Replayer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The form of recordings. One of another form is refused rather than misread.
const FORM: u8 = 1;

/// So many times the call's own limits of time has its replay: a machine that is busy, or older, computes longer.
const TIMES_THE_TIME: u32 = 40;

/// A call that can be run again.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// What happened.
    pub event: RecordedEvent,
    /// The event's id.
    pub event_id: String,
    /// Which attempt at it this was.
    pub attempt: u32,
    /// The guest's clock.
    pub now: u64,
    /// What its randomness came from.
    pub seed: [u8; 32],
    /// Its settings.
    pub settings: BTreeMap<String, String>,
    /// The names of its secrets, and how many bytes each had.
    pub secrets: Vec<(String, usize)>,
    /// What it could use.
    pub limits: Limits,
    /// The component's digest.
    pub handler: String,
    /// What it asked and was answered, in order.
    pub answers: Vec<Exchange>,
    /// How it ended.
    pub end: End,
    /// What it used.
    pub usage: Usage,
    ids: Vec<GivenId>,
}

/// A question and its answer.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// What was asked.
    pub question: Question,
    /// What was answered.
    pub reply: Reply,
}

/// How a call ended, without what differs from run to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum End {
    /// It came to its end.
    Completed {
        /// What it returned.
        answer: Answer,
        /// What it asked for.
        effects: Effects,
    },
    /// It had no effect.
    Failed {
        /// [`FailureKind::name`].
        kind: String,
        /// In words.
        message: String,
    },
}

/// A call run again.
#[derive(Debug)]
pub struct Replayed {
    /// How it ended, with its log and what it used this time.
    pub outcome: Outcome,
    /// Where its questions weren't those of the recording.
    pub divergences: Vec<Divergence>,
    /// How its end differs from the recorded one, line by line; empty if it doesn't, or if `was_stopped`.
    pub difference: Vec<String>,
    /// Whether the recorded call [was stopped](End::was_stopped). Then only the way up to there is compared, and `outcome` is
    /// what it comes to with more time, with what it asks behind that place unanswered.
    pub was_stopped: bool,
    /// Whether it computed for longer than the recorded call was allowed to.
    pub is_slow: bool,
}

impl Replayed {
    /// Whether it asked the same and came to the same end; if the recorded call was stopped, whether it came as far.
    pub fn is_same(&self) -> bool {
        self.divergences.is_empty() && self.difference.is_empty()
    }
}

/// Bytes that are no recording of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRecording {
    /// Written by another version.
    #[error(
        "the recording has the form {found}, and this host reads the form {FORM}: replay it with the version that recorded it"
    )]
    Form {
        /// Its form.
        found: u8,
    },
    /// Damaged.
    #[error("the recording can't be read: {0}")]
    Damaged(String),
}

impl Recording {
    /// As bytes, for keeping.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![FORM]).expect("a recording has only what postcard can write")
    }

    /// From bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadRecording> {
        match bytes {
            [FORM, rest @ ..] => postcard::from_bytes(rest).map_err(|error| BadRecording::Damaged(error.to_string())),
            [found, ..] => Err(BadRecording::Form { found: *found }),
            [] => Err(BadRecording::Damaged("it is empty".into())),
        }
    }
}

impl std::fmt::Debug for Recording {
    /// Without what was said and read.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording")
            .field("event", &self.event_id)
            .field("handler", &self.handler)
            .field("answers", &self.answers.len())
            .finish_non_exhaustive()
    }
}

impl End {
    /// Of an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Ok(completed) => Self::Completed { answer: completed.answer.clone(), effects: completed.effects.clone() },
            Err(failure) => Self::Failed { kind: failure.kind.name().to_owned(), message: failure.message.clone() },
        }
    }

    /// Whether a limit of time stopped it, or the host: it has no end of its own, and where it stood differs from run to
    /// run.
    pub fn was_stopped(&self) -> bool {
        let Self::Failed { kind, .. } = self else { return false };
        let stops = [FailureKind::CpuLimit, FailureKind::WallLimit, FailureKind::Unavailable];
        stops.iter().any(|stop| stop.name() == kind)
    }
}

impl FailureKind {
    /// A stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::CpuLimit => "cpu-limit",
            Self::WallLimit => "wall-limit",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::HostLimit(_) => "host-limit",
            Self::Retry(_) => "retry",
            Self::Reject => "reject",
            Self::Other => "other",
            Self::Contract => "contract",
            Self::NotExported => "not-exported",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Host {
    /// [`Host::invoke`], and what it takes to run the call again. No recording where the call was answered more than
    /// 4 MiB: what is kept has a bound.
    pub async fn record(
        &self,
        handler: &Handler,
        invocation: &Invocation<'_>,
        surroundings: &mut dyn Surroundings,
    ) -> (Outcome, Option<Recording>) {
        self.record_if(handler, invocation, surroundings, |_| true).await
    }

    /// [`Host::record`], for calls that end in a way that is to be kept: of others only the answers are copied.
    pub async fn record_if(
        &self,
        handler: &Handler,
        invocation: &Invocation<'_>,
        surroundings: &mut dyn Surroundings,
        is_kept: impl Fn(&Outcome) -> bool,
    ) -> (Outcome, Option<Recording>) {
        let ids = Arc::new(NotedIds::new(Arc::clone(&invocation.ids)));
        let noted = Invocation { ids: Arc::clone(&ids) as Arc<dyn MessageIds>, ..invocation.clone() };
        let mut recorder = Recorder::new(surroundings);
        let outcome = self.invoke(handler, &noted, &mut recorder).await;
        if !is_kept(&outcome) {
            return (outcome, None);
        }
        let Some(answers) = recorder.into_answers() else { return (outcome, None) };
        let mut recording = Recording {
            event: RecordedEvent::of(&invocation.event),
            event_id: invocation.event_id.to_owned(),
            attempt: invocation.attempt,
            now: invocation.now,
            seed: invocation.seed,
            settings: BTreeMap::clone(&invocation.settings),
            secrets: invocation.secrets.iter().map(|(name, value)| (name.clone(), value.len())).collect(),
            limits: invocation.limits,
            handler: handler.info().digest.clone(),
            answers,
            end: End::of(&outcome),
            usage: usage(&outcome),
            ids: ids.given(),
        };
        mask::mask(&mut recording, &invocation.secrets);
        (outcome, Some(recording))
    }

    /// Runs a recorded call again, with `handler` or another: every question is answered from the recording, and nothing
    /// leaves this host. It has more time than the recorded call had.
    pub async fn replay(&self, handler: &Handler, recording: &Recording) -> Replayed {
        let lent = recording.event.lend();
        let secrets = recording.secrets.iter();
        let secrets = secrets.map(|(name, bytes)| (name.clone(), stand_in(name, *bytes))).collect();
        let invocation = Invocation {
            event: recording.event.event(&lent),
            event_id: &recording.event_id,
            attempt: recording.attempt,
            now: recording.now,
            seed: recording.seed,
            limits: patient(&recording.limits),
            settings: Arc::new(recording.settings.clone()),
            secrets: Arc::new(secrets),
            ids: Arc::new(RecordedIds(recording.ids.clone())),
        };
        let was_stopped = recording.end.was_stopped();
        let mut replayer = Replayer::new(&recording.answers, was_stopped);
        let outcome = self.invoke(handler, &invocation, &mut replayer).await;
        let divergences = replayer.into_divergences();
        let difference = if was_stopped { Vec::new() } else { diff(&recording.end, &End::of(&outcome)) };
        let is_slow = usage(&outcome).cpu > recording.limits.cpu;
        Replayed { outcome, divergences, difference, was_stopped, is_slow }
    }
}

fn usage(outcome: &Outcome) -> Usage {
    outcome.as_ref().map_or_else(|failure| failure.usage, |completed| completed.usage)
}

fn patient(limits: &Limits) -> Limits {
    let more = |time: std::time::Duration| time.saturating_mul(TIMES_THE_TIME);
    Limits { cpu: more(limits.cpu), wall: more(limits.wall), ..*limits }
}

/// The ids that messages had, and derived ones for messages that weren't.
struct RecordedIds(Vec<GivenId>);

impl MessageIds for RecordedIds {
    fn message_id(&self, place: &SendPlace<'_>) -> String {
        let given = self.0.iter().find(|given| given.is_of(place));
        given.map_or_else(|| DerivedIds.message_id(place), |given| given.id.clone())
    }
}
