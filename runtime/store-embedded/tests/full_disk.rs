//! There is no room left for the journal: callers hear it, the process lives, nothing acknowledged is lost.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic, and one prints for another process")]

mod common;

use std::process::Command;

use common::{acquire, child, open, told_folder};
use signalbox_model::Partition;
use signalbox_store::{Batch, Error, Store, Table};

/// The limit on a file's size stands for the full disk: it needs no rights, and a write beyond it fails in the same
/// place. Its unit is 512 bytes; a journal begins with 64 MiB set aside, so it must be a bit above that.
const LIMIT: &str = "trap '' XFSZ; ulimit -f 132096; exec \"$0\" \"$@\"";

#[tokio::test]
async fn a_journal_that_cannot_grow_fails_the_store_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let child = child("child_that_writes_until_it_fails", folder.path());
    let mut limited = Command::new("sh");
    limited.args(["-c", LIMIT]).arg(child.get_program()).args(child.get_args());
    limited.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = limited.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let done: u32 = said.lines().find_map(|line| line.strip_prefix("done ")?.parse().ok()).unwrap();
    assert!(done > 100, "{done}");

    let store = open(folder.path()).unwrap();
    for n in 0..done {
        let row = store.get(Partition::new(0), Table::State, n.to_string().into()).await.unwrap();
        assert_eq!(row.map(|row| row.len()), Some(256 << 10), "batch {n} was acknowledged");
    }
    let epoch = acquire(&store, Partition::new(0)).await;
    store.commit(row(epoch, done + 1)).await.expect("there is room again");
    store.close().await.unwrap();
}

#[tokio::test]
async fn child_that_writes_until_it_fails() {
    let Some(folder) = told_folder() else { return };
    let mut config = common::config(&folder);
    // No flush: the journal, and only it, must meet the limit.
    config.memtable_bytes = 1 << 30;
    let store = signalbox_store_embedded::EmbeddedStore::open(config).unwrap();
    let epoch = acquire(&store, Partition::new(0)).await;
    let mut done = 0;
    let error = loop {
        match store.commit(row(epoch, done)).await {
            Ok(_) => done += 1,
            Err(error) => break error,
        }
        assert!(done < 1_000, "the limit was never met");
    };
    assert!(matches!(error, Error::Fatal(_)), "{error:?}");
    assert!(matches!(store.failed().await, Error::Fatal(_)));
    let later = store.commit(row(epoch, done)).await;
    assert!(matches!(later, Err(Error::Fatal(_))), "{later:?}");
    assert!(matches!(store.acquire(Partition::new(0)).await, Err(Error::Fatal(_))));
    assert!(matches!(store.close().await, Err(Error::Fatal(_))));
    println!("\ndone {done}\nfailed: {error}");
}

fn row(epoch: signalbox_store::Epoch, n: u32) -> Batch {
    let mut batch = Batch::new(Partition::new(0), epoch);
    batch.put(Table::State, n.to_string(), vec![n as u8; 256 << 10]);
    batch
}
