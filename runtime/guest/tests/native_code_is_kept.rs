//! Native code outlives its host in a folder, and only what this house wrote there is ever loaded.

mod common;

use common::*;
use signalbox_guest::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const KEY: [u8; 32] = [7; 32];

fn cache(folder: &Path, most_bytes: u64) -> Cache {
    Cache::open(folder.join("native"), most_bytes, || KEY).expect("a cache")
}

fn host_with(cache: Cache) -> Host {
    Host::new(Config { instances: 16, cache: Some(cache), ..Config::default() }).expect("a host")
}

/// Files of native code.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder.join("native")).expect("a folder").map(|entry| entry.expect("an entry").path());
    files.filter(|path| path.extension().is_some_and(|end| end == "native")).collect()
}

/// Whether another host, such as that of the next start, finds it in the cache.
async fn is_found(folder: &Path, name: &str) -> bool {
    guest(&host_with(cache(folder, 1 << 30)), name).await.info().from_cache
}

#[tokio::test]
async fn the_next_host_loads_what_this_one_compiled() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = guest(&host_with(cache(folder.path(), 1 << 30)), "echo-support").await;
    assert!(!first.info().from_cache);
    let host = host_with(cache(folder.path(), 1 << 30));
    let second = guest(&host, "echo-support").await;
    let expected = HandlerInfo { compile_time: second.info().compile_time, from_cache: true, ..first.info().clone() };
    assert_eq!(*second.info(), expected);
    assert!(!replies(&World::default().hear(&host, &second, "hello").await).is_empty());
    // What is made for other settings has another name.
    let settings = Config { max_memory_bytes: 32 << 20, instances: 1, ..Config::default() };
    let other = Host::new(Config { cache: Some(cache(folder.path(), 1 << 30)), ..settings }).expect("a host");
    assert!(!guest(&other, "echo-support").await.info().from_cache);
    assert_eq!(kept(folder.path()).len(), 2);
}

#[tokio::test]
async fn what_was_changed_is_compiled_again_and_mended() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(!is_found(folder.path(), "draft-stamp").await);
    let file = kept(folder.path()).pop().expect("a file");
    let whole = fs::read(&file).expect("it can be read");
    let mut in_code = whole.clone();
    in_code[whole.len() / 2] ^= 1;
    let mut in_tag = whole.clone();
    in_tag[0] ^= 0x80;
    let mut longer = whole.clone();
    longer.push(0);
    let damages = [in_code, in_tag, longer, whole[..whole.len() - 1].to_vec(), whole[..9].to_vec(), Vec::new()];
    for (place, damaged) in damages.into_iter().enumerate() {
        fs::write(&file, damaged).expect("it can be written");
        assert!(!is_found(folder.path(), "draft-stamp").await, "damage {place}");
        assert!(is_found(folder.path(), "draft-stamp").await, "mended after damage {place}");
    }
}

#[tokio::test]
async fn one_handlers_code_is_not_taken_for_anothers() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(!is_found(folder.path(), "draft-stamp").await);
    let stamp = kept(folder.path()).pop().expect("a file");
    assert!(!is_found(folder.path(), "echo-support").await);
    let echo = kept(folder.path()).into_iter().find(|path| *path != stamp).expect("another file");
    fs::copy(&echo, &stamp).expect("it can be written");
    assert!(!is_found(folder.path(), "draft-stamp").await);
}

#[tokio::test]
async fn code_that_was_made_with_another_key_is_not_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(!is_found(folder.path(), "draft-stamp").await);
    fs::write(folder.path().join("native/key"), [8; 32]).expect("it can be written");
    assert!(!is_found(folder.path(), "draft-stamp").await);
}

#[tokio::test]
async fn what_was_written_first_goes_when_there_is_no_room() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(!is_found(folder.path(), "draft-stamp").await);
    let first = kept(folder.path()).pop().expect("a file");
    // Its time is a past one, so that the order doesn't hang on how fine the file system's clock is.
    let times = fs::FileTimes::new().set_modified(std::time::SystemTime::UNIX_EPOCH);
    fs::File::options().append(true).open(&first).and_then(|file| file.set_times(times)).expect("a time can be set");
    let size = |name: &str| guest_bytes(name).len() as u64;
    assert!(size("draft-stamp") < size("echo-support"));
    let room = host_with(cache(folder.path(), 1 << 30));
    let native = guest(&room, "echo-support").await.info().native_bytes as u64;
    fs::remove_file(kept(folder.path()).into_iter().find(|path| *path != first).expect("another")).expect("it goes");
    let tight = host_with(cache(folder.path(), native + 1_000));
    assert!(!guest(&tight, "echo-support").await.info().from_cache);
    assert!(!first.exists());
    assert!(is_found(folder.path(), "echo-support").await);
}

#[test]
fn a_key_is_made_once_and_for_its_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    cache(folder.path(), 1);
    let key = folder.path().join("native/key");
    assert_eq!(fs::read(&key).expect("it can be read"), KEY);
    assert_eq!(fs::metadata(&key).expect("it is there").permissions().mode() & 0o777, 0o600);
    let parent = fs::metadata(folder.path().join("native")).expect("it is there").permissions().mode();
    assert_eq!(parent & 0o777, 0o700);
    Cache::open(folder.path().join("native"), 1, || panic!("there is a key")).expect("a cache");
    assert_eq!(fs::read_dir(folder.path().join("native")).expect("a folder").count(), 1);
}

#[test]
fn a_key_that_others_can_read_or_that_is_none_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    cache(folder.path(), 1);
    let key = folder.path().join("native/key");
    let refusal = || Cache::open(folder.path().join("native"), 1, || KEY).expect_err("a refusal").to_string();
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).expect("they can be set");
        let said = refusal();
        assert!(said.contains("native/key") && said.contains(&format!("mode {mode:03o}")), "{said}");
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("they can be set");
    fs::write(&key, [7; 31]).expect("it can be written");
    assert!(refusal().contains("32 bytes"), "{}", refusal());
    fs::remove_file(&key).expect("it goes");
    std::os::unix::fs::symlink("/dev/zero", &key).expect("a link");
    assert!(refusal().contains("no ordinary file"), "{}", refusal());
}
