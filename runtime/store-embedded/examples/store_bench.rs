//! What the store costs on this machine: `cargo run --release -p signalbox-store-embedded --example store_bench`.
//!
//! One JSON object a line: `name`, `value`, `unit`, and what was expected. The folder is a fresh one below the
//! directory given as the argument, or below the system's temporary one; it must be on the disk that is meant.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people, not part of the runtime")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use signalbox_model::Partition;
use signalbox_store::{Batch, Epoch, InboxSeq, Range, Store, Table};
use signalbox_store_embedded::{Config, EmbeddedStore};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PARTITIONS: u16 = 64;
const QUEUED: u64 = 100_000;

fn main() {
    let parent = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir_in(parent).unwrap();
    runtime.block_on(run(folder.path().join("store")));
}

async fn run(folder: PathBuf) {
    let bench = Bench::open(&folder).await;
    bench.commits("one_caller", 1, Duration::from_secs(2), 2_000.0).await;
    bench.commits("callers_256", 256, Duration::from_secs(6), 60_000.0).await;
    bench.commits("callers_2048", 2_048, Duration::from_secs(4), 60_000.0).await;
    bench.reads().await;
    bench.store.close().await.unwrap();
    drop(bench);
    std::fs::remove_dir_all(&folder).unwrap();

    let bench = Bench::open(&folder).await;
    bench.fill().await;
    say("rss_full", rss_mb(), "MiB", 300.0);
    let Bench { store, .. } = bench;
    store.close().await.unwrap();
    drop(store);
    let start = Instant::now();
    let bench = Bench::open(&folder).await;
    say("reopen_100k", start.elapsed().as_secs_f64(), "s", 1.0);
    let start = Instant::now();
    let mut found = 0;
    for partition in 0..PARTITIONS {
        let mut after = InboxSeq(0);
        loop {
            let page = bench.store.inbox(Partition::new(partition), after, 256).await.unwrap();
            let Some((last, _)) = page.last() else { break };
            after = *last;
            found += page.len() as u64;
        }
    }
    assert_eq!(found, QUEUED, "every queued record is there after the reopening");
    say("read_back_100k", start.elapsed().as_secs_f64(), "s", 1.0);
    say("rss_reopened", rss_mb(), "MiB", 300.0);
}

struct Bench {
    store: Arc<EmbeddedStore>,
    epochs: Vec<Epoch>,
}

impl Bench {
    async fn open(folder: &std::path::Path) -> Self {
        let mut config = Config::new(folder);
        config.partitions = PARTITIONS;
        let store = EmbeddedStore::open(config).unwrap();
        let mut epochs = Vec::new();
        for partition in 0..PARTITIONS {
            epochs.push(store.acquire(Partition::new(partition)).await.unwrap());
        }
        Self { store, epochs }
    }

    fn batch(&self, n: u64) -> Batch {
        let partition = (n % u64::from(PARTITIONS)) as u16;
        Batch::new(Partition::new(partition), self.epochs[usize::from(partition)])
    }

    /// A message's typical step: its row, a line of its timeline, a record sent, a record taken.
    fn step(&self, n: u64, taken: &[AtomicU64]) -> Batch {
        let mut batch = self.batch(n);
        batch.put(Table::Message, message_key(n, 0), vec![n as u8; 300]);
        batch.put(Table::Message, message_key(n, 1), vec![n as u8; 60]);
        let own = batch.partition;
        batch.send(own, vec![n as u8; 120]);
        let seq = taken[usize::from(own.index())].fetch_add(1, Ordering::Relaxed);
        batch.take(InboxSeq(seq));
        batch
    }

    async fn commits(&self, name: &'static str, callers: u64, time: Duration, expected: f64) {
        let taken: Arc<[AtomicU64]> = (0..PARTITIONS).map(|_| AtomicU64::new(1)).collect();
        let before = threads();
        let start = Instant::now();
        let mut tasks = Vec::new();
        for caller in 0..callers {
            let bench = Self { store: self.store.clone(), epochs: self.epochs.clone() };
            let taken = taken.clone();
            tasks.push(tokio::spawn(async move {
                let mut took = Vec::new();
                let mut n = caller;
                while start.elapsed() < time {
                    let batch = bench.step(n, &taken);
                    let at = Instant::now();
                    bench.store.commit(batch).await.unwrap();
                    took.push(at.elapsed().as_micros() as u32);
                    n += callers;
                }
                took
            }));
        }
        let mut took = Vec::new();
        for task in tasks {
            took.extend(task.await.unwrap());
        }
        let count = took.len() as f64;
        let elapsed = start.elapsed().as_secs_f64();
        took.sort_unstable();
        let at = |part: f64| f64::from(took[((took.len() - 1) as f64 * part) as usize]) / 1e3;
        say(&format!("{name}_batches"), count / elapsed, "1/s", expected);
        let mut total = 0.0;
        for (thread, ns) in threads() {
            let us = (ns - before.get(&thread).unwrap_or(&0)) as f64 / 1e3 / count;
            total += us;
            if us > 0.05 {
                say(&format!("{name}_cpu_{thread}"), us, "us/batch", f64::NAN);
            }
        }
        say(&format!("{name}_cpu"), total, "us/batch", 10.0);
        say(&format!("{name}_p50"), at(0.5), "ms", 1.0);
        say(&format!("{name}_p99"), at(0.99), "ms", 20.0);
        say(&format!("{name}_max"), at(1.0), "ms", 500.0);
    }

