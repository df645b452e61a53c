//! The policies in force, and how they are replaced: whole or not at all, the last good ones stay, and a failure is shown.

use std::path::Path;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use serde::Serialize;
use signalbox_model::Timestamp;

use crate::error::Error;
use crate::policies::{Origin, Policies};

/// The policies in force and where they come from.
pub struct Watcher {
    origin: Origin,
    current: ArcSwap<Policies>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    taken_at: Timestamp,
    taken: u64,
    refused: u64,
    failure: Option<Failure>,
    seen: u64,
}

/// Why the policies that are there now aren't the ones in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// When they were refused.
    pub at: Timestamp,
    /// What is wrong with them.
    pub error: String,
}

/// Which policies are in force, and how the last change went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The rule set's hash, as decisions carry it.
    pub rules: u64,
    /// The tables' hash, as decisions carry it.
    pub tables: u64,
    /// How many rules there are.
    pub count: usize,
    /// The packs that are switched on.
    pub packs: Vec<String>,
    /// Since when they are in force.
    pub taken_at: Timestamp,
    /// How many sets were taken since the start.
    pub taken: u64,
    /// How many were refused since the start.
    pub refused: u64,
    /// Why the newest isn't in force, if it isn't.
    pub failure: Option<Failure>,
}

impl From<Policies> for Watcher {
    /// Policies that come from nowhere, and aren't read again.
    fn from(policies: Policies) -> Self {
        Self::with(Origin::default(), policies, Timestamp::EPOCH)
    }
}

impl Watcher {
    /// Reads the policies for the first time.
    pub fn open(origin: Origin, now: Timestamp) -> Result<Self, Error> {
        let policies = Policies::open(&origin)?;
        Ok(Self::with(origin, policies, now))
    }

    /// Policies that were read before.
    pub fn with(origin: Origin, policies: Policies, now: Timestamp) -> Self {
        let seen = seen(&origin);
        let state = State { taken_at: now, taken: 1, seen, ..State::default() };
        Self { origin, current: ArcSwap::from_pointee(policies), state: Mutex::new(state) }
    }

    /// The policies in force, for a moment.
    pub fn load(&self) -> Guard<Arc<Policies>> {
        self.current.load()
    }

    /// The policies in force, to keep.
    pub fn load_full(&self) -> Arc<Policies> {
        self.current.load_full()
    }

    /// Puts policies in force that were read elsewhere.
    pub fn set(&self, policies: Policies, now: Timestamp) {
        let mut state = self.state.lock();
        self.current.store(Arc::new(policies));
        (state.taken_at, state.taken, state.failure) = (now, state.taken + 1, None);
    }

    /// Reads the policies again. If they can't be taken those in force stay, and the status says why.
    pub fn reload(&self, now: Timestamp) -> Result<(), Error> {
        let policies = self.read(now)?;
        self.set(policies, now);
        Ok(())
    }

    /// Reads the policies again and leaves those in force, for [`set`](Self::set) to replace. If they can't be taken the
    /// status says why.
    pub fn read(&self, now: Timestamp) -> Result<Policies, Error> {
        // What changes while it is read is seen again at the next look.
        let seen = seen(&self.origin);
        let read = Policies::open(&self.origin);
        let mut state = self.state.lock();
        state.seen = seen;
        if let Err(error) = &read {
            state.refused += 1;
            state.failure = Some(Failure { at: now, error: error.to_string() });
        }
        read
    }

    /// Whether a file of the folder was changed, added or taken away since it was read last. Looks at names, sizes and
    /// times only: cheap enough for every few seconds.
    pub fn is_changed(&self) -> bool {
        self.origin.folder.is_some() && seen(&self.origin) != self.state.lock().seen
    }

    /// Where they come from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Which are in force, and how the last change went.
    pub fn status(&self) -> Status {
        let (current, state) = (self.current.load(), self.state.lock());
        Status {
            rules: current.rules.hash(),
            tables: current.tables.hash(),
            count: current.rules.rules().len(),
            packs: self.origin.packs.clone(),
            taken_at: state.taken_at,
            taken: state.taken,
            refused: state.refused,
            failure: state.failure.clone(),
        }
    }
}

/// What a folder looks like from outside; 0 where there is none.
fn seen(origin: &Origin) -> u64 {
    let Some(folder) = &origin.folder else { return 0 };
    let mut files = Vec::new();
    look(folder, &mut files);
    for below in ["data", "carriers", "campaigns", "tenants"].into_iter().chain(origin.packs.iter().map(String::as_str))
    {
        look(&folder.join(below), &mut files);
    }
    files.sort();
    xxhash_rust::xxh3::xxh3_64(files.join("\n").as_bytes())
}

fn look(folder: &Path, files: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        files.push(format!("{} isn't there", folder.display()));
        return;
    };
    for entry in entries.flatten() {
        if let Ok(about) = entry.path().metadata() {
            files.push(format!("{} {} {:?}", entry.path().display(), about.len(), about.modified().ok()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn a_broken_set_leaves_the_last_good_one_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let origin = Origin { folder: Some(folder.path().to_owned()), packs: vec![] };
        let watcher = Watcher::open(origin, now(1)).unwrap();
        let first = watcher.status();
        assert!(!watcher.is_changed());
        std::fs::write(folder.path().join("mine.toml"), "[[rule]]\nid = 3").unwrap();
        assert!(watcher.is_changed());
        assert!(watcher.reload(now(2)).is_err());
        let broken = watcher.status();
        assert_eq!((broken.rules, broken.taken_at, broken.refused), (first.rules, now(1), 1));
        let failure = broken.failure.unwrap();
        assert!(failure.error.starts_with("mine.toml:2:6: ") && failure.at == now(2), "{}", failure.error);
        // It isn't tried again before it is changed again.
        assert!(!watcher.is_changed());
        std::fs::write(folder.path().join("mine.toml"), "").unwrap();
        assert!(watcher.is_changed());
        watcher.reload(now(3)).unwrap();
        let mended = watcher.status();
        assert_eq!((mended.failure, mended.taken, mended.taken_at), (None, 2, now(3)));
        assert_ne!(mended.rules, first.rules);
    }

    #[test]
    fn a_folder_that_is_gone_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let watcher = Watcher::open(Origin { folder: Some(folder.path().to_owned()), packs: vec![] }, now(1)).unwrap();
        drop(folder);
        assert!(watcher.is_changed() && watcher.reload(now(2)).is_err());
        assert_eq!(watcher.load().rules, Policies::built_in().rules);
    }
}
