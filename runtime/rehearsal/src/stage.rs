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
use crate::outcome::{Failed, Outcome};
use crate::play;
use crate::script::{Conversation, Script};

/// Events that may be in handlers' hands at once: one for each conversation under way, and some to spare.
const INSTANCES: u32 = 64;

/// A developer's machine may be slow and busy, and waits for nobody else.
const COMPILE: Duration = Duration::from_secs(600);
/// Conversations side by side: each may hold as many events in handlers' hands as it likes, and all share the instances.
const MOST_THREADS: usize = 16;

/// A handler, ready for any number of conversations.
pub struct Stage {
    pub(crate) host: Arc<guest::Host>,
    pub(crate) handler: Arc<guest::Handler>,
    pub(crate) manifest: Manifest,
    pub(crate) component: Bytes,
}

impl Stage {
    /// A host for stages: an event's limits are the same as in production. With a cache, a component that didn't change
    /// isn't compiled again by the next run.
    pub fn host(cache: Option<guest::Cache>) -> Result<Arc<guest::Host>, Error> {
        let upload = guest::UploadLimits { compile: COMPILE, ..guest::UploadLimits::default() };
        let config = guest::Config { instances: INSTANCES, upload, cache, ..guest::Config::default() };
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
        Ok(Self { host, handler, manifest, component })
    }

    /// Holds one conversation, in virtual time.
    pub fn play(&self, script: &Script, conversation: &Conversation) -> Outcome {
        let began = Instant::now();
        let played = self.try_play(conversation);
        let failed = match played {
            Ok(failed) => failed,
            Err(error) => Some(Failed::at_all(conversation, &error)),
        };
        Outcome {
            file: script.path.clone(),
            line: conversation.line,
            name: conversation.name.clone(),
            took: began.elapsed(),
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

    fn try_play(&self, conversation: &Conversation) -> Result<Option<Failed>, Error> {
        let idle = Idle::default();
        let runtime = idle.runtime().map_err(Error::house)?;
        runtime.block_on(play::play(self, conversation, &idle))
    }
}