    async fn reads(&self) {
        const READS: u64 = 100_000;
        let start = Instant::now();
        let mut found = 0;
        for n in 0..READS {
            let n = n * 7 % 50_000;
            let key = message_key(n, 0).into();
            let row = self.store.get(Partition::new((n % 64) as u16), Table::Message, key).await.unwrap();
            found += u64::from(row.is_some());
        }
        assert!(found > READS / 2, "the reads find something");
        say("get", start.elapsed().as_secs_f64() * 1e6 / READS as f64, "us", 5.0);
        let start = Instant::now();
        for n in 0..READS {
            let key = Bytes::from(format!("nobody{n}"));
            assert!(self.store.get(Partition::new((n % 64) as u16), Table::Idempotency, key).await.unwrap().is_none());
        }
        say("get_absent", start.elapsed().as_secs_f64() * 1e6 / READS as f64, "us", 2.0);
        let start = Instant::now();
        let mut rows = 0;
        for n in 0..READS / 10 {
            let n = n * 7 % 50_000;
            let prefix = message_key(n, 0)[..23].to_vec();
            let range = Range::prefix(Table::Message, prefix, 10);
            rows += self.store.range(Partition::new((n % 64) as u16), range).await.unwrap().len();
        }
        assert!(rows > 10_000, "the ranges find something");
        say("range_of_2", start.elapsed().as_secs_f64() * 1e6 / (READS / 10) as f64, "us", 20.0);
    }

    /// 100,000 queued messages of about 400 bytes, each with an inbox record that nobody takes.
    async fn fill(&self) {
        let start = Instant::now();
        let mut waiting = Vec::new();
        for n in 0..QUEUED {
            let mut batch = self.batch(n);
            batch.put(Table::Message, message_key(n, 0), vec![n as u8; 400]);
            batch.put(Table::Message, message_key(n, 1), vec![n as u8; 60]);
            let own = batch.partition;
            batch.send(own, vec![n as u8; 120]);
            waiting.push(self.store.commit(batch));
            if waiting.len() == 1_000 {
                for commit in waiting.drain(..) {
                    commit.await.unwrap();
                }
            }
        }
        for commit in waiting {
            commit.await.unwrap();
        }
        say("fill_100k", start.elapsed().as_secs_f64(), "s", 3.0);
    }
}

/// A key as the house makes them: a tenant, 16 bytes that begin with the time, what row it is.
fn message_key(n: u64, row: u8) -> Vec<u8> {
    let mut key = b"tenant-a\0".to_vec();
    key.extend_from_slice(&(1_700_000_000_000 + n / 50).to_be_bytes()[2..]);
    key.extend_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    key.extend_from_slice(&[(n % 64) as u8, 0, row]);
    key
}

/// Nanoseconds on a processor so far, by the threads' names.
fn threads() -> BTreeMap<String, u64> {
    let mut spent = BTreeMap::new();
    for thread in std::fs::read_dir("/proc/self/task").unwrap().filter_map(Result::ok) {
        let Ok(name) = std::fs::read_to_string(thread.path().join("comm")) else { continue };
        let Ok(stat) = std::fs::read_to_string(thread.path().join("schedstat")) else { continue };
        let ns: u64 = stat.split(' ').next().unwrap().parse().unwrap();
        *spent.entry(name.trim().to_owned()).or_default() += ns;
    }
    spent
}

fn rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn say(name: &str, value: f64, unit: &str, expected: f64) {
    if expected.is_nan() {
        println!(r#"{{"name":"{name}","value":{value:.3},"unit":"{unit}"}}"#);
    } else {
        println!(r#"{{"name":"{name}","value":{value:.3},"unit":"{unit}","expected":{expected}}}"#);
    }
}
