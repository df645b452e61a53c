//! Who compiles handlers, and where native code is kept.

use std::path::PathBuf;

use signalbox_guest::{self as guest, Cache, Compiler};
use signalbox_model::Chance;

use crate::config::Config;
use crate::exit::Error;

/// The hidden command that a compiler process is started with.
pub const COMPILE: &str = "compile-component";

/// Native code that is kept at most: 16 handlers of the largest kind, or some 1,000 small ones.
pub const CACHE_BYTES: u64 = 1 << 30;

/// A process of this program for each upload. Only for who was started as `signalbox`: another program that uses this
/// library doesn't know the command.
pub fn compiler() -> Result<Compiler, Error> {
    Compiler::this_program([COMPILE]).map_err(Error::Runtime)
}

/// The cache in the store's folder, which must have been opened: a new store wants an empty one.
pub fn in_store(config: &Config, chance: &Chance) -> Result<Cache, Error> {
    let folder = config.store.folder.join("native");
    Ok(Cache::open(folder, config.native_cache_bytes, || chance.bytes32())?)
}

/// This user's own cache, for tools. There is none where it can't be written: it only saves time.
pub fn of_this_user() -> Result<Option<Cache>, guest::Error> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    let Some(caches) = caches else { return Ok(None) };
    match Cache::open(caches.join("signalbox/native"), CACHE_BYTES, || Chance::from_os().bytes32()) {
        Err(guest::Error::Cache { .. }) => Ok(None),
        opened => opened.map(Some),
    }
}
