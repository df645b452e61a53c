//! What several stories need: a store of a few rows, and a second process.

#![allow(dead_code, reason = "not every story needs all of it")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use signalbox_model::Partition;
use signalbox_store::{Error, Store};
use signalbox_store_embedded::{Config, EmbeddedStore};

pub const PARTITIONS: u16 = 4;
const FOLDER: &str = "STORE_TEST_FOLDER";

pub fn config(folder: &Path) -> Config {
    let mut config = Config::new(folder);
    config.partitions = PARTITIONS;
    config
}

pub fn open(folder: &Path) -> Result<Arc<EmbeddedStore>, Error> {
    EmbeddedStore::open(config(folder))
}

pub async fn acquire(store: &EmbeddedStore, partition: Partition) -> signalbox_store::Epoch {
    store.acquire(partition).await.expect("the partition can be had")
}

/// This test program, told to run one of its tests as another process with this folder.
pub fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test program has a path"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(FOLDER, folder);
    command
}

/// The folder, if this is the other process.
pub fn told_folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}
