//! The stage: a handler that is compiled once, and any number of conversations with it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use signalbox_guest::manifest::Manifest;
use signalbox_guest::{self as guest};

use crate::error::Error;
use crate::idle::Idle;
use crate::outcome::{Failed, Outcome, Replays};
use crate::play;
use crate::script::{Conversation, Script};

/// Events that may be in handlers' hands at once: one for each conversation under way, and some to spare.
const INSTANCES: u32 = 64;

/// A developer's machine may be slow and busy, and waits for nobody else.
const COMPILE: Duration = Duration::from_secs(600);
/// Any operator's largest cap on an event's memory fits.
const MOST_MEMORY: usize = 1 << 30;
/// Conversations side by side: each may hold as many events in handlers' hands as it likes, and all share the instances.
const MOST_THREADS: usize = 16;

/// A handler, ready for any number of conversations.
pub struct Stage {
    pub(crate) host: Arc<guest::Host>,
    pub(crate) handler: Arc<guest::Handler>,
    /// What recorded runs are replayed with: the handler.
    pub(crate) replayed: Arc<guest::Handler>,
    pub(crate) manifest: Manifest,
    pub(crate) component: Bytes,
}

impl Stage {
    /// A host for stages: an event's limits are the same as in production, and what its manifest asks for is granted. With a cache, a component that didn't change
    /// isn't compiled again by the next run.
    pub fn host(cache: Option<guest::Cache>) -> Result<Arc<guest::Host>, Error> {
        let upload = guest::UploadLimits { compile: COMPILE, ..guest::UploadLimits::default() };
        let config = guest::Config {
            instances: INSTANCES,
            max_memory_bytes: MOST_MEMORY,
            upload,
            cache,
            ..guest::Config::default()
        };
        Ok(Arc::new(guest::Host::new(config)?))
    }

    /// Compiles a component; `path` is what an error calls it.
    pub fn new(
        host: Arc<guest::Host>,
        manifest: Manifest,
        path: &Path,
        component: impl Into<Bytes>,
    ) -> Result<Self, Error> {
        let component = component.into();
        let runtime = Idle::default().runtime().map_err(Error::house)?;
        let handler = runtime.block_on(host.compile(component.to_vec()));
        let handler =
            handler.map_err(|refusal| Error::Component { path: path.to_owned(), reason: refusal.to_string() })?;
        Ok(Self { host, replayed: handler.clone(), handler, manifest, component })
    }

    /// Holds one conversation, in virtual time.
    pub fn play(&self, script: &Script, conversation: &Conversation) -> Outcome {
        let began = Instant::now();
        let played = self.try_play(conversation);
        let (failed, replays) =
            played.unwrap_or_else(|error| (Some(Failed::at_all(conversation, &error)), Replays::default()));
        Outcome {
            file: script.path.clone(),
            line: conversation.line,
            name: conversation.name.clone(),
            took: began.elapsed(),
            replays,
            failed,
        }
    }

    /// Holds the conversations of several scripts, side by side; outcomes come in the order of the scripts.
    pub fn play_all(&self, scripts: &[Script]) -> Vec<Outcome> {
        let all: Vec<_> =
            scripts.iter().flat_map(|script| script.conversations.iter().map(move |one| (script, one))).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut played = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some((script, one)) = all.get(place) else { return played };
                played.push((place, self.play(script, one)));
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let mut played: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().flat_map(|worker| worker.join().expect("a rehearsal doesn't panic")).collect()
        });
        played.sort_by_key(|(place, _)| *place);
        played.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn try_play(&self, conversation: &Conversation) -> Result<(Option<Failed>, Replays), Error> {
        let idle = Idle::default();
        let runtime = idle.runtime().map_err(Error::house)?;
        runtime.block_on(play::play(self, conversation, &idle))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn component(name: &str) -> Vec<u8> {
        let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests");
        std::fs::read(guests.join(name)).expect("`cargo xtask guests` built it")
    }

    #[test]
    fn a_handler_that_does_otherwise_when_it_is_replayed_fails_the_conversation() {
        let host = Stage::host(None).unwrap();
        let stage = |name| {
            let manifest = Manifest::parse("handler.toml", "name = \"desk\"").unwrap();
            Stage::new(host.clone(), manifest, Path::new(name), component(name)).unwrap()
        };
        let mut desk = stage("echo-support.wasm");
        let script = Script::parse(
            Path::new("test.toml"),
            "[[conversation]]\nname = \"a test\"\nsteps = [{ in = \"hello\" }, { in = \"order 7\" }]\n",
        );
        let script = script.unwrap();
        let outcome = desk.play(&script, &script.conversations[0]);
        assert!(outcome.passed() && outcome.replays.runs >= 2, "{outcome:?}");
        assert_eq!(outcome.replays.runs, outcome.replays.same);

        desk.replayed = stage("misbehaving.wasm").handler;
        let outcome = desk.play(&script, &script.conversations[0]);
        assert!(outcome.replays.same < outcome.replays.runs, "{outcome:?}");
        let failed = outcome.failed.expect("another component does otherwise");
        assert_eq!(failed.expected, "the handler to do the same when its events are replayed");
        assert!(failed.got.contains("- send msg_"), "{failed:?}");
    }
}
