//! A list is taken whole or not at all, counts until its end, and answers from memory.
#![allow(clippy::unwrap_used, reason = "a test that can't go on says where it stood")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use signalbox_model::{Address, KeyId, Partition, TenantId, Timestamp};
use signalbox_registry::suppression::{Answer, ListMeta, Said, Terms};
use signalbox_registry::{Covers, ListKind, NewList, Suppression, SuppressionRefused};
use signalbox_store::memory::{Config, Crash, MemoryStore, Moment};
use signalbox_store::{Batch, Range, Store, Table};

const KEY: KeyId = KeyId::from_bytes([2; 16]);
const NOW: &str = "2026-11-23T12:00:00Z";

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn number(national: u64) -> Address {
    format!("+1{national}").parse().unwrap()
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn list(name: &str, kind: ListKind) -> NewList {
    let (name, source) = (name.to_owned(), "a test".to_owned());
    NewList {
        name,
        kind,
        for_all: false,
        source,
        fetched_at: at("2026-11-20T00:00:00Z"),
        expires_at: None,
        covers: Covers::All,
    }
}

async fn open(store: &Arc<MemoryStore>) -> Result<Suppression, signalbox_registry::Error> {
    let epoch = store.acquire(Partition::DIRECTORY).await?;
    Suppression::open(store.clone(), epoch).await
}

async fn import(lists: &Suppression, new: NewList, file: &str) -> Result<ListMeta, SuppressionRefused> {
    lists.import(&tenant("acme"), KEY, new, Bytes::copy_from_slice(file.as_bytes()), at(NOW)).await
}

/// The rules as the `us` pack's table has them.
fn terms(kind: ListKind) -> Terms {
    match kind {
        ListKind::Dnc => Terms { most: Some(Duration::from_secs(31 * 86_400)), needed: true },
        _ => Terms::default(),
    }
}

fn ask(lists: &Suppression, whose: &str, national: u64, now: &str) -> Said {
    lists.of(&tenant(whose)).ask(&number(national), Some(at("2026-03-01T10:00:00Z")), at(now), terms)
}

#[tokio::test]
async fn without_a_list_nothing_is_known_and_with_one_everything_is() {
    let lists = open(&MemoryStore::new(Config::default())).await.unwrap();
    assert_eq!(ask(&lists, "acme", 2_015_550_001, NOW), Said::default());
    import(&lists, list("national", ListKind::Dnc), "201,5550001\n").await.unwrap();
    let on = ask(&lists, "acme", 2_015_550_001, NOW);
    assert_eq!((on.on_dnc, on.stale, on.on_litigator, on.on_own), (Some(true), Some(false), None, false));
    assert_eq!(ask(&lists, "acme", 2_015_550_002, NOW).on_dnc, Some(false));
    // Another tenant's list is none of ours, unless its owner may say that it holds for all.
    assert_eq!(ask(&lists, "globex", 2_015_550_001, NOW), Said::default());
    let for_all = NewList { for_all: true, ..list("suits", ListKind::Litigator) };
    import(&lists, for_all, "+12015550003\n").await.unwrap();
    assert_eq!(ask(&lists, "globex", 2_015_550_003, NOW).on_litigator, Some(true));
    assert_eq!(ask(&lists, "acme", 2_015_550_003, NOW).on_litigator, Some(true));
    assert!(lists.remove(&tenant("acme"), "national").await.unwrap());
    assert!(!lists.remove(&tenant("acme"), "national").await.unwrap());
    assert_eq!(ask(&lists, "acme", 2_015_550_001, NOW).on_dnc, None);
}

#[tokio::test]
async fn a_list_is_stale_by_the_clock_and_still_suppresses() {
    let lists = open(&MemoryStore::new(Config::default())).await.unwrap();
    import(&lists, list("national", ListKind::Dnc), "2015550001\n").await.unwrap();
    let until = [("2026-12-20T23:59:59Z", false), ("2026-12-21T00:00:00Z", true)];
    for (now, stale) in until {
        let said = ask(&lists, "acme", 2_015_550_001, now);
        assert_eq!((said.on_dnc, said.stale), (Some(true), Some(stale)), "{now}");
    }
    let short = NewList { expires_at: Some(at("2026-11-24T00:00:00Z")), ..list("own", ListKind::Own) };
    import(&lists, short, "2015550009\n").await.unwrap();
    let said = ask(&lists, "acme", 2_015_550_009, "2026-11-24T00:00:00Z");
    assert_eq!((said.on_own, said.stale), (true, Some(true)));
}

#[tokio::test]
async fn an_answer_holds_for_the_consents_that_it_covers() {
    let lists = open(&MemoryStore::new(Config::default())).await.unwrap();
    let file = "number,date,answer\n2015550001,2026-03-01,yes\n2015550002,2026-03-01,no\n2015550003,2026-03-01,no_data\n\
                2015550004,2026-02-01,no\n2015550004,2026-04-01,yes\n";
    import(&lists, list("rnd", ListKind::Reassigned), file).await.unwrap();
    let cases = [
        (2_015_550_001, "2026-03-01T23:00:00Z", Answer::Yes),
        (2_015_550_001, "2025-01-01T00:00:00Z", Answer::Yes),
        (2_015_550_001, "2026-03-02T00:00:00Z", Answer::NoData),
        (2_015_550_002, "2026-03-01T00:00:00Z", Answer::No),
        (2_015_550_002, "2026-02-28T23:59:59Z", Answer::NoData),
        (2_015_550_003, "2026-03-01T00:00:00Z", Answer::NoData),
        (2_015_550_004, "2026-03-01T00:00:00Z", Answer::Yes),
        (2_015_550_005, "2026-03-01T00:00:00Z", Answer::NoData),
    ];
    let shelf = lists.of(&tenant("acme"));
    for (national, consented, expected) in cases {
        let said = shelf.ask(&number(national), Some(at(consented)), at(NOW), terms);
        assert_eq!(said.reassigned, Some(expected), "{national} {consented}");
        assert_eq!(shelf.ask(&number(national), None, at(NOW), terms).reassigned, None);
    }
    // Once the list is too old, that a number wasn't reassigned says nothing.
    let old = |kind| Terms { most: (kind == ListKind::Reassigned).then(|| Duration::from_secs(1)), needed: false };
    let said = |national| shelf.ask(&number(national), Some(at("2026-03-01T00:00:00Z")), at(NOW), old).reassigned;
    assert_eq!((said(2_015_550_001), said(2_015_550_002)), (Some(Answer::Yes), None));
}

#[tokio::test]
async fn what_cant_be_taken_leaves_the_list_as_it_was() {
    let lists = open(&MemoryStore::new(Config::default())).await.unwrap();
    import(&lists, list("own", ListKind::Own), "2015550001\n").await.unwrap();
    let wrong = import(&lists, list("own", ListKind::Own), "number\n2015550002\nnobody\n").await.unwrap_err();
    assert!(matches!(wrong, SuppressionRefused::Lines(lines) if lines.len() == 1 && lines[0].line == 3));
    let kind = import(&lists, list("own", ListKind::Dnc), "2015550002\n").await.unwrap_err();
    assert!(matches!(kind, SuppressionRefused::Other(_)));
    let older = NewList { fetched_at: at("2026-11-19T00:00:00Z"), ..list("own", ListKind::Own) };
    assert!(matches!(import(&lists, older, "2015550002\n").await.unwrap_err(), SuppressionRefused::Older(_)));
    let future = NewList { fetched_at: at("2026-11-24T00:00:00Z"), ..list("next", ListKind::Own) };
    assert!(matches!(import(&lists, future, "2015550002\n").await.unwrap_err(), SuppressionRefused::Times(_)));
    let said = |national| ask(&lists, "acme", national, NOW).on_own;
    assert_eq!((said(2_015_550_001), said(2_015_550_002)), (true, false));
    for n in 1..32 {
        import(&lists, list(&format!("own-{n}"), ListKind::Own), "2015550001\n").await.unwrap();
    }
    let many = import(&lists, list("one-more", ListKind::Own), "2015550001\n").await.unwrap_err();
    assert!(matches!(many, SuppressionRefused::TooMany(_)));
}

fn file(from: u64, count: u64) -> String {
    (from..from + count).map(|national| format!("{national}\n")).collect()
}

/// Three parts; every place at which the process can die while they are replaced.
#[tokio::test]
async fn a_crash_leaves_the_old_version_or_the_new_one_and_no_parts_of_either() {
    let store = MemoryStore::new(Config::default());
    let lists = open(&store).await.unwrap();
    let numbers = 140_000;
    import(&lists, list("own", ListKind::Own), &file(2_010_000_000, numbers)).await.unwrap();
    let (mut old, mut new) = (0, 0);
    for boundary in 1..8 {
        for moment in [Moment::BeforeDurable, Moment::AfterDurable] {
            let dying = store.image_that_crashes(Crash { boundary, moment });
            let lists = open(&dying).await.unwrap();
            let done = import(&lists, list("own", ListKind::Own), &file(2_020_000_000, numbers)).await;
            let image = dying.crash_image();
            let lists = open(&image).await.unwrap();
            let some = |from| (from..from + numbers).step_by(100);
            let count = |from| some(from).filter(|n| ask(&lists, "acme", *n, NOW).on_own).count();
            match (count(2_010_000_000), count(2_020_000_000)) {
                (1_400, 0) => {
                    assert!(done.is_err(), "it was said to be taken, and isn't");
                    old += 1;
                }
                (0, 1_400) => new += 1,
                mixed => panic!("{boundary} {moment:?}: {mixed:?}"),
            }
            let parts = Range::prefix(Table::SuppressionPart, Bytes::new(), 100);
            assert_eq!(image.range(Partition::DIRECTORY, parts).await.unwrap().len(), 3, "{boundary} {moment:?}");
        }
    }
    assert!(old >= 7 && new >= 3, "{old} {new}");
}

#[tokio::test]
async fn a_damaged_list_is_told_and_not_taken_for_a_shorter_one() {
    let store = MemoryStore::new(Config::default());
    let lists = open(&store).await.unwrap();
    import(&lists, list("own", ListKind::Own), "2015550001\n2015550002\n").await.unwrap();
    let epoch = store.acquire(Partition::DIRECTORY).await.unwrap();
    let parts = Range::prefix(Table::SuppressionPart, Bytes::new(), 100);
    let (key, value) = store.range(Partition::DIRECTORY, parts).await.unwrap().remove(0);
    let mut batch = Batch::new(Partition::DIRECTORY, epoch);
    batch.put(Table::SuppressionPart, key, value.slice(..9));
    store.commit(batch).await.unwrap();
    assert!(open(&store).await.err().unwrap().to_string().contains("`own` has 1 numbers of 2"));
}

#[tokio::test]
async fn a_million_numbers_are_asked_in_a_moment() {
    let lists = open(&MemoryStore::new(Config::default())).await.unwrap();
    let meta = import(&lists, list("national", ListKind::Dnc), &file(2_010_000_000, 1_000_000)).await.unwrap();
    assert_eq!(meta.numbers, 1_000_000);
    let shelf = lists.of(&tenant("acme"));
    let numbers: Vec<_> = (0..200_000).map(|n| number(2_009_000_000 + n * 97 % 3_000_000)).collect();
    let now = at(NOW);
    let begun = Instant::now();
    let found = numbers.iter().filter(|number| shelf.ask(number, None, now, terms).on_dnc == Some(true)).count();
    let each = begun.elapsed() / 200_000;
    println!("{} numbers, {each:?} a question, {found} found", meta.numbers);
    assert!(found > 50_000 && found < 80_000, "{found}");
    // A debug build on a busy machine; a release build is ten times as fast.
    assert!(each < Duration::from_micros(50), "{each:?}");
}

#[tokio::test]
async fn a_list_in_parts_tells_of_the_area_codes_that_it_covers_and_of_no_others() {
    let lists = open(&MemoryStore::new(Config::default())).await.unwrap();
    let part = |name: &str, covers: &str| NewList { covers: covers.parse().unwrap(), ..list(name, ListKind::Dnc) };
    import(&lists, part("east", "201"), "201,5550001\n").await.unwrap();
    let said = ask(&lists, "acme", 2_015_550_002, NOW);
    assert_eq!((said.on_dnc, said.stale), (Some(false), Some(false)));
    // Nobody imported its area code: it may be on the part that is missing.
    let other = ask(&lists, "acme", 4_155_550_002, NOW);
    assert_eq!((other.on_dnc, other.stale), (None, None));
    // A state's list names people, and doesn't stand for the national one.
    import(&lists, part("state", "none"), "415,5550001\n").await.unwrap();
    assert_eq!(ask(&lists, "acme", 4_155_550_001, NOW).on_dnc, Some(true));
    assert_eq!(ask(&lists, "acme", 4_155_550_002, NOW).on_dnc, None);
    import(&lists, part("west", "415,650"), "650,5550001\n").await.unwrap();
    assert_eq!(ask(&lists, "acme", 4_155_550_002, NOW).on_dnc, Some(false));
    assert_eq!(ask(&lists, "acme", 4_155_550_001, NOW).on_dnc, Some(true));
}
