//! Folders that can't be used, each with a sentence that says what to do.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic, and one prints for another process")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{PARTITIONS, acquire, config, open};
use signalbox_model::Partition;
use signalbox_store::{Batch, Error, Range, Store, Table};
use signalbox_store_embedded::EmbeddedStore;

fn refusal(folder: &Path) -> String {
    match open(folder) {
        Err(Error::Unusable(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_second_store_on_the_folder_is_refused_and_names_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let why = refusal(folder.path());
    assert!(why.contains(&folder.path().display().to_string()), "{why}");
    assert!(why.contains(&format!("process {}", std::process::id())), "{why}");
    store.close().await.unwrap();
    drop(open(folder.path()).expect("a closed store lets go of its folder"));
    drop(open(folder.path()).expect("so does a dropped one"));
}

#[tokio::test]
async fn another_number_of_partitions_is_refused_and_told() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let mut other = config(folder.path());
    other.partitions = PARTITIONS + 1;
    let why = EmbeddedStore::open(other).expect_err("the number is fixed").to_string();
    assert!(why.contains("made with 4 partitions and 5 are configured"), "{why}");
    for wrong in [0, Partition::MAX_COUNT + 1] {
        let mut other = config(&folder.path().join("new"));
        other.partitions = wrong;
        assert!(matches!(EmbeddedStore::open(other), Err(Error::Unusable(_))));
    }
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letters.txt"), "dear").unwrap();
    let why = refusal(folder.path());
    assert!(why.contains("letters.txt"), "{why}");
    assert_eq!(fs::read(folder.path().join("letters.txt")).unwrap(), b"dear");
    let file = folder.path().join("letters.txt");
    assert!(refusal(&file).contains("letters.txt"));
}

#[test]
fn a_store_that_was_only_half_made_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/0.jnl"), "").unwrap();
    fs::write(folder.path().join("signalbox-store"), "signalbox-store 1\npartitions 4\nmaking\n").unwrap();
    drop(open(folder.path()).expect("nothing was ever promised of it"));
    drop(open(folder.path()).expect("now it is a whole one"));
}

#[test]
fn a_lost_or_strange_marker_is_told_and_nothing_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let marker = folder.path().join("signalbox-store");
    let good = fs::read(&marker).unwrap();
    for (text, word) in
        [("", "damaged"), ("signalbox-store 2\npartitions 4\nready\n", "format 2"), ("x\ny\nz\n", "damaged")]
    {
        fs::write(&marker, text).unwrap();
        let why = refusal(folder.path());
        assert!(why.contains(word), "{why}");
    }
    fs::remove_file(&marker).unwrap();
    let why = refusal(folder.path());
    assert!(why.contains("is missing"), "{why}");
    fs::write(&marker, good).unwrap();
    drop(open(folder.path()).expect("the data was not touched"));
    fs::remove_dir_all(folder.path().join("data")).unwrap();
    let why = refusal(folder.path());
    assert!(why.contains("lost its data"), "{why}");
}

/// A crash leaves the last batch half-written: nobody was told of it, so the store opens without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_end_of_the_journal_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    fill_journal(folder.path()).await;
    let journal = folder.path().join("data/0.jnl");
    let good = fs::read(&journal).unwrap();
    let last = good.windows(4).rposition(|bytes| bytes == b"FJL\x03").unwrap();
    // Cut short; and whole in length but with a hole, as when its pages reached the disk in another order.
    let mut holed = good.clone();
    holed[last - 60..last - 40].fill(0);
    for torn in [good[..last].to_vec(), holed] {
        fs::write(&journal, torn).unwrap();
        assert_eq!(rows(folder.path()).await, Ok(9), "all but the last");
    }
}

/// The same in the middle is no crash's doing: batches behind it were acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_in_the_middle_of_the_journal_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fill_journal(folder.path()).await;
    let journal = folder.path().join("data/0.jnl");
    let good = fs::read(&journal).unwrap();
    let end = good.windows(4).rposition(|bytes| bytes == b"FJL\x03").unwrap();
    for at in [0, 1, end / 4, end / 3, end / 2] {
        let mut bad = good.clone();
        bad[at] ^= 0xFF;
        fs::write(&journal, bad).unwrap();
        let why = rows(folder.path()).await.expect_err("batches would be lost");
        assert!(why.contains("0.jnl is damaged at byte"), "{why}");
    }
    fs::write(&journal, good).unwrap();
    assert_eq!(rows(folder.path()).await, Ok(10), "a look changes nothing");
}

