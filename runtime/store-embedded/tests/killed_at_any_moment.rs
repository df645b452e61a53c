//! The process is killed while many callers commit; what was acknowledged is there, and nothing is there in part.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic, and one prints for another process")]

mod common;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{PARTITIONS, acquire, child, open, told_folder};
use signalbox_model::Partition;
use signalbox_store::{Batch, InboxSeq, Range, Store, Table};

const ROUNDS: u64 = 6;
const START: &str = "STORE_TEST_START";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_batch_is_whole_and_none_is_there_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<u64> = Vec::new();
    for round in 0..ROUNDS {
        let mut process = child("child_that_commits_until_it_is_killed", folder.path())
            .env(START, (round * 1_000_000).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        // How far it comes differs from round to round, and so does where in a group it is hit.
        let enough = acknowledged.len() + 200 + 331 * round as usize;
        for line in lines.by_ref() {
            acknowledged.extend(line.unwrap().strip_prefix("done ").map(|n| n.parse::<u64>().unwrap()));
            if acknowledged.len() >= enough {
                break;
            }
        }
        process.kill().unwrap();
        process.wait().unwrap();
        // What it had said before it died counts too; its last line may be cut.
        let said: Vec<_> = lines.map_while(Result::ok).collect();
        let whole = said.len().saturating_sub(1);
        acknowledged.extend(said[..whole].iter().filter_map(|line| line.strip_prefix("done ")?.parse::<u64>().ok()));
        assert!(acknowledged.len() >= enough, "the process committed until it was killed");
        check(folder.path(), &acknowledged).await;
    }
}

async fn check(folder: &Path, acknowledged: &[u64]) {
    let store = open(folder).unwrap();
    let mut parts: HashMap<u64, Vec<&'static str>> = HashMap::new();
    for partition in (0..PARTITIONS).map(Partition::new) {
        for (table, name) in [(Table::Message, "message"), (Table::State, "state")] {
            for (key, _) in store.range(partition, Range::prefix(table, "", usize::MAX)).await.unwrap() {
                parts.entry(number(&key)).or_default().push(name);
            }
        }
        let inbox = store.inbox(partition, InboxSeq(0), usize::MAX).await.unwrap();
        assert!(inbox.is_sorted_by(|(before, _), (after, _)| before < after));
        for (_, record) in inbox {
            parts.entry(number(&record)).or_default().push("record");
        }
    }
    for (n, parts) in &mut parts {
        parts.sort_unstable();
        assert_eq!(*parts, ["message", "record", "state"], "batch {n}");
    }
    for n in acknowledged {
        assert!(parts.contains_key(n), "batch {n} was acknowledged");
    }
    store.close().await.unwrap();
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes[..8].try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_commits_until_it_is_killed() {
    let Some(folder) = told_folder() else { return };
    let mut config = common::config(&folder);
    // Buffers are flushed and merged every few hundred batches, so that it is killed in the middle of that, too.
    config.memtable_bytes = 128 << 10;
    let store = signalbox_store_embedded::EmbeddedStore::open(config).unwrap();
    let next = Arc::new(AtomicU64::new(std::env::var(START).unwrap().parse().unwrap()));
    let mut epochs = Vec::new();
    for partition in 0..PARTITIONS {
        epochs.push(acquire(&store, Partition::new(partition)).await);
    }
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let (store, next, epochs) = (store.clone(), next.clone(), epochs.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n == u64::MAX {
                    return;
                }
                let partition = (n % u64::from(PARTITIONS)) as u16;
                let mut batch = Batch::new(Partition::new(partition), epochs[usize::from(partition)]);
                let key = n.to_be_bytes().to_vec();
                batch.put(Table::Message, key.clone(), vec![1; 300]).put(Table::State, key.clone(), vec![2; 20]);
                batch.send(Partition::new((partition + 1) % PARTITIONS), key);
                store.commit(batch).await.unwrap();
                writeln!(std::io::stdout(), "done {n}").unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}