/// Ten rows, a batch each, in the journal only.
async fn fill_journal(folder: &Path) {
    let store = open(folder).unwrap();
    let epoch = acquire(&store, Partition::new(1)).await;
    for n in 0..10 {
        let mut batch = Batch::new(Partition::new(1), epoch);
        batch.put(Table::Message, format!("{n:05}"), vec![n as u8; 100]);
        store.commit(batch).await.unwrap();
    }
    store.close().await.unwrap();
}

async fn rows(folder: &Path) -> Result<usize, String> {
    let store = open(folder).map_err(|error| error.to_string())?;
    let page = store.range(Partition::new(1), Range::prefix(Table::Message, "", 100)).await.unwrap();
    store.close().await.unwrap();
    Ok(page.len())
}

/// Each file in turn is cut, changed or taken away. Then either everything is there, or an error says what is wrong;
/// never a panic, never rows that are silently gone or changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_is_told_and_never_silently_loses_rows() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original");
    fill(&original).await;
    let files = files_below(&original.join("data"));
    assert!(files.iter().any(|file| file.parent().unwrap().ends_with("tables")), "some rows are in tables: {files:?}");
    let mut told = 0;
    for file in &files {
        for damage in [Damage::Cut, Damage::Changed, Damage::Gone] {
            let journal = file.extension().is_some_and(|extension| extension == "jnl");
            if journal && damage != Damage::Changed {
                // Looks like a store that was written to less; only a copy elsewhere would know better.
                continue;
            }
            let copy = folder.path().join("copy");
            copy_folder(&original, &copy);
            damage.apply(&copy.join(file.strip_prefix(&original).unwrap()));
            if let Err(why) = read_everything(&copy).await {
                assert!(why.contains(&copy.display().to_string()), "it says where: {why}");
                assert!(why.contains("backup") || why.contains("check the disk"), "it says what to do: {why}");
                told += 1;
            }
            fs::remove_dir_all(&copy).unwrap();
        }
    }
    assert!(told > files.len(), "most damage is noticed: {told} of {}", files.len() * 3);
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Damage {
    Cut,
    Changed,
    Gone,
}

impl Damage {
    fn apply(self, file: &Path) {
        let mut bytes = fs::read(file).unwrap();
        match self {
            Self::Gone => return fs::remove_file(file).unwrap(),
            Self::Cut => bytes.truncate(bytes.len() / 2),
            Self::Changed => {
                let written = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
                if let Some(byte) = bytes.get_mut(written / 2) {
                    *byte ^= 0x55;
                }
            }
        }
        fs::write(file, bytes).unwrap();
    }
}

const ROWS: usize = 1_000;

async fn fill(folder: &Path) {
    let mut config = config(folder);
    config.memtable_bytes = 64 << 10;
    let store = EmbeddedStore::open(config).unwrap();
    let partition = Partition::new(1);
    let epoch = acquire(&store, partition).await;
    for n in 0..ROWS {
        let mut batch = Batch::new(partition, epoch);
        batch.put(Table::Message, format!("{n:05}"), vec![n as u8; 100]).put(Table::State, format!("{n:05}"), "x");
        let commit = store.commit(batch);
        if n % 100 == 99 {
            commit.await.unwrap();
        }
    }
    store.close().await.unwrap();
    // Opening cuts off the room that the journal has set aside, so that it needn't be copied each time.
    open(folder).unwrap().close().await.unwrap();
}

/// Every row, right; or what the store says.
async fn read_everything(folder: &Path) -> Result<(), String> {
    let store = open(folder).map_err(|error| error.to_string())?;
    let partition = Partition::new(1);
    for table in [Table::Message, Table::State] {
        let page =
            store.range(partition, Range::prefix(table, "", usize::MAX)).await.map_err(|error| error.to_string())?;
        assert_eq!(page.len(), ROWS, "rows of {table:?} are silently gone");
        for (n, (key, value)) in page.iter().enumerate() {
            let expected = if table == Table::Message { vec![n as u8; 100] } else { b"x".to_vec() };
            assert_eq!((key.as_ref(), value.as_ref()), (format!("{n:05}").as_bytes(), expected.as_slice()));
            let found = store.get(partition, table, key.clone()).await.map_err(|error| error.to_string())?;
            assert_eq!(found.as_ref(), Some(value), "a row is silently gone");
        }
    }
    store.close().await.map_err(|error| error.to_string())
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
